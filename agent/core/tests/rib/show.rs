//! FRR's `show bgp … json`, as its version 8.4 writes it.

use closedpath_core::rib::{
    Choice, Doubt, Family, Lookup, Rib, Rule, ShowError, family_of_show_bgp, from_show_bgp,
};

use crate::told::{CE, ISP, MSEE_1, at, ip, shown};

const V4: &str = r#"{
 "vrfId": 0, "vrfName": "default", "tableVersion": 3, "routerId": "192.0.2.1", "defaultLocPrf": 100, "localAS": 65010,
 "routes": {
  "0.0.0.0/0": [{"valid":true,"bestpath":true,"selectionReason":"First path received","pathFrom":"external",
    "prefix":"0.0.0.0","prefixLen":0,"network":"0.0.0.0/0","metric":0,"weight":0,"peerId":"198.51.100.1","path":"64500",
    "origin":"IGP","nexthops":[{"ip":"198.51.100.1","afi":"ipv4","used":true}]}],
  "20.38.0.0/16": [
   {"valid":true,"pathFrom":"external","peerId":"198.51.100.1","path":"64500 8075","origin":"IGP",
    "nexthops":[{"ip":"198.51.100.1","afi":"ipv4","used":true}]},
   {"valid":true,"bestpath":true,"pathFrom":"external","peerId":"203.0.113.2","path":"12076","origin":"IGP","locPrf":200,
    "nexthops":[{"ip":"203.0.113.2","afi":"ipv4","used":true}]}],
  "20.39.0.0/16": [{"valid":false,"pathFrom":"external","peerId":"203.0.113.2","path":"12076","origin":"IGP","nexthops":[]}]
 }
}"#;

fn table(seconds: u64) -> Rib {
    let updates = from_show_bgp(&[(Family::V4, V4.as_bytes())], ip(CE), at(100)).unwrap();
    let mut rib = Rib::default();
    for update in &updates {
        rib.apply(update, at(seconds));
    }
    rib
}

#[test]
fn the_best_path_is_the_routers_choice_and_the_others_are_latent() {
    let rib = table(0);
    let lookup = |destination: &str| rib.lookup(ip(CE), ip(destination), at(1));
    let Lookup::Found(answer) = lookup("20.38.1.1") else { panic!("no route") };
    assert_eq!(
        (answer.prefix.to_string(), answer.choice),
        ("20.38.0.0/16".into(), Choice::Decided(Rule::LocRib))
    );
    assert!(answer.routes[0].is_by(ip(MSEE_1)));
    assert_eq!((answer.routes[0].attributes.local_pref, answer.routes[0].asn), (Some(200), 65010));
    assert_eq!(shown(&lookup("20.39.1.1")), "0.0.0.0/0 by loc", "an invalid path is none");
    let latent = rib.latent(ip(CE), ip("20.38.1.1"), at(1), |route| route.is_by(ip(MSEE_1)));
    assert_eq!((shown(&latent.lookup), latent.before), (format!("20.38.0.0/16 by {ISP}"), 1));
    assert!(latent.complete);
}

#[test]
fn an_import_counts_until_its_time_is_over_and_only_for_its_family() {
    let rib = table(0);
    let lookup = |seconds| rib.lookup(ip(CE), ip("20.38.1.1"), at(seconds));
    assert!(matches!(lookup(100), Lookup::Found(_)));
    assert_eq!(lookup(101), Lookup::Unknown(Doubt::Stale { since: at(100) }));
    let v6 = rib.lookup(ip(CE), ip("2001:db8::1"), at(1));
    assert!(matches!(v6, Lookup::Unknown(_)), "a family that was not imported is not empty: {v6:?}");
}

#[test]
fn mistakes_are_told_with_their_place() {
    let read = |text: &str| from_show_bgp(&[(Family::V4, text.as_bytes())], ip(CE), at(100)).unwrap_err();
    assert!(matches!(read("{\n \"localAS\": x"), ShowError::Json { line: 2, column: 13, .. }));
    let wrong = read(&V4.replace("20.38.0.0/16", "20.38.0.0/33"));
    assert_eq!(wrong.to_string(), "prefix 20.38.0.0/33: not a prefix");
    let wrong = read(&V4.replace("64500 8075", "64500 many"));
    assert_eq!(wrong.to_string(), "prefix 20.38.0.0/16: `many` is not an AS");
}

#[test]
fn the_family_of_a_text_is_that_of_all_its_prefixes() {
    let family = |text: &str| family_of_show_bgp(text.as_bytes());
    assert_eq!(family(V4), Ok(Some(Family::V4)));
    let wrong = family(&V4.replace("20.38.0.0/16", "20.38.0.0/33")).unwrap_err();
    assert_eq!(wrong.to_string(), "prefix 20.38.0.0/33: not a prefix");
    assert_eq!(family(r#"{"routes":{"::/0":[]}}"#), Ok(Some(Family::V6)));
    assert_eq!(family(r#"{"routes":{}}"#), Ok(None));
    let mixed = family(r#"{"routes":{"0.0.0.0/0":[],"::/0":[]}}"#).unwrap_err();
    assert_eq!(mixed.to_string(), "prefix ::/0: IPv4 and IPv6 in one text");
    assert!(matches!(family("{}"), Err(ShowError::Json { .. })));
}
