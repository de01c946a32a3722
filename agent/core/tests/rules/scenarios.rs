//! The scenarios of attribution: every folder of `tests/data/scenarios` holds what was seen and, written by hand from the
//! rules, what must come of it. Nothing is looked at but these files.

mod script;

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use closedpath_core::attribution::{Path, PathClass};
use closedpath_core::failure::label;
use closedpath_core::report::AddressReport;

use crate::world::{Seen, short};
use script::{Expect, Kind, Scenario};

/// Findings about names and data, not paths: every name here is in no catalogue (F15), and the tables have an age (F18).
const ASIDE: [&str; 2] = ["F15", "F18"];

fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data/scenarios"))
}

#[expect(clippy::disallowed_methods, reason = "core reads no files; its scenarios stand in files")]
fn read(path: &PathBuf) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// All scenarios by their sentence.
fn all() -> BTreeMap<String, Scenario> {
    let entries = std::fs::read_dir(folder()).expect("the scenarios are there");
    let names = entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("a name"));
    let names = names.filter(|name| name != "sites" && name != "README.md");
    let load = |name: String| {
        let part = |file: &str| folder().join(&name).join(file);
        let recorded = part("recorded.toml");
        let seen = if recorded.exists() { read(&recorded) } else { String::new() };
        let text = read(&part("scenario.toml")) + &seen;
        let parsed = catch_unwind(|| Scenario::parse(&text));
        (name.clone(), parsed.unwrap_or_else(|_| panic!("{name} cannot be read")))
    };
    names.map(load).collect()
}

#[test]
fn every_scenario_comes_out_as_its_rules_say() {
    let mut wrong = Vec::new();
    for (sentence, scenario) in all() {
        let outcome = catch_unwind(AssertUnwindSafe(|| mismatches(&scenario)));
        match outcome {
            Ok(found) => wrong.extend(found.iter().map(|what| format!("{sentence}\n    {what}"))),
            Err(_) => wrong.push(format!("{sentence}\n    cannot be replayed (see above)")),
        }
    }
    assert!(wrong.is_empty(), "{} mismatches:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn every_class_is_there_plain_degraded_spoofed_and_ambiguous() {
    let scenarios = all();
    assert!(scenarios.len() >= 150, "{} scenarios", scenarios.len());
    let mut count: BTreeMap<(String, Kind), usize> = BTreeMap::new();
    for scenario in scenarios.values() {
        *count.entry((label(&scenario.class), scenario.kind)).or_default() += 1;
    }
    for class in ALL.iter().map(label) {
        for kind in [Kind::Plain, Kind::Degraded, Kind::Spoofed, Kind::Ambiguous] {
            let found = count.get(&(class.clone(), kind)).copied().unwrap_or_default();
            assert!(found > 0, "no {kind:?} {class}");
        }
    }
    assert!(scenarios.values().any(|scenario| scenario.class == PathClass::GsaClient));
}

/// All that can be seen; the client of Global Secure Access cannot (P8a).
const ALL: [PathClass; 13] = [
    PathClass::Internal,
    PathClass::ErPrivate,
    PathClass::ErPrivateIpsec,
    PathClass::ErMicrosoft,
    PathClass::InternetDirect,
    PathClass::InternetPeeringService,
    PathClass::VpnInternet,
    PathClass::InternetViaAzureProxy,
    PathClass::InternetViaAzureBgp,
    PathClass::InternetViaProxy,
    PathClass::GsaRemoteNetwork,
    PathClass::Mixed,
    PathClass::Unknown,
];

#[test]
fn what_is_ambiguous_is_unknown_and_never_closed() {
    for (sentence, scenario) in all() {
        assert!(
            scenario.why.contains(|letter: char| letter == '§' || letter.is_ascii_digit()),
            "{sentence}: by which rule"
        );
        if scenario.kind != Kind::Ambiguous {
            continue;
        }
        assert_ne!(scenario.report.verdict, "CLOSED", "{sentence}");
        let paths = scenario.expect.iter().filter_map(|expect| expect.path.as_deref());
        assert!(paths.into_iter().any(|path| path.starts_with("unknown")), "{sentence}");
    }
}

#[test]
fn unknown_keys_are_errors() {
    let text = read(&folder().join("an-msee-hop-of-the-private-peering-confirms-it/scenario.toml"));
    Scenario::parse(&text);
    for key in ["[[expect]]\n", "[[see]]\n", "[report]\n"] {
        let odd = text.replace(key, &format!("{key}odd = 1\n"));
        assert_ne!(odd, text);
        assert!(catch_unwind(|| Scenario::parse(&odd)).is_err(), "{key}");
    }
    assert!(catch_unwind(|| Scenario::parse(&format!("odd = 1\n{text}"))).is_err());
}

/// What does not hold, in words.
fn mismatches(scenario: &Scenario) -> Vec<String> {
    let site = |name: &str| read(&folder().join("sites").join(format!("{name}.toml")));
    let seen = scenario.world(site).look();
    let mut wrong = Vec::new();
    for expect in &scenario.expect {
        endpoint(&seen, expect, &mut wrong);
    }
    let paths = seen.report.endpoints.iter().flat_map(|endpoint| &endpoint.addresses);
    if paths.into_iter().any(|address| address.path.class == PathClass::GsaClient) {
        wrong.push("gsa_client was seen on Linux".into());
    }
    let whole = &scenario.report;
    differ("verdict", &whole.verdict, &label(&seen.report.verdict), &mut wrong);
    let raised = seen.report.findings.iter().map(|it| format!("{} {}", label(&it.id), label(&it.severity)));
    let raised: BTreeSet<String> = raised.filter(|it| ASIDE.iter().all(|id| !it.starts_with(id))).collect();
    let expected: BTreeSet<String> = whole.raises.iter().cloned().collect();
    differ("findings", &words(&expected), &words(&raised), &mut wrong);
    for said in &whole.not_tested {
        if !seen.report.not_tested.iter().any(|words| words.contains(said)) {
            wrong.push(format!("not_tested: expected {said:?}, got {:?}", seen.report.not_tested));
        }
    }
    wrong
}

fn endpoint(seen: &Seen, expect: &Expect, wrong: &mut Vec<String>) {
    let Some(endpoint) = seen.report.endpoints.iter().find(|endpoint| endpoint.id == expect.of) else {
        wrong.push(format!("no {} among {:?}", expect.of, seen.ids()));
        return;
    };
    let about = |what: &str| format!("{} {what}", expect.of);
    if let Some(class) = &expect.class {
        differ(&about("class"), class, &label(&endpoint.class), wrong);
    }
    if let Some(bypass) = &expect.bypass {
        let got = endpoint.bypass.as_ref().filter(|bypass| bypass.reachable);
        let got = got.map_or("none".to_string(), |bypass| label(&bypass.class));
        differ(&about("bypass"), bypass, &got, wrong);
    }
    let Some(path) = &expect.path else { return };
    let of = |address: &&AddressReport| expect.ip.is_none_or(|ip| address.ip == ip);
    let addresses: Vec<&AddressReport> = endpoint.addresses.iter().filter(of).collect();
    let [one] = addresses.as_slice() else {
        wrong.push(format!("{} has {} such addresses", expect.of, addresses.len()));
        return;
    };
    let got = &one.path;
    // Where no rule says which reason holds, `unknown` alone is expected.
    let said = if path == "unknown" { label(&got.class) } else { short(got) };
    differ(&about("path"), path, &said, wrong);
    let details = [
        ("link", &expect.link, got.link.clone()),
        ("circuit", &expect.circuit, got.circuit.clone()),
        ("exit", &expect.exit, got.exit.map(|exit| label(&exit))),
        ("route_only", &expect.route_only, got.route_only.map(|class| label(&class))),
    ];
    for (what, expected, got) in details {
        if let Some(expected) = expected {
            differ(&about(what), expected, &got.unwrap_or_else(|| "none".into()), wrong);
        }
    }
    for (what, expected, got) in
        [("links", &expect.links, &got.links), ("encryption", &expect.encryption, &got.encryption)]
    {
        if let Some(expected) = expected {
            differ(&about(what), &expected.join(", "), &got.join(", "), wrong);
        }
    }
    evidence(got, expect, wrong);
}

fn evidence(path: &Path, expect: &Expect, wrong: &mut Vec<String>) {
    let got: BTreeSet<String> =
        path.evidence.iter().map(|item| format!("{} {:?}", item.id, item.strength)).collect();
    for expected in &expect.evidence {
        let holds = match expected.strip_suffix(" -") {
            Some(id) => path.evidence.iter().all(|item| item.id != id),
            None => got.contains(expected),
        };
        if !holds {
            let all: Vec<String> = path
                .evidence
                .iter()
                .map(|item| format!("{} {:?}: {}", item.id, item.strength, item.says))
                .collect();
            wrong.push(format!("{} evidence: expected {expected}, got {all:#?}", expect.of));
        }
    }
}

fn differ(what: &str, expected: &str, got: &str, wrong: &mut Vec<String>) {
    if expected != got {
        wrong.push(format!("{what}: expected {expected:?}, got {got:?}"));
    }
}

fn words(set: &BTreeSet<String>) -> String {
    set.iter().cloned().collect::<Vec<_>>().join(", ")
}
