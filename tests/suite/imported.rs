//! The table of an edge router in a file (`[[table]]`): it makes probable what nothing else tells, while it is young enough.

use std::fs;
use std::time::{Duration, SystemTime};

use closedpath_lab::ConfigVariant;
use serde_json::Value;

use crate::lab::{self, endpoint};

/// What FRR on the edge says of IPv4: Azure's prefix by the Microsoft peering, the rest by the provider.
const TABLE: &str = r#"{"vrfName":"default","defaultLocPrf":100,"localAS":65010,"routes":{
"0.0.0.0/0":[{"valid":true,"bestpath":true,"pathFrom":"external","peerId":"203.0.113.2","path":"64500","origin":"IGP",
  "nexthops":[{"ip":"203.0.113.2","afi":"ipv4","used":true}]}],
"198.51.100.128/25":[{"valid":true,"bestpath":true,"pathFrom":"external","peerId":"198.51.100.2","path":"12076","origin":"IGP",
  "nexthops":[{"ip":"198.51.100.2","afi":"ipv4","used":true}]}]}}"#;

/// Class and confidence of the IPv4 and of the IPv6 address of Azure's name, and what was not tested about the router.
fn told(report: &Value) -> (Vec<String>, Vec<&str>) {
    let addresses = endpoint(report, "arm.azure.example")["addresses"].as_array().expect("addresses");
    let of = |v6: bool| {
        let of_family = |address: &&Value| address["ip"].as_str().is_some_and(|ip| ip.contains(':') == v6);
        let path = &addresses.iter().find(of_family).expect("an address of the family")["path"];
        format!("{} {}", path["confidence"], path["class"]).replace('"', "")
    };
    let untested = report["not_tested"].as_array().expect("not_tested").iter().filter_map(Value::as_str);
    ([of(false), of(true)].into(), untested.filter(|words| words.contains("table of 192.168.1.1")).collect())
}

#[test]
fn a_routers_table_in_a_file_makes_a_class_probable_until_it_is_too_old() {
    let mut lab = lab::build();
    lab.silent_msees(true).expect("the switch");
    // Beside the configuration: its paths are relative to that.
    let path = lab.dir().join("ce.json");
    fs::write(&path, TABLE).expect("a file");
    let more = "\n[[table]]\nrouter = \"192.168.1.1\"\nfile = \"ce.json\"\n";

    let (_, report) = lab::check_with(&lab, ConfigVariant::Full, more);
    let (paths, untested) = told(&report);
    assert_eq!(paths, ["probable er_microsoft", "unknown unknown"], "the file speaks of IPv4 only");
    assert_eq!(
        untested,
        [
            "[[table]]: the table of 192.168.1.1 is no evidence in this round: its files hold no routes of one family, IPv4 or IPv6, that was seen; add the file of the other"
        ]
    );

    let file = fs::File::options().write(true).open(&path).expect("it was just written");
    file.set_modified(SystemTime::now() - Duration::from_secs(3700)).expect("its time is set");
    let (_, report) = lab::check_with(&lab, ConfigVariant::Full, more);
    let (paths, untested) = told(&report);
    assert_eq!(paths, ["unknown unknown", "unknown unknown"]);
    assert!(untested.len() == 1 && untested[0].contains("older than its max_age of 1h"), "{untested:?}");
}
