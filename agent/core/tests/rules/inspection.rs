//! Opened TLS (E13, F25): the declared inspection CA, and what gives an undeclared one away.

use closedpath_core::catalog::Catalog;
use closedpath_core::findings::{FindingId, Severity};
use closedpath_core::pki::TlsVerdict;
use closedpath_core::report::TlsReport;

use crate::certificates::{Pointers, authority_of, intermediate, issued};
use crate::world::{Observed, Seen, observed, with_catalogs, world};

const LINK: &str = "[[link]]\nname = \"ms\"\nedge = \"er_microsoft\"\nhops = [\"198.51.100.1\"]\n";
const CONFIG: &str = r#"
[[link]]
name = "ms"
edge = "er_microsoft"
hops = ["198.51.100.1"]
[[workload]]
name = "w"
policy = "closed"
client_profile = "curl-schannel"
[[target]]
workload = "w"
host = "a.example"
port = 443
probe = "tls"
"#;

fn closed(host: &str, ip: &str) -> Observed {
    observed(host, ip).hops(["198.51.100.1"]).connected()
}

fn target() -> Observed {
    closed("a.example", "203.0.113.1")
}

fn tls(seen: &Seen) -> TlsReport {
    seen.endpoint("a.example:443/tls").addresses[0].tls.clone().expect("a handshake")
}

fn severities(seen: &Seen, id: FindingId) -> Vec<Severity> {
    seen.findings(id).iter().map(|finding| finding.severity).collect()
}

#[test]
fn f25_the_declared_inspection_ca_is_named_and_a_stranger_on_several_owners_is_suspected() {
    let leaf = issued("a.example", "unknown corporate CA", Pointers::default());

    let mut declared = world(CONFIG).see(target().presents_incomplete([leaf.clone()]));
    declared.inspection = vec![authority_of("unknown corporate CA")];
    let seen = declared.look();
    assert_eq!(tls(&seen).verdicts, [TlsVerdict::Inspected]);
    assert_eq!(severities(&seen, FindingId::F25), [Severity::Medium]);
    assert!(seen.findings(FindingId::F25)[0].detail.contains("CN=unknown corporate CA"));
    assert_eq!(severities(&seen, FindingId::F37), [], "the servers' chains are not seen");
    let target_b = "[[target]]\nworkload = \"w\"\nhost = \"b.other\"\nport = 443\nprobe = \"tls\"\n";
    let two = |issuer: &str| {
        let other = issued("b.other", issuer, Pointers::default());
        world(&format!("{CONFIG}{target_b}"))
            .see(target().presents_incomplete([leaf.clone()]))
            .see(closed("b.other", "203.0.113.8").presents_incomplete([other]))
            .look()
    };
    let same = two("unknown corporate CA");
    assert_eq!(
        severities(&same, FindingId::F25),
        [Severity::Medium, Severity::Medium],
        "a suspicion on both"
    );
    assert_eq!(tls(&same).verdict, Some(TlsVerdict::IncompleteChain), "no CA is declared");
    assert_eq!(severities(&two("unknown other CA"), FindingId::F25), [], "each has its own");
}

#[test]
fn f25_the_stranger_is_the_one_at_the_top_of_what_is_presented() {
    let target_b = "[[target]]\nworkload = \"w\"\nhost = \"b.other\"\nport = 443\nprobe = \"tls\"\n";
    let under = |host: &str, middle: &str| {
        [
            issued(host, middle, Pointers::default()),
            intermediate(middle, "unknown corporate CA", Pointers::default()),
        ]
    };
    let seen = world(&format!("{CONFIG}{target_b}"))
        .see(target().presents_incomplete(under("a.example", "unknown one")))
        .see(closed("b.other", "203.0.113.8").presents_incomplete(under("b.other", "unknown two")))
        .look();
    assert_eq!(severities(&seen, FindingId::F25), [Severity::Medium, Severity::Medium]);
}

/// A catalogue whose first host does not tolerate inspection and whose second does.
const PORTAL: &str = r#"
service = "portal"
[[source]]
id = "D"
document = "d"
date = "2026-01-01"
[[entry]]
fqdn = "a.example"
ports = [443]
proto = "tcp"
purpose = "p"
need = "always"
tls_inspection = "forbidden"
source = "D"
[[entry]]
fqdn = "b.other"
ports = [443]
proto = "tcp"
purpose = "p"
need = "always"
tls_inspection = "tolerated"
source = "D"
"#;

#[test]
fn f25_a_private_ca_that_the_site_trusts_signs_for_what_a_catalogue_names() {
    let look = |catalogs: &str, issuer: &str| {
        let config = format!(
            "{LINK}[[workload]]\nname = \"w\"\npolicy = \"closed\"\nclient_profile = \"none\"\n{catalogs}"
        );
        let catalog = Catalog::parse("portal", PORTAL).expect("a catalogue");
        let leaf = |host| issued(host, issuer, Pointers::default());
        let mut world = with_catalogs(&config, vec![catalog])
            .see(target().presents([leaf("a.example")]))
            .see(closed("b.other", "203.0.113.8").presents([leaf("b.other")]));
        world.public = vec![authority_of("CA")];
        let seen = world.look();
        let found = seen.findings(FindingId::F25).into_iter();
        found.map(|finding| (finding.subject.clone(), finding.severity)).collect::<Vec<_>>()
    };
    let listed = "catalogs = [\"portal\"]\n";
    assert_eq!(
        look(listed, "site CA"),
        [("a.example:443/tls".into(), Severity::High), ("b.other:443/tls".into(), Severity::Medium)],
        "Microsoft's names are signed by a CA of the site"
    );
    assert_eq!(look(listed, "CA"), [], "a public root");
    let own = "[[target]]\nhost = \"a.example\"\nport = 443\nprobe = \"tls\"\n";
    assert_eq!(look(own, "site CA"), [], "the site's own server may have the site's own certificate");
}
