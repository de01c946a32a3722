//! A network that does not do what it should: each address says what failed, nothing hangs, no verdict is better for it.

use std::fs;
use std::time::{Duration, Instant};

use closedpath_lab::plan::RESOLVER;
use closedpath_lab::{ConfigVariant, Lab};
use serde_json::{Value, json};

use crate::lab::{self, endpoint, found, verdict};

/// Runs a command in the agent's host, which must succeed.
fn must(lab: &Lab, argv: &[&str]) {
    let done = lab.exec("host", argv).expect("it starts");
    assert!(done.status.success(), "{argv:?}: {}", String::from_utf8_lossy(&done.stderr));
}

fn list<'a>(value: &'a Value, key: &str) -> &'a Vec<Value> {
    value[key].as_array().unwrap_or_else(|| panic!("{key} in {value:#}"))
}

/// Endpoints that a `[[target]]` names.
fn targets(report: &Value) -> impl Iterator<Item = &Value> {
    let named = |endpoint: &&Value| list(endpoint, "origins").contains(&json!("target"));
    list(report, "endpoints").iter().filter(named)
}

#[test]
fn with_a_dead_resolver_every_name_is_a_lack_that_says_so_and_the_round_still_ends_soon() {
    let lab = lab::build();
    let began = Instant::now();
    let (status, report) = lab::check(&lab, ConfigVariant::ResolverDown);
    // Both families of a name are asked at once, within the timeout of 2 s; the rest is certificates and start.
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    let mut names = 0;
    for endpoint in targets(&report) {
        let host = endpoint["host"].as_str().expect("a host");
        assert_eq!((&endpoint["dns"]["status"], &endpoint["class"]), (&json!("timeout"), &json!("unknown")));
        assert_eq!(endpoint["addresses"], json!([]));
        assert!(found(&report, "F16", host), "{host}");
        names += 1;
    }
    assert!(names >= 25, "{names}");
    // DESIGN §4.5: an unreachable hard member is a lack, not an unknown.
    for workload in ["backup", "portal"] {
        assert_eq!(verdict(&report, workload), "CLOSED_BUT_BROKEN", "{report:#}");
    }
    assert_eq!((status, &report["verdict"]), (4, &json!("CLOSED_BUT_BROKEN")));
}

#[test]
fn on_a_host_without_ipv6_its_addresses_fail_at_once_with_the_reason_and_the_verdict_stands() {
    let lab = lab::build();
    must(&lab, &["sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1"]);
    let (status, report) = lab::check(&lab, ConfigVariant::Full);
    let blob = endpoint(&report, "blob.azure.example");
    let (mut old, mut new) = (0, 0);
    for address in list(blob, "addresses") {
        if address["ip"].as_str().expect("an address").contains(':') {
            let failure = &address["failure"];
            let code = failure["code"].as_str().expect("a code");
            assert!(["net_unreachable", "address_unavailable"].contains(&code), "{failure}");
            assert!(
                failure["text"].as_str().is_some_and(|text| text.contains("this host has no")),
                "{failure}"
            );
            assert_eq!(
                (&address["path"]["class"], &address["reachable"]),
                (&json!("unknown"), &json!(false))
            );
            new += 1;
        } else {
            assert_eq!(address["path"]["confidence"], "confirmed", "{address:#}");
            old += 1;
        }
    }
    assert_eq!((old, new, &blob["class"]), (2, 1, &json!("er_microsoft")));
    // The one name that has only IPv6 is needed by the workload; without it, that is broken.
    assert_eq!(verdict(&report, "backup"), "CLOSED_BUT_BROKEN", "{report:#}");
    let reasons = &report["workloads"][0]["reasons"];
    assert!(reasons.to_string().contains("v6only.azure.example"), "{reasons}");
    assert_eq!(verdict(&report, "portal"), "CLOSED_EXCEPT");
    assert_eq!(status, 4);
}

#[test]
fn without_a_default_route_every_failure_says_that_this_host_has_no_route() {
    let lab = lab::build();
    must(&lab, &["ip", "-4", "route", "del", "default"]);
    must(&lab, &["ip", "-6", "route", "del", "default"]);
    let (status, report) = lab::check(&lab, ConfigVariant::Full);
    let mut addresses = 0;
    for address in targets(&report).flat_map(|endpoint| list(endpoint, "addresses")) {
        let (ip, failure) = (address["ip"].as_str().expect("an address"), &address["failure"]);
        assert_eq!((&failure["step"], &failure["code"]), (&json!("connect"), &json!("net_unreachable")));
        let text = failure["text"].as_str().expect("words");
        assert!(text.contains(&format!("this host has no route to {ip}")), "{text}");
        assert_eq!(
            (&address["path"]["class"], &address["path"]["route_only"]),
            (&json!("unknown"), &Value::Null),
            "{address:#}"
        );
        addresses += 1;
    }
    assert!(addresses >= 30, "{addresses}");
    assert_eq!((status, verdict(&report, "backup")), (4, "CLOSED_BUT_BROKEN"));
}

#[test]
fn each_way_in_which_a_name_gives_no_address_has_its_own_word() {
    let lab = lab::build();
    let statuses = [
        ("nosuch.azure.example", "nxdomain", "NXDOMAIN"),
        ("gone.azure.example", "nxdomain", "NXDOMAIN"),
        ("nodata.odd.example", "nodata", "NODATA"),
        ("www.broken.example", "servfail", "SERVFAIL"),
        ("www.refused.example", "refused", "REFUSED"),
        ("www.silent.example", "timeout", "no answer"),
        ("loop-a.odd.example", "loop", "loop"),
    ];
    let targets: String = statuses
        .iter()
        .map(|(host, ..)| format!("[[target]]\nworkload = \"w\"\nhost = \"{host}\"\n"))
        .collect();
    let config = lab.dir().join("names.toml");
    let text = format!(
        "[agent]\nsite = \"lab\"\ntrust_anchors = [{:?}]\n[probe]\ntimeout = \"1s\"\n[[resolver]]\nname = \"onprem\"\nservers = [\"{RESOLVER}\"]\n[[workload]]\nname = \"w\"\npolicy = \"closed\"\n[topology]\nonprem = [\"192.168.0.0/16\"]\n{targets}",
        lab.root_certificate()
    );
    fs::write(&config, text).expect("a file in the lab's directory");
    let output = lab::agent(&lab, &["check", "--format", "json", "--config", &config.display().to_string()]);
    let report: Value = serde_json::from_slice(&output.stdout).expect("a report");
    for (host, status, word) in statuses {
        let endpoint = endpoint(&report, host);
        assert_eq!(endpoint["dns"]["status"], status, "{endpoint:#}");
        let mut findings = list(&report, "findings").iter();
        let finding = findings
            .find(|finding| {
                finding["id"] == "F16" && finding["subject"].as_str().is_some_and(|of| of.starts_with(host))
            })
            .unwrap_or_else(|| panic!("no F16 for {host}"));
        assert!(finding["detail"].as_str().is_some_and(|detail| detail.contains(word)), "{finding:#}");
    }
    assert_eq!((output.status.code(), &report["verdict"]), (Some(4), &json!("CLOSED_BUT_BROKEN")));
}
