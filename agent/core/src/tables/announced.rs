//! What Microsoft peering announces, by an operator's export of `Get-AzBgpServiceCommunity` or of the REST API behind it (EL5).
//!
//! In: the JSON (`ConvertTo-Json -Depth 5`). Out: the narrowest listed prefix around an address, with its communities.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::Deserialize;

use super::prefix_text::Prefix;
use super::{Community, DataFile, DataSet, PrefixTable, TablesError};

/// Prefixes by community.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announced {
    /// What it is and how old.
    pub data_set: DataSet,
    communities: Vec<Community>,
    /// Places in `communities`.
    prefixes: PrefixTable,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Raw {
    Services(Vec<RawService>),
    Rest { value: Vec<RawService> },
    Service(RawService),
}

/// PowerShell writes the properties flat and with capitals, the REST API below `properties`.
#[derive(Deserialize)]
struct RawService {
    #[serde(alias = "BgpCommunities", alias = "bgpCommunities")]
    communities: Option<Vec<RawCommunity>>,
    properties: Option<RawProperties>,
}

#[derive(Deserialize)]
struct RawProperties {
    #[serde(rename = "bgpCommunities", default)]
    communities: Vec<RawCommunity>,
}

#[derive(Deserialize)]
struct RawCommunity {
    #[serde(alias = "CommunityValue", alias = "communityValue")]
    value: String,
    #[serde(alias = "CommunityPrefixes", alias = "communityPrefixes", default)]
    prefixes: Option<Vec<Prefix>>,
}

impl Announced {
    /// Reads the export.
    pub fn parse(file: &DataFile<'_>) -> Result<Self, TablesError> {
        let text = file.content();
        // An untagged enum forgets where it failed, so the syntax is looked at first.
        serde_json::from_str::<serde::de::IgnoredAny>(text)
            .map_err(|e| TablesError::syntax(file.name, &e))?;
        let first = text.trim_start().chars().next();
        let services = match first {
            Some('[') => serde_json::from_str::<Vec<RawService>>(text)
                .map_err(|e| TablesError::syntax(file.name, &e))?,
            _ => match serde_json::from_str::<Raw>(text).map_err(|e| TablesError::syntax(file.name, &e))? {
                Raw::Services(services) | Raw::Rest { value: services } => services,
                Raw::Service(service) => vec![service],
            },
        };
        let (mut communities, mut pairs) = (Vec::<Community>::new(), Vec::new());
        for service in services {
            let nested = service.properties.map(|properties| properties.communities).unwrap_or_default();
            for raw in service.communities.unwrap_or_default().into_iter().chain(nested) {
                let community: Community = raw
                    .value
                    .parse()
                    .map_err(|why| TablesError::value(file.name, format!("community {}", raw.value), why))?;
                let known = communities.iter().position(|known| *known == community);
                let place = known.unwrap_or(communities.len());
                if known.is_none() {
                    communities.push(community);
                }
                let place = u32::try_from(place).unwrap_or(u32::MAX);
                let prefixes = raw.prefixes.unwrap_or_default();
                pairs.extend(prefixes.into_iter().map(|Prefix(prefix)| (prefix, place)));
            }
        }
        let data_set = file.data_set("prefixes of BGP communities", String::new());
        Ok(Self { data_set, communities, prefixes: PrefixTable::new(pairs) })
    }

    /// The narrowest prefix around the address, and its communities.
    pub fn of(&self, ip: IpAddr) -> Option<(IpNet, Vec<Community>)> {
        let (prefix, places) = self.prefixes.covering(ip).next()?;
        Some((prefix, places.iter().filter_map(|&at| self.communities.get(at as usize)).copied().collect()))
    }

    /// Every prefix with its communities.
    pub fn prefixes(&self) -> impl Iterator<Item = (IpNet, impl Iterator<Item = Community>)> {
        self.prefixes.iter().map(|(prefix, places)| {
            (prefix, places.iter().filter_map(|&at| self.communities.get(at as usize)).copied())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Announced;
    use crate::tables::{Community, DataFile};

    fn parse(text: &str) -> Result<Announced, String> {
        let file = DataFile { name: "communities.json", modified: None, text };
        Announced::parse(&file).map_err(|error| error.to_string())
    }

    #[test]
    fn the_exports_of_powershell_and_of_the_rest_api_say_the_same() {
        let powershell = r#"[{"ServiceName": "AzureJapan", "BgpCommunities": [
            {"ServiceSupportedRegion": "Global", "CommunityName": "Azure Japan East", "CommunityValue": "12076:51012",
             "CommunityPrefixes": ["203.0.113.0/24", "203.0.113.0/25"]},
            {"CommunityName": "Azure Japan West", "CommunityValue": "12076:51013", "CommunityPrefixes": []}]},
            {"ServiceName": "Empty", "BgpCommunities": null}]"#;
        let rest = r#"{"value": [{"name": "AzureJapan", "properties": {"serviceName": "AzureJapan", "bgpCommunities": [
            {"communityValue": "12076:51012", "communityPrefixes": ["203.0.113.0/24", "203.0.113.0/25"]}]}}]}"#;
        // One service alone: ConvertTo-Json writes no list then.
        let alone = r#"{"BgpCommunities": [{"CommunityValue": "12076:51012", "CommunityPrefixes": ["203.0.113.0/24", "203.0.113.0/25"]}]}"#;
        for text in [powershell, rest, alone] {
            let table = parse(text).expect("an export");
            let found = table.of([203, 0, 113, 1].into());
            assert_eq!(found, Some(("203.0.113.0/25".parse().expect("a prefix"), vec![Community(51012)])));
            assert_eq!(table.of([198, 51, 100, 1].into()), None);
        }
    }

    #[test]
    fn an_error_says_where() {
        let text = r#"[{"BgpCommunities": [{"CommunityValue": "12076:x"}]}]"#;
        assert_eq!(
            parse(text).expect_err("broken"),
            "communities.json: community 12076:x: `12076:x` is not 12076:NUMBER"
        );
        let text = "[{\"BgpCommunities\": [{\"CommunityValue\": \"12076:5060\",\n \"CommunityPrefixes\": [\"x\"]}]}]";
        assert_eq!(
            parse(text).expect_err("broken"),
            "communities.json: `x` is not a prefix at line 2 column 26"
        );
    }
}
