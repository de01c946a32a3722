//! The forwarding table, asked without privilege in a namespace with every kind of route.
#![allow(clippy::unwrap_used)]

mod netns;

use std::net::IpAddr;

use closedpath_core::observation::{RouteKind, RouteObservation};
use closedpath_net::RouteTable;
use netns::{Namespaces, inside};

const ROUTES: &str = "\
addr add 10.99.1.1/24 dev lan
addr add 10.99.2.1/24 dev wan
addr add fd99:1::1/64 dev lan nodad
link add bridged type bridge
link set bridged up
tuntap add tunnelled mode tun
link set tunnelled up
route add 198.18.8.0/24 dev bridged
route add 198.18.9.0/24 dev tunnelled
route add default via 10.99.1.254 dev lan
route add 203.0.113.0/24 nexthop via 10.99.1.254 dev lan nexthop via 10.99.2.254 dev wan
route add 203.0.114.0/24 via inet6 fe80::1 dev wan
route add unreachable 198.51.100.0/25
route add blackhole 198.51.100.128/26
route add prohibit 198.51.100.192/26
route add 192.0.2.0/25 via 10.99.2.254 dev wan src 10.99.2.1 table 300
rule add to 192.0.2.0/24 lookup 300
route add 2001:db8::/32 via fd99:1::254 dev lan
route add unreachable 2001:db8:dead::/48
";

/// One line as `ip route get` might say it.
fn says(seen: &RouteObservation) -> String {
    let hops: Vec<String> = seen
        .next_hops
        .iter()
        .map(|hop| match hop.gateway {
            Some(gateway) => format!("{}>{gateway}", hop.interface),
            None => hop.interface.clone(),
        })
        .collect();
    let source = seen.source.map_or("-".to_owned(), |source| source.to_string());
    let prefix = seen.prefix.map_or("-".to_owned(), |prefix| prefix.to_string());
    let table = seen.table.map_or("-".to_owned(), |table| table.to_string());
    format!("{:?} {prefix} table {table} from {source} by {}", seen.kind, hops.join(","))
}

#[test]
fn every_kind_of_route_is_told_with_its_prefix_its_source_and_all_ways_out() {
    if inside() {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(ask());
        return;
    }
    let spaces = Namespaces::new("route", &["host", "far"]);
    spaces.cable(("host", "lan"), ("far", "lan"));
    spaces.cable(("host", "wan"), ("far", "wan"));
    spaces.ip("host", ROUTES);
    spaces.run_test("host", "every_kind_of_route_is_told_with_its_prefix_its_source_and_all_ways_out");
}

async fn ask() {
    let table = RouteTable::open().unwrap();
    let expected = [
        ("198.18.0.1", "Unicast 0.0.0.0/0 table 254 from 10.99.1.1 by lan>10.99.1.254"),
        ("10.99.1.77", "Unicast 10.99.1.0/24 table 254 from 10.99.1.1 by lan"),
        ("192.0.2.9", "Unicast 192.0.2.0/25 table 300 from 10.99.2.1 by wan>10.99.2.254"),
        ("203.0.114.9", "Unicast 203.0.114.0/24 table 254 from 10.99.2.1 by wan>fe80::1"),
        ("10.99.1.1", "Local 10.99.1.1/32 table 255 from 10.99.1.1 by lan"),
        ("2001:db8::9", "Unicast 2001:db8::/32 table 254 from fd99:1::1 by lan>fd99:1::254"),
        ("198.51.100.1", "Unreachable - table - from - by "),
        ("198.51.100.129", "Unreachable - table - from - by "),
        ("198.51.100.193", "Unreachable - table - from - by "),
        ("2001:db8:dead::1", "Unreachable - table - from - by "),
        ("2002::1", "Unreachable - table - from - by "),
    ];
    for (to, line) in expected {
        let to: IpAddr = to.parse().unwrap();
        let seen = table.lookup(to).await.unwrap();
        assert_eq!(seen.destination, to);
        assert_eq!(says(&seen), line, "{to}");
    }
    let both = table.lookup("203.0.113.9".parse().unwrap()).await.unwrap();
    let both = (both.kind, says(&both).split_once(" by ").unwrap().1.to_owned());
    assert_eq!(both, (RouteKind::Unicast, "lan>10.99.1.254,wan>10.99.2.254".to_owned()));
    for (to, kind) in [
        ("198.18.0.1", Some("veth")),
        ("198.18.8.1", Some("bridge")),
        ("198.18.9.1", Some("tun")),
        ("127.0.0.1", None),
    ] {
        let seen = table.lookup(to.parse().unwrap()).await.unwrap();
        assert_eq!(seen.next_hops[0].kind.as_deref(), kind, "{to}");
    }
}
