//! The address of a visitor, as we keep it: hashed with a key of the tenant's, never itself.

use domain::ids::TenantId;
use hmac::{Hmac, KeyInit as _, Mac as _};
use platform::Platform;
use platform::dynamo::StoreError;
use platform::vault::{Sealed, VaultError};
use sha2::Sha256;
use std::net::IpAddr;
use zeroize::Zeroizing;

/// What the key is sealed for.
pub(crate) const FORM_PURPOSE: &str = "form";
/// Where it lies.
const PLACE: &str = "addresses";
/// How much of an IPv6 address names a household: it has the rest to itself.
const HOUSEHOLD_BITS: u32 = 64;

/// An address, hashed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// The whole address.
    pub exact: String,
    /// The household: what is counted as one.
    pub household: String,
}

/// The address could not be hashed.
#[derive(Debug, thiserror::Error)]
pub enum AddressError {
    /// The table did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The key service did not answer.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The operating system gave no random bytes.
    #[error("no random bytes from the operating system")]
    Random,
}

/// Hashes a visitor's address; nobody's address is one, too.
///
/// # Errors
/// [`AddressError`]; then nobody can be counted.
pub async fn address(
    platform: &Platform,
    tenant: TenantId,
    address: Option<IpAddr>,
) -> Result<Address, AddressError> {
    let key = key(platform, tenant).await?;
    Ok(hashed(&key, address))
}

async fn key(platform: &Platform, tenant: TenantId) -> Result<Zeroizing<Vec<u8>>, AddressError> {
    let sealed = if let Some(sealed) = platform.store.form_address_key(tenant).await? {
        sealed
    } else {
        let mut random = Zeroizing::new([0u8; 32]);
        getrandom::fill(random.as_mut()).map_err(|_| AddressError::Random)?;
        let new = platform.vault.seal(tenant, FORM_PURPOSE, PLACE, random.as_ref()).await?;
        // Somebody may have been faster: then theirs is the key.
        platform.store.keep_form_address_key(tenant, new.to_string()).await?
    };
    let sealed = Sealed::parse(&sealed).map_err(VaultError::from)?;
    Ok(platform.vault.open(tenant, FORM_PURPOSE, PLACE, &sealed).await?)
}

fn hashed(key: &[u8], address: Option<IpAddr>) -> Address {
    let address = address.map(|address| address.to_canonical());
    let household = match address {
        Some(IpAddr::V6(v6)) => {
            let bits = u128::from(v6) >> (u128::BITS - HOUSEHOLD_BITS) << (u128::BITS - HOUSEHOLD_BITS);
            Some(IpAddr::V6(bits.into()))
        }
        other => other,
    };
    let text = |address: Option<IpAddr>| address.map_or_else(|| "unknown".to_owned(), |one| one.to_string());
    Address { exact: hash(key, &text(address)), household: hash(key, &text(household)) }
}

fn hash(key: &[u8], text: &str) -> String {
    // A key of any length is one.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return String::new() };
    mac.update(text.as_bytes());
    hex::encode(mac.finalize().into_bytes().get(..16).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Address {
        hashed(&[7; 32], Some(text.parse().unwrap()))
    }

    #[test]
    fn a_household_is_an_ipv4_address_or_the_first_half_of_an_ipv6_one() {
        assert_ne!(of("203.0.113.7").household, of("203.0.113.8").household);
        assert_eq!(of("2001:db8:1:2::1").household, of("2001:db8:1:2:ffff::9").household);
        assert_ne!(of("2001:db8:1:2::1").household, of("2001:db8:1:3::1").household);
        assert_ne!(of("2001:db8:1:2::1").exact, of("2001:db8:1:2::2").exact);
        assert_eq!(of("::ffff:203.0.113.7"), of("203.0.113.7"));
    }

    #[test]
    fn another_tenants_key_gives_another_hash() {
        let address = Some("203.0.113.7".parse().unwrap());
        assert_ne!(hashed(&[7; 32], address), hashed(&[8; 32], address));
        assert_eq!(hashed(&[7; 32], address).exact.len(), 32);
    }
}
