//! Attribution (DOMAIN §3.2–§3.4, DESIGN §4.5): from hops, routes and source addresses to class, link and confidence.

use std::time::Duration;

use closedpath_core::attribution::{Exit, PathClass};
use closedpath_core::findings::FindingId;

use crate::world::{Observed, Seen, now, observed, short, world};

const A: &str = "a.example:443/tcp";
const TARGET: &str = r#"
[[workload]]
name = "w"
policy = "closed"
[[target]]
workload = "w"
host = "a.example"
port = 443
probe = "tcp"
"#;
/// Two links of one circuit's private peering, its Microsoft peering, and an Internet provider.
pub const TOPOLOGY: &str = r#"
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
[[link]]
name = "isp"
edge = "internet"
hops = ["198.51.100.1"]
"#;

fn look(topology: &str, seen: Observed) -> Seen {
    world(&format!("{topology}{TARGET}")).see(seen).look()
}

fn path_of(topology: &str, seen: Observed) -> String {
    short(look(topology, seen).path(A))
}

fn to(ip: &str) -> Observed {
    observed("a.example", ip)
}

#[test]
fn each_edge_gives_its_class() {
    let link = |edge: &str| {
        format!(
            "[topology]\nvnet = [\"10.100.0.0/16\"]\n[[link]]\nname = \"x\"\nedge = \"{edge}\"\nhops = [\"198.51.100.1\"]\n"
        )
    };
    let of = |topology: &str, ip: &str| path_of(topology, to(ip).hops(["198.51.100.1"]).connected());
    assert_eq!(of(&link("er_private"), "10.100.0.4"), "er_private(confirmed)");
    assert_eq!(of(&link("er_microsoft"), "203.0.113.9"), "er_microsoft(confirmed)");
    assert_eq!(of(&link("internet"), "203.0.113.9"), "internet_direct(confirmed)");
    assert_eq!(of(&link("s2s_vpn_over_internet"), "10.100.0.4"), "vpn_internet(confirmed)");
    let peering = format!("{}peering_service = true\n", link("internet"));
    assert_eq!(of(&peering, "203.0.113.9"), "internet_peering_service(confirmed)");
}

#[test]
fn a_link_that_stays_inside_makes_no_public_destination_internal() {
    let topology = "[topology]\nonprem = [\"192.168.0.0/16\"]\n[[link]]\nname = \"core\"\nedge = \"internal\"\nhops = [\"192.168.1.1\"]\n";
    let seen = look(topology, to("203.0.113.9").hops(["192.168.1.1", "*"]).connected());
    assert_eq!(seen.path(A).class, PathClass::Unknown);
    assert_eq!(path_of(topology, to("192.168.9.9").hops(["192.168.1.1"]).connected()), "internal(confirmed)");
}

#[test]
fn a_hop_of_the_msee_confirms_link_and_circuit() {
    let seen = look(TOPOLOGY, to("10.100.0.4").hops(["192.168.1.1", "172.16.0.2"]).connected());
    let path = seen.path(A);
    assert_eq!(short(path), "er_private(confirmed)");
    assert_eq!((path.link.as_deref(), path.circuit.as_deref()), (Some("er-1"), Some("tokyo")));
    assert_eq!(path.exit, Some(Exit::Vnet));
}

#[test]
fn silent_hops_never_vote() {
    assert_eq!(path_of(TOPOLOGY, to("10.100.0.4").hops(["*", "*"]).connected()), "unknown(no_evidence)");
    assert_eq!(path_of(TOPOLOGY, to("203.0.113.9").hops(["10.0.0.1"]).connected()), "unknown(no_evidence)");
    assert_eq!(path_of(TOPOLOGY, to("10.100.0.4").connected()), "unknown(no_evidence)");
}

#[test]
fn without_links_everything_but_the_site_is_unknown() {
    let topology = "[topology]\nonprem = [\"192.168.0.0/16\"]\n";
    assert_eq!(path_of(topology, to("203.0.113.9").connected()), "unknown(no_topology)");
    assert_eq!(path_of(topology, to("192.168.9.9").connected()), "internal(confirmed)");
}

#[test]
fn a_refusal_is_an_answer_and_at_most_probable() {
    let seen = look(TOPOLOGY, to("10.100.0.4").hops(["172.16.0.2"]).refused());
    assert_eq!(short(seen.path(A)), "er_private(probable)");
    assert!(!seen.endpoint(A).addresses[0].reachable);
    assert_eq!(seen.endpoint(A).class, PathClass::ErPrivate);
}

#[test]
fn what_does_not_answer_has_no_class_but_that_of_its_route() {
    let seen = look(TOPOLOGY, to("10.100.0.4").hops(["172.16.0.2"]));
    let path = seen.path(A);
    assert_eq!(short(path), "unknown(unreachable)");
    assert_eq!(path.route_only, Some(PathClass::ErPrivate));
    assert_eq!(seen.endpoint(A).class, PathClass::Unknown);
}

#[test]
fn two_links_in_one_trace_contradict_each_other() {
    let seen = look(TOPOLOGY, to("10.100.0.4").hops(["172.16.0.2", "198.51.100.1"]).connected());
    assert_eq!(short(seen.path(A)), "unknown(conflict)");
    let findings = seen.findings(FindingId::F30);
    assert_eq!(findings.len(), 1);
    assert!(findings[0].detail.contains("172.16.0.2") && findings[0].detail.contains("198.51.100.1"));
    assert_eq!(seen.report.verdict, closedpath_core::verdict::Verdict::Undetermined);
}

#[test]
fn a_contradiction_within_one_flow_is_not_healed_by_another_flow() {
    let two = to("10.100.0.4").hops(["172.16.0.2"]).hops(["198.51.100.1", "172.16.0.2"]).connected();
    assert_eq!(path_of(TOPOLOGY, two), "unknown(conflict)");
    let three = to("10.100.0.4").hops(["172.16.0.6", "172.16.0.2"]).hops(["172.16.0.2"]);
    assert_eq!(path_of(TOPOLOGY, three.connected()), "unknown(conflict)");
}

#[test]
fn flows_over_several_classes_are_not_narrowed_to_the_closed_one() {
    let split = to("10.100.0.4").hops(["172.16.0.2"]).hops(["198.51.100.1"]).connected();
    assert_eq!(path_of(TOPOLOGY, split), "unknown(ambiguous)");
    let dedicated =
        TOPOLOGY.replace("msee = [\"172.16.0.2\"]", "msee = [\"172.16.0.2\"]\ninterface = \"eth1\"");
    let split = to("10.100.0.4").hops(["172.16.0.2"]).hops(["198.51.100.1"]);
    assert_eq!(path_of(&dedicated, split.route("eth1", "192.168.31.1").connected()), "unknown(conflict)");
    let pooled = TOPOLOGY
        .replace("msee = [\"172.16.0.2\"]", "msee = [\"172.16.0.2\"]\nnat_pool = [\"192.168.1.10/32\"]");
    let split = to("10.100.0.4").hops(["172.16.0.2"]).hops(["198.51.100.1"]);
    assert_eq!(path_of(&pooled, split.connected()), "unknown(conflict)");
}

#[test]
fn two_flows_by_primary_and_secondary_have_one_class_and_no_single_link() {
    let flows = to("10.100.0.4").hops(["172.16.0.2"]).hops(["172.16.0.6"]).connected();
    let seen = look(TOPOLOGY, flows);
    let path = seen.path(A);
    assert_eq!(short(path), "er_private(confirmed)");
    assert_eq!((path.link.clone(), path.links.clone()), (None, vec!["er-1".to_string(), "er-2".into()]));
    assert_eq!(path.circuit.as_deref(), Some("tokyo"));
}

#[test]
fn a_dedicated_interface_confirms_and_contradicts_hops() {
    let topology =
        TOPOLOGY.replace("hops = [\"198.51.100.1\"]", "hops = [\"198.51.100.1\"]\ninterface = \"eth2\"");
    let isp = to("203.0.113.9").route("eth2", "192.0.2.1").connected();
    assert_eq!(path_of(&topology, isp), "internet_direct(confirmed)");
    let both = to("10.100.0.4").route("eth2", "192.0.2.1").hops(["172.16.0.2"]).connected();
    assert_eq!(path_of(&topology, both), "unknown(conflict)");
}

/// Links that begin at routers of their own.
fn routers(er: &str, isp: &str) -> String {
    TOPOLOGY
        .replace("msee = [\"172.16.0.2\"]", &format!("msee = [\"172.16.0.2\"]\n{er}"))
        .replace("msee = [\"172.16.0.6\"]", "msee = [\"172.16.0.6\"]\nnext_hop = [\"192.168.1.12\"]")
        .replace("msee = [\"203.0.113.2\"]", "msee = [\"203.0.113.2\"]\nnext_hop = [\"192.168.1.13\"]")
        .replace("hops = [\"198.51.100.1\"]", &format!("hops = [\"198.51.100.1\"]\n{isp}"))
}

#[test]
fn a_next_hop_decides_only_where_every_other_link_begins_elsewhere() {
    let seen = || to("10.100.0.4").route("eth0", "192.168.1.11").connected();
    let all = routers("next_hop = [\"192.168.1.11\"]", "next_hop = [\"192.168.1.14\"]");
    assert_eq!(path_of(&all, seen()), "er_private(confirmed)");
    let undeclared = routers("next_hop = [\"192.168.1.11\"]", "");
    assert_eq!(path_of(&undeclared, seen()), "unknown(no_evidence)");
    let shared = routers("next_hop = [\"192.168.1.11\"]", "next_hop = [\"192.168.1.11\"]");
    assert_eq!(path_of(&shared, seen()), "unknown(no_evidence)");
}

#[test]
fn an_interface_decides_nothing_where_its_router_also_leads_to_another_link() {
    let topology = routers("interface = \"eth1\"", "next_hop = [\"192.168.1.14\"]");
    let through = |gateway| to("10.100.0.4").route("eth1", gateway).connected();
    assert_eq!(path_of(&topology, through("192.168.1.14")), "unknown(no_evidence)");
    assert_eq!(path_of(&topology, through("192.168.1.99")), "er_private(confirmed)");
}

#[test]
fn equal_cost_over_two_classes_is_unknown_and_raises_f20() {
    let topology = routers("next_hop = [\"192.168.1.11\"]", "next_hop = [\"192.168.1.14\"]");
    let both = || to("10.100.0.4").route("eth0", "192.168.1.11").route("eth0", "192.168.1.14");
    let seen = look(&topology, both().hops(["172.16.0.2"]).connected());
    assert_eq!(short(seen.path(A)), "unknown(ecmp_mixed_class)");
    assert_eq!(seen.findings(FindingId::F20).len(), 1);
    let alike = to("10.100.0.4").route("eth0", "192.168.1.11").route("eth0", "192.168.1.12").connected();
    let seen = look(&topology, alike);
    assert_eq!(short(seen.path(A)), "er_private(confirmed)");
    assert!(seen.findings(FindingId::F20).is_empty());
}

#[test]
fn equal_cost_is_mixed_also_where_one_way_out_is_shared_by_links_of_one_class() {
    let topology = TOPOLOGY
        .replace("msee = [\"172.16.0.2\"]", "msee = [\"172.16.0.2\"]\ninterface = \"eth1\"")
        .replace("msee = [\"172.16.0.6\"]", "msee = [\"172.16.0.6\"]\ninterface = \"eth1\"")
        .replace("hops = [\"198.51.100.1\"]", "hops = [\"198.51.100.1\"]\ninterface = \"eth2\"");
    let both = to("10.100.0.4").route("eth1", "192.168.1.1").route("eth2", "192.0.2.1");
    assert_eq!(path_of(&topology, both.hops(["172.16.0.2"]).connected()), "unknown(ecmp_mixed_class)");
}

#[test]
fn a_source_address_votes_only_for_the_one_link_it_belongs_to() {
    let pool = |er: &str, isp: &str| routers(er, isp);
    let seen = || to("10.100.0.4").connected_from("203.0.113.70");
    let own = pool("nat_pool = [\"203.0.113.64/28\"]", "");
    assert_eq!(path_of(&own, seen()), "unknown(insufficient)");
    let shared = pool("nat_pool = [\"203.0.113.64/28\"]", "nat_pool = [\"203.0.113.64/27\"]");
    assert_eq!(path_of(&shared, seen()), "unknown(no_evidence)");
    assert_eq!(path_of(&own, seen().hops(["198.51.100.1"])), "unknown(conflict)");
}

#[test]
fn hops_older_than_fifteen_minutes_are_dropped() {
    let seen = |age| to("10.100.0.4").hops_at(["172.16.0.2"], now() - Duration::from_secs(age)).connected();
    assert_eq!(path_of(TOPOLOGY, seen(15 * 60)), "er_private(confirmed)");
    assert_eq!(path_of(TOPOLOGY, seen(15 * 60 + 1)), "unknown(no_evidence)");
}

#[test]
fn the_destination_itself_is_no_hop() {
    assert_eq!(
        path_of(TOPOLOGY, to("198.51.100.1").hops(["*", "198.51.100.1"]).connected()),
        "unknown(no_evidence)"
    );
}

#[test]
fn a_public_destination_by_the_private_peering_is_the_internet_through_azure() {
    let seen = look(TOPOLOGY, to("203.0.113.9").hops(["172.16.0.2"]).connected());
    assert_eq!(short(seen.path(A)), "internet_via_azure_bgp(probable)");
}

#[test]
fn an_undeclared_private_address_by_the_private_peering_is_unknown() {
    let seen = look(TOPOLOGY, to("10.200.0.4").hops(["172.16.0.2"]).connected());
    assert_eq!(short(seen.path(A)), "unknown(undeclared_private)");
    assert_eq!(seen.findings(FindingId::F13).len(), 1);
}

#[test]
fn an_address_of_the_site_behind_a_way_out_is_a_conflict() {
    let seen = look(TOPOLOGY, to("192.168.9.9").hops(["198.51.100.1"]).connected());
    assert_eq!(short(seen.path(A)), "unknown(conflict)");
    assert_eq!(seen.findings(FindingId::F30).len(), 1);
}

#[test]
fn a_vnet_inside_a_wider_prefix_of_the_site_is_not_internal() {
    let topology = TOPOLOGY.replace("\"192.168.0.0/16\"", "\"192.168.0.0/16\", \"10.0.0.0/8\"");
    assert_eq!(path_of(&topology, to("10.100.0.4").connected()), "unknown(no_evidence)");
    assert_eq!(
        path_of(&topology, to("10.100.0.4").hops(["172.16.0.2"]).connected()),
        "er_private(confirmed)"
    );
    assert_eq!(path_of(&topology, to("10.99.0.4").connected()), "internal(confirmed)");
}

/// With a tunnel from the customer edge.
fn tunnel(kind: &str, over: &str) -> String {
    format!(
        "{TOPOLOGY}[[tunnel]]\nname = \"t\"\nkind = \"{kind}\"\nover = \"{over}\"\nouter_peer = [\"10.100.255.4\"]\nprefixes = [\"10.101.0.0/16\"]\nterminates = \"ce\"\nhops = [\"10.100.255.4\"]\n"
    )
}

#[test]
fn the_hop_of_a_tunnel_over_expressroute_is_probable_and_names_the_outer_links() {
    let seen = look(&tunnel("ipsec", "er_private"), to("10.101.0.4").hops(["10.100.255.4"]).connected());
    let path = seen.path(A);
    assert_eq!(short(path), "er_private_ipsec(probable)");
    assert_eq!((path.link.as_deref(), path.links.join(",")), (Some("t"), "er-1,er-2".into()));
    assert!(seen.findings(FindingId::F13).is_empty(), "the tunnel declares the prefix");
    let vpn = path_of(&tunnel("ipsec", "internet"), to("10.101.0.4").hops(["10.100.255.4"]).connected());
    assert_eq!(vpn, "vpn_internet(probable)", "as every tunnel's (DESIGN §4.5)");
}

#[test]
fn a_tunnel_into_azure_does_not_make_public_destinations_closed() {
    let topology = tunnel("ipsec", "er_private");
    let seen = |ip| path_of(&topology, to(ip).hops(["10.100.255.4"]).connected());
    assert_eq!(seen("203.0.113.9"), "internet_via_azure_bgp(probable)");
    assert_eq!(seen("10.200.0.4"), "unknown(undeclared_private)");
    assert_eq!(seen("10.100.0.4"), "er_private_ipsec(probable)");
}

#[test]
fn global_secure_access_is_its_own_class() {
    let topology = tunnel("gsa_remote_network", "internet");
    let path = path_of(&topology, to("203.0.113.9").hops(["10.100.255.4"]).connected());
    assert_eq!(path, "gsa_remote_network(probable)");
}

/// Through a forward proxy at `ip`.
fn proxied(ip: &str, exit: &str, seen: Observed) -> String {
    let config = format!(
        "{TOPOLOGY}[[proxy]]\nname = \"squid\"\nurl = \"http://{ip}:3128\"\nexit = \"{exit}\"\n{}",
        TARGET.replace("policy = \"closed\"", "policy = \"closed\"\nproxy = \"squid\"")
    );
    short(world(&config).see(seen).look().path("a.example:443/tcp via squid"))
}

#[test]
fn a_proxy_is_judged_by_where_it_stands_and_where_it_delivers() {
    let azure = || observed("10.100.2.4", "10.100.2.4").hops(["172.16.0.2"]).connected();
    assert_eq!(proxied("10.100.2.4", "internet", azure()), "internet_via_azure_proxy(confirmed)");
    assert_eq!(proxied("10.100.2.4", "unknown", azure()), "unknown(proxy_exit)");
    let onprem = || observed("192.168.2.4", "192.168.2.4").connected();
    assert_eq!(proxied("192.168.2.4", "internet", onprem()), "internet_via_proxy(confirmed)");
    assert_eq!(proxied("192.168.2.4", "unknown", onprem()), "unknown(proxy_exit)");
    let untold = observed("10.100.2.4", "10.100.2.4").connected();
    assert_eq!(proxied("10.100.2.4", "internet", untold), "unknown(no_evidence)");
}

#[test]
fn an_ipv4_address_in_ipv6_clothes_is_judged_as_itself() {
    let seen = look(TOPOLOGY, to("::ffff:10.100.0.4").hops(["::ffff:172.16.0.2"]).connected());
    assert_eq!(short(seen.path(A)), "er_private(confirmed)");
    assert!(seen.findings(FindingId::F13).is_empty(), "it is in a declared prefix");
    assert_eq!(path_of(TOPOLOGY, to("::ffff:192.168.9.9").connected()), "internal(confirmed)");
}

#[test]
fn addresses_of_several_classes_make_the_endpoint_mixed() {
    let config = format!("{TOPOLOGY}{TARGET}");
    let closed = || to("10.100.0.4").hops(["172.16.0.2"]).connected();
    let with = |other: Observed| world(&config).see(closed()).see(other).look().endpoint(A).class;
    assert_eq!(with(to("203.0.113.9").hops(["198.51.100.1"]).connected()), PathClass::Mixed);
    assert_eq!(with(to("203.0.113.9").connected()), PathClass::Mixed, "known and unknown");
    assert_eq!(
        with(to("203.0.113.9").hops(["198.51.100.1"])),
        PathClass::ErPrivate,
        "silent ones do not count"
    );
}

#[test]
fn several_addresses_of_one_class_are_that_class() {
    let config = format!("{TOPOLOGY}{TARGET}");
    let by = |ip, hop| to(ip).hops([hop]).connected();
    let both = world(&config).see(by("10.100.0.4", "172.16.0.2")).see(by("10.100.0.5", "172.16.0.6"));
    assert_eq!(both.look().endpoint(A).class, PathClass::ErPrivate);
}

#[test]
fn where_nothing_says_how_it_goes_on_there_is_no_exit_and_the_reason_tells_whose_address_it_is() {
    let core = "[topology]\nonprem = [\"192.168.0.0/16\"]\n[[link]]\nname = \"core\"\nedge = \"internal\"\nhops = [\"192.168.1.1\"]\n";
    let deeper = look(core, to("203.0.113.9").hops(["192.168.1.1"]).connected());
    assert_eq!(short(deeper.path(A)), "unknown(insufficient)", "a public address is nobody's stranger");
    assert_eq!(deeper.path(A).exit, None);
    let vnet = to("10.100.0.4").hops(["203.0.113.2"]).connected();
    assert_eq!(
        path_of(TOPOLOGY, vnet),
        "unknown(insufficient)",
        "declared, and the Microsoft peering has none"
    );
    let stranger = to("10.200.0.4").hops(["203.0.113.2"]).connected();
    assert_eq!(path_of(TOPOLOGY, stranger), "unknown(undeclared_private)");
}

#[test]
fn a_tunnel_for_both_halves_of_everything_makes_no_public_destination_closed() {
    let halves = tunnel("ipsec", "er_private")
        .replace("prefixes = [\"10.101.0.0/16\"]", "prefixes = [\"0.0.0.0/1\", \"128.0.0.0/1\"]");
    let path = path_of(&halves, to("203.0.113.9").hops(["10.100.255.4"]).connected());
    assert_eq!(path, "internet_via_azure_bgp(probable)");
}

#[test]
fn of_the_same_prefix_as_the_sites_own_the_one_that_leads_away_counts() {
    let same = tunnel("ipsec", "er_private").replace("[\"10.101.0.0/16\"]", "[\"192.168.0.0/16\"]");
    assert_eq!(path_of(&same, to("192.168.9.9").connected()), "unknown(no_evidence)");
    let wider = tunnel("ipsec", "er_private").replace("[\"10.101.0.0/16\"]", "[\"192.0.0.0/8\"]");
    assert_eq!(path_of(&wider, to("192.168.9.9").connected()), "internal(confirmed)");
}

#[test]
fn a_link_may_declare_both_its_interface_and_the_router_behind_it() {
    let topology = routers("interface = \"eth1\"\nnext_hop = [\"192.168.1.11\"]", "interface = \"eth2\"");
    let seen = to("10.100.0.4").route("eth1", "192.168.1.11").connected();
    assert_eq!(path_of(&topology, seen), "er_private(confirmed)");
}
