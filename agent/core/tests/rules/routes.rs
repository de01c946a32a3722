//! Findings from the edge routers' tables: F05, F06, F07, F19, F23, F31. Each is raised where its condition holds, and not
//! where it does not.

use closedpath_core::findings::{FindingId, Severity};
use closedpath_core::rib::{Attributes, Community, Policy};
use closedpath_core::tables::{AsnTable, DataFile, ServiceTags};

use crate::router::{CE, Router, router, via};
use crate::world::{Observed, Seen, World, observed, world};

const TAGS: &str = include_str!("../../../../tests/data/ServiceTags_Public_20251110.extract.json");
const ASN: &str = include_str!("../../../../tests/data/asn.tsv");
/// Entra ID: eligible by community 12076:5060.
const ENTRA: &str = "20.190.141.1";
const VNET: &str = "10.100.0.4";
const ER: &str = "172.16.0.2";
const MS: &str = "203.0.113.2";
const ISP: &str = "198.51.100.1";
const SITE: &str = r#"
[topology]
onprem = ["192.168.0.0/16"]
vnet = ["10.100.0.0/16"]
[circuit.tokyo]
sku = "premium"
location = "Tokyo"
route_filter = ["12076:51012", "12076:5060"]
[[link]]
name = "er"
edge = "er_private"
circuit = "tokyo"
msee = ["172.16.0.2"]
[[link]]
name = "ms"
edge = "er_microsoft"
circuit = "tokyo"
msee = ["203.0.113.2"]
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

fn site(config: &str) -> World {
    let mut world = world(config);
    let file = |name, text| DataFile { name, modified: None, text };
    let tags = ServiceTags::parse(&file("ServiceTags_Public_20251110.extract.json", TAGS));
    world.tables.service_tags = Some(tags.expect("the extract parses"));
    world.tables.asn = Some(AsnTable::parse(&file("asn.tsv", ASN)).expect("the extract parses"));
    world.tables.limits.service_tags_stale = std::time::Duration::MAX;
    world
}

fn by(hop: &str, ip: &str) -> Observed {
    observed("a.example", ip).route("eth0", CE).hops([CE, hop]).connected()
}

fn look(table: Router, seen: Observed) -> Seen {
    site(SITE).see(seen).tables(table.rib).look()
}

/// Severity and subject of the findings of one kind.
fn raised(seen: &Seen, id: FindingId) -> Vec<(Severity, String)> {
    seen.findings(id).iter().map(|finding| (finding.severity, finding.subject.clone())).collect()
}

fn once(severity: Severity, subject: &str) -> Vec<(Severity, String)> {
    vec![(severity, subject.into())]
}

#[test]
fn f05_routes_of_microsoft_365_come_without_declared_authorisation() {
    let exchange = || router(CE).tagged(MS, &[5010], &["40.104.0.0/15"]).post(ISP, 64500, &["0.0.0.0/0"]);
    assert_eq!(
        raised(&look(exchange(), by(MS, ENTRA)), FindingId::F05),
        once(Severity::High, "peer:203.0.113.2")
    );
    let entra = router(CE).tagged(MS, &[5060, 51012], &["20.190.128.0/18"]);
    assert_eq!(raised(&look(entra, by(MS, ENTRA)), FindingId::F05), []);
    let config = SITE.replace("location = \"Tokyo\"", "location = \"Tokyo\"\nm365_authorised = true");
    let authorised = site(&config).see(by(MS, ENTRA)).tables(exchange().rib).look();
    assert_eq!(raised(&authorised, FindingId::F05), []);
    assert_eq!(raised(&look(exchange().lost(), by(MS, ENTRA)), FindingId::F05), [], "stale");
}

#[test]
fn f06_microsoft_365_is_authorised_and_goes_by_the_internet() {
    /// Of Exchange Online's set 1, which may use ExpressRoute.
    const EXCHANGE: &str = "40.96.0.1";
    let config = SITE
        .replace("location = \"Tokyo\"", "location = \"Tokyo\"\nm365_authorised = true")
        .replace("12076:5060", "12076:5010");
    let seen = |config: &str, seen| raised(&site(config).see(seen).look(), FindingId::F06);
    assert_eq!(
        seen(&config, by(ISP, EXCHANGE)),
        once(Severity::Medium, &format!("a.example:443/tcp {EXCHANGE}"))
    );
    assert_eq!(seen(&config, by(MS, EXCHANGE)), []);
    assert_eq!(seen(SITE, by(ISP, EXCHANGE)), [], "not authorised");
    assert_eq!(seen(&config, by(ISP, ENTRA)), [], "no approval is asked for");
}

#[test]
fn f07_no_route_filter_has_the_community() {
    let config = SITE.replace(", \"12076:5060\"", "");
    let seen = site(&config).see(by(ISP, ENTRA)).look();
    assert_eq!(raised(&seen, FindingId::F07), once(Severity::Medium, "a.example:443/tcp 20.190.141.1"));
    assert!(seen.findings(FindingId::F07)[0].detail.contains("12076:5060"));
    assert_eq!(raised(&site(SITE).see(by(ISP, ENTRA)).look(), FindingId::F07), []);
}

#[test]
fn f19_a_default_route_comes_from_the_microsoft_peering() {
    let table = |ms: &[&str], er: &[&str]| router(CE).post(MS, 12076, ms).post(ER, 12076, er);
    let seen = |ms: &[&str], er: &[&str]| raised(&look(table(ms, er), by(MS, ENTRA)), FindingId::F19);
    assert_eq!(seen(&["0.0.0.0/0"], &["10.100.0.0/16"]), once(Severity::High, "peer:203.0.113.2"));
    assert_eq!(seen(&["::/0"], &["10.100.0.0/16"]), once(Severity::High, "peer:203.0.113.2"));
    assert_eq!(seen(&["20.190.128.0/18"], &["0.0.0.0/0"]), [], "from the private peering it is P7b");
    assert_eq!(seen(&["0.0.0.0/1"], &["10.100.0.0/16"]), [], "one half");
}

#[test]
fn a_default_route_on_the_microsoft_peering_makes_nothing_eligible() {
    let with = |prefix: &str| {
        let table = router(CE).post(MS, 12076, &[prefix]);
        let seen = look(table, by(MS, "203.0.113.9"));
        seen.endpoint("a.example:443/tcp").addresses[0].eligibility.facts.join("; ")
    };
    assert!(!with("0.0.0.0/0").contains("received"));
    assert!(with("203.0.113.0/24").contains("203.0.113.0/24 is received on Microsoft peering"));
}

#[test]
fn f23_without_its_closed_routes_the_provider_would_carry_it() {
    let table =
        || router(CE).post(ER, 12076, &["10.100.0.0/16", "10.100.0.0/24"]).post(ISP, 64500, &["0.0.0.0/0"]);
    let seen = look(table(), by(ER, VNET));
    assert_eq!(raised(&seen, FindingId::F23), once(Severity::High, "a.example:443/tcp 10.100.0.4"));
    let detail = &seen.findings(FindingId::F23)[0].detail;
    assert!(detail.contains("0.0.0.0/0 of isp") && detail.contains("2 closed routes stand"), "{detail}");
    assert_eq!(seen.path("a.example:443/tcp").class, closedpath_core::attribution::PathClass::ErPrivate);
    let one =
        look(router(CE).post(ER, 12076, &["10.100.0.0/16"]).post(ISP, 64500, &["0.0.0.0/0"]), by(ER, VNET));
    assert!(one.findings(FindingId::F23)[0].detail.contains("; 1 closed route stands before that"));
    assert_eq!(raised(&look(table(), by(ISP, "203.0.113.9")), FindingId::F23), [], "it is not closed now");
    let elsewhere = observed("a.example", VNET).hops([ER]).connected();
    let elsewhere = look(table(), elsewhere);
    assert_eq!(
        raised(&elsewhere, FindingId::F23),
        once(Severity::High, "a.example:443/tcp 10.100.0.4"),
        "whatever router it meets"
    );
    assert_eq!(raised(&look(table().lost(), by(ER, VNET)), FindingId::F23), [], "stale");
    let stops = router(CE).post(ER, 12076, &["10.100.0.0/16"]).post(ISP, 64500, &["203.0.113.0/24"]);
    assert_eq!(raised(&look(stops, by(ER, VNET)), FindingId::F23), [], "nothing would carry it");
}

#[test]
fn f23_counts_the_default_route_from_azure_as_a_leak_of_public_destinations() {
    let table = router(CE).post(ER, 12076, &["0.0.0.0/0"]).post(MS, 12076, &["20.190.128.0/18"]);
    assert_eq!(raised(&look(table, by(MS, ENTRA)), FindingId::F23).len(), 1);
}

#[test]
fn f23_of_a_tunnel_is_about_its_outer_path() {
    let config = format!(
        "{SITE}[[tunnel]]\nname = \"t\"\nkind = \"ipsec\"\nover = \"er_private\"\nouter_peer = [\"10.100.255.4\"]\nprefixes = [\"10.101.0.0/16\"]\nterminates = \"ce\"\nhops = [\"10.101.255.4\"]\n"
    );
    let seen = |table: Router| {
        let seen = site(&config).see(by("10.101.255.4", "10.101.0.4")).tables(table.rib).look();
        assert_eq!(seen.path("a.example:443/tcp").link.as_deref(), Some("t"));
        raised(&seen, FindingId::F23)
    };
    let er = || router(CE).post(ER, 12076, &["10.100.0.0/16"]);
    let leaks = seen(er().post(ISP, 64500, &["0.0.0.0/0"]));
    assert_eq!(leaks, once(Severity::High, "a.example:443/tcp 10.101.0.4"));
    // That the provider carries the inner prefix does not matter: it is never looked up.
    assert_eq!(seen(er().post(ISP, 64500, &["10.101.0.0/16"])), []);
}

#[test]
fn f23_is_excluded_only_where_all_alternatives_are_seen() {
    let known = |table: Router, words: &str| {
        let seen = look(table, by(ER, VNET));
        assert_eq!(raised(&seen, FindingId::F23), []);
        seen.report.not_tested.iter().any(|said| said.contains("(F23)") && said.contains(words))
    };
    let chosen_only = router(CE).chose(ER, 12076, &["10.100.0.0/16"]);
    assert!(known(chosen_only, "tells only what it chose"));
    let stranger = router(CE).post(ER, 12076, &["10.100.0.0/16"]).post("192.0.2.7", 64501, &["0.0.0.0/0"]);
    assert!(known(stranger, "192.0.2.7"));
    assert!(!known(router(CE).post(ER, 12076, &["10.100.0.0/16"]), ""), "nothing is left, and all is seen");
}

#[test]
fn f31_the_router_does_not_use_what_the_microsoft_peering_sends() {
    let sent = || router(CE).pre(MS, 12076, &["20.190.128.0/18"]);
    let rejected = sent().chose(ISP, 64500, &["0.0.0.0/0"]);
    let seen = look(rejected, by(ISP, ENTRA));
    assert_eq!(raised(&seen, FindingId::F31), once(Severity::Medium, "a.example:443/tcp 20.190.141.1"));
    let used = sent().chose(MS, 12076, &["20.190.128.0/18"]).chose(ISP, 64500, &["0.0.0.0/0"]);
    assert_eq!(raised(&look(used, by(MS, ENTRA)), FindingId::F31), []);
    let unseen = sent().post(ISP, 64500, &["0.0.0.0/0"]);
    assert_eq!(
        raised(&look(unseen, by(ISP, ENTRA)), FindingId::F31),
        [],
        "without a Loc-RIB it is not known"
    );
}

#[test]
fn f23_tells_what_it_cannot_tell_and_counts_another_closed_way_as_closed() {
    let untold = |table: Router, seen: Observed, words: &str| {
        let seen = look(table, seen);
        assert_eq!(raised(&seen, FindingId::F23), []);
        seen.report.not_tested.iter().any(|said| said.contains("(F23)") && said.contains(words))
    };
    let static_only = router(CE).post(ISP, 64500, &["203.0.113.0/24"]);
    assert!(untold(static_only, by(ER, VNET), "no route of the present class"));
    // Behind the tunnel's own edge the Microsoft peering would carry the outer packets: closed as well.
    let config = format!(
        "{SITE}[[tunnel]]\nname = \"t\"\nkind = \"ipsec\"\nover = \"er_private\"\nouter_peer = [\"203.0.113.77\"]\nprefixes = [\"10.101.0.0/16\"]\nterminates = \"ce\"\nhops = [\"10.101.255.4\"]\n"
    );
    let table = router(CE).post(ER, 12076, &["203.0.113.76/30"]).post(MS, 12076, &["203.0.113.0/24"]);
    let seen = site(&config).see(by("10.101.255.4", "10.101.0.4")).tables(table.rib).look();
    assert_eq!(seen.path("a.example:443/tcp").link.as_deref(), Some("t"));
    assert_eq!(raised(&seen, FindingId::F23), []);
}

#[test]
fn f23_is_not_asked_of_a_router_that_the_forwarding_table_rules_out() {
    let config = SITE
        .replace("msee = [\"172.16.0.2\"]", "msee = [\"172.16.0.2\"]\nnext_hop = [\"192.168.1.12\"]")
        .replace("msee = [\"203.0.113.2\"]", "msee = [\"203.0.113.2\"]\nnext_hop = [\"192.168.1.13\"]")
        .replace("hops = [\"198.51.100.1\"]", "hops = [\"198.51.100.1\"]\nnext_hop = [\"192.168.1.9\"]");
    let second = "[[link]]\nname = \"isp-2\"\nedge = \"internet\"\nnext_hop = [\"192.168.1.9\"]\n";
    let table = || router(CE).post(ER, 12076, &["10.100.0.0/16"]).post(ISP, 64500, &["0.0.0.0/0"]);
    let of = |gateway: &str| {
        let target = observed("a.example", VNET).hops([gateway, ER]).route("eth0", gateway).connected();
        let seen = site(&format!("{config}{second}")).see(target).tables(table().rib).look();
        assert_eq!(seen.path("a.example:443/tcp").link.as_deref(), Some("er"));
        raised(&seen, FindingId::F23).len()
    };
    assert_eq!(of("192.168.1.12"), 1, "the router may be on the way");
    assert_eq!(of("192.168.1.9"), 0, "from there only the providers are reached");
}

#[test]
fn an_alias_that_belongs_to_microsoft_365_decides_as_its_name_would() {
    let of = |world: World| {
        let seen = world.see(by(MS, ENTRA)).look();
        seen.endpoint("a.example:443/tcp").addresses[0].eligibility.reason.clone()
    };
    assert_eq!(of(site(SITE)), "service_community");
    assert_eq!(of(site(SITE).alias("a.example", "outlook.office365.com")), "address_outside_set");
}

#[test]
fn of_a_received_route_only_communities_of_microsofts_as_count() {
    let of = |community: Community| {
        let attributes = Attributes { communities: vec![community].into(), ..via(MS, &[12076]) };
        let table = router(CE).routes(Some(MS), Policy::Post, 12076, attributes, &["203.0.113.0/24"]);
        let seen = look(table, by(MS, "203.0.113.9"));
        let eligibility = &seen.endpoint("a.example:443/tcp").addresses[0].eligibility;
        (eligibility.reason.clone(), eligibility.community.clone())
    };
    assert_eq!(of(Community(12076, 5060)), ("route_received".into(), Some("12076:5060".into())));
    assert_eq!(of(Community(65001, 5060)), ("route_without_community".into(), None));
}
