//! The report (DESIGN §4.3): the names of its fields, what it lists as required from outside, and its schema.

use std::collections::BTreeSet;

use closedpath_core::report::Report;
use closedpath_core::target::Requirement;
use serde_json::Value;

use crate::certificates::{Pointers, issued};
use crate::world::{Observed, World, observed, world};

const CONFIG: &str = r#"
[topology]
onprem = ["192.168.0.0/16"]
vnet = ["10.100.0.0/16"]
[[link]]
name = "ms"
edge = "er_microsoft"
hops = ["198.51.100.1"]
[[link]]
name = "isp"
edge = "internet"
hops = ["192.0.2.1"]
[[canary]]
host = "203.0.113.200"
port = 443
[[workload]]
name = "w"
policy = "closed"
client_profile = "windows-cryptoapi"
[[target]]
workload = "w"
host = "a.example"
port = 443
probe = "tls"
"#;

fn site() -> World {
    world(CONFIG)
}

fn a(ip: &str) -> Observed {
    observed("a.example", ip)
}

fn closed(ip: &str) -> Observed {
    a(ip).hops(["198.51.100.1"])
}

#[test]
fn required_outside_is_everything_that_is_not_on_a_closed_path() {
    let outside = |seen: Observed| site().see(seen).look().outside();
    assert_eq!(outside(closed("203.0.113.1").connected()), Vec::<String>::new());
    assert_eq!(outside(a("203.0.113.1").hops(["192.0.2.1"]).connected()), ["a.example:443"]);
    assert_eq!(outside(a("203.0.113.1").connected()), ["a.example:443"], "an unknown path is none");
    assert_eq!(outside(closed("203.0.113.1")), ["a.example:443"], "silent and public");
    assert_eq!(outside(a("10.100.0.4")), Vec::<String>::new(), "black-holed and private: a lack");
    assert_eq!(outside(a("::ffff:10.100.0.4")), Vec::<String>::new(), "the same in IPv6 clothes");
    assert_eq!(outside(closed("203.0.113.1").refused()), Vec::<String>::new(), "refused on a closed path");
    assert_eq!(site().look().outside(), ["a.example:443"], "without an address");
    let one_open =
        site().see(closed("203.0.113.1").connected()).see(a("203.0.113.2").hops(["192.0.2.1"]).connected());
    assert_eq!(one_open.look().outside(), ["a.example:443"]);
}

#[test]
fn required_outside_says_why_and_how_badly_and_never_names_canaries() {
    let pointers = Pointers { crl: &["http://crl.example/a.crl"], ..Pointers::default() };
    let seen = site()
        .see(closed("203.0.113.1").connected().presents([issued("a", "CA", pointers)]))
        .see(observed("203.0.113.200", "203.0.113.200").connected())
        .look();
    assert_eq!(seen.outside(), ["crl.example:80"]);
    let entry = &seen.report.required_outside[0];
    assert_eq!(
        (entry.requirement, entry.reachable, entry.workloads.as_slice()),
        (Requirement::Soft, false, ["w".to_string()].as_slice())
    );
    assert_eq!(entry.why, ["CRL of certificates presented by a.example:443/tls", "http://crl.example/a.crl"]);
}

fn keys(value: &Value) -> Vec<&str> {
    let object = value.as_object().expect("an object");
    object.keys().map(String::as_str).collect::<BTreeSet<_>>().into_iter().collect()
}

fn json() -> Value {
    let pointers = Pointers { crl: &["http://crl.example/a.crl"], ..Pointers::default() };
    let leaf = issued("a", "CA", pointers);
    let leaking = a("203.0.113.1").hops(["192.0.2.1"]).connected().presents([leaf]);
    let report = site().see(leaking).look().report;
    serde_json::to_value(&report).expect("a report is JSON")
}

#[test]
fn the_fields_bear_the_names_of_the_contract_and_those_beyond_it() {
    let report = json();
    assert_eq!(report["schema"], "closedpath.report/1");
    let endpoint =
        report["endpoints"].as_array().expect("a list").iter().find(|it| it["host"] == "a.example");
    let endpoint = endpoint.expect("the target");
    let address = &endpoint["addresses"][0];
    let names = |text: &'static str| {
        let mut names: Vec<&str> = text.split_whitespace().collect();
        names.sort_unstable();
        names
    };
    for (value, expected) in [
        (
            &report,
            "schema agent started_at finished_at verdict valid_until workloads endpoints required_outside findings data not_tested ca_urls",
        ),
        (&report["agent"], "version site"),
        (&report["workloads"][0], "name policy verdict reasons breaks_at"),
        (
            endpoint,
            "id host port probe via origins requirement required_by workloads class dns addresses bypass",
        ),
        (&endpoint["dns"], "status resolver cname answers"),
        (&endpoint["dns"]["answers"][0], "ip ttl"),
        (address, "ip reachable failure timings transport owner eligibility path tls"),
        (&address["timings"], "connect tls"),
        (&address["owner"], "asn org service_tags region m365_sets"),
        (
            &address["path"],
            "class edge exit link links circuit confidence encryption reason route_only evidence",
        ),
        (&address["path"]["evidence"][0], "id plane strength says at"),
        (&address["tls"]["chain"][0], "sha256 subject issuer not_before not_after crl ocsp ca_issuers"),
        (&address["tls"]["stapled"], "present status next_update"),
        (&address["tls"]["revocation"], "status source certificates"),
        (
            &address["tls"]["revocation"]["certificates"][0],
            "position sha256 status source reason revoked_at next_update",
        ),
        (&report["required_outside"][0], "host port why class reachable requirement workloads"),
        (
            &report["ca_urls"][0],
            "url kind endpoint served problem moved_to certificates this_update next_update took",
        ),
        (&report["findings"][0], "id name severity subject workloads detail remedy"),
    ] {
        assert_eq!(keys(value), names(expected));
    }
    let of_tls = keys(&address["tls"]);
    for name in names("version cipher group alpn verdict verdicts completed_by_aia chain stapled revocation")
    {
        assert!(of_tls.contains(&name), "tls.{name}");
    }
    let eligibility = keys(&address["eligibility"]);
    for name in names("result rule peering community reason") {
        assert!(eligibility.contains(&name), "eligibility.{name}");
    }
    assert_eq!((&endpoint["id"], &endpoint["via"]), (&"a.example:443/tls".into(), &Value::Null));
    assert_eq!(
        (&address["path"]["class"], &address["path"]["confidence"]),
        (&"internet_direct".into(), &"confirmed".into())
    );
    assert_eq!((&report["verdict"], &report["findings"][0]["id"]), (&"NOT_CLOSED".into(), &"F01".into()));
}

#[test]
fn a_failure_is_step_code_and_text() {
    let report = serde_json::to_value(site().see(closed("203.0.113.1")).look().report).expect("JSON");
    let list = report["endpoints"].as_array().expect("a list");
    let target = list.iter().find(|endpoint| endpoint["host"] == "a.example").expect("the target");
    let failure = &target["addresses"][0]["failure"];
    assert_eq!(keys(failure), ["code", "step", "text"]);
    assert_eq!((&failure["step"], &failure["code"]), (&"connect".into(), &"timeout".into()));
}

#[test]
fn a_report_survives_its_own_json() {
    let report: Report = serde_json::from_value(json()).expect("a report");
    assert_eq!(serde_json::to_value(&report).expect("JSON"), json_of_same(&report));
}

fn json_of_same(report: &Report) -> Value {
    let text = serde_json::to_string(report).expect("JSON");
    serde_json::from_str(&text).expect("JSON")
}

#[test]
fn the_schema_names_every_field_of_the_report() {
    let schema = serde_json::to_value(schemars::schema_for!(Report)).expect("a schema is JSON");
    assert_eq!(keys(&schema["properties"]), keys(&json()));
}

#[test]
fn the_report_is_valid_until_the_first_certificate_ends() {
    let seen = site().see(closed("203.0.113.1").connected()).look();
    assert_eq!(seen.report.valid_until, None);
    let leaf = issued("a", "CA", Pointers::default());
    let ends = closedpath_core::pki::read(&leaf).expect("a certificate").not_after;
    let seen = site().see(closed("203.0.113.1").connected().presents([leaf])).look();
    assert_eq!(seen.report.valid_until, Some(ends));
}
