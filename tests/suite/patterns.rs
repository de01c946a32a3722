//! In every position of the lab's switches, class and confidence of every address are those of the lab's table, which is written
//! by hand: no wrong class, and `unknown` only where the table says so.

use closedpath_lab::{BY_HOPS, BY_TABLES, ConfigVariant, Lab, Situation, Told};
use serde_json::Value;

use crate::lab::{self, found, verdict};

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
    if told != situation.verdict {
        wrong.push(format!("{}: the verdict must be {}, is {told}", situation.name, situation.verdict));
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
