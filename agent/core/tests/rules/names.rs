//! Findings about names and links (DOMAIN §3.4, §3.5): F10, F11, F14, F28, F29.

use closedpath_core::findings::{FindingId, Severity};
use closedpath_core::observation::DnsStatus;

use crate::world::{Observed, Seen, World, observed, world};

const CONFIG: &str = r#"
[topology]
vnet = ["10.100.0.0/16"]
[[link]]
name = "private"
edge = "er_private"
hops = ["172.16.0.2"]
[[link]]
name = "isp"
edge = "internet"
hops = ["192.0.2.1"]
LINK
[[workload]]
name = "w"
policy = "POLICY"
client_profile = "none"
[[target]]
workload = "w"
host = "a.example"
port = 443
probe = "tls"
"#;

fn site(policy: &str) -> World {
    world(&CONFIG.replace("POLICY", policy).replace("LINK", ""))
}

fn private() -> Observed {
    observed("a.example", "10.100.0.4").hops(["172.16.0.2"]).connected()
}

fn public() -> Observed {
    observed("a.example", "203.0.113.9").hops(["192.0.2.1"]).connected()
}

fn severities(seen: &Seen, id: FindingId) -> Vec<Severity> {
    seen.findings(id).iter().map(|finding| finding.severity).collect()
}

#[test]
fn f10_a_private_endpoints_name_that_gives_a_public_address() {
    let of = |policy: &str, seen: Observed| {
        let world = site(policy).alias("a.example", "a.privatelink.example").see(seen);
        severities(&world.look(), FindingId::F10)
    };
    assert_eq!(of("closed", public()), [Severity::High]);
    assert_eq!(of("observe", public()), [Severity::Medium]);
    assert_eq!(of("closed", private()), []);
    let other = site("closed").alias("a.example", "a.privatelinks.example").see(public());
    assert_eq!(severities(&other.look(), FindingId::F10), [], "another label");
}

#[test]
fn f11_a_private_endpoints_name_without_an_address() {
    let of = |status| {
        let world =
            site("closed").unresolved("a.example", status).alias("a.example", "a.privatelink.example");
        severities(&world.look(), FindingId::F11)
    };
    assert_eq!(of(DnsStatus::Nxdomain), [Severity::High]);
    assert_eq!(of(DnsStatus::Nodata), [Severity::High]);
    assert_eq!(of(DnsStatus::Timeout), [], "nobody answered");
    let plain = site("closed").unresolved("a.example", DnsStatus::Nxdomain).look();
    assert_eq!(severities(&plain, FindingId::F11), []);
}

#[test]
fn f14_resolvers_that_lead_to_different_paths() {
    let with = |status, answers: &[&str]| {
        let world = site("observe").see(private()).see(public_of("203.0.113.9"));
        severities(&world.elsewhere("a.example", "branch", status, answers).look(), FindingId::F14)
    };
    // Both resolvers of the world give both addresses, unless the second says otherwise.
    assert_eq!(with(DnsStatus::Ok, &["10.100.0.4", "203.0.113.9"]), []);
    assert_eq!(with(DnsStatus::Ok, &["203.0.113.9"]), [Severity::Medium]);
    assert_eq!(with(DnsStatus::Nxdomain, &[]), [Severity::Medium]);
    assert_eq!(with(DnsStatus::Timeout, &[]), [], "who does not answer disagrees with nobody");
    let rotating = site("observe")
        .see(public())
        .elsewhere("a.example", "branch", DnsStatus::Ok, &["203.0.113.10"])
        .unlisted(public_of("203.0.113.10"))
        .look();
    assert_eq!(severities(&rotating, FindingId::F14), [], "other addresses on the same path");
}

fn public_of(ip: &str) -> Observed {
    observed("a.example", ip).hops(["192.0.2.1"]).connected()
}

#[test]
fn f29_names_every_partner_link_that_flows_take_and_no_other() {
    let link = |name: &str, hop: &str| {
        format!(
            "[[link]]\nname = \"{name}\"\nedge = \"internet\"\npeering_service = true\nhops = [\"{hop}\"]\n"
        )
    };
    let links = link("one", "192.0.2.11") + &link("two", "192.0.2.12") + &link("idle", "192.0.2.13");
    let config = CONFIG.replace("POLICY", "closed").replace("LINK", &links);
    let both = observed("a.example", "203.0.113.9").hops(["192.0.2.11"]).hops(["192.0.2.12"]).connected();
    let seen = world(&config).see(both).look();
    let subjects: Vec<&str> = seen.findings(FindingId::F29).iter().map(|it| it.subject.as_str()).collect();
    assert_eq!(subjects, ["link:one", "link:two"]);
}

#[test]
fn f10_is_not_about_a_vnet_with_public_addresses() {
    let inside = site("closed").alias("a.example", "a.privatelink.example");
    let vnet = |world: World| severities(&world.see(public()).look(), FindingId::F10);
    assert_eq!(vnet(inside), [Severity::High]);
    let config = CONFIG.replace("POLICY", "closed").replace("LINK", "");
    let config = config.replace("vnet = [", "vnet = [\"203.0.113.0/24\", ");
    assert_eq!(vnet(world(&config).alias("a.example", "a.privatelink.example")), []);
}

#[test]
fn f14_says_where_each_resolver_leads() {
    let detail = |seen: Observed, elsewhere: &str| {
        let world = site("observe").see(seen).unlisted(observed("a.example", "10.100.0.9"));
        let seen = world.elsewhere("a.example", "branch", DnsStatus::Ok, &[elsewhere]).look();
        seen.findings(FindingId::F14)[0].detail.clone()
    };
    let said = detail(public(), "10.100.0.9");
    assert!(said.ends_with("leads to internet_direct, branch to a private address"), "{said}");
    let said = detail(private(), "203.0.113.77");
    assert!(said.ends_with("leads to er_private, branch to a public address"), "{said}");
}

#[test]
fn f28_and_f29_are_about_links() {
    let with = |link: &str, policy: &str| {
        let config = CONFIG.replace("POLICY", policy);
        let config =
            config.replace("hops = [\"192.0.2.1\"]\nLINK", &format!("hops = [\"192.0.2.1\"]\n{link}"));
        world(&config).see(public()).look()
    };
    let peering = "peering_service = true";
    assert_eq!(severities(&with(peering, "closed"), FindingId::F29), [Severity::Medium]);
    assert_eq!(severities(&with(peering, "observe"), FindingId::F29), []);
    assert_eq!(severities(&with("", "closed"), FindingId::F29), []);
    let direct = "[circuit.c]\nsku = \"standard\"\nlocation = \"Tokyo\"\ndirect = true\n[[link]]\nname = \"direct\"\nedge = \"er_microsoft\"\ncircuit = \"c\"\nhops = [\"198.51.100.1\"]\nencryption = { ipsec = \"none\", macsec = \"declared\" }\n";
    let seen = with(direct, "closed");
    assert_eq!(severities(&seen, FindingId::F28), [Severity::Info]);
    assert_eq!(seen.findings(FindingId::F28)[0].subject, "link:direct");
}
