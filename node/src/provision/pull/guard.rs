//! Which addresses a pull may reach. A feed's address is typed by a person and could lead to what only this machine can reach.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use reqwest::Url;

use super::refusal::Refusal;

/// A feed's address as it is kept: https, without anything behind its path. Of a host that the configuration names it may be http.
pub(crate) fn address(text: &str, allowed: &[String]) -> Result<Url, Refusal> {
    let url = Url::parse(text.trim().trim_end_matches('/')).map_err(|_| Refusal::Address)?;
    let host = url.host_str().ok_or(Refusal::Address)?;
    let scheme = match url.scheme() {
        "https" => true,
        "http" => is_allowed(host, allowed),
        _ => false,
    };
    let is_bare = url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none()
        && text.len() <= 200;
    if scheme && is_bare {
        Ok(url)
    } else {
        Err(Refusal::Address)
    }
}

/// Whether the configuration names a host.
pub(crate) fn is_allowed(host: &str, allowed: &[String]) -> bool {
    let bare = |host: &str| host.trim_matches(['[', ']']).to_owned();
    allowed
        .iter()
        .any(|name| bare(name).eq_ignore_ascii_case(&bare(host)))
}

/// Whether an address is one of the public internet: none that the IANA keeps for special purposes (RFC 6890 and its registries), and of
/// IPv6 only global unicast, with the IPv4 address within judged where there is one.
pub(crate) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let special = match address.octets() {
        [0 | 10 | 127, ..] | [240..=255, ..] => true,
        // Carrier-grade NAT, RFC 6598; benchmarks, RFC 2544.
        [100, 64..=127, ..] | [198, 18 | 19, ..] => true,
        [169, 254, ..] | [172, 16..=31, ..] | [192, 168, ..] => true,
        // Protocol assignments, 6to4 relays, documentation.
        [192, 0, 0 | 2, _] | [192, 88, 99, _] | [198, 51, 100, _] | [203, 0, 113, _] => true,
        [224..=239, ..] => true,
        _ => false,
    };
    !special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    if let Some(within) = address.to_ipv4_mapped() {
        return is_public_v4(within);
    }
    let embedded = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match address.segments() {
        // NAT64 (RFC 6052) and 6to4 (RFC 3056) hold an IPv4 address.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => embedded(high, low),
        [0x2002, high, low, ..] => embedded(high, low),
        // Teredo and other protocol assignments, documentation.
        [0x2001, 0..=0x01ff, ..] | [0x2001, 0x0db8, ..] | [0x3fff, 0..=0x0fff, ..] => false,
        [0x2000..=0x3fff, ..] => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_public_internet_is_reached() {
        for private in [
            "0.0.0.0",
            "10.1.2.3",
            "127.0.0.1",
            "127.9.9.9",
            "100.64.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "192.0.0.8",
            "192.0.2.1",
            "192.88.99.1",
            "198.18.0.1",
            "198.51.100.7",
            "203.0.113.9",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
            "2002:7f00:1::",
            "2001::1",
            "2001:db8::1",
            "3fff::1",
            "fc00::1",
            "fd12::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "::127.0.0.1",
        ] {
            assert!(!is_public(private.parse().unwrap()), "{private}");
        }
        for public in [
            "1.1.1.1",
            "100.128.0.1",
            "172.32.0.1",
            "192.0.1.1",
            "::ffff:8.8.8.8",
            "64:ff9b::808:808",
            "2a00:1450::1",
            "2606:4700::1",
        ] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
    }

    #[test]
    fn an_address_is_https_and_bare_unless_the_configuration_names_its_host() {
        let none: &[String] = &[];
        for bad in [
            "",
            "feed.example",
            "http://feed.example",
            "ftp://feed.example",
            "https://ann:x@feed.example",
            "https://feed.example/?a=1",
            "https://feed.example/#a",
            "file:///etc/passwd",
            "https://",
            "gopher://feed.example",
        ] {
            assert_eq!(address(bad, none), Err(Refusal::Address), "{bad}");
        }
        let long = format!("https://feed.example/{}", "a".repeat(200));
        assert_eq!(address(&long, none), Err(Refusal::Address));
        let found = address(" https://Feed.example/api/ ", none).unwrap();
        assert_eq!(found.as_str(), "https://feed.example/api");
        let named = ["127.0.0.1".to_owned(), "::1".to_owned()];
        assert!(address("http://127.0.0.1:8080", &named).is_ok());
        assert!(address("http://[::1]:8080", &named).is_ok());
        assert!(address("http://127.0.0.2", &named).is_err());
    }
}
