//! The shape of the file against its schema: unknown keys, missing keys, tables where lists belong.
//!
//! In: the parsed TOML. Out: the same without what has the wrong shape, every such place noted. Values are not looked
//! at; they complain themselves when they are read.

use std::ops::Range;

use serde_json::Value;
use toml::de::{DeArray, DeTable, DeValue};

use super::errors::Problems;
use super::mask::shown;
use super::nearest::{nearest, suggestion};

/// Takes out whatever cannot be read. Returns whether nothing had to be taken out.
pub(super) fn fit(file: &mut DeTable<'_>, schema: &Value, problems: &mut Problems) -> bool {
    let mut fitting = Fitting { schema, problems, complete: true };
    fitting.table(file, schema, &Place::File, &(0..0));
    fitting.complete
}

/// Where a table stands, in the words of the file.
enum Place {
    File,
    Section(String),
    Inside(String, String),
}

impl Place {
    fn name(&self) -> String {
        match self {
            Self::File => "the file".to_owned(),
            Self::Section(header) => header.clone(),
            Self::Inside(key, outer) => format!("`{key}` of {outer}"),
        }
    }

    fn below(&self, key: &str, header: impl Fn(&str) -> String) -> Self {
        match self {
            Self::File => Self::Section(header(key)),
            Self::Section(_) | Self::Inside(..) => Self::Inside(key.to_owned(), self.name()),
        }
    }
}

struct Fitting<'a> {
    schema: &'a Value,
    problems: &'a mut Problems,
    complete: bool,
}

impl Fitting<'_> {
    /// Whether the table can be read once its unknown and misshapen entries are gone.
    fn table(&mut self, table: &mut DeTable<'_>, schema: &Value, place: &Place, span: &Range<usize>) -> bool {
        let required: Vec<&str> =
            schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let mut usable = true;
        for key in &required {
            if !table.contains_key(*key) {
                usable = false;
                let text = schema["properties"][key]["description"].as_str().unwrap_or_default();
                let help = format!("add `{key}`: {}", text.lines().next().unwrap_or_default());
                self.problems.add(span, format!("{} lacks the key `{key}`", place.name()), help);
            }
        }
        for (key, mut value) in std::mem::take(table) {
            let name = key.get_ref();
            let Some(property) = schema["properties"].get(&**name) else {
                let message = format!("unknown key `{}` in {}", shown(name), place.name());
                self.problems.add(&key.span(), message, self.help_for(name, schema));
                self.complete = false;
                continue;
            };
            let span = if value.span().is_empty() { key.span() } else { value.span() };
            if self.value(value.get_mut(), property, place, name, &span) {
                table.insert(key, value);
            } else {
                usable &= !required.contains(&&**name);
                self.complete = false;
            }
        }
        usable
    }

    fn value(
        &mut self,
        value: &mut DeValue<'_>,
        schema: &Value,
        place: &Place,
        key: &str,
        span: &Range<usize>,
    ) -> bool {
        let key = shown(key);
        match schema["type"].as_str() {
            Some("object") if schema["properties"].is_object() => {
                let place = place.below(&key, |key| format!("[{key}]"));
                match value {
                    DeValue::Table(table) => self.table(table, schema, &place, span),
                    DeValue::Array(_) => {
                        let help = "it may stand only once: write it with single brackets";
                        self.wrong(span, format!("{} is one table, not a list", place.name()), help)
                    }
                    _ => {
                        let message = format!("{} is a table, not one value", place.name());
                        self.wrong(span, message, "write it as a section, or as { key = value }")
                    }
                }
            }
            Some("object") => match value {
                DeValue::Table(entries) => {
                    self.entries(entries, schema, place, &key);
                    true
                }
                _ => {
                    let message = format!("`{key}` holds names with a value each");
                    self.wrong(span, message, format!("write {key} = {{ name = … }}, or [{key}.NAME]"))
                }
            },
            Some("array") => match value {
                DeValue::Array(items) => {
                    self.items(items, &schema["items"], place, &key);
                    true
                }
                DeValue::Table(_) if schema["items"]["type"] == "object" => {
                    let message = format!("[{key}] is one table where a list belongs");
                    self.wrong(
                        span,
                        message,
                        format!("write [[{key}]], with two brackets; it may stand several times"),
                    )
                }
                _ => {
                    let message = format!("expected a list for `{key}`, found one value");
                    self.wrong(span, message, format!("put it in brackets: {key} = [ … ]"))
                }
            },
            // A single value of whatever type: it complains when it is read.
            _ => true,
        }
    }

    /// `[circuit.NAME]` and the like: every name may have its own table or value.
    fn entries(&mut self, entries: &mut DeTable<'_>, schema: &Value, place: &Place, field: &str) {
        let inner = &schema["additionalProperties"];
        for (key, mut value) in std::mem::take(entries) {
            let span = if value.span().is_empty() { key.span() } else { value.span() };
            let name = shown(key.get_ref());
            let place = place.below(field, |field| format!("[{field}.{name}]"));
            let kept = match value.get_mut() {
                DeValue::Table(table) if inner["properties"].is_object() => {
                    self.table(table, inner, &place, &span)
                }
                _ if inner["properties"].is_object() => {
                    let message = format!("{} is a table, not one value", place.name());
                    self.wrong(&span, message, format!("write it as a section: [{field}.{name}]"))
                }
                _ => true,
            };
            if kept {
                entries.insert(key, value);
            } else {
                self.complete = false;
            }
        }
    }

    fn items(&mut self, items: &mut DeArray<'_>, schema: &Value, place: &Place, key: &str) {
        if schema["type"] != "object" {
            return;
        }
        let place = place.below(key, |key| format!("[[{key}]]"));
        let all = std::mem::replace(items, DeArray::new());
        for mut item in all {
            let span = item.span();
            let kept = match item.get_mut() {
                DeValue::Table(table) => self.table(table, schema, &place, &span),
                _ => {
                    let help = format!("write [[{key}]] and the keys below it");
                    self.wrong(&span, format!("{} is a table, not one value", place.name()), help)
                }
            };
            self.complete &= kept;
            if kept {
                items.push(item);
            }
        }
    }

    fn wrong(&mut self, span: &Range<usize>, message: String, help: impl Into<String>) -> bool {
        self.problems.add(span, message, help);
        false
    }

    /// The nearest key of the same table; else the section that has the key; else all keys of the table.
    fn help_for(&self, key: &str, schema: &Value) -> String {
        let known: Vec<&str> =
            schema["properties"].as_object().into_iter().flatten().map(|(key, _)| &**key).collect();
        if nearest(key, known.iter().copied()).is_none()
            && let Some(section) = self.schema["properties"].as_object().and_then(|sections| {
                let has = |part: &Value| part["properties"].get(key).is_some();
                sections
                    .iter()
                    .find(|(_, part)| has(part) || has(&part["items"]) || has(&part["additionalProperties"]))
            })
        {
            return format!("`{key}` is a key of \"{}\"", section.0);
        }
        suggestion(key, &known)
    }
}
