//! What a newer file changes for one's own endpoints.

use super::{endpoints, tags, with};
use crate::data::{Kind, Loaded, load};
use closedpath_core::config::parse;
use closedpath_core::tables::Tables;

const OLD: &str = r#"{"changeNumber": 1, "cloud": "Public", "values": [
  {"name": "AzureCloud.japaneast", "properties": {"region": "japaneast", "addressPrefixes": ["203.0.113.0/25", "203.0.113.128/25"]}},
  {"name": "Gone", "properties": {"addressPrefixes": ["198.51.100.0/24"]}}]}"#;
const NEW: &str = r#"{"changeNumber": 2, "cloud": "Public", "values": [
  {"name": "AzureCloud.japaneast", "properties": {"region": "japaneast", "addressPrefixes": ["203.0.113.0/25"]}},
  {"name": "AzureCloud.japanwest", "properties": {"region": "japanwest", "addressPrefixes": ["203.0.113.128/25"]}}]}"#;
const CONFIG: &str = r#"
[circuit.tokyo]
sku = "standard"
location = "Tokyo"
route_filter = ["12076:51012"]
"#;

fn read(text: &str) -> Loaded {
    load(Kind::ServiceTags, "tags.json", text.as_bytes(), None).expect("it parses")
}

#[test]
fn counts_are_told_and_the_names_of_what_changed() {
    let (Loaded::ServiceTags(old), Loaded::ServiceTags(new)) = (read(OLD), read(NEW)) else { panic!("tags") };
    assert_eq!(
        tags(&old, &new),
        "tags: 1 added, 1 removed, 1 changed\nprefixes: 0 added, 1 removed\n  + AzureCloud.japanwest\n  - Gone\n  ~ AzureCloud.japaneast  +0 -1\n"
    );
}

#[test]
fn an_endpoint_that_moves_to_another_region_is_named_and_one_that_stays_is_not() {
    let plan = parse("t.toml", CONFIG, &[]).expect("it is right");
    let tables = Tables::documents().expect("the built-in tables parse");
    let mine = [("a.example", "203.0.113.1"), ("b.example", "203.0.113.200")];
    let mine = mine.map(|(name, ip)| (name.to_owned(), [ip.parse().expect("an address")].into())).into();
    let text = endpoints(&mine, &plan.topology, &with(&tables, read(OLD)), &with(&tables, read(NEW)));
    assert_eq!(
        text,
        "\nYour endpoints: 1 of 2 change\n  b.example at 203.0.113.200\n    region: japaneast -> japanwest\n    service tags: AzureCloud.japaneast -> AzureCloud.japanwest\n    ExpressRoute: eligible by 12076:51012 (region_community, EL9) -> conditional by 12076:51013 (route_filter: 12076:51013, EL9)\n"
    );
}

#[test]
fn a_name_without_addresses_is_compared_by_its_sets_and_that_is_said() {
    let plan = parse("t.toml", CONFIG, &[]).expect("it is right");
    let tables = Tables::documents().expect("the built-in tables parse");
    let set = |over| {
        let text = format!(
            r#"[{{"id": 900, "serviceArea": "Common", "urls": ["*.a.example"], "expressRoute": {over}}}]"#
        );
        with(&tables, load(Kind::M365, "m.json", text.as_bytes(), None).expect("it parses"))
    };
    let mine = [("x.a.example".to_owned(), std::collections::BTreeSet::new())].into();
    let text = endpoints(&mine, &plan.topology, &set(true), &set(false));
    assert!(
        text.contains(
            "  x.a.example\n    Microsoft 365 sets: 900 (ExpressRoute yes) -> 900 (ExpressRoute no)\n"
        ),
        "{text}"
    );
    assert!(text.contains("of 1 names no address is known"), "{text}");
}
