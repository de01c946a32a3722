//! Traces through routers in namespaces, made without any capability.
#![allow(clippy::unwrap_used)]

mod chain;
mod netns;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use chain::{Chain, R1, R2, SERVER, SERVER_CLOSED, SERVER_V6};
use closedpath_core::observation::{Protocol, TraceEnd, TraceObservation};
use closedpath_core::target::Probe;
use closedpath_net::{Glimpse, Reading, TraceSettings, confirm, connect, trace};
use futures_util::future::join_all;
use netns::{Namespaces, inside};

fn settings() -> TraceSettings {
    TraceSettings {
        hop_timeout: Duration::from_millis(300),
        budget: Duration::from_secs(10),
        max_ttl: 12,
        expect: None,
        ..TraceSettings::default()
    }
}

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

/// Every hop's address, `*` for silence.
fn hops(seen: &TraceObservation) -> Vec<String> {
    let ttls: Vec<usize> = seen.hops.iter().map(|hop| hop.ttl.into()).collect();
    assert_eq!(ttls, (1..=seen.hops.len()).collect::<Vec<_>>(), "one hop per TTL, in order");
    seen.hops.iter().map(|hop| hop.from.map_or("*".to_owned(), |from| from.to_string())).collect()
}

fn run(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test);
}

#[test]
fn routers_are_seen_in_order_in_both_families_and_the_destination_ends_the_trace() {
    if inside() {
        return run(async {
            let seen = trace(address(SERVER), Probe::Tls, true, &settings()).await;
            assert_eq!(hops(&seen), [R1, R2]);
            assert_eq!(seen.end, TraceEnd::Destination { ttl: 3, refused: false });
            assert_eq!(seen.source.unwrap().ip().to_string(), "10.99.1.1");
            assert!(seen.hops.iter().all(|hop| hop.rtt.unwrap() < Duration::from_millis(300)));
            let seen = trace(address(SERVER_V6), Probe::Tls, true, &settings()).await;
            assert_eq!(hops(&seen), ["fd99:1::2", "fd99:2::2"]);
            assert_eq!(seen.end, TraceEnd::Destination { ttl: 3, refused: false });
            let seen = trace(address(SERVER_CLOSED), Probe::Tls, false, &settings()).await;
            assert_eq!(hops(&seen), [R1, R2]);
            assert_eq!(seen.end, TraceEnd::Destination { ttl: 3, refused: true });
        });
    }
    Chain::new("order")
        .spaces
        .run_test("agent", "routers_are_seen_in_order_in_both_families_and_the_destination_ends_the_trace");
}

#[test]
fn one_ttl_can_be_confirmed() {
    if inside() {
        return run(async {
            let asked = async |to, ttl| {
                let Glimpse { from, port } = confirm(address(to), Probe::Tls, ttl, &settings()).await;
                let (from, port) = (from.unwrap(), port.unwrap());
                assert_ne!(port, 0);
                from.to_string()
            };
            assert_eq!(asked(SERVER, 2).await, R2);
            assert_eq!(asked(SERVER, 3).await, "10.99.3.2");
            assert_eq!(asked(SERVER_V6, 1).await, "fd99:1::2");
            let chosen = TraceSettings { port: Some(40123), ..settings() };
            let port = confirm(address(SERVER), Probe::Tls, 1, &chosen).await.port.unwrap();
            assert_eq!(port, 40123);
        });
    }
    Chain::new("confirm").spaces.run_test("agent", "one_ttl_can_be_confirmed");
}

#[test]
fn a_port_that_is_still_taken_gives_way_to_another() {
    if inside() {
        return run(async {
            // An open connection to the same destination holds it.
            let (held, made) = connect(address(SERVER), Duration::from_secs(3)).await.unwrap();
            let settings = TraceSettings { port: Some(made.local.unwrap().port()), ..settings() };
            let seen = trace(address(SERVER), Probe::Tls, true, &settings).await;
            assert_eq!(hops(&seen), [R1, R2], "{seen:?}");
            drop(held);
        });
    }
    Chain::new("taken").spaces.run_test("agent", "a_port_that_is_still_taken_gives_way_to_another");
}

#[test]
fn a_silent_router_stays_silent_and_hides_nothing_behind_it() {
    if inside() {
        return run(async {
            let settings = TraceSettings { budget: Duration::from_millis(1500), ..settings() };
            let began = Instant::now();
            let seen = trace(address(SERVER), Probe::Tls, true, &settings).await;
            assert!(began.elapsed() < Duration::from_secs(2));
            assert_eq!(hops(&seen), ["*", R2]);
            assert_eq!(seen.end, TraceEnd::Destination { ttl: 3, refused: false });
        });
    }
    let chain = Chain::new("silent");
    // What r1 itself sends finds no route; what it forwards does.
    chain.spaces.ip("r1", "rule add iif lo lookup 99 priority 10\nroute add blackhole default table 99\n");
    chain.spaces.run_test("agent", "a_silent_router_stays_silent_and_hides_nothing_behind_it");
}

#[test]
fn routers_that_limit_their_answers_are_asked_again_until_they_have_answered() {
    if inside() {
        return run(async {
            // A burst of six, then one a second: nine at once cannot all be answered in the first pass.
            let settings = TraceSettings::default();
            let seen = join_all((0..9).map(|_| trace(address(SERVER), Probe::Tls, true, &settings))).await;
            for seen in seen {
                assert_eq!(hops(&seen), [R1, R2]);
            }
        });
    }
    let chain = Chain::new("limited");
    for router in ["r1", "r2"] {
        chain.spaces.sysctl(router, "net.ipv4.icmp_ratelimit=1000");
    }
    chain
        .spaces
        .run_test("agent", "routers_that_limit_their_answers_are_asked_again_until_they_have_answered");
}

#[test]
fn a_router_that_says_unreachable_ends_the_trace_with_its_address() {
    if inside() {
        return run(async {
            let seen = trace(address("203.0.113.9:443"), Probe::Tls, false, &settings()).await;
            assert_eq!(hops(&seen), [R1]);
            let TraceEnd::Unreachable { from, text } = seen.end else { panic!("{:?}", seen.end) };
            assert_eq!(from, Some(R2.parse().unwrap()));
            assert!(text.contains("communication administratively prohibited"), "{text}");
        });
    }
    let chain = Chain::new("unreach");
    chain.spaces.ip("r2", "route add prohibit 203.0.113.0/24\n");
    chain.spaces.run_test("agent", "a_router_that_says_unreachable_ends_the_trace_with_its_address");
}

#[test]
fn an_unreachable_destination_is_given_up_after_four_silent_hops_or_where_it_was_seen_last() {
    if inside() {
        return run(async {
            let settings = TraceSettings { hop_timeout: Duration::from_millis(50), ..settings() };
            let seen = trace(address("203.0.113.9:443"), Probe::Tls, false, &settings).await;
            assert_eq!((hops(&seen).len(), seen.end), (4, TraceEnd::Silent));
            let further = TraceSettings { expect: Some(7), ..settings };
            let seen = trace(address("203.0.113.9:443"), Probe::Tls, false, &further).await;
            assert_eq!((hops(&seen).len(), seen.end), (7, TraceEnd::Silent));
        });
    }
    let chain = Chain::new("drop");
    chain.spaces.ip("r1", "route add blackhole 203.0.113.0/24\n");
    chain.spaces.run_test(
        "agent",
        "an_unreachable_destination_is_given_up_after_four_silent_hops_or_where_it_was_seen_last",
    );
}

#[test]
fn without_a_route_the_trace_fails_and_says_so() {
    if inside() {
        return run(async {
            let seen = trace(address("203.0.113.9:443"), Probe::Tls, false, &settings()).await;
            let TraceEnd::Failed(failure) = seen.end else { panic!("{:?}", seen.end) };
            assert!(failure.text.contains("this host has no route to 203.0.113.9"), "{}", failure.text);
            assert!(seen.hops.is_empty());
        });
    }
    Namespaces::new("noroute", &["agent"]).run_test("agent", "without_a_route_the_trace_fails_and_says_so");
}

#[test]
fn a_trace_follows_one_member_of_an_equal_cost_group() {
    if inside() {
        return run(async {
            for probe in [Probe::Tls, Probe::Stun] {
                let mut members = Vec::new();
                for _ in 0..16 {
                    let seen = trace(address("10.99.9.9:443"), probe, true, &settings()).await;
                    let hops = hops(&seen);
                    assert_eq!(hops[0], "10.99.1.2");
                    assert!(
                        hops[1..] == ["10.99.2.2", "10.99.3.2"] || hops[1..] == ["10.99.5.2", "10.99.6.2"],
                        "{probe}, mixed: {hops:?}"
                    );
                    members.push((hops[1].clone(), seen.source.unwrap().port()));
                }
                members.sort();
                members.dedup_by_key(|(member, _)| member.clone());
                assert_eq!(members.len(), 2, "sixteen flows of {probe} took one member only");
                // The same source port is the same flow.
                for (member, port) in members {
                    let again = TraceSettings { port: Some(port), ..settings() };
                    let seen = trace(address("10.99.9.9:443"), probe, true, &again).await;
                    assert_eq!((&hops(&seen)[1], seen.source.unwrap().port()), (&member, port));
                }
            }
        });
    }
    let spaces = two_ways();
    let _listener = spaces.listen("server", "10.99.9.9:443");
    spaces.run_test("agent", "a_trace_follows_one_member_of_an_equal_cost_group");
}

#[test]
fn datagrams_of_a_probe_show_the_routers_and_any_answer_of_the_destination_ends_the_trace() {
    if inside() {
        return run(async {
            for (probe, port, refused) in [
                (Probe::Stun, 3478, false),
                (Probe::UdpDns, 53, false),
                (Probe::Ntp, 123, false),
                (Probe::Ntp, 124, true),
            ] {
                let to = SocketAddr::new("10.99.3.2".parse().unwrap(), port);
                let seen = trace(to, probe, true, &settings()).await;
                assert_eq!(hops(&seen), [R1, R2], "{probe}");
                assert_eq!(seen.end, TraceEnd::Destination { ttl: 3, refused }, "{probe}");
                assert_eq!((seen.protocol, seen.destination), (Protocol::Udp, to));
                assert_ne!(seen.source.unwrap().port(), 0);
            }
            let seen = trace(address("[fd99:3::2]:3478"), Probe::Stun, true, &settings()).await;
            assert_eq!(hops(&seen), ["fd99:1::2", "fd99:2::2"]);
            assert_eq!(seen.end, TraceEnd::Destination { ttl: 3, refused: true });
        });
    }
    let chain = Chain::new("udp");
    for address in ["10.99.3.2:3478", "10.99.3.2:53", "10.99.3.2:123"] {
        chain.spaces.echo("server", address);
    }
    chain.spaces.run_test(
        "agent",
        "datagrams_of_a_probe_show_the_routers_and_any_answer_of_the_destination_ends_the_trace",
    );
}

#[test]
fn port_unreachable_from_a_router_is_not_the_destination() {
    if inside() {
        return run(async {
            let seen = trace(address("203.0.113.9:123"), Probe::Ntp, true, &settings()).await;
            assert_eq!(hops(&seen), [R1, R2]);
            let TraceEnd::Unreachable { from, .. } = seen.end else { panic!("{:?}", seen.end) };
            assert_eq!(from, Some(R2.parse().unwrap()));
        });
    }
    let chain = Chain::new("reject");
    chain.spaces.ip("r2", "route add 203.0.113.0/24 via 10.99.3.2\n");
    chain.spaces.nft(
        "r2",
        "table ip t { chain c { type filter hook forward priority 0; ip daddr 203.0.113.9 reject with icmp port-unreachable; }; }",
    );
    chain.spaces.run_test("agent", "port_unreachable_from_a_router_is_not_the_destination");
}

#[test]
fn echoes_show_the_routers_through_a_ping_socket() {
    if inside() {
        return run(echoes());
    }
    let chain = Chain::new("echo");
    chain.spaces.sysctl("agent", "net.ipv4.ping_group_range=0 0");
    chain.spaces.run_test("agent", "echoes_show_the_routers_through_a_ping_socket");
}

#[test]
fn echoes_show_the_routers_through_a_raw_socket() {
    if inside() {
        return run(echoes());
    }
    let chain = Chain::new("rawecho");
    chain.spaces.run_test_with("agent", "echoes_show_the_routers_through_a_raw_socket", "-all,+net_raw");
}

async fn echoes() {
    // Several at once: none may take another's answers.
    let settings = settings();
    let (v4, v6) = (address("10.99.3.2:443"), address("[fd99:3::2]:443"));
    let traces = (0..10).map(|number| {
        let to = if number % 2 == 0 { v4 } else { v6 };
        trace(to, Probe::Icmp, true, &settings)
    });
    for seen in join_all(traces).await {
        let expected = if seen.destination.is_ipv4() { [R1, R2] } else { ["fd99:1::2", "fd99:2::2"] };
        assert_eq!(hops(&seen), expected);
        assert_eq!(seen.end, TraceEnd::Destination { ttl: 3, refused: false });
        assert_eq!((seen.protocol, seen.destination.port()), (Protocol::Icmp, 0));
    }
}

#[test]
fn where_echoes_are_forbidden_the_trace_fails_and_says_so() {
    if inside() {
        return run(async {
            let seen = trace(address(SERVER), Probe::Icmp, true, &settings()).await;
            let TraceEnd::Failed(failure) = seen.end else { panic!("{:?}", seen.end) };
            assert!(failure.text.contains("CAP_NET_RAW"), "{}", failure.text);
            assert!(seen.hops.is_empty());
        });
    }
    Chain::new("noecho").spaces.run_test("agent", "where_echoes_are_forbidden_the_trace_fails_and_says_so");
}

#[test]
fn a_raw_socket_hears_what_the_error_queue_does_not_show() {
    if inside() {
        return run(async {
            let settings = TraceSettings { reading: Reading::raw().unwrap(), ..settings() };
            let seen = trace(address("203.0.113.9:443"), Probe::Tls, true, &settings).await;
            assert_eq!(hops(&seen), [R1]);
            let TraceEnd::Unreachable { from, text } = seen.end else { panic!("{:?}", seen.end) };
            assert_eq!(from, Some(R2.parse().unwrap()));
            assert!(text.contains("communication administratively prohibited"), "{text}");
            // Many at once, so that answers meet the wrong probe if they can.
            let open = join_all((0..20).map(|_| trace(address(SERVER), Probe::Tls, true, &settings))).await;
            for seen in open {
                assert_eq!(hops(&seen), [R1, R2]);
                assert_eq!(seen.end, TraceEnd::Destination { ttl: 3, refused: false });
            }
            let seen = trace(address(SERVER_CLOSED), Probe::Tls, true, &settings).await;
            assert_eq!(hops(&seen), [R1, R2]);
            assert_eq!(seen.end, TraceEnd::Destination { ttl: 3, refused: true });
            let seen = trace(address(SERVER_V6), Probe::Tls, true, &settings).await;
            assert_eq!(hops(&seen), ["fd99:1::2", "fd99:2::2"]);
            assert_eq!(seen.end, TraceEnd::Destination { ttl: 3, refused: false });
        });
    }
    let chain = Chain::new("raw");
    chain.spaces.ip("r2", "route add prohibit 203.0.113.0/24\n");
    for router in ["r1", "r2"] {
        chain.spaces.sysctl(router, "net.ipv4.icmp_ratelimit=0");
    }
    chain.spaces.run_test_with(
        "agent",
        "a_raw_socket_hears_what_the_error_queue_does_not_show",
        "-all,+net_raw",
    );
}

#[test]
fn without_the_capability_there_is_no_raw_socket() {
    if inside() {
        return run(async {
            let error = Reading::raw().unwrap_err();
            assert_eq!(error.kind(), std::io::ErrorKind::PermissionDenied);
        });
    }
    Namespaces::new("noraw", &["agent"]).run_test("agent", "without_the_capability_there_is_no_raw_socket");
}

/// agent, split, then left1, left2 or right1, right2, then server; `split` chooses by the TCP ports.
fn two_ways() -> Namespaces {
    let names = ["agent", "split", "left1", "left2", "right1", "right2", "server"];
    let spaces = Namespaces::new("ecmp", &names);
    spaces.forward(&names[1..]);
    let cables = [
        ("agent", "split"),
        ("split", "left1"),
        ("left1", "left2"),
        ("left2", "server"),
        ("split", "right1"),
        ("right1", "right2"),
        ("right2", "server"),
    ];
    for (index, (near, far)) in cables.into_iter().enumerate() {
        let net = index + 1;
        spaces.cable((near, far), (far, near));
        spaces.ip(near, &format!("addr add 10.99.{net}.1/24 dev {far}\n"));
        spaces.ip(far, &format!("addr add 10.99.{net}.2/24 dev {near}\n"));
    }
    // Policy 3 with the five-tuple's fields. Policy 1 would take the sender's per-socket hash, which veth hands on with the
    // packet and no real router ever sees.
    spaces.sysctl("split", "net.ipv4.fib_multipath_hash_policy=3");
    spaces.sysctl("split", "net.ipv4.fib_multipath_hash_fields=0x37");
    for (name, routes) in [
        ("agent", "route add default via 10.99.1.2\n"),
        ("split", "route add 10.99.9.9 nexthop via 10.99.2.2 dev left1 nexthop via 10.99.5.2 dev right1\n"),
        ("left1", "route add 10.99.9.9 via 10.99.3.2\nroute add default via 10.99.2.1\n"),
        ("left2", "route add 10.99.9.9 via 10.99.4.2\nroute add default via 10.99.3.1\n"),
        ("right1", "route add 10.99.9.9 via 10.99.6.2\nroute add default via 10.99.5.1\n"),
        ("right2", "route add 10.99.9.9 via 10.99.7.2\nroute add default via 10.99.6.1\n"),
        ("server", "addr add 10.99.9.9/32 dev lo\nroute add default via 10.99.4.1\n"),
    ] {
        spaces.ip(name, routes);
    }
    for router in ["split", "left1", "left2", "right1", "right2"] {
        spaces.sysctl(router, "net.ipv4.icmp_ratelimit=0");
    }
    spaces
}
