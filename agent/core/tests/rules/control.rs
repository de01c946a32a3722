//! The control plane as evidence (E7, E7a–E7d; A5, A7, A8; DESIGN §4.5): what the edge router's table adds, what it
//! contradicts, and where it has no word.

use closedpath_core::attribution::{Strength, Words, forget_traces};
use closedpath_core::closure::Picture;
use closedpath_core::findings::FindingId;
use closedpath_core::rib::Policy;
use closedpath_core::verdict::Verdict;

use crate::router::{CE, Router, ip, router, via};
use crate::world::{Observed, Seen, now, observed, short, world};

const A: &str = "a.example:443/tcp";
/// Two private and one Microsoft peering of a circuit, and a provider; all are peers of the one router that BMP tells of.
const SITE: &str = r#"
[topology]
onprem = ["192.168.0.0/16"]
vnet = ["10.100.0.0/16"]
[circuit.tokyo]
sku = "standard"
location = "Tokyo"
[[link]]
name = "er-1"
edge = "er_private"
circuit = "tokyo"
msee = ["172.16.0.2"]
bgp_peer = ["172.16.0.2"]
[[link]]
name = "er-2"
edge = "er_private"
circuit = "tokyo"
msee = ["172.16.0.6"]
[[link]]
name = "er-ms"
edge = "er_microsoft"
circuit = "tokyo"
msee = ["203.0.113.2"]
bgp_peer = ["203.0.113.2"]
[[link]]
name = "isp"
edge = "internet"
hops = ["198.51.100.1"]
bgp_peer = ["198.51.100.1"]
[bmp]
listen = "127.0.0.1:11019"
allow = ["192.168.1.1"]
[[workload]]
name = "w"
policy = "closed"
[[target]]
workload = "w"
host = "a.example"
port = 443
probe = "tcp"
"#;
const ER_1: &str = "172.16.0.2";
const ER_2: &str = "172.16.0.6";
const MS: &str = "203.0.113.2";
const ISP: &str = "198.51.100.1";
const PUBLIC: &str = "203.0.113.130";

fn ce() -> Router {
    router(CE)
}

/// Everything where it belongs: VNet by both private peerings, one public prefix by the Microsoft peering, the rest by the
/// provider.
fn normal() -> Router {
    ce().post(ER_1, 12076, &["10.100.0.0/16"]).post(MS, 12076, &["203.0.113.128/25"]).post(
        ISP,
        64500,
        &["0.0.0.0/0"],
    )
}

fn to(ip: &str) -> Observed {
    observed("a.example", ip)
}

/// By the gateway that is the router.
fn by_ce(ip: &str) -> Observed {
    to(ip).route("eth0", CE)
}

fn look_at(site: &str, table: Router, seen: Observed) -> Seen {
    world(site).see(seen).tables(table.rib).look()
}

fn look(table: Router, seen: Observed) -> Seen {
    look_at(SITE, table, seen)
}

fn path_of(table: Router, seen: Observed) -> String {
    short(look(table, seen).path(A))
}

/// Strengths of the evidence with this id.
fn strengths(seen: &Seen, id: &str) -> Vec<Strength> {
    seen.path(A).evidence.iter().filter(|item| item.id == id).map(|item| item.strength).collect()
}

#[test]
fn the_table_alone_is_probable_where_the_flow_meets_its_router() {
    let seen = look(normal(), by_ce(PUBLIC).connected());
    assert_eq!(short(seen.path(A)), "er_microsoft(probable)");
    assert_eq!(seen.path(A).link.as_deref(), Some("er-ms"));
    assert_eq!(seen.path(A).circuit.as_deref(), Some("tokyo"));
    assert_eq!((strengths(&seen, "E7"), strengths(&seen, "E7a")), (vec![Strength::A], vec![Strength::A]));
    assert_eq!(seen.report.verdict, Verdict::Undetermined, "probable is not closed by default");
    assert_eq!(path_of(normal(), by_ce("10.100.0.4").connected()), "er_private(probable)");
    assert_eq!(path_of(normal(), by_ce("203.0.113.9").connected()), "internet_direct(probable)");
    assert_eq!(path_of(normal(), to(PUBLIC).hops([CE, "*"]).connected()), "er_microsoft(probable)");
}

#[test]
fn the_table_alone_is_insufficient_where_the_flow_is_not_seen_to_meet_its_router() {
    let seen = look(normal(), to(PUBLIC).connected());
    assert_eq!(short(seen.path(A)), "unknown(insufficient)");
    assert_eq!(strengths(&seen, "E7"), [Strength::B]);
}

#[test]
fn a_router_that_the_forwarding_table_rules_out_has_no_vote() {
    // The provider's own router is the gateway: the edge router's table is about other flows.
    let site =
        SITE.replace("hops = [\"198.51.100.1\"]", "hops = [\"198.51.100.1\"]\nnext_hop = [\"192.168.1.9\"]");
    let site = ["172.16.0.2", "172.16.0.6", "203.0.113.2"].iter().fold(site, |site, msee| {
        let declared = format!("msee = [\"{msee}\"]");
        site.replace(&declared, &format!("{declared}\nnext_hop = [\"192.168.1.1\"]"))
    });
    let seen = look_at(&site, normal(), to(PUBLIC).route("eth0", "192.168.1.9").connected());
    assert_eq!(short(seen.path(A)), "internet_direct(confirmed)");
    assert_eq!(strengths(&seen, "E7"), [Strength::C]);
}

#[test]
fn a_hop_that_agrees_with_the_table_stays_confirmed() {
    let seen = look(normal(), by_ce(PUBLIC).hops([CE, MS]).connected());
    assert_eq!(short(seen.path(A)), "er_microsoft(confirmed)");
    assert_eq!(seen.report.verdict, Verdict::Closed);
}

#[test]
fn a_table_and_a_hop_that_contradict_are_never_closed() {
    for (table, hop) in [(normal(), ISP), (ce().post(ISP, 64500, &["0.0.0.0/0"]), MS)] {
        let seen = look(table, by_ce(PUBLIC).hops([CE, hop]).connected());
        assert_eq!(short(seen.path(A)), "unknown(conflict)", "{hop}");
        let findings = seen.findings(FindingId::F30);
        assert_eq!(findings.len(), 1, "{hop}");
        assert!(findings[0].detail.contains("table of 192.168.1.1") && findings[0].detail.contains(hop));
        assert_eq!(seen.report.verdict, Verdict::Undetermined);
    }
    let agreeing = look(normal(), by_ce(PUBLIC).hops([CE, MS]).connected());
    assert!(agreeing.findings(FindingId::F30).is_empty());
}

#[test]
fn a_table_that_cannot_be_relied_on_has_no_vote() {
    let stale = normal().lost();
    let seen = look(stale, by_ce(PUBLIC).connected());
    assert_eq!(short(seen.path(A)), "unknown(no_evidence)");
    assert_eq!(strengths(&seen, "E7"), [Strength::C]);
    assert!(seen.report.not_tested.iter().any(|words| words.contains("table of 192.168.1.1 is no evidence")));
    // It contradicts nothing either.
    assert_eq!(
        path_of(normal().lost(), by_ce(PUBLIC).hops([CE, ISP]).connected()),
        "internet_direct(confirmed)"
    );
    let fresh = look(normal(), by_ce(PUBLIC).connected());
    assert!(fresh.report.not_tested.iter().all(|words| !words.contains("is no evidence")));
}

#[test]
fn a_router_that_never_connected_is_named_and_leaves_the_others_without_a_vote() {
    let two = SITE.replace("allow = [\"192.168.1.1\"]", "allow = [\"192.168.1.1\", \"192.168.1.2\"]");
    let seen = look_at(&two, normal(), to(PUBLIC).connected());
    assert_eq!(short(seen.path(A)), "unknown(no_evidence)", "it may meet the silent one");
    assert!(seen.report.not_tested.iter().any(|words| words.contains("192.168.1.2")));
    assert_eq!(short(look_at(&two, normal(), by_ce(PUBLIC).connected()).path(A)), "er_microsoft(probable)");
}

#[test]
fn two_routers_of_one_flow_are_both_asked() {
    let both = || normal().joined("192.168.1.2").post(ISP, 64500, &["0.0.0.0/0"]);
    let spread = to(PUBLIC).route("eth0", CE).route("eth0", "192.168.1.2").connected();
    assert_eq!(path_of(both(), spread), "unknown(ambiguous)");
    assert_eq!(
        path_of(both(), to(PUBLIC).route("eth0", "192.168.1.2").connected()),
        "internet_direct(probable)"
    );
    let half = to(PUBLIC).route("eth0", CE).route("eth0", "192.168.1.9").connected();
    assert_eq!(path_of(both(), half), "unknown(no_evidence)", "some packets meet no router that tells");
}

#[test]
fn no_route_in_bgp_and_a_neighbour_that_no_link_declares_are_no_vote() {
    let nothing = ce().post(ER_1, 12076, &["10.100.0.0/16"]);
    assert_eq!(path_of(nothing, by_ce(PUBLIC).connected()), "unknown(no_evidence)");
    let stranger = normal().post("192.0.2.77", 64501, &["203.0.113.130/32"]);
    let seen = look(stranger, by_ce(PUBLIC).connected());
    assert_eq!(short(seen.path(A)), "unknown(no_evidence)");
    assert!(seen.path(A).evidence.iter().any(|item| item.says.contains("192.0.2.77")));
}

#[test]
fn what_has_not_come_through_as_12076_is_no_route_of_expressroute() {
    let leaked = ce().routes(Some(MS), Policy::Post, 64999, via(MS, &[64999]), &["203.0.113.128/25"]);
    assert_eq!(path_of(leaked, by_ce(PUBLIC).connected()), "unknown(no_evidence)");
    let provider =
        ce().routes(Some(MS), Policy::Post, 64999, via(MS, &[64999, 12076]), &["203.0.113.128/25"]);
    assert_eq!(path_of(provider, by_ce(PUBLIC).connected()), "er_microsoft(probable)");
}

#[test]
fn the_loc_rib_names_the_link_by_its_next_hop() {
    let table = ce().chose(ISP, 64500, &["0.0.0.0/0"]).chose(ER_2, 12076, &["10.100.0.0/16"]);
    let seen = look(table, by_ce("10.100.0.4").connected());
    assert_eq!(short(seen.path(A)), "er_private(probable)");
    assert_eq!(seen.path(A).link.as_deref(), Some("er-2"), "msee stands in for bgp_peer");
}

#[test]
fn several_routes_of_one_circuit_are_one_class_and_of_several_none() {
    let pair = ce().post(ER_1, 12076, &["10.100.0.0/16"]).post(ER_2, 12076, &["10.100.0.0/16"]);
    let seen = look(pair, by_ce("10.100.0.4").connected());
    assert_eq!(short(seen.path(A)), "er_private(probable)");
    assert_eq!((seen.path(A).link.clone(), seen.path(A).links.join(",")), (None, "er-1,er-2".into()));
    let torn = || ce().post(MS, 12076, &["203.0.113.128/25"]).post(ISP, 64500, &["203.0.113.128/25"]);
    let seen = look(torn(), by_ce(PUBLIC).connected());
    assert_eq!(short(seen.path(A)), "unknown(ambiguous)", "the local preference is not told");
    assert!(seen.findings(FindingId::F20).is_empty());
    assert_eq!(path_of(torn(), by_ce(PUBLIC).hops([CE, MS]).connected()), "er_microsoft(confirmed)");
    let told = ce().preferred(MS, 12076, 200, &["203.0.113.128/25"]).preferred(
        ISP,
        64500,
        100,
        &["203.0.113.128/25"],
    );
    assert_eq!(path_of(told, by_ce(PUBLIC).connected()), "er_microsoft(probable)");
}

#[test]
fn a_table_that_leaves_two_classes_supports_neither() {
    let site = SITE.replace(
        "bgp_peer = [\"203.0.113.2\"]",
        "bgp_peer = [\"203.0.113.2\"]\nnat_pool = [\"203.0.113.64/28\"]",
    );
    let torn = ce().post(MS, 12076, &["203.0.113.128/25"]).post(ISP, 64500, &["203.0.113.128/25"]);
    let seen = look_at(&site, torn, by_ce(PUBLIC).connected_from("203.0.113.70"));
    assert_eq!(short(seen.path(A)), "unknown(insufficient)", "only the source address speaks for er-ms");
    let seen = look_at(&site, normal(), to(PUBLIC).connected_from("203.0.113.70"));
    assert_eq!(short(seen.path(A)), "er_microsoft(probable)", "two of different planes");
}

#[test]
fn f20_a_router_that_uses_links_of_two_classes_at_once() {
    let table = || ce().chose(MS, 12076, &["203.0.113.128/25"]);
    let mut both = table();
    let peer = closedpath_core::rib::PeerKey { router: ip(CE), instance: 0, neighbour: None };
    let second = closedpath_core::rib::Announced { prefix: "203.0.113.128/25".parse().unwrap(), path: 2 };
    let feed = closedpath_core::rib::Feed { peer, policy: Policy::Loc };
    let update = closedpath_core::rib::Update::Announce {
        feed,
        attributes: via(ISP, &[64500]),
        prefixes: vec![second],
    };
    both.rib.apply(&update, now());
    let seen = look(both, by_ce(PUBLIC).hops([CE, MS]).connected());
    assert_eq!(short(seen.path(A)), "unknown(ecmp_mixed_class)");
    assert_eq!(seen.findings(FindingId::F20).len(), 1);
    assert!(look(table(), by_ce(PUBLIC).connected()).findings(FindingId::F20).is_empty());
}

#[test]
fn what_stands_before_policy_may_be_rejected_and_is_never_enough_alone() {
    let alone = ce().pre(MS, 12076, &["203.0.113.128/25"]);
    let seen = look(alone, by_ce(PUBLIC).connected());
    assert_eq!(short(seen.path(A)), "unknown(insufficient)");
    assert_eq!(strengths(&seen, "E7"), [Strength::B]);
    let rejected = || ce().pre(MS, 12076, &["203.0.113.128/25"]).pre(ISP, 64500, &["0.0.0.0/0"]);
    assert_eq!(path_of(rejected(), by_ce(PUBLIC).connected()), "unknown(ambiguous)");
    assert_eq!(path_of(rejected(), by_ce(PUBLIC).hops([CE, ISP]).connected()), "internet_direct(confirmed)");
}

#[test]
fn the_default_route_from_azure_confirms_the_internet_through_azure() {
    let azure = || ce().post(ER_1, 12076, &["0.0.0.0/0", "10.100.0.0/16"]);
    let seen = look(azure(), by_ce("203.0.113.9").hops([CE, ER_1]).connected());
    assert_eq!(short(seen.path(A)), "internet_via_azure_bgp(confirmed)");
    assert_eq!(strengths(&seen, "E7d"), [Strength::A]);
    assert_eq!(
        path_of(azure(), by_ce("203.0.113.9").connected()),
        "internet_via_azure_bgp(probable)",
        "no hop"
    );
    let halves = ce().post(ER_1, 12076, &["0.0.0.0/1", "128.0.0.0/1"]);
    let halves = path_of(halves, by_ce("203.0.113.9").hops([CE, ER_1]).connected());
    assert_eq!(halves, "internet_via_azure_bgp(confirmed)");
    let specific = ce().post(ER_1, 12076, &["203.0.113.0/24"]);
    let specific = path_of(specific, by_ce("203.0.113.9").hops([CE, ER_1]).connected());
    assert_eq!(specific, "internet_via_azure_bgp(probable)", "no default route is offered");
    let by_other = ce().post(ER_1, 12076, &["0.0.0.0/0"]);
    let by_other = path_of(by_other, to("203.0.113.9").hops([ER_2]).connected());
    assert_eq!(by_other, "unknown(conflict)", "the route is of er-1, the hop of er-2");
}

#[test]
fn an_address_of_the_site_is_contradicted_only_by_a_route_as_specific_as_its_declaration() {
    assert_eq!(
        path_of(normal(), by_ce("192.168.9.9").connected()),
        "internal(confirmed)",
        "0.0.0.0/0 covers it"
    );
    let wider = normal().post(ISP, 64500, &["192.128.0.0/9"]);
    assert_eq!(path_of(wider, by_ce("192.168.9.9").connected()), "internal(confirmed)", "so does a wide one");
    let leaks = normal().post(ISP, 64500, &["192.168.9.0/24"]);
    let seen = look(leaks, by_ce("192.168.9.9").connected());
    assert_eq!(short(seen.path(A)), "unknown(conflict)");
    assert_eq!(seen.findings(FindingId::F30).len(), 1);
}

/// With a tunnel from the edge router.
fn tunnel(over: &str) -> String {
    format!(
        "{SITE}[[tunnel]]\nname = \"t\"\nkind = \"ipsec\"\nover = \"{over}\"\nouter_peer = [\"10.100.255.4\"]\nprefixes = [\"10.101.0.0/16\"]\nterminates = \"ce\"\nhops = [\"10.101.255.4\"]\n"
    )
}

#[test]
fn a_declared_tunnel_overrides_the_longest_match_and_its_outer_peer_is_looked_up() {
    let inner = || normal().post(ISP, 64500, &["10.101.0.0/16"]);
    let seen = look_at(&tunnel("er_private"), inner(), by_ce("10.101.0.4").connected());
    assert_eq!(short(seen.path(A)), "er_private_ipsec(probable)");
    assert_eq!(seen.path(A).link.as_deref(), Some("t"));
    let hop =
        look_at(&tunnel("er_private"), inner(), by_ce("10.101.0.4").hops([CE, "10.101.255.4"]).connected());
    assert_eq!(short(hop.path(A)), "er_private_ipsec(probable)");
    let beside = look_at(&tunnel("er_private"), inner(), by_ce("10.100.0.4").connected());
    assert_eq!(short(beside.path(A)), "er_private(probable)");
}

#[test]
fn what_leaves_on_link_meets_no_router_unless_it_enters_a_tunnel() {
    let site =
        tunnel("er_private").replace("terminates = \"ce\"", "terminates = \"host\"\ninterface = \"ipsec0\"");
    let items = |ip: &str, interface: &str| {
        let seen = look_at(&site, normal(), to(ip).route(interface, "").connected());
        strengths(&seen, "E7").len()
    };
    assert_eq!(items(PUBLIC, "eth9"), 0, "its neighbours are no edge router");
    assert_eq!(items("10.101.0.4", "ipsec0"), 1, "the outer packets meet one");
}

#[test]
fn a_tunnel_whose_outer_peer_is_routed_elsewhere_is_a_conflict() {
    let fallen = ce().post(ISP, 64500, &["0.0.0.0/0"]);
    let seen = look_at(&tunnel("er_private"), fallen, by_ce("10.101.0.4").connected());
    assert_eq!(short(seen.path(A)), "unknown(conflict)");
    assert_eq!(seen.findings(FindingId::F30).len(), 1);
}

#[test]
fn a_dedicated_interface_under_a_tunnel_is_its_outer_leg() {
    let site = tunnel("er_private")
        .replace("msee = [\"172.16.0.2\"]", "msee = [\"172.16.0.2\"]\ninterface = \"eth1\"");
    let seen = look_at(&site, normal(), to("10.101.0.4").route("eth1", CE).connected());
    assert_eq!(short(seen.path(A)), "er_private_ipsec(probable)");
}

#[test]
fn communities_are_shown_and_prove_nothing_alone() {
    let table = ce().tagged(MS, &[51012], &["203.0.113.128/25"]).tagged(ER_1, &[50012], &["10.100.0.0/16"]);
    let seen = look(table, by_ce(PUBLIC).connected());
    assert_eq!(strengths(&seen, "E7b").len(), 1);
    assert!(seen.path(A).evidence.iter().any(|item| item.id == "E7b" && item.says.contains("12076:51012")));
    assert!(strengths(&seen, "E7c").is_empty());
}

#[test]
fn a_changed_route_makes_traces_void_and_a_silent_table_does_not() {
    let by_isp = || ce().post(ISP, 64500, &["0.0.0.0/0"]);
    let world = || world(SITE).see(by_ce(PUBLIC).hops([CE, MS]).connected());
    let (mut picture, _) = world().picture();
    let words = |table: Router| Words::now(&world().plan, &picture, &table.rib, now());
    let (before, silent, after) = (words(normal()), words(normal().lost()), words(by_isp()));
    assert!(!words(normal()).differ(&before) && words(normal()).rerouted(&before).is_empty());
    assert!(silent.differ(&before), "it must be judged anew");
    assert!(silent.rerouted(&before).is_empty(), "but nothing says that the route is another one");
    assert_eq!(after.rerouted(&before), [ip(PUBLIC)].into());
    let meanwhile = silent.clone().after(&before);
    assert!(after.differ(&meanwhile));
    assert_eq!(after.rerouted(&meanwhile), [ip(PUBLIC)].into(), "also after a silence");
    assert!(before.rerouted(&meanwhile).is_empty());
    assert!(after.rerouted(&silent).is_empty(), "what was never known cannot have changed");

    let judged = |picture: &Picture| {
        let world = world().tables(by_isp().rib);
        let report = world.report_on(picture);
        short(Seen { report, work: Vec::new() }.path(A))
    };
    assert_eq!(judged(&picture), "unknown(conflict)");
    forget_traces(&mut picture, &after.rerouted(&before));
    assert_eq!(judged(&picture), "internet_direct(probable)");
}

#[test]
fn words_differ_also_when_the_outer_path_of_a_tunnel_or_the_offered_default_does() {
    let site = tunnel("er_private");
    let world = |ip: &str| world(&site).see(by_ce(ip).connected());
    let words = |ip: &str, table: Router| {
        let world = world(ip);
        Words::now(&world.plan, &world.picture().0, &table.rib, now())
    };
    let inner = ["10.101.0.0/16"];
    let by_er = ce().post(ER_1, 12076, &["10.100.0.0/16"]).post(ISP, 64500, &inner);
    let by_isp = ce().post(ISP, 64500, &["10.100.0.0/16"]).post(ISP, 64500, &inner);
    assert_eq!(words("10.101.0.4", by_isp).rerouted(&words("10.101.0.4", by_er)).len(), 1);
    let half = ce().post(ER_1, 12076, &["0.0.0.0/1", "192.0.0.0/2"]);
    let whole = ce().post(ER_1, 12076, &["0.0.0.0/1", "128.0.0.0/1", "192.0.0.0/2"]);
    assert!(words(PUBLIC, whole).differ(&words(PUBLIC, half)), "the halves of a default route are whole now");
}

#[test]
fn a_table_tells_the_route_and_why_the_router_chose_it() {
    let seen = look(normal(), by_ce(PUBLIC).connected());
    let said: Vec<&str> = seen.path(A).evidence.iter().map(|item| item.says.as_str()).collect();
    let route = "203.0.113.128/25 from 203.0.113.2 (AS path 12076), the only route: er-ms";
    assert!(said.contains(&format!("table of 192.168.1.1: 203.0.113.130 by {route}").as_str()), "{said:?}");
}

#[test]
fn a_boundless_tunnel_begins_only_behind_routes_of_its_own_edge() {
    let boundless = tunnel("er_private").replace("prefixes = [\"10.101.0.0/16\"]\n", "");
    let by_isp = ce().post(ISP, 64500, &["0.0.0.0/0"]);
    assert_eq!(
        short(look_at(&boundless, by_isp, by_ce(PUBLIC).connected()).path(A)),
        "internet_direct(probable)"
    );
    let by_azure = ce().post(ER_1, 12076, &["0.0.0.0/0"]);
    let seen = look_at(&boundless, by_azure, by_ce(PUBLIC).connected());
    assert_eq!(short(seen.path(A)), "unknown(ambiguous)", "inside the tunnel, or beside it");
}

#[test]
fn a_tunnel_for_both_halves_of_everything_names_no_destination() {
    let halves = tunnel("er_private")
        .replace("prefixes = [\"10.101.0.0/16\"]", "prefixes = [\"0.0.0.0/1\", \"128.0.0.0/1\"]");
    let seen = look_at(&halves, ce().post(ISP, 64500, &["0.0.0.0/0"]), by_ce(PUBLIC).connected());
    assert_eq!(short(seen.path(A)), "internet_direct(probable)", "its own route is looked up");
}

#[test]
fn a_router_behind_a_tunnels_interface_supports_what_its_table_says() {
    let site =
        tunnel("er_private").replace("terminates = \"ce\"", "terminates = \"host\"\ninterface = \"ipsec0\"");
    let seen = look_at(&site, normal(), to("10.101.0.4").route("ipsec0", "").connected());
    assert_eq!(strengths(&seen, "E7"), [Strength::B]);
}
