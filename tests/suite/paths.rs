//! In the lab, every path the agent tells is the true one, in every position of the switches, and no verdict is better than
//! the truth. The agent runs as an unprivileged user.

use closedpath_lab::{ConfigVariant, Lab, TRUTH, Truth};
use serde_json::Value;

use crate::lab::{self, endpoint, found, verdict};

/// Holds every endpoint of the report against the truth table; every reachable address must be confirmed.
fn hold(lab: &Lab, report: &Value) {
    let known = |truth: &&Truth| {
        report["endpoints"]
            .as_array()
            .expect("endpoints")
            .iter()
            .any(|endpoint| endpoint["host"] == truth.host)
    };
    let mut held = 0;
    for truth in TRUTH.iter().filter(known) {
        let endpoint = endpoint(report, truth.host);
        let expected = lab.truth(truth.host).expect("the table has it");
        assert_eq!(endpoint["class"], expected, "{endpoint:#}");
        for address in endpoint["addresses"].as_array().expect("addresses") {
            let path = &address["path"];
            let confidence = match (address["reachable"].as_bool(), path["class"] == "unknown") {
                (Some(true), _) => "confirmed",
                (_, false) => "probable",
                (_, true) => "unknown",
            };
            assert_eq!(path["confidence"], confidence, "{address:#}");
            assert_eq!(path["class"] == "unknown", path["confidence"] == "unknown", "{address:#}");
        }
        held += 1;
    }
    assert!(held >= 25, "only {held} endpoints were held against the truth");
}

#[test]
fn at_the_baseline_every_path_is_the_true_one_and_confirmed() {
    let lab = lab::build();
    let (status, report) = lab::check(&lab, ConfigVariant::Full);
    hold(&lab, &report);
    assert_eq!(
        (verdict(&report, "backup"), verdict(&report, "portal")),
        ("CLOSED", "CLOSED_EXCEPT"),
        "{report:#}"
    );
    assert_eq!(verdict(&report, "rest"), "NOT_CLOSED");
    assert_eq!((status, &report["verdict"]), (0, &"CLOSED_EXCEPT".into()), "observe workloads do not count");
    assert!(!found(&report, "F01", "blob.azure.example"));
    assert!(found(&report, "F34", "crl.pki.example:80/http"));
    let resolver = endpoint(&report, "192.168.1.53");
    assert_eq!((&resolver["class"], &resolver["origins"][0]), (&"internal".into(), &"resolver".into()));
    let crl = endpoint(&report, "crl.pki.example");
    let by = crl["required_by"].as_array().expect("required_by");
    assert!(by.contains(&"arm.azure.example:443/tls".into()), "{crl:#}");
    assert_eq!(endpoint(&report, "cdn-crl.pki.example")["origins"], serde_json::json!(["redirect"]));
    let outside = report["required_outside"].as_array().expect("required_outside");
    assert!(outside.iter().any(|entry| entry["host"] == "ocsp.pki.example" && entry["reachable"] == true));
    assert!(!outside.iter().any(|entry| entry["host"] == "app.vnet.example"));
}

#[test]
fn names_and_handshakes_are_told_as_they_are() {
    let lab = lab::build();
    let (_, report) = lab::check(&lab, ConfigVariant::Full);
    let verdicts = |host: &str| endpoint(&report, host)["addresses"][0]["tls"]["verdicts"].clone();
    assert_eq!(verdicts("odd.cdn.example"), serde_json::json!(["expired", "name_mismatch"]));
    assert_eq!(verdicts("selfsigned.cdn.example"), serde_json::json!(["self_signed"]));
    assert_eq!(verdicts("incomplete.cdn.example"), serde_json::json!(["incomplete_chain"]));
    assert_eq!(verdicts("arm.azure.example"), serde_json::json!(["ok"]));
    let failure = |host: &str| endpoint(&report, host)["addresses"][0]["failure"]["code"].clone();
    assert_eq!(failure("mtls.azure.example"), "client_certificate_required");
    assert_eq!(failure("plain.cdn.example"), "not_tls");
    assert_eq!(failure("hangup.cdn.example"), "closed");
    let tls12 = &endpoint(&report, "tls12.azure.example")["addresses"][0]["tls"];
    assert_eq!(tls12["version"], "TLSv1.2");
    let stapled = &endpoint(&report, "staple.azure.example")["addresses"][0]["tls"];
    assert_eq!(
        (&stapled["stapled"]["present"], &stapled["stapled"]["status"]),
        (&true.into(), &"good".into())
    );
    let leaf = &stapled["revocation"]["certificates"][0];
    assert_eq!((&leaf["status"], &leaf["source"]), (&"good".into(), &"staple".into()), "{stapled:#}");
    assert_eq!(
        stapled["revocation"]["certificates"][1]["source"], "ocsp",
        "a staple speaks of the leaf alone"
    );
    let bare = &endpoint(&report, "arm.azure.example")["addresses"][0]["tls"];
    assert_eq!((&bare["stapled"]["present"], &bare["stapled"]["status"]), (&false.into(), &Value::Null));
    assert_eq!(
        (&bare["revocation"]["status"], &bare["revocation"]["source"]),
        (&"good".into(), &"ocsp".into())
    );
    let completed = &endpoint(&report, "incomplete.cdn.example")["addresses"][0]["tls"];
    assert_eq!(completed["completed_by_aia"], true);
    assert_eq!(completed["revocation"]["certificates"].as_array().map(Vec::len), Some(2), "{completed:#}");
    assert_eq!(completed["revocation"]["status"], "good");
    let revoked = &endpoint(&report, "revoked.cdn.example")["addresses"][0]["tls"]["revocation"];
    assert_eq!(revoked["status"], "revoked", "{revoked:#}");
    let acct = &endpoint(&report, "acct.blob.azure.example")["dns"];
    assert_eq!(acct["cname"], serde_json::json!(["acct.privatelink.blob.azure.example", "pe.vnet.example"]));
}

#[test]
fn when_both_msees_withdraw_azure_goes_by_the_internet_with_f01() {
    let mut lab = lab::build();
    lab.withdraw_msees().expect("the switch");
    let (status, report) = lab::check(&lab, ConfigVariant::Full);
    hold(&lab, &report);
    for host in ["blob.azure.example", "arm.azure.example"] {
        assert_eq!(endpoint(&report, host)["class"], "internet_direct");
        assert!(found(&report, "F01", host), "{host}");
    }
    let private = endpoint(&report, "app.vnet.example");
    assert_eq!(private["addresses"][0]["path"]["route_only"], "internet_direct", "{private:#}");
    assert!(found(&report, "F12", "app.vnet.example"));
    assert_eq!((verdict(&report, "backup"), verdict(&report, "portal")), ("NOT_CLOSED", "NOT_CLOSED"));
    assert_eq!((status, &report["verdict"]), (1, &"NOT_CLOSED".into()));
}

#[test]
fn when_one_msee_is_down_the_other_carries_the_same_classes() {
    let mut lab = lab::build();
    lab.primary_down().expect("the switch");
    let (status, report) = lab::check(&lab, ConfigVariant::Full);
    hold(&lab, &report);
    assert_eq!(endpoint(&report, "blob.azure.example")["addresses"][0]["path"]["link"], "er-secondary-ms");
    assert_eq!(status, 0);
}

#[test]
fn when_the_internet_is_cut_ca_hosts_are_missing_and_the_verdict_is_closed_but_broken() {
    for silently in [false, true] {
        let mut lab = lab::build();
        if silently { lab.drop_internet() } else { lab.cut_internet() }.expect("the switch");
        let (status, report) = lab::check(&lab, ConfigVariant::Full);
        hold(&lab, &report);
        assert!(found(&report, "F33", "crl.pki.example:80/http"));
        assert!(found(&report, "F33", "ocsp.pki.example:80/http"));
        assert_eq!(verdict(&report, "portal"), "CLOSED_BUT_BROKEN", "its clients check revocation");
        assert_eq!(verdict(&report, "backup"), "CLOSED", "its clients do not");
        assert_eq!((status, &report["verdict"]), (4, &"CLOSED_BUT_BROKEN".into()));
    }
}

#[test]
fn without_a_topology_every_class_is_unknown_and_the_verdict_undetermined() {
    let lab = lab::build();
    let (status, report) = lab::check(&lab, ConfigVariant::NoTopology);
    for endpoint in report["endpoints"].as_array().expect("endpoints") {
        assert_eq!(endpoint["class"], "unknown", "{endpoint:#}");
        for address in endpoint["addresses"].as_array().expect("addresses") {
            assert_eq!(address["path"]["reason"], "no_topology", "{address:#}");
        }
    }
    for workload in ["backup", "portal"] {
        assert_eq!(verdict(&report, workload), "UNDETERMINED");
    }
    assert_eq!((status, &report["verdict"]), (3, &"UNDETERMINED".into()));
}

#[test]
fn ipv6_that_leaks_while_ipv4_is_closed_is_found() {
    let mut lab = lab::build();
    lab.ipv6_leak(true).expect("the switch");
    let (status, report) = lab::check(&lab, ConfigVariant::Full);
    let arm = endpoint(&report, "arm.azure.example");
    assert_eq!(arm["class"], "mixed", "{arm:#}");
    assert!(found(&report, "F22", "arm.azure.example"));
    assert_eq!((status, verdict(&report, "portal")), (1, "NOT_CLOSED"));
}

#[test]
fn a_default_route_from_azure_is_no_closed_path() {
    let mut lab = lab::build();
    lab.set_default_route(closedpath_lab::DefaultRoute::ViaAzure).expect("the switch");
    let (_, report) = lab::check(&lab, ConfigVariant::Full);
    let cdn = endpoint(&report, "assets.cdn.example");
    assert_eq!(cdn["class"], "internet_via_azure_bgp", "{cdn:#}");
    assert_eq!(
        cdn["addresses"][0]["path"]["confidence"], "probable",
        "the hop alone does not show the default route"
    );
    assert_eq!(verdict(&report, "rest"), "NOT_CLOSED");
}

#[test]
fn with_the_routers_tables_every_path_stays_the_true_one_and_what_would_carry_it_otherwise_is_told() {
    type Switch = fn(&mut Lab) -> anyhow::Result<()>;
    let mut lab = lab::build();
    lab.start_bgp().expect("the routers start");
    let positions: [(&str, Switch, bool); 4] = [
        ("baseline", |_| Ok(()), true),
        ("primary down", Lab::primary_down, true),
        ("both MSEEs withdrawn", Lab::withdraw_msees, false),
        ("Internet cut", Lab::cut_internet, false),
    ];
    for (position, switch, latent) in positions {
        lab.restore().expect("the switches");
        switch(&mut lab).expect("the switch");
        let (_, report) = lab::check(&lab, ConfigVariant::Full);
        hold(&lab, &report);
        let untested = report["not_tested"].as_array().expect("not_tested");
        let no_evidence = |words: &Value| words.as_str().is_some_and(|words| words.contains("no evidence"));
        assert!(!untested.iter().any(no_evidence), "{position}: {untested:#?}");
        // Without the MSEEs the provider would carry it: while they do, and while there is a provider.
        assert_eq!(found(&report, "F23", "arm.azure.example"), latent, "{position}");
        assert!(!found(&report, "F30", ""), "{position}");
    }
    lab.restore().expect("the switches");
    let (_, report) = lab::check(&lab, ConfigVariant::Full);
    let arm = &endpoint(&report, "arm.azure.example")["addresses"][0]["path"];
    let evidence = arm["evidence"].as_array().expect("evidence");
    let of = |id: &str| evidence.iter().find(|item| item["id"] == id).unwrap_or_else(|| panic!("{arm:#}"));
    assert_eq!(of("E7")["strength"], "A", "the gateway is the router");
    assert!(
        of("E7a")["says"].as_str().is_some_and(|says| says.contains("Microsoft peering of circuit tokyo-1"))
    );
}

#[test]
fn explain_shows_what_the_routers_table_says_and_check_what_is_missing_of_it() {
    let mut lab = lab::build();
    lab.start_bgp().expect("the routers start");
    let config = lab.config(ConfigVariant::Full).expect("a configuration");
    let output =
        lab::agent(&lab, &["explain", "arm.azure.example", "--config", &config.display().to_string()]);
    let text = String::from_utf8_lossy(&output.stdout);
    for words in ["E7 ", "table of 192.168.1.1", "AS path 12076", "er-primary-ms"] {
        assert!(text.contains(words), "{words} is missing in:\n{text}");
    }
    // Nobody connects from there, and the time is over at once.
    let text = std::fs::read_to_string(&config).expect("it was just written");
    std::fs::write(&config, text.replace("allow = [\"192.168.1.1\"]", "allow = [\"192.168.1.2\"]"))
        .expect("a file");
    let config = config.display().to_string();
    let arguments =
        ["check", "--workload", "backup", "--bmp-wait", "0s", "--format", "json", "--config", &config];
    let output = lab::agent(&lab, &arguments);
    let report: Value = serde_json::from_slice(&output.stdout).expect("a report");
    let untested = report["not_tested"].as_array().expect("not_tested");
    let said = "BMP: the table of 192.168.1.2 is no evidence in this round: the router has not connected";
    assert!(untested.iter().any(|words| words == said), "{untested:#?}");
}

#[test]
fn the_default_route_from_azure_is_confirmed_by_the_routers_table() {
    let mut lab = lab::build();
    lab.start_bgp().expect("the routers start");
    lab.set_default_route(closedpath_lab::DefaultRoute::ViaAzure).expect("the switch");
    let (_, report) = lab::check(&lab, ConfigVariant::Full);
    let path = &endpoint(&report, "assets.cdn.example")["addresses"][0]["path"];
    assert_eq!(path["class"], "internet_via_azure_bgp", "{path:#}");
    assert_eq!(path["confidence"], "confirmed", "{path:#}");
}

#[test]
fn routers_that_limit_icmp_as_linux_does_are_asked_again_until_they_answer() {
    let lab = lab::build();
    lab.limit_icmp().expect("the switch");
    let (_, report) = lab::check(&lab, ConfigVariant::Full);
    let mut confirmed = 0;
    for truth in &TRUTH {
        let of_host = |endpoint: &&Value| endpoint["host"] == truth.host;
        let endpoints = report["endpoints"].as_array().expect("endpoints").iter().filter(of_host);
        for address in endpoints.flat_map(|endpoint| endpoint["addresses"].as_array().expect("addresses")) {
            let path = &address["path"];
            let told = path["reason"] != "no_evidence" && truth.baseline != "mixed";
            if told && address["reachable"] == true {
                assert_eq!(
                    (&path["class"], &path["confidence"]),
                    (&truth.baseline.into(), &"confirmed".into())
                );
                confirmed += 1;
            }
        }
    }
    // Each router answers six times at once in each family: 29 addresses of this lab without asking again.
    assert!(confirmed >= 30, "only {confirmed} are confirmed");
    // What no router spoke of is unknown, never closed.
    for workload in ["backup", "portal"] {
        assert!(matches!(verdict(&report, workload), "CLOSED" | "CLOSED_EXCEPT" | "UNDETERMINED"));
    }
}
