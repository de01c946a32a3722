//! Private DNS zones of private endpoints: `config/tables/private_endpoint_zones.toml`.
//!
//! In: a name. Out: the zone that a private endpoint for it would need. Whether one can be had is the owner's to say.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::tables::{DataSet, DateFrom};
use crate::target::canonical_host;

/// The table.
#[derive(Debug, Clone)]
pub struct PrivateZones {
    /// What it is and how old.
    pub data_set: DataSet,
    services: Vec<RawService>,
}

/// Why the table cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("private_endpoint_zones.toml: {0}")]
pub struct ZonesError(String);

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawService {
    service: String,
    #[serde(default)]
    suffixes: BTreeMap<String, String>,
    #[serde(default)]
    names: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    name: String,
    version: String,
    date: String,
    source: String,
    service: Vec<RawService>,
}

impl PrivateZones {
    /// What comes with the product.
    pub fn builtin() -> Result<Self, ZonesError> {
        let text = include_str!("../../../../config/tables/private_endpoint_zones.toml");
        let raw: Raw = toml::from_str(text).map_err(|error| ZonesError(error.to_string()))?;
        let date = humantime::parse_rfc3339(&format!("{}T00:00:00Z", raw.date));
        let data_set = DataSet {
            name: raw.name,
            version: raw.version,
            date: Some(date.map_err(|error| ZonesError(format!("date: {error}")))?),
            date_from: Some(DateFrom::Content),
            source: format!("embedded: {}", raw.source),
        };
        Ok(Self { data_set, services: raw.service })
    }

    /// Whether the name is one of its own, shared by all: Resource Manager.
    pub fn is_single(&self, name: &str) -> bool {
        let name = canonical_host(name);
        self.services.iter().any(|service| service.names.contains_key(&name))
    }

    /// The zone and the service of a name: the longest public suffix above it, or the name itself where the table has it.
    pub fn of(&self, name: &str) -> Option<(&str, &str)> {
        let name = canonical_host(name);
        let named =
            self.services.iter().find_map(|s| Some((s.names.get(&name)?.as_str(), s.service.as_str())));
        named.or_else(|| {
            let suffixes =
                self.services.iter().flat_map(|s| s.suffixes.iter().map(|pair| (pair, &s.service)));
            let (_, zone, service) = suffixes
                .filter_map(|((suffix, zone), service)| Some((below(&name, suffix)?, zone, service)))
                .rev()
                .max_by_key(|(length, _, _)| *length)?;
            Some((zone.as_str(), service.as_str()))
        })
    }
}

/// How many labels of the suffix the name is below; a `<placeholder>` is any one label.
fn below(name: &str, suffix: &str) -> Option<usize> {
    let (mut name, mut labels) = (name.rsplit('.'), 0);
    for label in suffix.rsplit('.') {
        let own = name.next()?;
        if !label.starts_with('<') && own != label {
            return None;
        }
        labels += 1;
    }
    name.next().map(|_| labels)
}

#[cfg(test)]
mod tests {
    use super::PrivateZones;

    #[test]
    fn the_longest_suffix_gives_the_zone_and_resource_manager_is_one_name_only() {
        let zones = PrivateZones::builtin().expect("the built-in table parses");
        let zone = |name: &str| zones.of(name).map(|(zone, _)| zone);
        assert_eq!(zone("acct.blob.core.windows.net"), Some("privatelink.blob.core.windows.net"));
        assert_eq!(zone("v.vault.azure.net"), Some("privatelink.vaultcore.azure.net"));
        assert_eq!(zone("blob.core.windows.net"), None, "the suffix itself is nobody's resource");
        assert_eq!(zone("management.azure.com"), Some("privatelink.azure.com"));
        assert_eq!(zone("portal.azure.com"), None);
        assert_eq!(
            zone("r.japaneast.data.azurecr.io"),
            Some("<region>.data.privatelink.azurecr.io"),
            "a placeholder is one label, and the longer suffix wins"
        );
        assert_eq!(zone("a.scm.azurewebsites.net"), Some("scm.privatelink.azurewebsites.net"));
        assert_eq!(
            zones.of("ns.servicebus.windows.net").map(|(_, s)| s),
            Some("Service Bus / Event Hubs / Relay")
        );
        assert_eq!(zone("evilblob.core.windows.net"), None);
    }
}
