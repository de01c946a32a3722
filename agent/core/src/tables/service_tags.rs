//! Azure service tags: the weekly JSON of Microsoft's download centre, every year since 2019, or the discovery API's answer.
//!
//! In: the file. Out: the tags of an address. Missing `regionId`/`networkFeatures`, empty lists and unknown fields are normal.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::Deserialize;

use super::prefix_text::Prefix;
use super::{DataFile, DataSet, PrefixTable, TablesError};

/// The tag of all of Azure, and the beginning of the regional ones (D1).
const AZURE_CLOUD: &str = "AzureCloud";

/// All tags of one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceTags {
    /// What it is and how old.
    pub data_set: DataSet,
    pub(super) tags: Vec<Tag>,
    /// Places in `tags`.
    pub(super) prefixes: PrefixTable,
}

/// One tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    /// As in `AzureCloud.japaneast`, `Storage.JapanEast`, `AzureFrontDoor.Frontend`.
    pub name: String,
    /// The region as service tags spell it; empty for tags of the whole cloud.
    pub region: String,
}

impl Tag {
    /// The service without region or part: `Storage` of `Storage.JapanEast`.
    pub fn service(&self) -> &str {
        self.name.split('.').next().unwrap_or(&self.name)
    }

    /// Whether it is `AzureCloud.<region>`.
    pub fn is_region(&self) -> bool {
        self.service() == AZURE_CLOUD && !self.region.is_empty()
    }

    /// Whether it is `AzureCloud`.
    pub fn is_whole_cloud(&self) -> bool {
        self.name == AZURE_CLOUD
    }
}

/// A tag that an address has, by which prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TagMatch<'a> {
    /// The tag.
    pub tag: &'a Tag,
    /// The narrowest of its prefixes around the address.
    pub prefix: IpNet,
}

#[derive(Deserialize)]
struct RawFile {
    #[serde(rename = "changeNumber", default)]
    change_number: serde_json::Value,
    #[serde(default)]
    cloud: String,
    values: Vec<RawTag>,
}

#[derive(Deserialize)]
struct RawTag {
    name: String,
    properties: RawProperties,
}

#[derive(Deserialize)]
struct RawProperties {
    #[serde(default)]
    region: Option<String>,
    #[serde(rename = "addressPrefixes", default)]
    prefixes: Option<Vec<Prefix>>,
}

impl ServiceTags {
    /// Reads the file. An error has the line and column, or the tag and what is wrong with it.
    pub fn parse(file: &DataFile<'_>) -> Result<Self, TablesError> {
        let raw: RawFile =
            serde_json::from_str(file.content()).map_err(|e| TablesError::syntax(file.name, &e))?;
        // A number in the download, a string in the discovery API.
        let version = match &raw.change_number {
            serde_json::Value::String(text) => text.clone(),
            serde_json::Value::Number(number) => number.to_string(),
            _ => String::new(),
        };
        let name = match raw.cloud.as_str() {
            "" => "Azure service tags".to_owned(),
            cloud => format!("Azure service tags ({cloud})"),
        };
        let mut tags = Vec::with_capacity(raw.values.len());
        let mut pairs = Vec::new();
        for (index, tag) in (0_u32..).zip(raw.values) {
            let prefixes = tag.properties.prefixes.unwrap_or_default();
            pairs.extend(prefixes.into_iter().map(|Prefix(prefix)| (prefix, index)));
            tags.push(Tag { name: tag.name, region: tag.properties.region.unwrap_or_default() });
        }
        Ok(Self { data_set: file.data_set(&name, version), tags, prefixes: PrefixTable::new(pairs) })
    }

    /// The tags of an address, by name.
    pub fn of(&self, ip: IpAddr) -> Vec<TagMatch<'_>> {
        let mut found: Vec<TagMatch<'_>> = Vec::new();
        for (prefix, indices) in self.prefixes.covering(ip) {
            for tag in indices.iter().filter_map(|&index| self.tags.get(index as usize)) {
                // Narrowest first: a wider prefix of the same tag says nothing new.
                if !found.iter().any(|known| known.tag.name == tag.name) {
                    found.push(TagMatch { tag, prefix });
                }
            }
        }
        found.sort_unstable_by(|one, other| one.tag.name.cmp(&other.tag.name));
        found
    }

    /// Every prefix with the names of its tags.
    pub fn prefixes(&self) -> impl Iterator<Item = (IpNet, impl Iterator<Item = &Tag>)> {
        self.prefixes.iter().map(|(prefix, indices)| {
            (prefix, indices.iter().filter_map(|&index| self.tags.get(index as usize)))
        })
    }

    /// All tags, in the file's order.
    pub fn tags(&self) -> &[Tag] {
        &self.tags
    }
}

#[cfg(test)]
mod tests {
    use super::ServiceTags;
    use crate::tables::DataFile;

    fn parse(text: &str) -> Result<ServiceTags, String> {
        let file = DataFile { name: "tags.json", modified: None, text };
        ServiceTags::parse(&file).map_err(|e| e.to_string())
    }

    #[test]
    fn files_of_every_year_are_read() {
        let old = "\u{feff}{\r\n \"changeNumber\": 82, \"cloud\": \"Public\",\r\n \"values\": [\r\n \
            {\"name\": \"AzureCloud.japaneast\", \"id\": \"x\", \"properties\": {\"changeNumber\": 4, \"region\": \"japaneast\", \
            \"platform\": \"Azure\", \"systemService\": \"\", \"addressPrefixes\": [\"20.43.64.0/19\"]}}]}\r\n";
        let old = parse(old).expect("2019");
        assert_eq!(old.data_set.version, "82");
        assert_eq!(old.data_set.name, "Azure service tags (Public)");
        assert!(old.of([20, 43, 64, 88].into())[0].tag.is_region());
        let api = r#"{"changeNumber": "376", "unknown": [], "values": [
            {"name": "Empty", "properties": {"addressPrefixes": []}}, {"name": "Null", "properties": {"addressPrefixes": null, "region": null}}]}"#;
        let api = parse(api).expect("the discovery API");
        assert_eq!((api.data_set.version.as_str(), api.tags().len()), ("376", 2));
        assert!(api.of([20, 43, 64, 88].into()).is_empty());
    }

    #[test]
    fn the_narrowest_prefix_of_a_tag_speaks_for_it() {
        let tags = parse(
            r#"{"changeNumber": 1, "values": [{"name": "A", "properties": {"addressPrefixes": ["10.0.0.0/8", "10.1.0.0/16"]}}]}"#,
        )
        .expect("valid");
        let found = tags.of([10, 1, 0, 1].into());
        assert_eq!((found.len(), found[0].prefix.to_string().as_str()), (1, "10.1.0.0/16"));
    }

    #[test]
    fn an_error_says_where() {
        let text = parse("{\"changeNumber\": 1,\n \"values\": [}").expect_err("broken");
        assert!(text.starts_with("tags.json: ") && text.contains("line 2 column"), "{text}");
        let text = parse(
            r#"{"values": [{"name": "Sql", "properties": {"addressPrefixes": ["10.0.0.0/8", "10.0.0.0/33"]}}]}"#,
        )
        .expect_err("broken");
        assert_eq!(text, "tags.json: `10.0.0.0/33` is not a prefix at line 1 column 90");
    }
}
