//! Which way packets go: hop by hop, and for every destination of the truth table at every position of it.

use std::collections::BTreeSet;
use std::net::IpAddr;

use closedpath_lab::plan::HOSTS;
use closedpath_lab::{DefaultRoute, Lab, Multipath, TRUTH};

use crate::{lab, said};

/// The addresses that answer on the way to `address`, the destination last.
fn hops(lab: &Lab, address: &str) -> Vec<String> {
    let trace = said(lab, "host", &format!("traceroute -T -p 443 -n -q 1 -w 0.5 -m 8 {address}"));
    let hop = |line: &str| line.split_whitespace().nth(1).filter(|&hop| hop != "*").map(str::to_owned);
    trace.lines().skip(1).filter_map(hop).collect()
}

#[test]
fn every_router_answers_with_the_address_on_which_the_packet_arrived() {
    let lab = lab();
    assert_eq!(
        hops(&lab, "198.51.100.130"),
        ["192.168.1.1", "198.51.100.2", "203.0.113.18", "198.51.100.130"]
    );
    assert_eq!(hops(&lab, "10.100.1.4"), ["192.168.1.1", "10.255.0.2", "10.100.1.4"]);
    assert_eq!(hops(&lab, "192.0.2.130"), ["192.168.1.1", "203.0.113.2", "192.0.2.130"]);
    assert_eq!(
        hops(&lab, "2001:db8:a::130"),
        ["2001:db8:1:1::1", "2001:db8:251::2", "2001:db8:f::12", "2001:db8:a::130"]
    );
    assert_eq!(hops(&lab, "2001:db8:100:1::4"), ["2001:db8:1:1::1", "2001:db8:255::2", "2001:db8:100:1::4"]);
    assert_eq!(hops(&lab, "2001:db8:ca::130"), ["2001:db8:1:1::1", "2001:db8:203::2", "2001:db8:ca::130"]);
}

#[test]
fn switches_move_both_families_and_may_be_used_twice() {
    let mut lab = lab();
    let baseline = lab.position();
    for _ in 0..2 {
        lab.primary_down().expect("primary down");
    }
    assert_eq!(hops(&lab, "198.51.100.130")[1], "198.51.100.6");
    assert_eq!(hops(&lab, "2001:db8:100:1::4")[1], "2001:db8:255::6");
    for _ in 0..2 {
        lab.primary_up().expect("primary up");
        lab.withdraw_msees().expect("withdraw");
    }
    assert_eq!(
        hops(&lab, "198.51.100.130"),
        ["192.168.1.1", "203.0.113.2", "203.0.113.26", "198.51.100.130"]
    );
    assert_eq!(
        hops(&lab, "2001:db8:a::130"),
        ["2001:db8:1:1::1", "2001:db8:203::2", "2001:db8:f::1a", "2001:db8:a::130"]
    );
    assert_eq!(hops(&lab, "10.100.1.4"), ["192.168.1.1", "203.0.113.2"], "the VNet dies at the provider");
    for _ in 0..2 {
        lab.restore_msees().expect("restore");
        lab.ipv6_leak(true).expect("leak");
    }
    assert_eq!(hops(&lab, "198.51.100.130")[1], "198.51.100.2");
    assert_eq!(hops(&lab, "2001:db8:a::130")[1], "2001:db8:203::2");
    lab.ipv6_leak(false).expect("no leak");
    for _ in 0..2 {
        lab.set_default_route(DefaultRoute::ViaAzure).expect("default route");
    }
    let via_azure = ["192.168.1.1", "10.255.0.2", "10.255.1.2", "203.0.113.33", "203.0.113.25", "192.0.2.66"];
    assert_eq!(hops(&lab, "192.0.2.66"), via_azure);
    assert_eq!(hops(&lab, "2001:db8:cd::66").last().map(String::as_str), Some("2001:db8:cd::66"));
    lab.restore().expect("restore");
    assert_eq!(lab.position(), baseline);
    assert_eq!(hops(&lab, "192.0.2.66")[1], "203.0.113.2");
}

/// The class of one address as its second hop shows it; `None` when it does not answer.
fn class(lab: &Lab, address: &str) -> Option<&'static str> {
    let hops = hops(lab, address);
    if hops.last().map(String::as_str) != Some(address) {
        return None;
    }
    match hops.get(1)?.as_str() {
        "10.255.0.2" | "2001:db8:255::2" => Some("er_private"),
        "198.51.100.2" | "2001:db8:251::2" => Some("er_microsoft"),
        "203.0.113.2" | "2001:db8:203::2" => Some("internet_direct"),
        other => panic!("{address} goes by {other}"),
    }
}

fn class_of_name(lab: &Lab, name: &str) -> &'static str {
    let ends_at = match name {
        "acct.blob.azure.example" => "pe.vnet.example",
        "shop.afd.example" => "portal.afd.example",
        name => name,
    };
    let host = HOSTS.iter().find(|host| host.name == ends_at).expect("the name is in the plan");
    let mut classes: Vec<_> = host.addresses.iter().filter_map(|address| class(lab, address)).collect();
    classes.sort_unstable();
    classes.dedup();
    match classes.as_slice() {
        [] => "unknown",
        [class] => class,
        _ => "mixed",
    }
}

fn compare(lab: &Lab) {
    std::thread::scope(|scope| {
        for names in TRUTH.chunks(4) {
            scope.spawn(move || {
                for truth in names {
                    assert_eq!(Some(class_of_name(lab, truth.host)), lab.truth(truth.host), "{}", truth.host);
                }
            });
        }
    });
}

#[test]
fn the_truth_table_is_true_in_every_position() {
    let mut lab = lab();
    compare(&lab);
    lab.withdraw_msees().expect("withdraw");
    compare(&lab);
    lab.restore_msees().expect("restore");
    lab.cut_internet().expect("cut");
    compare(&lab);
    lab.drop_internet().expect("drop");
    compare(&lab);
}

#[test]
fn the_limits_of_the_kernel_come_and_go() {
    let lab = lab();
    let limit = || said(&lab, "ce", "cat /proc/sys/net/ipv4/icmp_ratelimit").trim().to_owned();
    assert_eq!(limit(), "0");
    lab.limit_icmp().expect("limit");
    assert_eq!(limit(), "1000");
    lab.unlimit_icmp().expect("unlimit");
    assert_eq!(limit(), "0");
}

#[test]
fn all_addresses_of_the_plan_are_where_the_plan_says() {
    for host in
        HOSTS.iter().filter(|host| !host.name.ends_with("site.example") && host.name != "canary.void.example")
    {
        for address in host.addresses {
            let address: IpAddr = address.parse().expect("an address");
            assert!(closedpath_lab::plan::node_of(address).is_some(), "{address}");
        }
    }
}

#[test]
fn two_next_hops_send_flows_both_ways() {
    let mut lab = lab();
    for (multipath, sources) in [
        (Multipath::Edge, ["src=198.51.100.17", "src=203.0.113.1"]),
        (Multipath::Host, ["src=198.51.100.17", "src=203.0.113.57"]),
    ] {
        lab.spread(multipath).expect("spread");
        // Each connection is another flow: that 30 take one way has a chance of one in five hundred million.
        let script = "for i in $(seq 30); do curl -s -m 2 http://198.51.100.130/; done";
        let output = lab.exec("host", &["sh", "-c", script]).expect("it starts");
        let text = String::from_utf8_lossy(&output.stdout);
        assert_eq!(text.lines().collect::<BTreeSet<_>>(), sources.into());
    }
    lab.restore().expect("restore");
    assert_eq!(hops(&lab, "198.51.100.130")[1], "198.51.100.2");
}

#[test]
fn a_peering_service_carries_front_door_and_the_region_where_expressroute_does_not() {
    let mut lab = lab();
    for _ in 0..2 {
        lab.peering_service(true).expect("peering service");
    }
    assert_eq!(hops(&lab, "203.0.113.130"), ["192.168.1.1", "203.0.113.54", "203.0.113.130"]);
    assert_eq!(hops(&lab, "2001:db8:fd::130")[1], "2001:db8:203::6");
    assert_eq!(hops(&lab, "198.51.100.130")[1], "198.51.100.2");
    assert_eq!(hops(&lab, "192.0.2.66")[1], "203.0.113.2");
    lab.withdraw_msees().expect("withdraw");
    assert_eq!(
        hops(&lab, "198.51.100.130"),
        ["192.168.1.1", "203.0.113.54", "203.0.113.62", "198.51.100.130"]
    );
    let source = || said(&lab, "host", "curl -s -m 2 --interface 192.168.1.10 http://blob.azure.example/");
    assert_eq!(source(), "src=203.0.113.73\n");
}

#[test]
fn silent_msees_are_missing_among_the_hops() {
    let mut lab = lab();
    lab.silent_msees(true).expect("silent");
    assert_eq!(hops(&lab, "198.51.100.130"), ["192.168.1.1", "203.0.113.18", "198.51.100.130"]);
    assert_eq!(hops(&lab, "2001:db8:100:1::4"), ["2001:db8:1:1::1", "2001:db8:100:1::4"]);
    lab.restore().expect("restore");
    assert_eq!(hops(&lab, "198.51.100.130")[1], "198.51.100.2");
}
