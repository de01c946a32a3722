//! The path MTU through routers in namespaces, by ping sockets.
#![allow(clippy::unwrap_used)]

mod chain;
mod netns;

use std::net::IpAddr;
use std::time::Duration;

use chain::Chain;
use closedpath_core::observation::PathMtu;
use closedpath_net::path_mtu;
use netns::inside;

async fn search(to: &str) -> Option<PathMtu> {
    path_mtu(to.parse().unwrap(), Duration::from_millis(500)).await
}

fn found(largest: u32, lost: Option<u32>, told_by: Option<&str>) -> Option<PathMtu> {
    let told_by = told_by.map(|by| by.parse::<IpAddr>().unwrap());
    Some(PathMtu { largest: Some(largest), lost, told_by })
}

fn run(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test);
}

/// The chain, where the agent may send echoes.
fn chain(tag: &str) -> Chain {
    let chain = Chain::new(tag);
    chain.spaces.sysctl("agent", "net.ipv4.ping_group_range=0 0");
    chain
}

#[test]
fn a_path_for_whole_packets_loses_nothing() {
    if inside() {
        return run(async {
            assert_eq!(search("10.99.3.2").await, found(1500, None, None));
            assert_eq!(search("fd99:3::2").await, found(1500, None, None));
        });
    }
    chain("mtuwhole").spaces.run_test("agent", "a_path_for_whole_packets_loses_nothing");
}

#[test]
fn a_router_with_a_narrow_link_is_named() {
    if inside() {
        return run(async {
            assert_eq!(search("10.99.3.2").await, found(1420, Some(1421), Some("10.99.2.2")));
            assert_eq!(search("fd99:3::2").await, found(1420, Some(1421), Some("fd99:2::2")));
        });
    }
    let chain = chain("mtutold");
    chain.spaces.ip("r2", "link set next mtu 1420\n");
    chain.spaces.ip("server", "link set back mtu 1420\n");
    chain.spaces.run_test("agent", "a_router_with_a_narrow_link_is_named");
}

#[test]
fn a_black_hole_has_nobody_to_name() {
    if inside() {
        return run(async {
            assert_eq!(search("10.99.3.2").await, found(1372, Some(1373), None));
        });
    }
    let chain = chain("mtuhole");
    let rules = "table ip t { chain c { type filter hook forward priority 0; ip length > 1372 drop; }; }";
    chain.spaces.nft("r1", rules);
    chain.spaces.run_test("agent", "a_black_hole_has_nobody_to_name");
}

#[test]
fn this_hosts_own_narrow_link_is_its_own_word() {
    if inside() {
        return run(async {
            assert_eq!(search("10.99.3.2").await, found(1380, Some(1381), Some("10.99.1.1")));
            assert_eq!(search("fd99:3::2").await, found(1380, Some(1381), Some("fd99:1::1")));
        });
    }
    let chain = chain("mtuown");
    chain.spaces.ip("agent", "link set next mtu 1380\n");
    chain.spaces.run_test("agent", "this_hosts_own_narrow_link_is_its_own_word");
}

#[test]
fn nothing_is_said_of_a_host_that_answers_no_echo() {
    if inside() {
        return run(async {
            assert_eq!(search("10.99.3.2").await, None);
            assert_eq!(search("203.0.113.9").await, None, "said to be unreachable");
        });
    }
    let chain = chain("mtunone");
    chain.spaces.sysctl("server", "net.ipv4.icmp_echo_ignore_all=1");
    chain.spaces.ip("r1", "route add prohibit 203.0.113.0/24\n");
    chain.spaces.run_test("agent", "nothing_is_said_of_a_host_that_answers_no_echo");
}
