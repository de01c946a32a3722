//! Evidence beside hops and tables: the reflexive address (E8), IPsec of this host (E4), outer paths of tunnels (A3), answers
//! that are made up, and the findings that follow (F21, F26, F27, F32).

use closedpath_core::attribution::Strength;
use closedpath_core::findings::{FindingId, Severity};
use closedpath_core::verdict::Verdict;

use crate::router::{CE, Router, router};
use crate::world::{Observed, Seen, observed, short, world};

const A: &str = "a.example:443/tcp";
const STUN: &str = "stun.example:3478/stun";
const SITE: &str = r#"
[topology]
onprem = ["192.168.0.0/16"]
vnet = ["10.100.0.0/16"]
[[link]]
name = "er"
edge = "er_private"
msee = ["172.16.0.2"]
[[link]]
name = "ms"
edge = "er_microsoft"
msee = ["203.0.113.2"]
nat_pool = ["198.51.100.16/29"]
[[link]]
name = "isp"
edge = "internet"
hops = ["198.51.100.1"]
nat_pool = ["198.51.100.48/29", "198.51.100.32/29"]
[[link]]
name = "isp-2"
edge = "internet"
hops = ["198.51.100.2"]
nat_pool = ["198.51.100.32/29"]
[[tunnel]]
name = "vpn"
kind = "ipsec"
over = "er_private"
outer_peer = ["10.100.255.4"]
prefixes = ["10.101.0.0/16"]
terminates = "host"
[[workload]]
name = "w"
policy = "closed"
[[target]]
workload = "w"
host = "a.example"
port = 443
probe = "tcp"
"#;
const ECHO: &str = r#"
[[target]]
workload = "w"
host = "stun.example"
probe = "stun"
"#;
const OUTER: &str = r#"
[[target]]
workload = "w"
host = "10.100.255.4"
port = 500
probe = "tcp"
"#;
const PUBLIC: &str = "203.0.113.130";
const OF_MS: &str = "198.51.100.17";
const OF_ISP: &str = "198.51.100.49";
const SHARED: &str = "198.51.100.33";

fn to(ip: &str) -> Observed {
    observed("a.example", ip).connected()
}

fn stun(saw: &str) -> Observed {
    observed("stun.example", "203.0.113.140").connected().saw(saw)
}

fn alone(seen: Observed) -> Seen {
    world(SITE).see(seen).look()
}

/// The path to the target, beside an echo server that saw this.
fn beside(target: Observed, echo: Observed) -> Seen {
    world(&format!("{SITE}{ECHO}")).see(target).see(echo).look()
}

fn strengths(seen: &Seen, of: &str, id: &str) -> Vec<Strength> {
    seen.path(of).evidence.iter().filter(|item| item.id == id).map(|item| item.strength).collect()
}

fn severities(seen: &Seen, id: FindingId) -> Vec<Severity> {
    seen.findings(id).iter().map(|finding| finding.severity).collect()
}

#[test]
fn e8_decides_the_flow_that_was_seen_where_one_link_alone_uses_the_pool() {
    let of = |saw: &str| {
        let seen = alone(to(PUBLIC).saw(saw));
        (short(seen.path(A)), strengths(&seen, A, "E8"))
    };
    assert_eq!(of(OF_MS), ("er_microsoft(confirmed)".into(), vec![Strength::A]));
    assert_eq!(of(OF_ISP), ("internet_direct(confirmed)".into(), vec![Strength::A]));
    assert_eq!(of(SHARED), ("unknown(no_evidence)".into(), vec![Strength::C]), "both providers use it");
    assert_eq!(of("198.51.100.99"), ("unknown(no_evidence)".into(), vec![Strength::C]), "no link's");
    assert_eq!(of("::ffff:198.51.100.17").0, "er_microsoft(confirmed)");
}

#[test]
fn e8_of_another_flow_needs_the_same_next_hop_and_another_plane() {
    let by_ce = |seen: Observed| seen.route("eth0", CE);
    let seen = beside(by_ce(to(PUBLIC)), by_ce(stun(OF_ISP)));
    assert_eq!(strengths(&seen, A, "E8"), [Strength::B]);
    assert_eq!(short(seen.path(A)), "unknown(insufficient)", "one plane alone");
    let from_pool = observed("a.example", PUBLIC).connected_from("198.51.100.50");
    let seen = beside(by_ce(from_pool.clone()), by_ce(stun(OF_ISP)));
    assert_eq!(short(seen.path(A)), "internet_direct(probable)", "with E2");
    let seen = beside(by_ce(from_pool.clone()), stun(OF_ISP).route("eth1", "192.168.2.1"));
    assert_eq!(strengths(&seen, A, "E8"), [], "another next hop");
    let both = |seen: Observed| seen.route("eth0", CE).route("eth1", "192.168.2.1");
    assert_eq!(strengths(&beside(both(from_pool.clone()), both(stun(OF_ISP))), A, "E8"), [], "several ways");
    let v6 = observed("a.example", "2001:db8::1").connected().route("eth0", CE);
    assert_eq!(strengths(&beside(v6, by_ce(stun(OF_ISP))), A, "E8"), [], "another family");
    assert_eq!(short(beside(by_ce(from_pool), by_ce(stun(OF_MS))).path(A)), "unknown(conflict)", "E2 and E8");
}

#[test]
fn e8_of_another_flow_stands_against_nothing_that_is_seen_of_this_one() {
    let target = to(PUBLIC).hops(["192.168.1.1", "203.0.113.2"]).route("eth0", CE);
    let seen = beside(target, stun(OF_ISP).route("eth0", CE));
    assert_eq!(short(seen.path(A)), "er_microsoft(confirmed)");
    assert_eq!(severities(&seen, FindingId::F21), []);
}

const TABLES: &str = r#"
[bmp]
listen = "127.0.0.1:11019"
allow = ["192.168.1.1"]
"#;

fn with_tables(site: &str) -> String {
    let site =
        site.replace("msee = [\"203.0.113.2\"]", "msee = [\"203.0.113.2\"]\nbgp_peer = [\"203.0.113.2\"]");
    site.replace("hops = [\"198.51.100.1\"]", "hops = [\"198.51.100.1\"]\nbgp_peer = [\"198.51.100.1\"]")
        + TABLES
}

fn table(prefixes: &[&str]) -> Router {
    router(CE).post("203.0.113.2", 12076, prefixes).post("198.51.100.1", 64500, &["0.0.0.0/0"])
}

#[test]
fn e8_of_another_flow_decides_where_the_routers_send_both_the_same_way() {
    let look = |prefixes: &[&str], saw: &str| {
        let site = with_tables(&format!("{SITE}{ECHO}"));
        let (target, echo) = (to(PUBLIC).route("eth0", CE), stun(saw).route("eth0", CE));
        let seen = world(&site).see(target).see(echo).tables(table(prefixes).rib).look();
        (short(seen.path(A)), strengths(&seen, A, "E8"))
    };
    assert_eq!(look(&["203.0.113.128/25"], OF_MS), ("er_microsoft(confirmed)".into(), vec![Strength::A]));
    let apart = look(&["203.0.113.128/29"], OF_ISP);
    assert_eq!(apart, ("er_microsoft(probable)".into(), vec![Strength::B]), "the echo goes by the provider");
    assert_eq!(look(&["203.0.113.128/25"], OF_ISP).0, "unknown(conflict)");
}

#[test]
fn flows_by_several_links_of_one_circuit_do_not_contradict_each_other() {
    let second = "[[link]]\nname = \"ms-2\"\nedge = \"er_microsoft\"\nmsee = [\"203.0.113.6\"]\nbgp_peer = [\"203.0.113.6\"]\nnat_pool = [\"198.51.100.24/29\"]\n";
    let site = with_tables(&format!("{SITE}{ECHO}")) + second;
    let look = |target: Observed, echo: Observed| {
        let tables = table(&["203.0.113.128/25"]).post("203.0.113.6", 12076, &["203.0.113.128/25"]);
        world(&site).see(target.route("eth0", CE)).see(echo.route("eth0", CE)).tables(tables.rib).look()
    };
    let by_second = || to(PUBLIC).hops(["192.168.1.1", "203.0.113.6"]);
    let seen = look(by_second(), stun(OF_MS));
    assert_eq!(short(seen.path(A)), "er_microsoft(confirmed)", "the echo's flow took the other one");
    assert_eq!(seen.path(A).links, ["ms", "ms-2"]);
    let own = look(by_second().saw(OF_MS), stun(OF_MS));
    assert_eq!(short(own.path(A)), "er_microsoft(confirmed)", "the probe and the trace are two flows");
    let spread = to(PUBLIC).hops(["192.168.1.1", "203.0.113.2"]).hops(["192.168.1.1", "198.51.100.1"]);
    let site = format!("{SITE}{ECHO}");
    let narrowed = world(&site).see(spread.saw(OF_MS)).look();
    assert_eq!(short(narrowed.path(A)), "unknown(ambiguous)", "one flow went by the provider");
}

#[test]
fn e8_that_is_older_than_its_limit_is_dropped() {
    // The world's observations are all of now; what is judged later has only old ones.
    let echo = stun(OF_ISP).route("eth0", CE);
    let target = observed("a.example", PUBLIC).connected_from("198.51.100.50").route("eth0", CE);
    let world = world(&format!("{SITE}{ECHO}")).see(target).see(echo);
    let (picture, _) = world.picture();
    let of = |minutes: u64| {
        let report =
            world.report_at(&picture, crate::world::now() + std::time::Duration::from_secs(60 * minutes));
        let endpoint = report.endpoints.into_iter().find(|endpoint| endpoint.id == A).expect("it is there");
        short(&endpoint.addresses[0].path)
    };
    assert_eq!(of(15), "internet_direct(probable)");
    assert_eq!(of(16), "unknown(insufficient)");
}

#[test]
fn f21_the_far_end_sees_the_address_of_another_link_than_the_flow_takes() {
    let by_ms = || to(PUBLIC).hops(["192.168.1.1", "203.0.113.2"]);
    let seen = alone(by_ms().saw(OF_ISP));
    assert_eq!(short(seen.path(A)), "unknown(conflict)");
    assert_eq!(severities(&seen, FindingId::F21), [Severity::High]);
    assert_eq!(seen.findings(FindingId::F30).len(), 1);
    assert!(seen.findings(FindingId::F21)[0].detail.contains("198.51.100.49 of isp"));
    assert_eq!(severities(&alone(by_ms().saw(OF_MS)), FindingId::F21), []);
    let by_isp = to(PUBLIC).hops(["192.168.1.1", "198.51.100.1"]).saw(OF_MS);
    assert_eq!(severities(&alone(by_isp), FindingId::F21), [], "it is not sent by ExpressRoute");
}

#[test]
fn f21_is_suspected_where_nothing_comes_back_from_behind_an_msee() {
    let silent = |ip: &str, hop: &str| alone(observed("a.example", ip).hops(["192.168.1.1", hop]));
    let seen = silent(PUBLIC, "203.0.113.2");
    assert_eq!(severities(&seen, FindingId::F21), [Severity::High]);
    assert_eq!(short(seen.path(A)), "unknown(unreachable)");
    assert_eq!(severities(&silent(PUBLIC, "198.51.100.1"), FindingId::F21), []);
    assert_eq!(severities(&silent("10.100.0.4", "172.16.0.2"), FindingId::F21), [Severity::High]);
    let refused = observed("a.example", PUBLIC).refused().hops(["192.168.1.1", "203.0.113.2"]);
    assert_eq!(severities(&alone(refused), FindingId::F21), [], "it answers");
}

#[test]
fn e4_shows_the_tunnel_only_with_packets_that_it_carried() {
    let of = |carried| {
        let seen = alone(to("10.101.0.4").protected("10.100.255.4", carried));
        (short(seen.path(A)), strengths(&seen, A, "E4"), severities(&seen, FindingId::F27))
    };
    let (path, strength, findings) = of(Some(3));
    assert_eq!((path.as_str(), strength), ("er_private_ipsec(probable)", vec![Strength::A]));
    assert_eq!(findings, [], "it is used");
    for nothing in [Some(0), None] {
        let (path, strength, findings) = of(nothing);
        assert_eq!((path.as_str(), strength), ("unknown(no_evidence)", vec![Strength::C]));
        assert_eq!(findings, [Severity::High]);
    }
    let seen = alone(to("10.101.0.4").protected("10.100.255.4", Some(3)));
    assert_eq!(seen.path(A).encryption, ["ipsec(host, observed)"]);
    assert_eq!(
        (seen.path(A).link.as_deref(), seen.path(A).links.as_slice()),
        (Some("vpn"), &["er".into()][..])
    );
}

#[test]
fn e4_with_a_peer_that_no_tunnel_declares_is_an_unknown_path() {
    let seen = alone(to("10.101.0.4").protected("192.0.2.7", Some(3)).hops(["192.168.1.1", "172.16.0.2"]));
    assert_eq!(short(seen.path(A)), "unknown(undeclared_tunnel)");
    assert_eq!(severities(&seen, FindingId::F27), [Severity::High], "the declared one was not used");
}

#[test]
fn e4_goes_before_the_forwarding_table_which_routes_the_outer_packets() {
    let dedicated =
        SITE.replace("hops = [\"198.51.100.1\"]", "hops = [\"198.51.100.1\"]\ninterface = \"eth9\"");
    let site = dedicated.replace("prefixes = [\"10.101.0.0/16\"]", "prefixes = [\"203.0.113.128/25\"]");
    let flow = to(PUBLIC).route("eth9", "");
    let plain = world(&site).see(flow.clone()).look();
    assert_eq!(short(plain.path(A)), "internet_direct(confirmed)");
    let protected = world(&site).see(flow.protected("10.100.255.4", Some(1))).look();
    assert_eq!(short(protected.path(A)), "er_private_ipsec(probable)");
}

#[test]
fn a_tunnel_is_as_sure_as_the_path_to_its_outer_peer() {
    let look = |outer: Observed| {
        let target = to("10.101.0.4").protected("10.100.255.4", Some(3));
        world(&format!("{SITE}{OUTER}")).see(target).see(outer).look()
    };
    let peer = || observed("10.100.255.4", "10.100.255.4");
    let shown = look(peer().connected().hops(["192.168.1.1", "172.16.0.2"]));
    assert_eq!(short(shown.path(A)), "er_private_ipsec(confirmed)");
    assert_eq!(shown.report.verdict, Verdict::Closed);
    let unseen = look(peer().connected());
    assert_eq!(short(unseen.path(A)), "er_private_ipsec(probable)");
    let elsewhere = look(peer().connected().hops(["192.168.1.1", "198.51.100.1"]));
    assert_eq!(short(elsewhere.path(A)), "unknown(conflict)", "its outer packets leave by the provider");
}

#[test]
fn a_tunnel_with_two_outer_peers_needs_both() {
    let two =
        SITE.replace("outer_peer = [\"10.100.255.4\"]", "outer_peer = [\"10.100.255.4\", \"10.100.255.5\"]");
    let target = to("10.101.0.4").protected("10.100.255.4", Some(3));
    let peer = |ip: &str| observed(ip, ip).connected().hops(["192.168.1.1", "172.16.0.2"]);
    let one = world(&format!("{two}{OUTER}")).see(target.clone()).see(peer("10.100.255.4")).look();
    assert_eq!(short(one.path(A)), "er_private_ipsec(probable)");
    let second = OUTER.replace("10.100.255.4", "10.100.255.5");
    let both = world(&format!("{two}{OUTER}{second}")).see(target);
    let both = both.see(peer("10.100.255.4")).see(peer("10.100.255.5")).look();
    assert_eq!(short(both.path(A)), "er_private_ipsec(confirmed)");
}

#[test]
fn f27_a_tunnels_interface_counts_as_its_use() {
    let site = SITE.replace("terminates = \"host\"", "terminates = \"host\"\ninterface = \"ipsec0\"");
    let of = |seen: Observed| severities(&world(&site).see(seen).look(), FindingId::F27);
    assert_eq!(of(to("10.101.0.4").route("ipsec0", "")), []);
    assert_eq!(of(to("10.101.0.4").route("eth0", CE)), [Severity::High]);
    assert_eq!(of(to("10.101.0.4").route("ipsec0", "").route("eth0", CE)), [Severity::High], "half of it");
    assert_eq!(of(observed("a.example", "10.101.0.4").route("eth0", CE)), [], "nothing answered");
    assert_eq!(of(to("10.100.0.4").route("eth0", CE)), [], "it belongs into no tunnel");
}

#[test]
fn f27_expressroute_announces_what_belongs_into_a_tunnel_of_the_edge_router() {
    let site = SITE.replace("terminates = \"host\"", "terminates = \"ce\"") + TABLES;
    let look = |prefix: &str| {
        let table = router(CE).post("172.16.0.2", 12076, &[prefix]).rib;
        severities(&world(&site).see(to("10.101.0.4")).tables(table).look(), FindingId::F27)
    };
    assert_eq!(look("10.101.0.0/16"), [Severity::High]);
    assert_eq!(look("10.101.0.0/24"), [Severity::High], "longer is worse");
    assert_eq!(look("10.0.0.0/8"), [], "the tunnel's is longer");
    // A tunnel of this host encrypts before any router sees the packets.
    let table = router(CE).post("172.16.0.2", 12076, &["10.101.0.0/16"]).rib;
    let own = world(&(SITE.to_string() + TABLES)).see(to("10.101.0.4")).tables(table).look();
    let beside =
        own.findings(FindingId::F27).iter().any(|found| found.detail.contains("announces it beside"));
    assert!(!beside, "{:?}", own.findings(FindingId::F27));
}

#[test]
fn addresses_that_this_host_makes_up_prove_nothing() {
    let of = |seen: Observed| short(alone(seen).path(A));
    let hops = ["192.168.1.1", "203.0.113.2"];
    assert_eq!(of(to("6.6.0.9").hops(hops)), "unknown(synthetic_answer)");
    assert_eq!(of(to("198.18.0.9").route("tun0", "").by_a("tun").hops(hops)), "unknown(synthetic_answer)");
    assert_eq!(of(to("100.64.0.9").route("tun0", "").by_a("tun").hops(hops)), "unknown(synthetic_answer)");
    assert_eq!(of(to("198.18.0.9").route("eth0", CE).hops(hops)), "er_microsoft(confirmed)", "a lab's");
    let declared = SITE.replace("vnet = [", "vnet = [\"6.6.0.0/16\", ");
    let seen = world(&declared).see(to("6.6.0.9").hops(["192.168.1.1", "172.16.0.2"])).look();
    assert_eq!(short(seen.path(A)), "er_private(confirmed)", "the operator says whose it is");
}

#[test]
fn e5_names_the_kind_of_interface() {
    let seen = alone(to(PUBLIC).route("eth0.5", CE).by_a("vlan"));
    assert!(
        seen.path(A).evidence.iter().any(|item| item.says.contains("via 192.168.1.1 dev eth0.5 (a vlan)"))
    );
}

#[test]
fn f26_large_packets_are_lost_and_no_router_says_so() {
    let of = |seen: Observed| severities(&alone(seen), FindingId::F26);
    assert_eq!(of(to(PUBLIC).carries(1300, 1400, None)), [Severity::Medium]);
    assert_eq!(of(to(PUBLIC).carries(1300, 1400, Some("192.0.2.1"))), [], "a router says so");
    assert_eq!(of(to(PUBLIC).carries(1400, 1500, None)), [], "ExpressRoute carries no more");
    assert_eq!(of(observed("a.example", PUBLIC).carries(1300, 1400, None)), [], "nothing answers at all");
    let tls = SITE.replace("probe = \"tcp\"", "probe = \"tls\"");
    let stalls = |mtu| {
        let seen = world(&tls).see(to(PUBLIC).stalls().carries(mtu, 1500, None)).look();
        severities(&seen, FindingId::F26)
    };
    assert_eq!(stalls(1300), [Severity::Medium]);
    assert_eq!(stalls(1450), [Severity::Medium], "whatever is lost, the handshake is among it");
}

#[test]
fn f32_what_nobody_needs_answers_by_the_internet() {
    let canary = "[[canary]]\nhost = \"203.0.113.200\"\nport = 443\n";
    let look = |policy: &str, canary_answers: Observed| {
        let site = format!("{SITE}{canary}").replace("policy = \"closed\"", policy);
        let target = to("10.100.0.4").hops(["192.168.1.1", "172.16.0.2"]);
        world(&site).see(target).see(canary_answers).look()
    };
    let answers =
        || observed("203.0.113.200", "203.0.113.200").connected().hops(["192.168.1.1", "198.51.100.1"]);
    let seen = look("policy = \"closed\"", answers());
    assert_eq!(severities(&seen, FindingId::F32), [Severity::Medium]);
    assert_eq!(seen.findings(FindingId::F32)[0].workloads, ["w"]);
    let watching = "policy = \"closed\"\n[[workload]]\nname = \"watched\"\npolicy = \"observe\"\n[[target]]\n\
                    workload = \"watched\"\nhost = \"a.example\"\nport = 443\nprobe = \"tcp\"\n[[workload]]\nname = \"other\"\npolicy = \"observe\"";
    let both = look(watching, answers());
    assert_eq!(both.findings(FindingId::F32)[0].workloads, ["w"], "who promised nothing is not told");
    assert_eq!(severities(&look("policy = \"observe\"", answers()), FindingId::F32), []);
    let silent = observed("203.0.113.200", "203.0.113.200");
    assert_eq!(severities(&look("policy = \"closed\"", silent), FindingId::F32), []);
    assert_eq!(
        severities(&alone(to(PUBLIC).hops(["192.168.1.1", "198.51.100.1"])), FindingId::F32),
        [],
        "needed"
    );
}

#[test]
fn f20_one_of_several_next_hops_cannot_lead_where_a_flow_was_seen_to_go() {
    let site = SITE.replace("name = \"isp-2\"", "name = \"isp-2\"\nnext_hop = [\"192.168.1.9\"]");
    let declared = site.replace("name = \"isp\"", "name = \"isp\"\nnext_hop = [\"192.168.1.1\"]");
    let declared = declared.replace("name = \"ms\"", "name = \"ms\"\nnext_hop = [\"192.168.1.1\"]");
    let declared = declared.replace("name = \"er\"", "name = \"er\"\nnext_hop = [\"192.168.1.1\"]");
    let flow = || to(PUBLIC).hops(["192.168.1.1", "203.0.113.2"]).route("eth0", CE);
    let look = |seen: Observed| world(&declared).see(seen).look();
    assert_eq!(short(look(flow()).path(A)), "er_microsoft(confirmed)");
    let both = look(flow().route("eth0", "192.168.1.9"));
    assert_eq!(short(both.path(A)), "unknown(ecmp_mixed_class)");
    assert_eq!(severities(&both, FindingId::F20), [Severity::Critical]);
    let provider = to(PUBLIC).hops(["192.168.1.1", "198.51.100.1"]).route("eth0", CE);
    let both = look(provider.route("eth0", "192.168.1.9"));
    assert_eq!(short(both.path(A)), "internet_direct(confirmed)", "both lead to providers");
}

#[test]
fn of_several_next_hops_each_must_be_followed_unless_it_leads_to_one_class_only() {
    let look = |seen: Observed| short(world(SITE).see(seen).look().path(A));
    let both = || to(PUBLIC).route("eth0", CE).route("eth0", "192.168.1.2");
    let one = both().hops(["192.168.1.1", "203.0.113.2"]);
    assert_eq!(look(one.clone()), "unknown(ambiguous)", "where 192.168.1.2 leads, nobody saw");
    assert_eq!(look(one.clone().hops(["192.168.1.2", "203.0.113.2"])), "er_microsoft(confirmed)");
    assert_eq!(look(one.clone().hops(["192.168.1.2", "192.0.2.9"])), "unknown(ambiguous)", "no declared hop");
    assert_eq!(look(one.hops(["192.168.1.2", "198.51.100.1"])), "unknown(ecmp_mixed_class)");
}

#[test]
fn an_echo_of_its_own_is_judged_like_any_endpoint() {
    let seen = world(&format!("{SITE}{ECHO}")).see(to(PUBLIC)).see(stun(OF_ISP)).look();
    assert_eq!(short(seen.path(STUN)), "internet_direct(confirmed)");
}

#[test]
fn a_neighbour_whose_flows_take_several_classes_makes_a_single_flow_prove_nothing() {
    let both = r#"
[[target]]
workload = "w"
host = "b.example"
port = 443
probe = "tcp"
"#;
    let spread = |ip: &str| {
        let seen = observed("b.example", ip).connected().route("eth0", CE);
        seen.hops(["192.168.1.1", "203.0.113.2"]).hops(["192.168.1.1", "198.51.100.1"])
    };
    let look = |neighbour: &str, gateway: &str| {
        let flow = to(PUBLIC).hops(["192.168.1.1", "203.0.113.2"]).route("eth0", gateway);
        short(world(&format!("{SITE}{both}")).see(flow).see(spread(neighbour)).look().path(A))
    };
    assert_eq!(look("203.0.113.140", CE), "unknown(ambiguous)");
    assert_eq!(look("203.0.113.144", CE), "er_microsoft(confirmed)", "of the next 16 addresses");
    assert_eq!(
        look("203.0.113.140", "192.168.1.2"),
        "er_microsoft(confirmed)",
        "another way out of the host"
    );
}

/// Everything that the path's evidence with this id says.
fn words(seen: &Seen, id: &str) -> String {
    let items = seen.path(A).evidence.iter().filter(|item| item.id == id);
    items.map(|item| item.says.as_str()).collect::<Vec<_>>().join("; ")
}

#[test]
fn evidence_says_what_was_seen_in_words_that_can_be_checked() {
    let hop = alone(to(PUBLIC).hops(["192.168.1.1", "203.0.113.2"]));
    assert_eq!(
        words(&hop, "E6"),
        "TCP probes to 203.0.113.130:443: 192.168.1.1 → 203.0.113.2; hop 2 is 203.0.113.2 of ms"
    );
    let source = alone(observed("a.example", PUBLIC).connected_from("198.51.100.50"));
    assert_eq!(words(&source, "E2"), "the connection's source 198.51.100.50 belongs to the addresses of isp");
    assert_eq!(
        words(&alone(to(PUBLIC).saw("198.51.100.99")), "E8"),
        "203.0.113.130 saw 198.51.100.99, which is in no link's nat_pool"
    );
    assert_eq!(
        words(&alone(to(PUBLIC).saw(SHARED)), "E8"),
        "203.0.113.130 saw 198.51.100.33, which isp and isp-2 share"
    );
    assert_eq!(
        words(&alone(to("10.101.0.4").protected("10.100.255.4", None)), "E4"),
        "the IPsec policy for 10.101.0.4/32 leads to 10.100.255.4, without a security association"
    );
}

#[test]
fn an_echo_says_whether_the_same_routes_or_only_the_same_next_hop_lead_to_it() {
    let look = |prefix: &str| {
        let (target, echo) = (to(PUBLIC).route("eth0", CE), stun(OF_MS).route("eth0", CE));
        let site = with_tables(&format!("{SITE}{ECHO}"));
        words(&world(&site).see(target).see(echo).tables(table(&[prefix]).rib).look(), "E8")
    };
    let same = look("203.0.113.128/25");
    assert_eq!(same, "203.0.113.140, which the same routes lead to, saw 198.51.100.17 of ms");
    let apart = look("203.0.113.128/29");
    assert_eq!(apart, "203.0.113.140, which the same next hop leads to, saw 198.51.100.17 of ms");
}

#[test]
fn f21_is_told_also_by_the_echo_of_another_flow_that_the_routers_send_the_same_way() {
    let (target, echo) = (to(PUBLIC).route("eth0", CE), stun(OF_ISP).route("eth0", CE));
    let site = with_tables(&format!("{SITE}{ECHO}"));
    let seen = world(&site).see(target).see(echo).tables(table(&["203.0.113.128/25"]).rib).look();
    assert_eq!(short(seen.path(A)), "unknown(conflict)");
    let details: Vec<&str> =
        seen.findings(FindingId::F21).iter().map(|finding| finding.detail.as_str()).collect();
    assert!(details.iter().any(|detail| detail.contains("198.51.100.49 of isp")), "{details:?}");
}

#[test]
fn a_tunnel_for_everything_declares_no_address_and_a_narrower_one_does() {
    let of = |prefixes: &str| {
        let site = SITE.replace("[\"10.101.0.0/16\"]", prefixes);
        short(world(&site).see(to("198.18.0.9").route("tun0", "").by_a("tun")).look().path(A))
    };
    assert_eq!(of("[\"0.0.0.0/0\"]"), "unknown(synthetic_answer)");
    assert_eq!(of("[\"0.0.0.0/1\", \"128.0.0.0/1\"]"), "unknown(synthetic_answer)", "two halves are all");
    assert_eq!(of("[\"192.0.0.0/2\"]"), "unknown(no_evidence)", "declared: somebody means it");
}

#[test]
fn f21_of_the_way_to_a_proxy_is_raised_for_the_proxy_alone() {
    let proxied = SITE.replace("policy = \"closed\"", "policy = \"closed\"\nproxy = \"squid\"");
    let site = format!(
        "{proxied}[[proxy]]\nname = \"squid\"\nurl = \"http://proxy.example:3128\"\nexit = \"internet\"\n"
    );
    let proxy =
        observed("proxy.example", PUBLIC).connected().hops(["192.168.1.1", "203.0.113.2"]).saw(OF_ISP);
    let seen = world(&site).see(proxy).look();
    let subjects: Vec<&str> =
        seen.findings(FindingId::F21).iter().map(|finding| finding.subject.as_str()).collect();
    assert_eq!(subjects, ["proxy.example:3128/tcp 203.0.113.130"]);
}
