//! The example file says the truth: its values are the defaults, and it holds every key.

use std::collections::BTreeSet;

use serde_json::Value;

use super::plan;
use crate::config::raw::system;
use crate::config::{EXAMPLE, Plan, schema};

/// The example with its example blocks in force.
pub(super) fn uncommented() -> String {
    let line = |line: &str| match line.strip_prefix('#') {
        Some(rest) if rest.starts_with(|first: char| !first.is_whitespace() && first != '#') => {
            rest.to_owned()
        }
        _ => line.to_owned(),
    };
    EXAMPLE.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// The keys of a schema as paths; names of maps are `*`.
fn schema_keys(schema: &Value, path: &str, found: &mut BTreeSet<String>) {
    for (key, property) in schema["properties"].as_object().into_iter().flatten() {
        let path = format!("{path}.{key}");
        found.insert(path.clone());
        schema_keys(property, &path, found);
        schema_keys(&property["items"], &path, found);
        schema_keys(&property["additionalProperties"], &format!("{path}.*"), found);
    }
}

/// The keys of a file as paths, every table below `circuit` under `*`.
fn file_keys(value: &toml::Value, path: &str, found: &mut BTreeSet<String>) {
    match value {
        toml::Value::Table(table) => {
            for (key, value) in table {
                let path = if path == ".circuit" { ".circuit.*".to_owned() } else { format!("{path}.{key}") };
                found.insert(path.clone());
                file_keys(value, &path, found);
            }
        }
        toml::Value::Array(items) => items.iter().for_each(|item| file_keys(item, path, found)),
        _ => {}
    }
}

#[test]
fn the_example_as_shipped_is_the_defaults() {
    let defaults = Plan { resolvers: vec![system()], ..Plan::default() };
    assert_eq!(plan(EXAMPLE), defaults);
    assert_eq!(plan(""), defaults);
}

#[test]
fn the_example_with_its_blocks_in_force_holds_every_key() {
    let text = uncommented();
    let plan = plan(&text);
    assert_eq!(plan.topology.links.len(), 1);
    assert_eq!(plan.echoes.len(), 2);
    assert_eq!(plan.targets.len(), 1);

    let (mut wanted, mut held) = (BTreeSet::new(), BTreeSet::new());
    schema_keys(&schema(), "", &mut wanted);
    file_keys(&text.parse::<toml::Table>().expect("valid TOML").into(), "", &mut held);
    let missing: Vec<_> = wanted.difference(&held).collect();
    assert!(missing.is_empty(), "not in the example: {missing:?}");
}

#[test]
fn keys_that_stand_as_values_of_sections_are_the_defaults_of_the_schema() {
    let file = EXAMPLE.parse::<toml::Table>().expect("valid TOML");
    for (section, property) in schema()["properties"].as_object().expect("an object") {
        if property["required"].is_array() {
            // Without the section it is off, so there is no default to show.
            assert!(!file.contains_key(section), "[{section}]");
            continue;
        }
        for (key, property) in property["properties"].as_object().into_iter().flatten() {
            let stands = file.get(section).and_then(|section| section.get(key)).is_some();
            assert_eq!(stands, property.get("default").is_some(), "[{section}] {key}");
        }
    }
}
