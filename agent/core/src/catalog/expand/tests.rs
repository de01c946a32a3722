//! What built-in and hand-written catalogues become.

use std::collections::BTreeMap;

use super::{Expansion, Sampled, Skipped, Why, contains};
use crate::catalog::{Catalog, builtin};
use crate::target::Requirement;

fn parameters(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn expand(service: &str, pairs: &[(&str, &str)]) -> Expansion {
    let all = builtin().expect("the built-in catalogues parse");
    all.iter().find(|c| c.service == service).expect("it is built in").expand(&parameters(pairs))
}

fn requirement(expansion: &Expansion, id: &str) -> Option<Requirement> {
    expansion.endpoints.iter().find(|e| e.key.to_string() == id).map(|e| e.requirement)
}

#[test]
fn needs_become_requirements() {
    let arc = expand("azure-arc-servers", &[("region", "japaneast")]);
    assert_eq!(requirement(&arc, "login.microsoftonline.com:443/tls"), Some(Requirement::Hard));
    assert_eq!(requirement(&arc, "download.microsoft.com:443/tls"), Some(Requirement::Deferred));
    assert_eq!(requirement(&arc, "dls.microsoft.com:443/tls"), Some(Requirement::Optional));
    assert_eq!(requirement(&arc, "www.microsoft.com:80/http"), Some(Requirement::Optional));
    let esu = expand("azure-arc-servers", &[("region", "japaneast"), ("features", "ssh, esu")]);
    assert_eq!(requirement(&esu, "www.microsoft.com:80/http"), Some(Requirement::Hard));
    assert_eq!(requirement(&esu, "dls.microsoft.com:443/tls"), Some(Requirement::Optional));
}

#[test]
fn a_wildcard_is_only_sampled_and_its_samples_carry_its_private_zone() {
    let arc = expand("azure-arc-servers", &[("region", "japaneast")]);
    let his =
        arc.endpoints.iter().find(|e| e.key.host == "gbl.his.arc.azure.com").expect("the catalogue names it");
    assert_eq!(his.pattern.as_deref(), Some("*.his.arc.azure.com"));
    assert_eq!(his.private_link.as_deref(), Some("privatelink.his.arc.azure.com"));
    assert!(arc.sampled.contains(&Sampled { pattern: "*.his.arc.azure.com".into(), count: 1 }));
    assert_eq!(requirement(&arc, "japaneast.login.microsoft.com:443/tls"), Some(Requirement::Hard));
    assert!(arc.skipped.contains(&Skipped {
        pattern: "azgn*.servicebus.windows.net".into(),
        requirement: Requirement::Hard,
        why: Why::Untold(
            "https://guestnotificationservice.azure.com/urls/allowlist?api-version=2020-01-01&location=japaneast".into()
        )
    }));
    assert!(
        arc.skipped
            .iter()
            .any(|skipped| skipped.pattern == "*.waconazure.com" && skipped.why == Why::NoSamples)
    );
    assert!(arc.forbids_closed());
}

/// W7: the answer of the service as it is, double names included.
#[test]
fn the_services_own_list_of_names_is_a_parameter_as_it_was_answered() {
    let pattern = "azgn*.servicebus.windows.net";
    let answer = r#"["azgnrelay-japaneast-l1.servicebus.windows.net", "azgn1.servicebus.windows.net",
        "azgn1.servicebus.windows.net"]"#;
    let arc = expand("azure-arc-servers", &[("region", "japaneast"), (pattern, answer)]);
    for host in ["azgnrelay-japaneast-l1", "azgn1"] {
        let key = format!("{host}.servicebus.windows.net:443/tls");
        assert_eq!(requirement(&arc, &key), Some(Requirement::Hard), "{key}");
    }
    assert!(arc.sampled.contains(&Sampled { pattern: pattern.into(), count: 2 }));
    let refused = expand("azure-arc-servers", &[(pattern, r#"{"error": "no such location"}"#)]);
    assert!(refused.skipped.iter().any(|s| s.pattern == pattern && matches!(s.why, Why::Invalid(_))));
    assert!(refused.forbids_closed());
    let unbound = expand("azure-arc-servers", &[]);
    let why = unbound.skipped.iter().find(|s| s.pattern == pattern).map(|s| s.why.to_string());
    assert!(why.is_some_and(|why| why.contains("&location=<region> tells them")));
}

#[test]
fn the_operator_can_name_hosts_of_a_wildcard_but_only_hosts_that_match() {
    let pattern = "azgn*.servicebus.windows.net";
    let arc = expand(
        "azure-arc-servers",
        &[(pattern, "azgn1.servicebus.windows.net, azgn2.servicebus.windows.net")],
    );
    assert_eq!(requirement(&arc, "azgn2.servicebus.windows.net:443/tls"), Some(Requirement::Hard));
    assert!(arc.sampled.contains(&Sampled { pattern: pattern.into(), count: 2 }));
    let wrong = expand("azure-arc-servers", &[(pattern, "evil.example")]);
    assert!(wrong.skipped.iter().any(|s| s.why == Why::Invalid("evil.example".into())));
}

#[test]
fn an_unbound_placeholder_forbids_closed_only_where_the_entry_is_needed() {
    let ama = expand("azure-monitor-agent", &[("region", "japaneast")]);
    assert!(ama.skipped.contains(&Skipped {
        pattern: "<workspace-id>.ods.opinsights.azure.com".into(),
        requirement: Requirement::Hard,
        why: Why::Unbound("workspace-id".into())
    }));
    assert!(ama.forbids_closed());
    let bound = expand("azure-monitor-agent", &[("region", "japaneast"), ("workspace_id", "0f-1")]);
    assert_eq!(requirement(&bound, "0f-1.ods.opinsights.azure.com:443/tls"), Some(Requirement::Hard));
    assert!(bound.skipped.iter().all(|s| s.requirement == Requirement::Optional), "{:?}", bound.skipped);
    assert!(!bound.forbids_closed());
}

#[test]
fn a_value_that_makes_no_host_name_is_skipped() {
    let ama = expand("azure-monitor-agent", &[("region", "japan east"), ("workspace-id", "w")]);
    assert!(
        ama.skipped
            .iter()
            .any(|s| s.why == Why::Invalid("japan east.handler.control.monitor.azure.com".into()))
    );
    assert!(ama.forbids_closed());
}

#[test]
fn the_strongest_of_several_entries_speaks_for_a_destination() {
    let text = r#"
service = "s"
[[source]]
id = "D"
document = "d"
date = "2026-01-01"
[[entry]]
fqdn = "a.example"
ports = [443, 5671]
proto = "tcp"
purpose = "weak"
need = "optional"
source = "D"
[[entry]]
fqdn = "A.example."
ports = [443]
proto = "tcp"
purpose = "strong"
need = "always"
source = "D"
"#;
    let expansion = Catalog::parse("s", text).expect("it is valid").expand(&BTreeMap::new());
    let seen: Vec<(String, &str)> =
        expansion.endpoints.iter().map(|e| (e.key.to_string(), e.purpose.as_str())).collect();
    assert_eq!(seen, [("a.example:443/tls".to_owned(), "strong"), ("a.example:5671/tcp".to_owned(), "weak")]);
}

#[test]
fn a_host_is_known_by_name_by_wildcard_or_by_placeholder() {
    let all = builtin().expect("the built-in catalogues parse");
    for host in
        ["Portal.Azure.com.", "x.y.his.arc.azure.com", "1234.ods.opinsights.azure.com", "crl3.digicert.com"]
    {
        assert!(contains(&all, host), "{host}");
    }
    assert!(!contains(&all, "unheard-of.example"));
}
