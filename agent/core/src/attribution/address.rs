//! What an address is by its number alone.

use std::net::IpAddr;

/// An IPv4-mapped IPv6 address as the IPv4 address it stands for (RFC 4291 §2.5.5.2).
pub fn unmap(ip: IpAddr) -> IpAddr {
    ip.to_canonical()
}

/// RFC 1918, RFC 6598 and unique local addresses (RFC 4193). Documentation and benchmark ranges count as public (DESIGN §4.5).
pub fn is_private(ip: IpAddr) -> bool {
    match unmap(ip) {
        IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            v4.is_private() || (a == 100 && (64..128).contains(&b))
        }
        IpAddr::V6(v6) => v6.is_unique_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::is_private;

    #[test]
    fn private_space_is_rfc1918_rfc6598_and_unique_local() {
        for ip in ["10.0.0.1", "172.31.0.1", "192.168.1.1", "100.64.0.1", "fd00::1", "::ffff:10.0.0.1"] {
            assert!(is_private(ip.parse().expect("literal")), "{ip}");
        }
        for ip in ["203.0.113.1", "198.18.0.1", "100.128.0.1", "172.32.0.1", "2001:db8::1"] {
            assert!(!is_private(ip.parse().expect("literal")), "{ip}");
        }
    }
}
