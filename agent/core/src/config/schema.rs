//! The JSON Schema of the raw file: every key with its text and default. The parser's own shape check reads it too, so
//! the two cannot disagree.

use std::sync::LazyLock;

use schemars::generate::SchemaSettings;
use serde_json::Value;

use super::raw::RawFile;

/// The JSON Schema (2020-12) of the configuration file, for editors and for the documentation.
pub fn schema() -> Value {
    SCHEMA.clone()
}

pub(super) static SCHEMA: LazyLock<Value> = LazyLock::new(|| {
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    let mut schema = settings.into_generator().into_root_schema_for::<RawFile>().to_value();
    drop_null(&mut schema);
    schema
});

/// TOML has no null: an optional key is absent.
fn drop_null(schema: &mut Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(drop_null),
        Value::Object(map) => {
            map.values_mut().for_each(drop_null);
            map.retain(|key, value| !(key == "default" && value.is_null()));
            if let Some(Value::Array(types)) = map.get_mut("type") {
                types.retain(|name| name != "null");
                if let [only] = types.as_slice() {
                    let only = only.clone();
                    map.insert("type".to_owned(), only);
                }
            }
            if let Some(Value::Array(values)) = map.get_mut("enum") {
                values.retain(|value| !value.is_null());
            }
            let is_null = |item: &Value| item["type"] == "null";
            if let Some(Value::Array(items)) = map.get("anyOf")
                && let [one, null] = items.as_slice()
                && is_null(null)
                && let Value::Object(one) = one.clone()
            {
                map.remove("anyOf");
                for (key, value) in one {
                    map.entry(key).or_insert(value);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::schema;

    /// Every key of the schema, as `section.key`.
    fn keys(schema: &Value, path: &str, found: &mut Vec<(String, Value)>) {
        for (key, property) in schema["properties"].as_object().into_iter().flatten() {
            let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            found.push((path.clone(), property.clone()));
            for part in [property, &property["items"], &property["additionalProperties"]] {
                keys(part, &path, found);
            }
        }
    }

    #[test]
    fn every_key_has_a_text_and_none_may_be_null() {
        let mut found = Vec::new();
        keys(&schema(), "", &mut found);
        assert!(found.len() > 80, "{}", found.len());
        for (key, property) in &found {
            assert!(property["description"].is_string(), "{key} has no text");
            assert!(!property.to_string().contains("null"), "{key} may be null: {property}");
        }
    }

    #[test]
    fn defaults_stand_beside_their_keys() {
        let schema = schema();
        let default =
            |section: &str, key: &str| schema["properties"][section]["properties"][key]["default"].clone();
        assert_eq!(default("agent", "state_dir"), json!("/var/lib/closedpath"));
        assert_eq!(default("agent", "trust_anchors"), json!(["system"]));
        assert_eq!(default("http", "listen"), json!(["127.0.0.1:9806"]));
        assert_eq!(default("probe", "interval"), json!("1m"));
        assert_eq!(default("probe", "concurrency"), json!(256));
        assert_eq!(default("verdict", "window"), json!("1day"));
        let target = &schema["properties"]["target"]["items"];
        assert_eq!(target["properties"]["probe"]["default"], json!("tls"));
        assert_eq!(target["required"], json!(["host"]));
    }

    #[test]
    fn unknown_keys_are_forbidden_in_every_table() {
        let schema = schema();
        assert_eq!(schema["additionalProperties"], json!(false));
        assert_eq!(schema["properties"]["probe"]["additionalProperties"], json!(false));
        assert_eq!(schema["properties"]["link"]["items"]["additionalProperties"], json!(false));
        let encryption = &schema["properties"]["link"]["items"]["properties"]["encryption"];
        assert_eq!(encryption["additionalProperties"], json!(false));
    }
}
