//! The forwarding table, asked without privilege in a namespace with every kind of route.
#![allow(clippy::unwrap_used)]

mod netns;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use closedpath_core::config::ProbeSettings;
use closedpath_core::observation::{Protocol, RouteKind, RouteObservation};
use closedpath_net::{Egress, RouteTable, connect};
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
        let seen = table.lookup(SocketAddr::new(to, 443), Protocol::Tcp).await.unwrap();
        assert_eq!(seen.destination, to);
        assert_eq!(says(&seen), line, "{to}");
    }
    let both = table.lookup("203.0.113.9:443".parse().unwrap(), Protocol::Tcp).await.unwrap();
    let both = (both.kind, says(&both).split_once(" by ").unwrap().1.to_owned());
    assert_eq!(both, (RouteKind::Unicast, "lan>10.99.1.254,wan>10.99.2.254".to_owned()));
    for (router, by) in
        [("10.99.2.254", Some("wan")), ("fd99:1::9", Some("lan")), ("198.18.0.1", None), ("10.99.1.1", None)]
    {
        let found = table.on_link(router.parse().unwrap()).await;
        assert_eq!(found.first().map(|hop| hop.interface.as_str()), by, "{router}");
        assert!(found.iter().all(|hop| hop.gateway == router.parse().ok()));
    }
    for (to, kind) in [
        ("198.18.0.1", Some("veth")),
        ("198.18.8.1", Some("bridge")),
        ("198.18.9.1", Some("tun")),
        ("127.0.0.1", None),
    ] {
        let seen = table.lookup(SocketAddr::new(to.parse().unwrap(), 443), Protocol::Tcp).await.unwrap();
        assert_eq!(seen.next_hops[0].kind.as_deref(), kind, "{to}");
    }
}

const NEIGHBOURS: &str = "\
addr add 10.99.1.1/24 dev lan
addr add fd99:1::1/64 dev lan nodad
neigh add 10.99.1.254 lladdr 02:00:00:00:00:01 dev lan nud stale
neigh add fe80::1 lladdr 02:00:00:00:00:01 dev lan nud reachable
neigh add 10.99.1.9 lladdr 02:00:00:00:00:09 dev lan nud failed
neigh add 10.99.2.254 lladdr 02:00:00:00:00:02 dev wan nud permanent
";

#[test]
fn neighbours_are_told_with_their_link_layer_addresses_and_those_that_failed_are_not() {
    let test = "neighbours_are_told_with_their_link_layer_addresses_and_those_that_failed_are_not";
    if !inside() {
        let spaces = Namespaces::new("neighbours", &["host", "far"]);
        spaces.cable(("host", "lan"), ("far", "lan"));
        spaces.cable(("host", "wan"), ("far", "wan"));
        spaces.ip("host", NEIGHBOURS);
        return spaces.run_test("host", test);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let told = runtime.block_on(async { RouteTable::open().unwrap().neighbours().await });
    let of = |address: &str| {
        let found = told.iter().find(|neighbour| neighbour.address == address.parse::<IpAddr>().unwrap());
        found.map(|neighbour| (neighbour.interface.as_str(), neighbour.link_layer.last().copied().unwrap()))
    };
    assert_eq!(of("10.99.1.254"), Some(("lan", 1)));
    assert_eq!(of("fe80::1"), Some(("lan", 1)));
    assert_eq!(of("10.99.2.254"), Some(("wan", 2)));
    assert_eq!(of("10.99.1.9"), None);
}

const RULES: &str = "\
addr add 10.99.1.1/24 dev lan
addr add 10.99.2.1/24 dev wan
addr add 10.99.2.7/24 dev wan
route add default via 10.99.1.254 dev lan
route add default via 10.99.2.254 dev wan table 300
route add default via 10.99.2.253 dev wan table 301
route add default via 10.99.2.252 dev wan table 302
route add default via 10.99.2.251 dev wan table 303
rule add fwmark 7 lookup 300
rule add from 10.99.2.7 lookup 301
rule add ipproto udp dport 53 lookup 302
rule add oif wan lookup 303
rule add ipproto tcp sport 40000 lookup 302
";

#[test]
fn the_table_is_asked_as_the_probe_leaves() {
    if inside() {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
            let table = RouteTable::open().unwrap();
            let way = async |egress: Egress, protocol, port| {
                let asked = table.lookup(SocketAddr::new("198.18.0.1".parse().unwrap(), port), protocol);
                let seen = Arc::new(egress).around(asked).await.unwrap();
                says(&seen).split_once(" by ").unwrap().1.to_owned()
            };
            let plain = Egress::default;
            assert_eq!(way(plain(), Protocol::Tcp, 443).await, "lan>10.99.1.254");
            assert_eq!(way(Egress { mark: Some(7), ..plain() }, Protocol::Tcp, 443).await, "wan>10.99.2.254");
            let from = Egress { source: vec!["10.99.2.7".parse().unwrap()], ..plain() };
            assert_eq!(way(from, Protocol::Tcp, 443).await, "wan>10.99.2.253");
            assert_eq!(way(plain(), Protocol::Udp, 53).await, "wan>10.99.2.252");
            assert_eq!(way(plain(), Protocol::Udp, 123).await, "lan>10.99.1.254");
            let bound = |name: &str| Egress { interface: Some(name.to_owned()), ..Egress::default() };
            assert_eq!(way(bound("wan"), Protocol::Icmp, 0).await, "wan>10.99.2.251");
            assert_eq!(way(bound("missing"), Protocol::Tcp, 443).await, "");
            assert_eq!(way(bound("bare"), Protocol::Tcp, 443).await, "", "no route by that interface");
            // Once a flow has a source and a port of its own, rules may send it elsewhere than the first look.
            let of = async |from: &str, protocol| {
                let to = "198.18.0.1:443".parse().unwrap();
                let seen = table.lookup_from(from.parse().unwrap(), to, protocol).await.unwrap();
                says(&seen).split_once(" by ").unwrap().1.to_owned()
            };
            assert_eq!(of("10.99.1.1:40001", Protocol::Tcp).await, "lan>10.99.1.254");
            assert_eq!(of("10.99.2.7:40001", Protocol::Tcp).await, "wan>10.99.2.253");
            assert_eq!(of("10.99.1.1:40000", Protocol::Tcp).await, "wan>10.99.2.252");
            assert_eq!(of("10.99.1.1:40000", Protocol::Icmp).await, "lan>10.99.1.254", "echoes have no port");
        });
        return;
    }
    let spaces = two_cables("asked");
    spaces.ip("host", "link add bare type bridge\nlink set bare up\n");
    spaces.run_test("host", "the_table_is_asked_as_the_probe_leaves");
}

const SELECTED: &str = "\
rule add fwmark 0x80/0xf0 lookup 303
rule add uidrange 60000-60009 lookup 301
rule add fwmark 9 blackhole
rule add fwmark 0x100 lookup main
rule add iif wan fwmark 0x200 lookup 303
addr add fd99:1::1/64 dev lan nodad
addr add fd99:2::1/64 dev wan nodad
route add default via fd99:1::254 dev lan
route add default via fd99:2::254 dev wan table 300
";

#[test]
fn what_rules_do_with_other_marks_and_users_is_told_where_it_is_something_else() {
    let test = "what_rules_do_with_other_marks_and_users_is_told_where_it_is_something_else";
    if !inside() {
        let spaces = two_cables("selected");
        spaces.ip("host", SELECTED);
        spaces.ip("host", "-6 rule add not fwmark 0/0xff lookup 300");
        return spaces.run_test("host", test);
    }
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
        let table = RouteTable::open().unwrap();
        let told = async |egress: Egress, to: &str| {
            let asked = table.lookup(to.parse().unwrap(), Protocol::Tcp);
            let seen = Arc::new(egress).around(asked).await.unwrap();
            let lines = seen.selected.iter().map(|selected| {
                let hop = &selected.next_hops[0];
                format!("{} {}>{}", selected.by, hop.interface, hop.gateway.unwrap())
            });
            lines.collect::<Vec<_>>()
        };
        let user = "user 60000 wan>10.99.2.253";
        assert_eq!(
            told(Egress::default(), "198.18.0.1:443").await,
            ["mark 0x7 wan>10.99.2.254", "mark 0x80 wan>10.99.2.251", user]
        );
        // Own packets bear the mark already: what others would do is told against that.
        let marked = Egress { mark: Some(7), ..Egress::default() };
        assert_eq!(
            told(marked, "198.18.0.1:443").await,
            ["mark 0x80 wan>10.99.2.251", "mark 0x100 lan>10.99.1.254", "mark 0x200 lan>10.99.1.254", user]
        );
        assert_eq!(told(Egress::default(), "[2001:db8::9]:443").await, ["mark 0x1 wan>fd99:2::254"]);
        assert!(told(Egress::default(), "127.0.0.1:443").await.is_empty());
    });
}

#[test]
fn a_connection_leaves_from_the_source_by_the_interface_and_with_the_mark_that_are_set() {
    if inside() {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
            let settings = ProbeSettings {
                source: vec!["10.99.2.7".parse().unwrap()],
                interface: Some("wan".to_owned()),
                mark: Some(7),
                ..ProbeSettings::default()
            };
            let egress = Egress::open(&settings).unwrap();
            let to = "10.99.2.2:443".parse().unwrap();
            let wait = std::time::Duration::from_secs(3);
            let (_, made) = Arc::new(egress.clone()).around(connect(to, wait)).await.unwrap();
            assert_eq!(made.local.unwrap().ip().to_string(), "10.99.2.7");
            assert!(connect(to, wait).await.is_err(), "without the mark");
            let elsewhere = Egress { source: Vec::new(), interface: Some("lan".to_owned()), mark: Some(7) };
            assert!(Arc::new(elsewhere).around(connect(to, wait)).await.is_err(), "by the other cable");
        });
        return;
    }
    let spaces = two_cables("leaves");
    spaces.nft(
        "host",
        "table ip t { chain c { type filter hook output priority 0; tcp dport 443 meta mark != 7 reject; }; }",
    );
    // The rules' tables hold nothing but a default route.
    for table in 300..=303 {
        spaces.ip("host", &format!("route add 10.99.2.0/24 dev wan table {table}\n"));
    }
    spaces.ip("far", "addr add 10.99.2.2/24 dev wan\n");
    let _listener = spaces.listen("far", "10.99.2.2:443");
    spaces.run_test_with(
        "host",
        "a_connection_leaves_from_the_source_by_the_interface_and_with_the_mark_that_are_set",
        "-all,+net_admin",
    );
}

#[test]
fn probes_that_cannot_leave_as_set_do_not_leave_otherwise() {
    if inside() {
        let none = ProbeSettings::default();
        let refused = |settings: ProbeSettings| Egress::open(&settings).unwrap_err().to_string();
        let mark = refused(ProbeSettings { mark: Some(7), ..none.clone() });
        assert!(mark.contains("[probe] mark = 7 (it takes CAP_NET_ADMIN) is refused"), "{mark}");
        let interface = refused(ProbeSettings { interface: Some("missing".to_owned()), ..none.clone() });
        assert!(interface.contains("interface = \"missing\" is refused"), "{interface}");
        let source = refused(ProbeSettings { source: vec!["192.0.2.99".parse().unwrap()], ..none.clone() });
        assert!(source.contains("source = [\"192.0.2.99\"] is refused"), "{source}");
        assert_eq!(Egress::open(&none).unwrap(), Egress::default());
        return;
    }
    Namespaces::new("refuse", &["host"])
        .run_test("host", "probes_that_cannot_leave_as_set_do_not_leave_otherwise");
}

fn two_cables(tag: &str) -> Namespaces {
    let spaces = Namespaces::new(tag, &["host", "far"]);
    spaces.cable(("host", "lan"), ("far", "lan"));
    spaces.cable(("host", "wan"), ("far", "wan"));
    spaces.ip("host", RULES);
    spaces
}
