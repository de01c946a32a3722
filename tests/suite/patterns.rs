//! In every position of the lab's switches, class and confidence of every address are those of the lab's table, which is written
//! by hand: no wrong class, and `unknown` only where the table says so.

use closedpath_lab::plan::{SECURE_ACCESS_EDGE, VNET_GATEWAY};
use closedpath_lab::{BY_HOPS, BY_TABLES, ConfigVariant, Lab, SPREAD, Server, Situation, Told};
use serde_json::Value;

use crate::lab::{self, endpoint, found, verdict};

/// Everything in the report that is not as the situation says.
fn differences(situation: &Situation, report: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut held = 0;
    for endpoint in report["endpoints"].as_array().expect("endpoints") {
        for address in endpoint["addresses"].as_array().expect("addresses") {
            let ip = address["ip"].as_str().and_then(|ip| ip.parse().ok()).expect("an address");
            let Some(Told { class, confidence }) = situation.told(ip) else { continue };
            let path = &address["path"];
            held += 1;
            if path["class"] != class || path["confidence"] != confidence {
                let says: Vec<&str> = path["evidence"]
                    .as_array()
                    .expect("evidence")
                    .iter()
                    .filter_map(|item| item["says"].as_str())
                    .collect();
                wrong.push(format!(
                    "{}: {} {ip} must be {confidence} {class}, is {} {} {}:\n    {}",
                    situation.name,
                    endpoint["host"],
                    path["confidence"],
                    path["class"],
                    path["reason"],
                    says.join("\n    ")
                ));
            }
        }
    }
    if held < 20 {
        wrong.push(format!("{}: only {held} addresses were held against the table", situation.name));
    }
    for (id, subject) in situation.findings {
        if !found(report, id, subject) {
            wrong.push(format!("{}: no {id} about {subject}", situation.name));
        }
    }
    let told = verdict(report, "promised");
    if !situation.verdicts.contains(&told) {
        wrong.push(format!("{}: the verdict must be {:?}, is {told}", situation.name, situation.verdicts));
    }
    wrong
}

/// Puts the lab into each situation in turn.
fn hold(lab: &mut Lab, situations: &[Situation]) {
    let mut wrong = Vec::new();
    for situation in situations {
        lab.set(situation.position).expect("the switches");
        let (_, report) = lab::check(lab, ConfigVariant::Patterns);
        wrong.extend(differences(situation, &report));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn in_every_position_hops_show_the_true_class_of_every_address() {
    hold(&mut lab::build(), &BY_HOPS);
}

#[test]
fn in_every_position_hops_and_the_edges_table_show_the_true_class_of_every_address() {
    let mut lab = lab::build();
    lab.start_bgp().expect("the routers start");
    hold(&mut lab, &BY_TABLES);
}

/// Class and confidence of every address of an endpoint, each once.
fn told(endpoint: &Value) -> Vec<(&str, &str)> {
    let addresses = endpoint["addresses"].as_array().expect("addresses");
    let mut all: Vec<(&str, &str)> = addresses
        .iter()
        .filter_map(|address| {
            Some((address["path"]["class"].as_str()?, address["path"]["confidence"].as_str()?))
        })
        .collect();
    all.sort_unstable();
    all.dedup();
    all
}

fn by_id<'a>(report: &'a Value, id: &str) -> &'a Value {
    let mut endpoints = report["endpoints"].as_array().expect("endpoints").iter();
    endpoints.find(|endpoint| endpoint["id"] == id).unwrap_or_else(|| panic!("no endpoint {id}"))
}

/// Two workloads that use the proxies.
const PROXIES: &str = r#"
[[proxy]]
name = "azure"
url = "http://10.100.1.6:3128"
exit = "internet"

[[proxy]]
name = "site"
url = "http://192.168.1.55:3128"
exit = "internet"

[[workload]]
name = "by-azure"
policy = "observe"
proxy = "azure"

[[target]]
workload = "by-azure"
host = "login.afd.example"

[[workload]]
name = "by-site"
policy = "observe"
proxy = "site"

[[target]]
workload = "by-site"
host = "shop.afd.example"
"#;

#[test]
fn a_proxys_class_is_where_it_stands_and_a_direct_way_beside_it_is_found() {
    let mut lab = lab::build();
    for proxy in [Server::VnetProxy, Server::SiteProxy] {
        lab.start(proxy).expect("squid starts");
    }
    for only in [false, true] {
        lab.proxy_only(only).expect("the switch");
        let (_, report) = lab::check_with(&lab, ConfigVariant::Patterns, PROXIES);
        let by_azure = endpoint(&report, "login.afd.example");
        assert_eq!(told(by_azure), [("internet_via_azure_proxy", "confirmed")], "{by_azure:#}");
        let by_site = endpoint(&report, "shop.afd.example");
        assert_eq!(told(by_site), [("internet_via_proxy", "confirmed")], "{by_site:#}");
        let direct = endpoint(&report, "portal.afd.example");
        // Nothing answers there any more.
        let truth = if only { ("unknown", "unknown") } else { ("internet_direct", "confirmed") };
        assert_eq!(told(direct), [truth], "{direct:#}");
        for host in ["login.afd.example", "shop.afd.example"] {
            assert_eq!(found(&report, "F24", host), !only, "{host}");
        }
        // What its certificates point to is asked for by the proxy too, by requests that it relays.
        let crl = by_id(&report, "crl.pki.example:80/http via azure");
        assert_eq!(told(crl), [("internet_via_azure_proxy", "confirmed")], "{crl:#}");
        assert_eq!(crl["bypass"]["reachable"], !only, "{crl:#}");
        assert_eq!(by_azure["addresses"][0]["tls"]["revocation"]["status"], "good", "{by_azure:#}");
    }
    // The proxy cannot be reached, so nothing is known of what lies behind.
    lab.withdraw_msees().expect("the switch");
    let (_, report) = lab::check_with(&lab, ConfigVariant::Patterns, PROXIES);
    assert_eq!(told(endpoint(&report, "login.afd.example")), [("unknown", "unknown")]);
    assert_eq!(told(endpoint(&report, "shop.afd.example")), [("internet_via_proxy", "confirmed")]);
}

#[test]
fn a_private_endpoint_whose_name_answers_the_public_address_is_found_and_its_path_is_that_of_the_address() {
    let mut lab = lab::build();
    lab.flip_private_endpoint(true).expect("the switch");
    for (msees, truth) in [(true, "er_microsoft"), (false, "internet_direct")] {
        if !msees {
            lab.withdraw_msees().expect("the switch");
        }
        let (_, report) = lab::check(&lab, ConfigVariant::Patterns);
        let acct = endpoint(&report, "acct.blob.azure.example");
        assert_eq!(told(acct), [(truth, "confirmed")], "{acct:#}");
        assert!(found(&report, "F10", "acct.blob.azure.example"));
    }
    lab.restore().expect("the switches");
    let (_, report) = lab::check(&lab, ConfigVariant::Patterns);
    assert!(!found(&report, "F10", "acct.blob.azure.example"));
}

#[test]
fn tls_that_the_edge_opens_is_found_and_proves_no_path_beyond_the_edge() {
    let mut lab = lab::build();
    lab.inspect(true).expect("the switch");
    let config = lab.config(ConfigVariant::Patterns).expect("a configuration");
    let text = std::fs::read_to_string(&config).expect("it was just written");
    let declared = format!("[agent]\ninspection_ca = \"{}\"\n", lab.inspection_ca().display());
    std::fs::write(&config, text.replacen("[agent]\n", &declared, 1)).expect("a file");
    let (_, report) = lab::check_as(&lab, &config);
    for host in ["acct.blob.azure.example", "arm.azure.example", "portal.afd.example", "assets.cdn.example"] {
        let inspected = endpoint(&report, host);
        // The edge answers in the place of the destination: no hop lies between.
        assert_eq!(told(inspected), [("unknown", "unknown")], "{inspected:#}");
        assert!(found(&report, "F25", host), "{host}: {:#}", inspected["addresses"][0]["tls"]["verdicts"]);
    }
    assert_eq!(verdict(&report, "promised"), "UNDETERMINED");
}

#[test]
fn stun_goes_the_way_of_its_network() {
    let mut lab = lab::build();
    for server in [Server::AzureStun, Server::InternetStun] {
        lab.start(server).expect("turnserver starts");
    }
    let target =
        |host: &str| format!("\n[[target]]\nworkload = \"rest\"\nhost = \"{host}\"\nprobe = \"stun\"\n");
    let more = target("echo.azure.example") + &target("echo.cdn.example");
    let (_, report) = lab::check_with(&lab, ConfigVariant::Patterns, &more);
    for (host, class) in [("echo.azure.example", "er_microsoft"), ("echo.cdn.example", "internet_direct")] {
        let stun = endpoint(&report, host);
        assert_eq!(told(stun), [(class, "confirmed")], "{stun:#}");
    }
}

/// The tunnel of [`Lab::start_tunnel`], and what lies behind it.
const TUNNEL: &str = r#"
[[tunnel]]
name = "vpn-azure"
kind = "ipsec"
over = "er_private"
outer_peer = ["10.100.255.4"]
prefixes = ["10.101.0.0/16"]
terminates = "host"
interface = "ipsec0"

[[target]]
workload = "rest"
host = "spoke.vnet.example"
"#;

#[test]
fn what_goes_through_the_tunnel_is_encrypted_over_private_peering_and_nothing_else_is() {
    let mut lab = lab::build();
    let (_, report) = lab::check_with(&lab, ConfigVariant::Patterns, TUNNEL);
    // There is no tunnel yet, and nothing answers.
    assert_eq!(told(endpoint(&report, "spoke.vnet.example")), [("unknown", "unknown")]);
    lab.start_tunnel(&VNET_GATEWAY).expect("the tunnel");
    let (_, report) = lab::check_with(&lab, ConfigVariant::Patterns, TUNNEL);
    let spoke = endpoint(&report, "spoke.vnet.example");
    assert_eq!(spoke["class"], "er_private_ipsec", "{spoke:#}");
    // The outer path is not seen in the tunnel's own packets: confirmed only where it is looked at, too.
    assert_ne!(spoke["addresses"][0]["path"]["confidence"], "unknown", "{spoke:#}");
    assert_eq!(told(endpoint(&report, "app.vnet.example")), [("er_private", "confirmed")]);
    lab.withdraw_msees().expect("the switch");
    let (_, report) = lab::check_with(&lab, ConfigVariant::Patterns, TUNNEL);
    // Its packets no longer arrive.
    assert_eq!(told(endpoint(&report, "spoke.vnet.example")), [("unknown", "unknown")]);
}

/// The tunnel to [`SECURE_ACCESS_EDGE`], what its traffic profile carries, and the edge itself.
const REMOTE_NETWORK: &str = r#"
[[tunnel]]
name = "secure-access"
kind = "gsa_remote_network"
over = "internet"
outer_peer = ["203.0.113.141"]
prefixes = ["203.0.113.144/28"]
terminates = "host"
interface = "ipsec0"

[[target]]
workload = "rest"
host = "mail.afd.example"

[[target]]
workload = "rest"
host = "203.0.113.141"
probe = "icmp"
"#;

#[test]
fn what_a_traffic_profile_carries_goes_by_global_secure_access_over_the_internet_and_nothing_else_does() {
    let mut lab = lab::build();
    let held = |lab: &Lab| {
        let (_, report) = lab::check_with(lab, ConfigVariant::Patterns, REMOTE_NETWORK);
        let of = |host| {
            told(endpoint(&report, host)).into_iter().map(|(c, s)| format!("{s} {c}")).collect::<Vec<_>>()
        };
        assert_eq!(
            of("app.vnet.example"),
            [if lab.position().msees { "confirmed er_private" } else { "unknown unknown" }]
        );
        [of("mail.afd.example"), of("203.0.113.141"), of("portal.afd.example")].map(|told| told.join(", "))
    };
    let direct = "confirmed internet_direct";
    assert_eq!(held(&lab), [direct; 3], "there is no tunnel yet");
    lab.start_tunnel(&SECURE_ACCESS_EDGE).expect("the tunnel");
    assert_eq!(held(&lab), ["confirmed gsa_remote_network", direct, direct]);
    lab.withdraw_msees().expect("the switch");
    assert_eq!(
        held(&lab),
        ["confirmed gsa_remote_network", direct, direct],
        "the circuit carries none of it"
    );
    lab.cut_internet().expect("the switch");
    assert_eq!(held(&lab), ["unknown unknown"; 3], "nothing answers");
}

#[test]
fn where_flows_are_spread_over_classes_one_flow_does_not_speak_for_all() {
    hold(&mut lab::build(), &SPREAD);
}

#[test]
fn where_flows_are_spread_over_classes_the_edges_table_changes_nothing() {
    let mut lab = lab::build();
    lab.start_bgp().expect("the routers start");
    hold(&mut lab, &SPREAD[..1]);
}

/// Where the lab's STUN servers are.
const ECHOES: &str = r#"
[[echo]]
stun = "echo.azure.example:3478"

[[echo]]
stun = "echo.cdn.example:3478"
"#;

#[test]
fn the_source_address_seen_outside_confirms_what_silent_msees_and_the_edges_table_leave_probable() {
    let mut lab = lab::build();
    lab.start_bgp().expect("the routers start");
    for server in [Server::AzureStun, Server::InternetStun] {
        lab.start(server).expect("turnserver starts");
    }
    lab.silent_msees(true).expect("the switch");
    let (_, report) = lab::check_with(&lab, ConfigVariant::Patterns, ECHOES);
    let arm = endpoint(&report, "arm.azure.example");
    let of_v4 = |address: &&Value| address["ip"] == "198.51.100.132";
    let path = &arm["addresses"].as_array().expect("addresses").iter().find(of_v4).expect("IPv4")["path"];
    let says = |item: &Value| {
        item["id"] == "E8" && item["says"].as_str().is_some_and(|says| says.contains("198.51.100.17"))
    };
    assert!(path["evidence"].as_array().expect("evidence").iter().any(says), "{path:#}");
    assert_eq!((&path["class"], &path["confidence"]), (&"er_microsoft".into(), &"confirmed".into()));
    // Private peering translates nothing, and no echo lies behind it.
    let app = endpoint(&report, "app.vnet.example");
    assert_eq!(told(app), [("er_private", "probable")], "{app:#}");
}
