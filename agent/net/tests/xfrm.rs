//! IPsec policies of a namespace, read with CAP_NET_ADMIN. Associations need ciphers that not every kernel has; their messages
//! are read in the module's own tests.
#![allow(clippy::unwrap_used)]

mod netns;

use closedpath_core::observation::{Protection, Protocol};
use closedpath_net::{IpFlow, Ipsec};
use netns::{Namespaces, inside};

fn protection(ipsec: &Ipsec, to: &str, protocol: Protocol) -> Option<Protection> {
    let to: std::net::SocketAddr = to.parse().unwrap();
    let source = if to.is_ipv4() { "192.0.2.1" } else { "2001:db8::1" };
    let flow = IpFlow { source: Some(source.parse().unwrap()), to, protocol, mark: 0 };
    Some(ipsec.watch(&flow)?.end())
}

const POLICIES: &str = "\
xfrm policy add src 192.0.2.0/24 dst 203.0.113.0/24 dir out priority 100 tmpl src 192.0.2.1 dst 198.51.100.9 proto esp mode tunnel
xfrm policy add src 0.0.0.0/0 dst 203.0.113.7/32 dir out priority 50
xfrm policy add src 0.0.0.0/0 dst 198.18.0.0/16 proto udp dport 53 dir out tmpl proto esp mode transport
xfrm policy add src 0.0.0.0/0 dst 198.19.0.0/16 dir in tmpl src 198.51.100.9 dst 192.0.2.1 proto esp mode tunnel
xfrm policy add src ::/0 dst 2001:db8:9::/48 dir out tmpl src 2001:db8::1 dst 2001:db8::9 proto esp mode tunnel
";

#[test]
fn the_policy_that_a_flow_falls_under_is_found_with_its_outer_peer() {
    if inside() {
        let ipsec = Ipsec::open().unwrap().unwrap();
        let found = |destination: &str, peer: &str| {
            Some(Protection {
                destination: destination.parse().unwrap(),
                outer_peer: peer.parse().unwrap(),
                associated: false,
                packets: None,
            })
        };
        let seen = |to, protocol| protection(&ipsec, to, protocol);
        assert_eq!(seen("203.0.113.9:443", Protocol::Tcp), found("203.0.113.0/24", "198.51.100.9"));
        assert_eq!(seen("203.0.113.9:0", Protocol::Icmp), found("203.0.113.0/24", "198.51.100.9"));
        assert_eq!(seen("203.0.113.7:443", Protocol::Tcp), None, "let pass by the policy before it");
        assert_eq!(seen("198.18.3.4:53", Protocol::Udp), found("198.18.0.0/16", "198.18.3.4"));
        assert_eq!(seen("198.18.3.4:53", Protocol::Tcp), None);
        assert_eq!(seen("198.18.3.4:123", Protocol::Udp), None);
        assert_eq!(seen("198.19.3.4:443", Protocol::Tcp), None, "incoming");
        assert_eq!(seen("[2001:db8:9::9]:443", Protocol::Tcp), found("2001:db8:9::/48", "2001:db8::9"));
        return;
    }
    let spaces = Namespaces::new("xfrm", &["host"]);
    spaces.ip("host", POLICIES);
    spaces.run_test_with(
        "host",
        "the_policy_that_a_flow_falls_under_is_found_with_its_outer_peer",
        "-all,+net_admin",
    );
}

#[test]
fn without_the_capability_it_is_said_what_is_lost() {
    if inside() {
        let words = Ipsec::open().unwrap_err();
        assert!(words.contains("CAP_NET_ADMIN") && words.contains("(E4)"), "{words}");
        return;
    }
    Namespaces::new("noxfrm", &["host"]).run_test("host", "without_the_capability_it_is_said_what_is_lost");
}
