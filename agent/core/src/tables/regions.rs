//! Azure regions and what a circuit's SKU reaches of them (DOMAIN §2.5).

use std::collections::BTreeMap;

use serde::Deserialize;

use super::dataset::Head;
use super::{DataSet, TablesError};
use crate::config::{Circuit, Sku};

/// Regions, geopolitical regions, peering locations.
#[derive(Debug, Clone)]
pub struct Regions {
    /// What it is and how old.
    pub data_set: DataSet,
    aliases: BTreeMap<String, String>,
    geos: Vec<Geo>,
    /// By location without spaces, in lower case.
    local: BTreeMap<String, Vec<String>>,
}

/// Whether a circuit reaches a region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// It does.
    Inside,
    /// Its SKU is too small.
    Outside,
    /// The table does not know the location or the region.
    Unknown,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Geo {
    name: String,
    regions: Vec<String>,
    locations: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    name: String,
    version: String,
    date: String,
    source: String,
    tag_alias: BTreeMap<String, String>,
    geo: Vec<Geo>,
    local: BTreeMap<String, Vec<String>>,
}

impl Regions {
    /// Reads `regions.toml`.
    pub fn parse(file: &str, text: &str) -> Result<Self, TablesError> {
        let raw: Raw = toml::from_str(text).map_err(|e| TablesError::syntax(file, &e))?;
        let head = Head { name: raw.name, version: raw.version, date: raw.date, source: raw.source };
        Ok(Self {
            data_set: head.data_set(file)?,
            aliases: raw.tag_alias,
            geos: raw.geo,
            local: raw.local.into_iter().map(|(location, regions)| (key(&location), regions)).collect(),
        })
    }

    /// The region's own name for a service tag's spelling of it (D7); the spelling itself where they are the same.
    pub fn own_name<'a>(&'a self, tag_region: &'a str) -> &'a str {
        self.aliases.get(tag_region).map_or(tag_region, String::as_str)
    }

    /// The geopolitical region of an Azure region, by its own name.
    pub fn geo_of_region(&self, region: &str) -> Option<&str> {
        let geo = self.geos.iter().find(|geo| geo.regions.iter().any(|known| known == region))?;
        Some(&geo.name)
    }

    /// The geopolitical region of a peering location; that of its Local region where only this is known.
    pub fn geo_of_location(&self, location: &str) -> Option<&str> {
        let wanted = key(location);
        match self.geos.iter().find(|geo| geo.locations.iter().any(|known| key(known) == wanted)) {
            Some(geo) => Some(&geo.name),
            None => self.local.get(&wanted)?.first().and_then(|region| self.geo_of_region(region)),
        }
    }

    /// Whether the circuit's SKU reaches the region, by its own name.
    pub fn scope(&self, circuit: &Circuit, region: &str) -> Scope {
        match circuit.sku {
            Sku::Premium => Scope::Inside,
            Sku::Standard => match (self.geo_of_location(&circuit.location), self.geo_of_region(region)) {
                (Some(location), Some(region)) if location == region => Scope::Inside,
                (Some(_), Some(_)) => Scope::Outside,
                _ => Scope::Unknown,
            },
            Sku::Local => match self.local.get(&key(&circuit.location)) {
                Some(regions) if regions.iter().any(|known| known == region) => Scope::Inside,
                Some(_) => Scope::Outside,
                None => Scope::Unknown,
            },
        }
    }
}

fn key(location: &str) -> String {
    location.chars().filter(|c| !c.is_whitespace()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::Scope;
    use crate::config::{Circuit, Sku};
    use crate::tables::Tables;

    #[test]
    fn local_reaches_the_near_region_standard_the_geopolitical_one_premium_all() {
        let regions = Tables::documents().expect("the built-in tables parse").regions;
        let scope = |sku, location: &str, region: &str| {
            let circuit = Circuit {
                sku,
                location: location.into(),
                direct: false,
                route_filter: vec![],
                m365_authorised: false,
            };
            regions.scope(&circuit, region)
        };
        assert_eq!(scope(Sku::Local, "Tokyo", "japaneast"), Scope::Inside);
        assert_eq!(scope(Sku::Local, "Tokyo", "japanwest"), Scope::Outside);
        assert_eq!(scope(Sku::Local, "osaka", "japanwest"), Scope::Inside);
        assert_eq!(scope(Sku::Local, "Dallas", "southcentralus"), Scope::Outside);
        assert_eq!(scope(Sku::Standard, "Tokyo2", "japanwest"), Scope::Inside);
        assert_eq!(scope(Sku::Standard, "Tokyo", "koreacentral"), Scope::Outside);
        assert_eq!(scope(Sku::Standard, "Washington DC", "westus"), Scope::Inside);
        assert_eq!(scope(Sku::Standard, "Stockholm2", "swedencentral"), Scope::Inside);
        assert_eq!(scope(Sku::Standard, "Tokyo", "newzealandnorth"), Scope::Unknown);
        assert_eq!(scope(Sku::Standard, "Atlantis", "japaneast"), Scope::Unknown);
        assert_eq!(scope(Sku::Premium, "Atlantis", "newzealandnorth"), Scope::Inside);
    }

    #[test]
    fn service_tags_spell_some_regions_differently() {
        let regions = Tables::documents().expect("the built-in tables parse").regions;
        assert_eq!(regions.own_name("centralfrance"), "francecentral");
        assert_eq!(regions.own_name("germanywc"), "germanywestcentral");
        assert_eq!(regions.own_name("japaneast"), "japaneast");
    }
}
