//! Which policy a flow falls under. What cannot be known of the flow (its source port, its mark) fits no policy that asks for
//! it: a protection that is not there must not be claimed.

use std::net::{IpAddr, SocketAddr};

use closedpath_core::observation::Protocol;

use super::read::{Policy, Template};

/// `XFRM_POLICY_OUT`, `XFRM_POLICY_ALLOW`.
const OUT: u8 = 1;
const ALLOW: u8 = 0;
/// Encapsulating Security Payload (RFC 4303): what encrypts.
pub(super) const ESP: u8 = 50;

/// A flow that leaves this host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IpFlow {
    /// Our address.
    pub source: Option<IpAddr>,
    /// Where to; the port of an echo counts for nothing.
    pub to: SocketAddr,
    /// By what.
    pub protocol: Protocol,
    /// The mark of its packets.
    pub mark: u32,
}

/// The policy that encrypts the flow and its ESP template; `None` where the flow leaves as it is, or not at all.
pub(super) fn covering<'a>(policies: &'a [Policy], flow: &IpFlow) -> Option<(&'a Policy, &'a Template)> {
    // The first of equal priority is the older one, and wins.
    let policy = policies.iter().filter(|policy| fits(policy, flow)).min_by_key(|policy| policy.priority)?;
    let template = policy.templates.iter().find(|template| template.protocol == ESP)?;
    (policy.action == ALLOW).then_some((policy, template))
}

fn fits(policy: &Policy, flow: &IpFlow) -> bool {
    let selector = &policy.selector;
    let to = flow.to.ip().to_canonical();
    let source = flow.source.map(|source| source.to_canonical());
    let every_source = selector.source.prefix_len() == 0;
    let protocol = match (flow.protocol, to) {
        (Protocol::Tcp, _) => libc::IPPROTO_TCP,
        (Protocol::Udp, _) => libc::IPPROTO_UDP,
        (Protocol::Icmp, IpAddr::V4(_)) => libc::IPPROTO_ICMP,
        (Protocol::Icmp, IpAddr::V6(_)) => libc::IPPROTO_ICMPV6,
    };
    let (port, mask) = selector.destination_port;
    policy.direction == OUT
        && policy.interface_id == 0
        && selector.interface == 0
        && flow.mark & policy.mark.1 == policy.mark.0
        && selector.destination.contains(&to)
        && (every_source || source.is_some_and(|source| selector.source.contains(&source)))
        && (selector.protocol == 0 || i32::from(selector.protocol) == protocol)
        && selector.source_port.1 == 0
        && (mask == 0 || (flow.protocol != Protocol::Icmp && flow.to.port() & mask == port & mask))
}

#[cfg(test)]
mod tests {
    use super::super::read::Selector;
    use super::*;

    fn policy(destination: &str) -> Policy {
        let template = Template {
            source: None,
            destination: Some("198.51.100.9".parse().unwrap()),
            protocol: ESP,
            reqid: 0,
            tunnel: true,
        };
        Policy {
            selector: Selector {
                source: "0.0.0.0/0".parse().unwrap(),
                destination: destination.parse().unwrap(),
                source_port: (0, 0),
                destination_port: (0, 0),
                protocol: 0,
                interface: 0,
            },
            priority: 100,
            direction: OUT,
            action: ALLOW,
            mark: (0, 0),
            interface_id: 0,
            templates: vec![template],
        }
    }

    fn covers(change: impl Fn(&mut Policy)) -> bool {
        let flow = IpFlow {
            source: Some("192.0.2.1".parse().unwrap()),
            to: "203.0.113.9:443".parse().unwrap(),
            protocol: Protocol::Tcp,
            mark: 0,
        };
        let mut policy = policy("203.0.113.0/24");
        change(&mut policy);
        covering(&[policy], &flow).is_some()
    }

    #[test]
    fn a_policy_covers_only_what_its_selector_names() {
        assert!(covers(|_| {}));
        assert!(covers(|policy| policy.selector.source = "192.0.2.0/24".parse().unwrap()));
        assert!(covers(|policy| policy.selector.protocol = 6));
        assert!(covers(|policy| policy.selector.destination_port = (443, 0xffff)));
        assert!(!covers(|policy| policy.selector.destination = "198.51.100.0/24".parse().unwrap()));
        assert!(!covers(|policy| policy.selector.source = "192.0.3.0/24".parse().unwrap()));
        assert!(!covers(|policy| policy.selector.protocol = 17));
        assert!(!covers(|policy| policy.selector.destination_port = (80, 0xffff)));
        assert!(!covers(|policy| policy.selector.source_port = (5000, 0xffff)));
        assert!(!covers(|policy| policy.selector.interface = 2));
        assert!(!covers(|policy| policy.mark = (1, 0xff)));
        assert!(!covers(|policy| policy.interface_id = 4));
        assert!(!covers(|policy| policy.direction = 0));
    }

    #[test]
    fn what_drops_passes_or_only_compresses_does_not_encrypt() {
        assert!(!covers(|policy| policy.action = 1));
        assert!(!covers(|policy| policy.templates.clear()));
        assert!(!covers(|policy| policy.templates[0].protocol = 108));
    }

    #[test]
    fn an_unknown_source_fits_no_policy_that_asks_for_one() {
        let flow =
            IpFlow { source: None, to: "203.0.113.9:443".parse().unwrap(), protocol: Protocol::Tcp, mark: 0 };
        let mut policies = vec![policy("203.0.113.0/24")];
        assert!(covering(&policies, &flow).is_some());
        policies[0].selector.source = "192.0.2.0/24".parse().unwrap();
        assert!(covering(&policies, &flow).is_none());
    }

    #[test]
    fn the_lowest_priority_number_wins_even_where_it_lets_pass() {
        let flow =
            IpFlow { source: None, to: "203.0.113.9:443".parse().unwrap(), protocol: Protocol::Tcp, mark: 0 };
        let pass = Policy { priority: 10, templates: Vec::new(), ..policy("203.0.113.9/32") };
        assert!(covering(&[policy("0.0.0.0/0"), pass.clone()], &flow).is_none());
        let pass = Policy { priority: 200, ..pass };
        assert!(covering(&[policy("0.0.0.0/0"), pass], &flow).is_some());
    }
}
