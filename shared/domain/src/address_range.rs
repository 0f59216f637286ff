//! Ranges of addresses in CIDR notation: from where a key may be used (C55).

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::net::IpAddr;

/// An IPv4 or IPv6 network, or a single address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AddressRange {
    network: IpAddr,
    prefix: u8,
}

/// The text is no range of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotARange {
    /// It is no address, or no prefix length of one.
    #[error("expected an address or a range, such as 203.0.113.7, 203.0.113.0/24 or 2001:db8::/32")]
    Malformed,
    /// The address has bits behind the prefix: more likely a slip than a wish.
    #[error("the address has bits behind its prefix; the range that holds it is {0}")]
    BitsBehindPrefix(AddressRange),
}

impl AddressRange {
    /// Reads `address` or `address/prefix`. IPv4 written as IPv6 (`::ffff:a.b.c.d`) is IPv4.
    ///
    /// # Errors
    /// The text is neither, or the address does not begin the range.
    pub fn parse(text: &str) -> Result<Self, NotARange> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let written: IpAddr = address.parse().map_err(|_| NotARange::Malformed)?;
        let address = written.to_canonical();
        let longest = bits_of(address);
        let prefix = match prefix {
            None => longest,
            Some(digits) if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                return Err(NotARange::Malformed);
            }
            Some(digits) => {
                let prefix: u8 = digits.parse().map_err(|_| NotARange::Malformed)?;
                // The prefix of an address that was written as IPv6 counts IPv6's bits.
                let hidden = bits_of(written) - longest;
                prefix.checked_sub(hidden).ok_or(NotARange::Malformed)?
            }
        };
        if prefix > longest {
            return Err(NotARange::Malformed);
        }
        let range = Self { network: masked(address, prefix), prefix };
        if range.network == address { Ok(range) } else { Err(NotARange::BitsBehindPrefix(range)) }
    }

    /// Whether an address lies in the range.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_ipv4() == self.network.is_ipv4() && masked(address, self.prefix) == self.network
    }
}

const fn bits_of(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

/// The address with every bit behind the prefix zero.
fn masked(address: IpAddr, prefix: u8) -> IpAddr {
    match address {
        IpAddr::V4(v4) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(prefix.min(32))).unwrap_or(0);
            IpAddr::V4((u32::from(v4) & mask).into())
        }
        IpAddr::V6(v6) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(prefix.min(128))).unwrap_or(0);
            IpAddr::V6((u128::from(v6) & mask).into())
        }
    }
}

impl fmt::Display for AddressRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.network, self.prefix)
    }
}

impl Serialize for AddressRange {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for AddressRange {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(text: &str) -> AddressRange {
        AddressRange::parse(text).unwrap()
    }

    fn within(text: &str, address: &str) -> bool {
        range(text).contains(address.parse().unwrap())
    }

    #[test]
    fn an_address_lies_in_its_range_and_in_no_other() {
        for (text, address, expected) in [
            ("203.0.113.7", "203.0.113.7", true),
            ("203.0.113.7", "203.0.113.8", false),
            ("203.0.113.0/24", "203.0.113.255", true),
            ("203.0.113.0/24", "203.0.114.0", false),
            ("203.0.112.0/23", "203.0.113.9", true),
            ("0.0.0.0/0", "8.8.8.8", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("::/0", "2001:db8::1", true),
            ("::/0", "8.8.8.8", false),
            ("2001:db8::/32", "2001:db8:ffff::1", true),
            ("2001:db8::/32", "2001:db9::1", false),
            ("2001:db8::1", "2001:db8::1", true),
            ("2001:db8::1", "2001:db8::2", false),
        ] {
            assert_eq!(within(text, address), expected, "{address} in {text}");
        }
    }

    #[test]
    fn an_ipv4_address_written_as_ipv6_is_the_ipv4_address() {
        assert!(within("203.0.113.0/24", "::ffff:203.0.113.9"));
        assert_eq!(range("::ffff:203.0.113.9"), range("203.0.113.9"));
        assert_eq!(range("::ffff:203.0.113.0/120"), range("203.0.113.0/24"));
    }

    #[test]
    fn what_is_no_range_is_refused() {
        for bad in [
            "",
            "/",
            "203.0.113.7/",
            "203.0.113.7/33",
            "203.0.113.7/-1",
            "203.0.113.7/+8",
            "2001:db8::/129",
            "203.0.113",
            "203.0.113.07",
            "example.com",
            "203.0.113.7/24/24",
            " 203.0.113.7",
            "::ffff:1.2.3.4/24",
        ] {
            assert_eq!(AddressRange::parse(bad), Err(NotARange::Malformed), "{bad}");
        }
        let slip = AddressRange::parse("10.0.0.5/8").unwrap_err();
        assert!(slip.to_string().ends_with("10.0.0.0/8"), "{slip}");
    }

    #[test]
    fn a_range_reads_back() {
        for text in ["203.0.113.7/32", "10.0.0.0/8", "2001:db8::/32", "::1/128", "0.0.0.0/0"] {
            assert_eq!(range(text).to_string(), text);
            let json = serde_json::to_string(&range(text)).unwrap();
            assert_eq!(serde_json::from_str::<AddressRange>(&json).unwrap(), range(text));
        }
    }
}
