//! Addresses on the public internet, as strangers give them: parsed once, by the parser that connects, and resolved to
//! public addresses only (T16).

use domain::address::{is_private_host, is_special};
use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::fmt;
use std::net::SocketAddr;

/// An `https` URL whose host is, as written, not a private one, on port 443 or 8443, without user or password.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicUrl(Url);

/// Why an address is not fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotPublic {
    /// It cannot be read as a URL with a host.
    #[error("it is not a URL")]
    NotAUrl,
    /// Another scheme than `https`.
    #[error("it must begin with `https://`")]
    NotHttps,
    /// A user or a password stands before the host.
    #[error("it must not contain a user or a password")]
    WithUser,
    /// Another port than 443 and 8443.
    #[error("its port must be 443 or 8443")]
    Port,
    /// This machine, a private network, or a spelling of one.
    #[error("its host is not on the public internet")]
    Private,
}

impl fmt::Debug for PublicUrl {
    /// Such addresses often open what they name; the host is enough to know.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicUrl({})", self.host())
    }
}

impl PublicUrl {
    /// Reads an address. What its host resolves to is checked when it is connected to.
    ///
    /// # Errors
    /// Why it is not fetched.
    pub fn parse(text: &str) -> Result<Self, NotPublic> {
        let url = Url::parse(text).map_err(|_| NotPublic::NotAUrl)?;
        if url.scheme() != "https" {
            return Err(NotPublic::NotHttps);
        }
        let host = url.host_str().ok_or(NotPublic::NotAUrl)?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(NotPublic::WithUser);
        }
        if !matches!(url.port(), None | Some(443 | 8443)) {
            return Err(NotPublic::Port);
        }
        if is_private_host(host.trim_matches(['[', ']'])) {
            return Err(NotPublic::Private);
        }
        Ok(Self(url))
    }

    /// Its host, in lower case.
    #[must_use]
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }

    /// The whole address, for the one who connects.
    pub(crate) fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

/// Resolves names to public addresses. The addresses it gives are the ones connected to, so a name that changes its
/// mind in between gains nothing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PublicOnly;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let public = checked(found)?;
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}

/// One private address among them condemns them all: no honest host has both.
pub(crate) fn checked(found: Vec<SocketAddr>) -> Result<Vec<SocketAddr>, NotPublic> {
    if found.iter().any(|address| is_special(address.ip())) { Err(NotPublic::Private) } else { Ok(found) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_on_the_public_internet_is_fetched() {
        for (text, expected) in [
            ("https://example.com/a.jpg?x=1", Ok("example.com")),
            ("https://EXAMPLE.com:8443/", Ok("example.com")),
            ("https://example.com:443/", Ok("example.com")),
            ("https://8.8.8.8/", Ok("8.8.8.8")),
            ("https://مثال.إختبار/", Ok("xn--mgbh0fb.xn--kgbechtv")),
            ("http://example.com/", Err(NotPublic::NotHttps)),
            ("ftp://example.com/", Err(NotPublic::NotHttps)),
            ("file:///etc/passwd", Err(NotPublic::NotHttps)),
            ("gopher://example.com/", Err(NotPublic::NotHttps)),
            ("data:text/plain,x", Err(NotPublic::NotHttps)),
            ("example.com", Err(NotPublic::NotAUrl)),
            ("//example.com/", Err(NotPublic::NotAUrl)),
            ("https://", Err(NotPublic::NotAUrl)),
            ("", Err(NotPublic::NotAUrl)),
            ("https://user@example.com/", Err(NotPublic::WithUser)),
            ("https://:pass@example.com/", Err(NotPublic::WithUser)),
            ("https://lookaside.fbsbx.com@evil.example/", Err(NotPublic::WithUser)),
            ("https://example.com:25/", Err(NotPublic::Port)),
            ("https://example.com:80/", Err(NotPublic::Port)),
            ("https://localhost/", Err(NotPublic::Private)),
            ("https://localhost./", Err(NotPublic::Private)),
            ("https://a.localhost/", Err(NotPublic::Private)),
            ("https://metadata.google.internal/", Err(NotPublic::Private)),
            ("https://printer/", Err(NotPublic::Private)),
            ("https://127.0.0.1/", Err(NotPublic::Private)),
            ("https://127.1/", Err(NotPublic::Private)),
            ("https://2130706433/", Err(NotPublic::Private)),
            ("https://0x7f.1/", Err(NotPublic::Private)),
            ("https://0177.0.0.1/", Err(NotPublic::Private)),
            ("https://①②⑦.0.0.1/", Err(NotPublic::Private)),
            ("https://169.254.169.254/latest/meta-data/", Err(NotPublic::Private)),
            ("https://10.0.0.1/", Err(NotPublic::Private)),
            ("https://100.64.0.1/", Err(NotPublic::Private)),
            ("https://[::1]/", Err(NotPublic::Private)),
            ("https://[::ffff:127.0.0.1]/", Err(NotPublic::Private)),
            ("https://[64:ff9b::7f00:1]/", Err(NotPublic::Private)),
            ("https://[fe80::1]/", Err(NotPublic::Private)),
            ("https://[fd00:ec2::254]/", Err(NotPublic::Private)),
        ] {
            let parsed = PublicUrl::parse(text);
            assert_eq!(parsed.as_ref().map(PublicUrl::host), expected.as_ref().map(|host| *host), "{text}");
        }
        // The parser that connects reads a backslash as a slash: the host is what stands before it.
        assert_eq!(PublicUrl::parse("https://example.com\\@127.0.0.1/").unwrap().host(), "example.com");
    }

    #[test]
    fn a_name_with_one_private_address_is_not_connected_to() {
        let at = |text: &str| SocketAddr::new(text.parse().unwrap(), 0);
        assert_eq!(checked(vec![at("8.8.8.8")]).unwrap().len(), 1);
        assert!(checked(vec![at("8.8.8.8"), at("127.0.0.1")]).is_err());
        assert!(checked(vec![at("::ffff:10.0.0.1")]).is_err());
    }

    #[test]
    fn what_an_address_opens_is_not_printed() {
        let url = PublicUrl::parse("https://example.com/secret?token=s3cret").unwrap();
        assert_eq!(format!("{url:?}"), "PublicUrl(example.com)");
    }
}
