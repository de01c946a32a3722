//! What is remembered and how many flows are looked at; in namespaces where flows really part.
#![allow(clippy::unwrap_used)]

use std::net::Ipv4Addr;

use closedpath_core::config::parse;
use closedpath_core::observation::{NextHop, RouteKind};

use super::netns::{Namespaces, inside};
use super::*;

fn seen(hops: &[Option<u8>]) -> TraceObservation {
    let hop = |(index, last): (usize, &Option<u8>)| Hop {
        ttl: u8::try_from(index).unwrap() + 1,
        from: last.map(|last| Ipv4Addr::new(192, 0, 2, last).into()),
        rtt: None,
    };
    TraceObservation {
        protocol: Protocol::Tcp,
        destination: "203.0.113.9:443".parse().unwrap(),
        source: None,
        hops: hops.iter().enumerate().map(hop).collect(),
        end: TraceEnd::Silent,
        at: SystemTime::UNIX_EPOCH,
    }
}

#[test]
fn silence_makes_no_other_way_but_another_router_does() {
    assert!(same_way(&seen(&[Some(1), None, Some(3)]), &seen(&[Some(1), Some(2), Some(3)])));
    assert!(!same_way(&seen(&[Some(1), Some(4)]), &seen(&[Some(1), Some(2)])));
    assert!(!same_way(&seen(&[Some(1)]), &seen(&[Some(1), None])), "of another length");
}

#[tokio::test]
async fn one_address_tells_for_its_group_and_the_others_wait_for_it() {
    let (traces, _) = Traces::new(&Plan::default());
    let route = |gateway: u8| route(&[("eth0", &format!("192.0.2.{gateway}"))]);
    let hop = |last: u8| Some(Ipv4Addr::new(198, 51, 100, last).into());
    let group = |to: &str, gateway| (group(to.parse().unwrap(), Some(&route(gateway))), hop(1));
    let (go, gone) = tokio::sync::oneshot::channel();
    let (first, _) = traces.told(group("203.0.113.9", 1));
    let first = first.get_or_try_init(|| async { gone.await.map_err(drop) });
    let (second, _) = traces.told(group("203.0.113.10", 1));
    let second = second.get_or_try_init(|| async { Err(()) });
    let (_, told, ()) = tokio::join!(first, second, async { go.send(true).unwrap() });
    assert_eq!(told, Ok(&true), "of the same 16 addresses");
    assert!(traces.goes_several_ways(&group("203.0.113.11", 1)));
    let by_another = (group("203.0.113.9", 1).0, hop(2));
    for other in [group("203.0.113.16", 1), group("203.0.113.9", 2), by_another] {
        assert!(!traces.goes_several_ways(&other) && traces.told(other).0.get().is_none());
    }
}

fn route(ways: &[(&str, &str)]) -> RouteObservation {
    let hop = |(interface, gateway): &(&str, &str)| NextHop {
        interface: (*interface).to_owned(),
        gateway: Some(gateway.parse().unwrap()),
        kind: None,
    };
    RouteObservation {
        destination: "203.0.113.9".parse().unwrap(),
        kind: RouteKind::Unicast,
        next_hops: ways.iter().map(hop).collect(),
        source: None,
        prefix: None,
        table: None,
        selected: Vec::new(),
    }
}

/// Of one /24 each: that all eight flows to each of them meet by chance is no chance.
const SERVERS: [&str; 4] = ["10.99.9.9:443", "10.99.10.9:443", "10.99.11.9:443", "10.99.12.9:443"];

const LINKS: &str = r#"
[[link]]
name = "left"
edge = "internet"
hops = ["10.99.2.2"]
[[link]]
name = "right"
edge = "internet"
hops = ["10.99.4.2"]
"#;

/// The routers at a distance that the traces to each server have seen.
async fn routers(traces: &Traces, route: &RouteObservation, ttl: u8) -> Vec<Vec<String>> {
    let mut all = Vec::new();
    for server in SERVERS {
        let seen = traces.to(server.parse().unwrap(), Probe::Tls, true, Some(route), None).await;
        let hop = |trace: &TraceObservation| {
            let hop = trace.hops.iter().find(|hop| hop.ttl == ttl).unwrap();
            hop.from.unwrap().to_string()
        };
        let mut routers: Vec<String> = seen.iter().map(hop).collect();
        let before = routers.len();
        routers.sort();
        routers.dedup();
        assert_eq!(routers.len(), before, "the same way twice");
        all.push(routers);
    }
    all
}

fn run(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test);
}

#[test]
fn flows_that_part_at_a_router_are_found_and_remembered() {
    if inside() {
        return run(async {
            let plan = parse("links.toml", LINKS, &[]).unwrap();
            let (traces, _) = Traces::new(&plan);
            let route = route(&[("split", "10.99.1.2")]);
            let seen = routers(&traces, &route, 2).await;
            assert!(seen.iter().any(|routers| routers[..] == ["10.99.2.2", "10.99.4.2"]), "{seen:?}");
            assert_eq!(routers(&traces, &route, 2).await, seen);
        });
    }
    let spaces = diamond("parted");
    let _listener = spaces.listen("server", "0.0.0.0:443");
    spaces.run_test("agent", "edges::traces::tests::flows_that_part_at_a_router_are_found_and_remembered");
}

#[test]
fn packets_of_one_flow_that_part_are_found_too() {
    let test = "edges::traces::tests::packets_of_one_flow_that_part_are_found_too";
    if inside() {
        return run(async {
            let plan = parse("links.toml", LINKS, &[]).unwrap();
            let (traces, _) = Traces::new(&plan);
            let route = route(&[("split", "10.99.1.2")]);
            for server in SERVERS {
                let to = server.parse().unwrap();
                let seen = traces.to(to, Probe::Tls, true, Some(&route), None).await;
                let passed = |router: &str| {
                    let router = Some(router.parse().unwrap());
                    seen.iter().any(|trace| trace.hops.iter().any(|hop| hop.from == router))
                };
                assert!(passed("10.99.2.2") && passed("10.99.4.2"), "{seen:?}");
            }
        });
    }
    let spaces = diamond("packets");
    // A veth hands the hash of the socket on, so that each packet of a trace may take another way.
    spaces.sysctl("split", "net.ipv4.fib_multipath_hash_policy=1");
    let _listener = spaces.listen("server", "0.0.0.0:443");
    spaces.run_test("agent", test);
}

#[test]
fn every_way_out_of_this_host_is_traced_without_any_declared_hop() {
    if inside() {
        return run(async {
            let (traces, _) = Traces::new(&Plan::default());
            let route = route(&[("left", "10.99.2.2"), ("right", "10.99.4.2")]);
            let seen = routers(&traces, &route, 1).await;
            assert!(seen.iter().any(|routers| routers[..] == ["10.99.2.2", "10.99.4.2"]), "{seen:?}");
        });
    }
    let spaces = diamond("ways");
    let _listener = spaces.listen("server", "0.0.0.0:443");
    spaces.run_test(
        "split",
        "edges::traces::tests::every_way_out_of_this_host_is_traced_without_any_declared_hop",
    );
}

/// agent, split, then left or right, then server; `split` chooses by the TCP ports.
fn diamond(tag: &str) -> Namespaces {
    let names = ["agent", "split", "left", "right", "server"];
    let spaces = Namespaces::new(tag, &names);
    spaces.forward(&names[1..]);
    let cables =
        [("agent", "split"), ("split", "left"), ("left", "server"), ("split", "right"), ("right", "server")];
    for (index, (near, far)) in cables.into_iter().enumerate() {
        let net = index + 1;
        spaces.cable((near, far), (far, near));
        spaces.ip(near, &format!("addr add 10.99.{net}.1/24 dev {far}\n"));
        spaces.ip(far, &format!("addr add 10.99.{net}.2/24 dev {near}\n"));
    }
    // As in the tests of the net crate: policy 1 would take veth's per-socket hash.
    spaces.sysctl("split", "net.ipv4.fib_multipath_hash_policy=3");
    spaces.sysctl("split", "net.ipv4.fib_multipath_hash_fields=0x37");
    spaces.ip("agent", "route add default via 10.99.1.2\n");
    spaces.ip("split", "route add default nexthop via 10.99.2.2 dev left nexthop via 10.99.4.2 dev right\n");
    spaces.ip("left", "route add default via 10.99.3.2\nroute add 10.99.1.0/24 via 10.99.2.1\n");
    spaces.ip("right", "route add default via 10.99.5.2\nroute add 10.99.1.0/24 via 10.99.4.1\n");
    spaces.ip("server", "route add 10.99.1.0/24 via 10.99.3.1\nroute add 10.99.2.0/24 via 10.99.3.1\nroute add 10.99.4.0/24 via 10.99.5.1\n");
    for server in SERVERS {
        spaces.ip("server", &format!("addr add {}/32 dev lo\n", server.trim_end_matches(":443")));
    }
    for router in ["split", "left", "right"] {
        spaces.sysctl(router, "net.ipv4.icmp_ratelimit=0");
    }
    spaces
}
