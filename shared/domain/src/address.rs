//! Which hosts are not on the public internet, as far as their spelling says.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether a host, as written, is this machine, a private or special network, or a way to spell one.
///
/// Names that resolve to such an address are the resolver's business: whoever connects must check the address it
/// connects to with [`is_special`].
#[must_use]
pub fn is_private_host(host: &str) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    if host.is_empty() || host == "localhost" || host.ends_with(".localhost") || !host.contains(['.', ':']) {
        // A bare name, and 2130706433, are names of a local network or an address in disguise.
        return true;
    }
    if host.ends_with(".internal") || host.ends_with(".local") {
        return true;
    }
    if let Ok(address) = host.parse::<IpAddr>() {
        return is_special(address);
    }
    // `127.1`, `0x7f.1`, `0177.0.0.1`: what resolvers read as an address although it is none of the standard form.
    let last = host.rsplit('.').next().unwrap_or_default();
    last.starts_with(|c: char| c.is_ascii_digit())
}

/// Whether an address is not a public one: loopback, link-local, private, shared, documentation, multicast, reserved,
/// or an IPv6 spelling of one of these.
#[must_use]
pub const fn is_special(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_special_v4(v4),
        IpAddr::V6(v6) => is_special_v6(v6),
    }
}

const fn is_special_v4(v4: Ipv4Addr) -> bool {
    let [a, b, c, _] = v4.octets();
    matches!(
        (a, b, c),
        (0 | 10 | 127, _, _)
            | (100, 64..=127, _)
            | (169, 254, _)
            | (172, 16..=31, _)
            | (192, 0, 0 | 2)
            | (192, 88, 99)
            | (192, 168, _)
            | (198, 18..=19, _)
            | (198, 51, 100)
            | (203, 0, 113)
            | (224..=255, _, _)
    )
}

const fn is_special_v6(v6: Ipv6Addr) -> bool {
    let [a, b, ..] = v6.segments();
    // Only 2000::/3 is handed out; in it, Teredo, 6to4 (which hide IPv4) and documentation are special.
    a & 0xe000 != 0x2000 || (a == 0x2001 && b < 0x0200) || (a == 0x2001 && b == 0x0db8) || a == 0x2002
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_private_address_is_one() {
        for host in [
            "127.0.0.1",
            "127.1",
            "2130706433",
            "0x7f.1",
            "0177.0.0.1",
            "0.0.0.0",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:7f00:1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "2001::",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "169.254.169.254",
            "169.254.79.129",
            "10.0.0.1",
            "172.16.0.1",
            "172.31.255.1",
            "192.168.1.1",
            "100.64.0.1",
            "192.0.0.1",
            "198.18.0.1",
            "198.19.255.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "localhost",
            "localhost.",
            "LOCALHOST",
            "a.localhost",
            "printer",
            "db.internal",
            "",
        ] {
            assert!(is_private_host(host), "{host}");
        }
    }

    #[test]
    fn public_hosts_are_not() {
        for host in ["example.com", "8.8.8.8", "2606:4700::1111", "172.32.0.1", "100.128.0.1", "1e100.net"] {
            assert!(!is_private_host(host), "{host}");
        }
    }
}
