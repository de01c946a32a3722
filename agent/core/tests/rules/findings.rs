//! Findings (DOMAIN §3.5, §4.5): each is raised where its condition holds, and not where it does not.

use closedpath_core::config::Sku;
use closedpath_core::findings::{FindingId, Severity};
use closedpath_core::observation::DnsStatus;
use closedpath_core::tables::{Announced, AsnTable, DataFile, ServiceTags};

use crate::certificates::{Pointers, issued};
use crate::world::{Observed, Seen, World, observed, world};

/// Extracts of the files of 2025-11-10; the vectors of DOMAIN §2.3 hold on them.
const TAGS: &str = include_str!("../../../../tests/data/ServiceTags_Public_20251110.extract.json");
const ASN: &str = include_str!("../../../../tests/data/asn.tsv");
/// Entra ID: eligible by community 12076:5060.
const ENTRA: &str = "20.190.141.1";
/// Front Door: not supported on Microsoft peering.
const FRONT_DOOR: &str = "13.107.246.10";
const CONFIG: &str = r#"
[topology]
onprem = ["192.168.0.0/16"]
vnet = ["10.100.0.0/16"]
[circuit.tokyo]
sku = "standard"
location = "Tokyo"
route_filter = ["12076:51012", "12076:51013", "12076:5060", "12076:5070"]
[[link]]
name = "private"
edge = "er_private"
circuit = "tokyo"
hops = ["172.16.0.2"]
[[link]]
name = "ms"
edge = "er_microsoft"
circuit = "tokyo"
hops = ["198.51.100.1"]
[[link]]
name = "isp"
edge = "internet"
hops = ["192.0.2.1"]
[[workload]]
name = "w"
policy = "POLICY"
client_profile = "windows-cryptoapi"
EXTRA
[[target]]
workload = "w"
host = "a.example"
port = 443
probe = "tls"
"#;

fn with_policy(policy: &str, extra: &str) -> World {
    with_data(&CONFIG.replace("POLICY", policy).replace("EXTRA", extra))
}

fn with_data(config: &str) -> World {
    let mut world = world(config);
    let file = |name, text| DataFile { name, modified: None, text };
    let tags = ServiceTags::parse(&file("ServiceTags_Public_20251110.extract.json", TAGS));
    world.tables.service_tags = Some(tags.expect("the extract parses"));
    world.tables.asn = Some(AsnTable::parse(&file("asn.tsv", ASN)).expect("the extract parses"));
    world.tables.limits.service_tags_stale = std::time::Duration::MAX;
    world
}

fn site() -> World {
    with_policy("closed", "")
}

fn by(hop: &str, ip: &str) -> Observed {
    observed("a.example", ip).hops([hop]).connected()
}

fn private(ip: &str) -> Observed {
    by("172.16.0.2", ip)
}

fn microsoft(ip: &str) -> Observed {
    by("198.51.100.1", ip)
}

fn isp(ip: &str) -> Observed {
    by("192.0.2.1", ip)
}

/// Severities of the findings of one kind.
fn severities(seen: &Seen, id: FindingId) -> Vec<Severity> {
    seen.findings(id).iter().map(|finding| finding.severity).collect()
}

fn raised(seen: Observed, id: FindingId) -> Vec<Severity> {
    severities(&site().see(seen).look(), id)
}

#[test]
fn f01_what_expressroute_could_carry_leaves_by_the_internet() {
    assert_eq!(raised(isp(ENTRA), FindingId::F01), [Severity::Critical]);
    assert_eq!(raised(microsoft(ENTRA), FindingId::F01), []);
    assert_eq!(raised(isp(FRONT_DOOR), FindingId::F01), [], "that is F02");
    let seen = site().see(isp(ENTRA)).look();
    assert_eq!(seen.findings(FindingId::F01)[0].subject, format!("a.example:443/tls {ENTRA}"));
    let detail = |seen: Observed| {
        let found = site().see(seen).look().findings(FindingId::F01)[0].detail.clone();
        let goes = "goes internet_direct by isp, confirmed; ";
        found.split_once(goes).unwrap_or_else(|| panic!("{found}")).1.to_owned()
    };
    assert!(
        seen.findings(FindingId::F01)[0].detail.starts_with("a.example (20.190.141.1) goes internet_direct")
    );
    assert_eq!(detail(isp(ENTRA)), "the Microsoft peering could carry it");
    assert_eq!(detail(isp("10.100.0.4")), "the private peering could carry it");
    assert_eq!(detail(isp("20.43.64.88")), "ExpressRoute could carry it if conflict_unsupported_vs_regional");
    assert_eq!(
        detail(isp("203.0.113.9")),
        "whether ExpressRoute could carry it is not known (no origin as), so it is counted as if it could"
    );
    let excepted = with_policy("closed-except", "allow = [\"a.example\"]").see(isp(ENTRA)).look();
    assert_eq!(severities(&excepted, FindingId::F01), [Severity::Info]);
    let unanswered = observed("a.example", ENTRA).hops(["192.0.2.1"]);
    assert_eq!(raised(unanswered, FindingId::F01), [], "no traffic");
}

#[test]
fn f01_holds_also_for_the_internet_through_azure() {
    assert_eq!(raised(private(ENTRA), FindingId::F01), [Severity::Critical]);
}

#[test]
fn f02_what_expressroute_cannot_carry_leaves_by_the_internet() {
    assert_eq!(raised(isp(FRONT_DOOR), FindingId::F02), [Severity::High]);
    assert_eq!(raised(isp(ENTRA), FindingId::F02), []);
    for (policy, extra, severity) in [
        ("observe", "", Severity::Info),
        ("closed-except", "", Severity::High),
        ("closed-except", "allow = [\"a.example:443\"]", Severity::Info),
    ] {
        let seen = with_policy(policy, extra).see(isp(FRONT_DOOR)).look();
        assert_eq!(severities(&seen, FindingId::F02), [severity], "{policy} {extra}");
    }
}

#[test]
fn behind_a_proxy_what_could_carry_the_target_counts_and_not_what_could_carry_the_proxy() {
    let raised = |targets: &[&str]| {
        let proxy = "[[proxy]]\nname = \"squid\"\nurl = \"http://10.100.0.9:3128\"\nexit = \"internet\"\n";
        let text = CONFIG.replace("POLICY", "closed").replace("EXTRA", "proxy = \"squid\"");
        let proxied = with_data(&(text + proxy))
            .see(observed("10.100.0.9", "10.100.0.9").hops(["172.16.0.2"]).connected());
        let seen = targets.iter().fold(proxied, |world, ip| world.see(observed("a.example", ip))).look();
        (severities(&seen, FindingId::F01), severities(&seen, FindingId::F02))
    };
    assert_eq!(raised(&[FRONT_DOOR]), (vec![], vec![Severity::High]));
    assert_eq!(raised(&[ENTRA]), (vec![Severity::Critical], vec![]));
    assert_eq!(raised(&[FRONT_DOOR, ENTRA]), (vec![Severity::Critical], vec![]), "one of them could");
}

#[test]
fn f03_and_f04_what_expressroute_does_not_carry_leaves_by_it() {
    assert_eq!(raised(private(FRONT_DOOR), FindingId::F03), [Severity::Medium]);
    assert_eq!(raised(private(FRONT_DOOR), FindingId::F04), []);
    assert_eq!(raised(microsoft(FRONT_DOOR), FindingId::F04), [Severity::High]);
    assert_eq!(raised(microsoft(FRONT_DOOR), FindingId::F03), []);
    assert_eq!(raised(microsoft(ENTRA), FindingId::F04), []);
    assert_eq!(raised(private("10.100.0.4"), FindingId::F03), []);
    assert_eq!(
        raised(observed("a.example", FRONT_DOOR).connected(), FindingId::F04),
        [],
        "the path is not known"
    );
}

#[test]
fn f07_a_route_filter_lacks_the_community() {
    // In japaneast.
    let without = |community: &str| {
        let mut world = site();
        let circuit = world.plan.topology.circuits.get_mut("tokyo").expect("it is declared");
        circuit.route_filter.retain(|known| known != community);
        world.see(microsoft("13.78.0.1")).look()
    };
    let seen = without("12076:51012");
    assert_eq!(severities(&seen, FindingId::F07), [Severity::Medium]);
    assert!(seen.findings(FindingId::F07)[0].detail.contains("no route filter has 12076:51012"));
    assert_eq!(seen.findings(FindingId::F07)[0].subject, "a.example:443/tls 13.78.0.1");
    assert_eq!(severities(&without("12076:5070"), FindingId::F07), []);
    // A canary is meant to be out of reach, whatever could carry it.
    let mut watched = with_data(
        &(CONFIG.replace("POLICY", "closed").replace("EXTRA", "")
            + "[[canary]]\nhost = \"13.78.0.1\"\nport = 443\n"),
    );
    let circuit = watched.plan.topology.circuits.get_mut("tokyo").expect("it is declared");
    circuit.route_filter.retain(|known| known != "12076:51012");
    let watched =
        watched.see(microsoft("10.100.0.4")).see(observed("13.78.0.1", "13.78.0.1").connected()).look();
    assert_eq!(severities(&watched, FindingId::F07), []);
    let mut elsewhere = site();
    elsewhere.plan.topology.circuits.get_mut("tokyo").expect("it is declared").route_filter.clear();
    elsewhere.plan.targets[0].endpoint.via = Some("squid".into());
    let seen = elsewhere.see(observed("192.168.7.1", "13.78.0.1").connected()).look();
    assert_eq!(severities(&seen, FindingId::F07), [], "the addresses are the proxy's");
}

#[test]
fn f08_a_region_is_outside_the_scope_of_every_sku() {
    // westus: outside Japan, for which a Standard circuit in Tokyo is.
    let seen = site().see(isp("4.150.254.1")).look();
    assert_eq!(severities(&seen, FindingId::F08), [Severity::Medium]);
    assert!(seen.findings(FindingId::F08)[0].detail.contains("is in westus"));
    assert_eq!(raised(microsoft("13.78.0.1"), FindingId::F08), []);
    let mut premium = site();
    premium.plan.topology.circuits.get_mut("tokyo").expect("it is declared").sku = Sku::Premium;
    let seen = premium.see(isp("4.150.254.1")).look();
    assert_eq!(severities(&seen, FindingId::F08), []);
    assert_eq!(severities(&seen, FindingId::F07), [Severity::Medium], "then the filter lacks it");
}

#[test]
fn f09_a_public_address_where_a_private_endpoint_could_be() {
    let catalog = closedpath_core::catalog::Catalog::parse(
        "vaults",
        "service = \"vaults\"\n[[source]]\nid = \"D\"\ndocument = \"d\"\ndate = \"2026-01-01\"\n\
        [[entry]]\nfqdn = \"a.example\"\nports = [443]\nproto = \"tcp\"\npurpose = \"\"\nneed = \"always\"\n\
        private_link = \"privatelink.example\"\nsource = \"D\"\n",
    );
    let catalog = catalog.expect("it parses");
    let look = |policy: &str, chosen: bool, ip: &str| {
        let mut world = with_policy(policy, "");
        world.catalogs = vec![catalog.clone()];
        if chosen {
            world.plan.workloads[0].catalogs = vec!["vaults".into()];
        }
        severities(&world.see(microsoft(ip)).look(), FindingId::F09)
    };
    let mut world = with_policy("closed", "");
    (world.catalogs, world.plan.workloads[0].catalogs) = (vec![catalog.clone()], vec!["vaults".into()]);
    let seen = world.see(microsoft(ENTRA)).look();
    assert!(
        seen.findings(FindingId::F09)[0]
            .detail
            .ends_with("can have a private endpoint (zone privatelink.example)")
    );
    assert_eq!(look("closed", true, ENTRA), [Severity::Medium]);
    assert_eq!(look("observe", true, ENTRA), [Severity::Low]);
    assert_eq!(look("closed", true, "10.100.0.4"), [], "it is in use");
    assert_eq!(look("closed", true, "10.200.0.4"), [], "undeclared, but nothing public");
    assert_eq!(look("closed", false, ENTRA), [], "no catalogue of the workload says so");
    let mut declared = with_policy("closed", "");
    (declared.catalogs, declared.plan.workloads[0].catalogs) = (vec![catalog.clone()], vec!["vaults".into()]);
    declared.plan.topology.vnet.push("20.190.141.0/24".parse().expect("a prefix"));
    assert_eq!(
        severities(&declared.see(private(ENTRA)).look(), FindingId::F09),
        [],
        "public, but the VNet's"
    );
}

#[test]
fn f09_knows_a_catalogues_samples() {
    let look = |wildcard: &str, sample: &str| {
        let text = format!(
            "service = \"vaults\"\n[[source]]\nid = \"D\"\ndocument = \"d\"\ndate = \"2026-01-01\"\n[[entry]]\n\
             pattern = \"{wildcard}\"\nsamples = [\"{sample}\"]\nports = [443]\nproto = \"tcp\"\npurpose = \"\"\n\
             need = \"always\"\nprivate_link = \"privatelink.example\"\nsource = \"D\"\n"
        );
        let mut world = with_policy("closed", "");
        world.catalogs = vec![closedpath_core::catalog::Catalog::parse("vaults", &text).expect("it parses")];
        world.plan.workloads[0].catalogs = vec!["vaults".into()];
        severities(&world.see(microsoft(ENTRA)).look(), FindingId::F09)
    };
    assert_eq!(
        look("*.a.example", "a.example"),
        [Severity::Medium],
        "the bare parent, which the wildcard does not match"
    );
    assert_eq!(look("*.b.example", "b.example"), [], "another name");
}

#[test]
fn f17_an_unsupported_service_is_at_an_address_in_a_region() {
    assert_eq!(raised(microsoft("20.43.64.88"), FindingId::F17), [Severity::Low]);
    assert_eq!(raised(microsoft(FRONT_DOOR), FindingId::F17), [], "no region, no conflict");
    assert_eq!(raised(microsoft("13.78.0.1"), FindingId::F17), [], "no unsupported service");
    assert_eq!(raised(microsoft("151.206.64.1"), FindingId::F17), [Severity::Low], "an edge of GSA");
}

#[test]
fn f18_data_is_older_than_its_limit() {
    use std::time::Duration;
    const DAY: Duration = Duration::from_secs(86_400);
    let made = |tags: Option<Duration>, stale: Duration| {
        let mut world = site();
        let date = tags.map(|age| crate::world::now() - age);
        world.tables.service_tags.as_mut().expect("they are loaded").data_set.date = date;
        world.tables.m365.as_mut().expect("it is embedded").data_set.date = Some(crate::world::now());
        world.tables.limits.service_tags_stale = stale;
        world.see(microsoft(ENTRA)).look()
    };
    let aged = |tags, stale| made(Some(tags), stale);
    let seen = aged(DAY * 15, DAY * 45);
    assert_eq!(severities(&seen, FindingId::F18), [Severity::Low]);
    assert_eq!(seen.findings(FindingId::F18)[0].subject, "dataset:Azure service tags (Public)");
    assert_eq!(severities(&aged(DAY * 46, DAY * 45), FindingId::F18), [Severity::Medium]);
    assert_eq!(severities(&aged(DAY * 14, DAY * 45), FindingId::F18), []);
    let undated = made(None, DAY * 45);
    assert_eq!(severities(&undated, FindingId::F18), [Severity::Medium], "it may be as old as any");
    let export = |age: Duration| {
        let mut world = site();
        let modified = Some(crate::world::now() - age);
        let file = DataFile { name: "communities.json", modified, text: "[]" };
        world.tables.announced = Some(Announced::parse(&file).expect("an export without routes"));
        world.tables.limits.service_tags_stale = DAY * 45;
        let seen = world.see(microsoft(ENTRA)).look();
        let found = seen.findings(FindingId::F18).into_iter();
        found.filter(|f| f.subject == "dataset:prefixes of BGP communities").map(|f| f.severity).collect()
    };
    assert_eq!((export(DAY * 46), export(DAY * 15)), (vec![Severity::Medium], vec![Severity::Low]));
    assert_eq!(export(DAY), vec![], "a fresh export");
    let mut old = site();
    old.tables.service_tags = None;
    let subjects: Vec<String> =
        old.look().findings(FindingId::F18).iter().map(|finding| finding.subject.clone()).collect();
    assert_eq!(subjects, ["dataset:Microsoft 365 endpoints"], "2024-07-31 is long ago");
}

#[test]
fn f12_a_private_address_leaves_by_the_internet_whether_it_answers_or_not() {
    assert_eq!(raised(isp("10.100.0.4"), FindingId::F12), [Severity::Critical]);
    assert_eq!(
        raised(observed("a.example", "10.100.0.4").hops(["192.0.2.1"]), FindingId::F12),
        [Severity::Critical]
    );
    assert_eq!(raised(isp("10.200.0.4"), FindingId::F12), [Severity::Critical], "undeclared");
    assert_eq!(raised(private("10.100.0.4"), FindingId::F12), []);
    assert_eq!(raised(isp(ENTRA), FindingId::F12), []);
}

#[test]
fn f13_a_private_address_is_in_no_declared_prefix() {
    assert_eq!(raised(observed("a.example", "10.200.0.4"), FindingId::F13), [Severity::Medium]);
    for ip in ["10.100.0.4", "192.168.3.3", ENTRA] {
        assert_eq!(raised(observed("a.example", ip), FindingId::F13), [], "{ip}");
    }
}

#[test]
fn f15_a_name_is_in_no_catalogue() {
    assert_eq!(raised(microsoft(ENTRA), FindingId::F15), [Severity::Low]);
    let mut known = site();
    known.catalogs = closedpath_core::catalog::builtin().expect("the built-in catalogues parse");
    known.plan.targets[0].endpoint.host = "login.microsoftonline.com".into();
    let seen = known.see(observed("login.microsoftonline.com", ENTRA)).look();
    assert_eq!(severities(&seen, FindingId::F15), []);
    let mut literal = site();
    literal.plan.targets[0].endpoint.host = ENTRA.into();
    assert_eq!(severities(&literal.look(), FindingId::F15), [], "an address has no name");
}

#[test]
fn f16_a_needed_name_gives_no_address_whatever_the_reason() {
    use DnsStatus::{Loop, Nodata, Nxdomain, Refused, Servfail, Timeout};
    for status in [Nxdomain, Nodata, Servfail, Refused, Timeout, Loop] {
        let seen = site().unresolved("a.example", status).look();
        assert_eq!(severities(&seen, FindingId::F16), [Severity::High], "{status:?}");
    }
    for (status, words) in [
        (Nxdomain, "NXDOMAIN (the name does not exist)"),
        (Nodata, "NODATA (the name exists without an address)"),
        (Servfail, "SERVFAIL (the resolver failed)"),
        (Refused, "REFUSED (the resolver will not answer us)"),
        (Timeout, "nothing in time"),
        (Loop, "a CNAME loop"),
    ] {
        let seen = site().unresolved("a.example", status).look();
        let detail = format!("a.example gives no address: test says {words}");
        assert_eq!(seen.findings(FindingId::F16)[0].detail, detail);
    }
    assert_eq!(raised(observed("a.example", ENTRA), FindingId::F16), []);
    let canary = CONFIG.replace("POLICY", "closed").replace("EXTRA", "");
    let canary = format!("{canary}[[canary]]\nhost = \"canary.example\"\nport = 443\n");
    let seen = world(&canary).see(microsoft(ENTRA)).look();
    assert_eq!(severities(&seen, FindingId::F16), [], "a canary need not resolve");
}

#[test]
fn f22_ipv6_leaves_by_the_internet_while_ipv4_is_closed() {
    let both = |v4, v6| severities(&site().see(v4).see(v6).look(), FindingId::F22);
    assert_eq!(both(microsoft(ENTRA), isp("2603:1006:2000::1")), [Severity::Critical]);
    assert_eq!(both(microsoft(ENTRA), microsoft("2603:1006:2000::1")), []);
    assert_eq!(both(isp(ENTRA), isp("2603:1006:2000::1")), [], "IPv4 leaks as well");
    let silent = observed("a.example", "2603:1006:2000::1").hops(["192.0.2.1"]);
    assert_eq!(both(microsoft(ENTRA), silent), []);
}

/// The target presents a certificate whose CRL is at `crl.example`, seen as given.
fn with_crl(host: Observed) -> World {
    let pointers = Pointers { crl: &["http://crl.example/a.crl"], ..Pointers::default() };
    site().see(microsoft(ENTRA).presents([issued("a", "CA", pointers)])).see(host)
}

#[test]
fn f33_a_ca_host_does_not_serve_what_a_certificate_points_to() {
    let host = || observed("crl.example", FRONT_DOOR);
    assert_eq!(severities(&with_crl(host()).look(), FindingId::F33), [Severity::High]);
    let served = with_crl(host().hops(["198.51.100.1"]).connected());
    assert_eq!(severities(&served.look(), FindingId::F33), []);
    let gone =
        with_crl(host().hops(["198.51.100.1"]).connected()).page("http://crl.example/a.crl", 404, None);
    let seen = gone.look();
    assert!(seen.findings(FindingId::F33)[0].detail.contains("HTTP 404"));
    assert_eq!(
        seen.findings(FindingId::F33)[0].detail,
        "certificates point to what is not served: http://crl.example/a.crl: the answer is HTTP 404 (after 0.0 s)"
    );
}

#[test]
fn f33_names_where_a_redirect_ends_and_of_each_host_only_its_own_urls() {
    let ca = |host: &str, last: u8| {
        observed(host, &format!("13.107.246.{last}")).hops(["198.51.100.1"]).connected()
    };
    let seen = with_crl(ca("crl.example", 11))
        .page("http://crl.example/a.crl", 302, Some("http://moved.example/b.crl"))
        .see(ca("moved.example", 12))
        .page("http://moved.example/b.crl", 503, None)
        .look();
    let told: Vec<(&str, &str)> = seen
        .findings(FindingId::F33)
        .iter()
        .map(|finding| {
            (
                finding.subject.as_str(),
                finding.detail.trim_start_matches("certificates point to what is not served: "),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            (
                "crl.example:80/http",
                "http://crl.example/a.crl leads to http://moved.example/b.crl: the answer is HTTP 503 (after 0.0 s)"
            ),
            ("moved.example:80/http", "http://moved.example/b.crl: the answer is HTTP 503 (after 0.0 s)"),
        ]
    );
}

#[test]
fn f34_a_ca_host_by_the_internet_gets_no_f02_as_well() {
    let host = |hop| observed("crl.example", FRONT_DOOR).hops([hop]).connected();
    let seen = with_crl(host("192.0.2.1")).look();
    assert_eq!(severities(&seen, FindingId::F34), [Severity::Medium]);
    assert_eq!(severities(&seen, FindingId::F02), []);
    assert_eq!(severities(&with_crl(host("198.51.100.1")).look(), FindingId::F34), []);
}

#[test]
fn f34_is_raised_for_the_host_that_a_crl_was_moved_to() {
    let seen = with_crl(observed("crl.example", FRONT_DOOR).hops(["198.51.100.1"]).connected())
        .page("http://crl.example/a.crl", 302, Some("http://moved.example/a.crl"))
        .see(observed("moved.example", "192.0.2.99").hops(["192.0.2.1"]).connected())
        .look();
    let subjects: Vec<&str> =
        seen.findings(FindingId::F34).iter().map(|finding| finding.subject.as_str()).collect();
    assert_eq!(subjects, ["moved.example:80/http"]);
    assert_eq!(severities(&seen, FindingId::F02), []);
}

#[test]
fn f01_is_raised_also_for_a_ca_host_that_expressroute_could_carry() {
    let seen = with_crl(observed("crl.example", ENTRA).hops(["192.0.2.1"]).connected()).look();
    assert_eq!(severities(&seen, FindingId::F34), [Severity::Medium]);
    assert_eq!(severities(&seen, FindingId::F01), [Severity::Critical]);
}

#[test]
fn f41_a_path_is_not_the_expected_one() {
    let expecting = |class: &str| {
        let config = CONFIG.replace("POLICY", "closed").replace("EXTRA", "");
        let config = format!("{config}expect_path = \"{class}\"\n");
        severities(&world(&config).see(microsoft(ENTRA)).look(), FindingId::F41)
    };
    assert_eq!(expecting("er_private"), [Severity::High]);
    assert_eq!(expecting("er_microsoft"), []);
}

#[test]
fn findings_stand_gravest_first() {
    let seen = site().see(isp(ENTRA)).see(observed("a.example", "10.200.0.4")).look();
    let all: Vec<Severity> = seen.report.findings.iter().map(|finding| finding.severity).collect();
    assert!(all.is_sorted() && all.len() >= 3, "{all:?}");
}
