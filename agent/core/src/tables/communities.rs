//! BGP communities of ExpressRoute (DOMAIN §2.4): what a value means, and which value a region or service has.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::Deserialize;

use super::dataset::Head;
use super::{DataSet, M365Set, TablesError};

/// The AS that all these communities belong to.
const EXPRESSROUTE: u32 = 12076;

/// A community of AS 12076, written `12076:51012`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Community(pub u16);

impl fmt::Display for Community {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{EXPRESSROUTE}:{}", self.0)
    }
}

impl FromStr for Community {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let value = text.trim().strip_prefix("12076:").and_then(|value| value.parse().ok());
        value.map(Self).ok_or_else(|| format!("`{text}` is not 12076:NUMBER"))
    }
}

/// What a community says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Meaning {
    /// A region's prefixes: on private peering (50), Microsoft peering (51), or of one service (52 to 55).
    Regional {
        /// The first two digits.
        plane: u16,
        /// The region's own name.
        region: String,
    },
    /// A service's prefixes.
    Service(String),
    /// Something of another cloud.
    National(String),
    /// Not in the table; never guessed.
    Unknown,
}

/// A community of a service.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// NNNN of `12076:NNNN`.
    pub value: u16,
    /// The service.
    pub name: String,
    /// Whether Microsoft must authorise the circuit.
    #[serde(default)]
    pub authorisation: bool,
    #[serde(default)]
    tags: Vec<String>,
    #[serde(default)]
    m365_sets: Vec<u32>,
    m365_area: Option<String>,
}

impl Service {
    /// The community.
    pub fn community(&self) -> Community {
        Community(self.value)
    }
}

/// The table of communities.
#[derive(Debug, Clone)]
pub struct Communities {
    /// What it is and how old.
    pub data_set: DataSet,
    regions: BTreeMap<String, u16>,
    planes: Vec<Plane>,
    services: Vec<Service>,
    national: BTreeMap<u16, String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Plane {
    value: u16,
    #[serde(rename = "name")]
    _name: String,
    tag: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    name: String,
    version: String,
    date: String,
    source: String,
    asn: u32,
    plane: Vec<Plane>,
    region: BTreeMap<String, u16>,
    service: Vec<Service>,
    national: BTreeMap<String, String>,
}

impl Communities {
    /// Reads `communities.toml`.
    pub fn parse(file: &str, text: &str) -> Result<Self, TablesError> {
        let raw: Raw = toml::from_str(text).map_err(|e| TablesError::syntax(file, &e))?;
        if raw.asn != EXPRESSROUTE {
            return Err(TablesError::value(file, "asn", "only AS 12076 is understood"));
        }
        let national = raw.national.into_iter().map(|(value, name)| {
            let value = value.parse().map_err(|_| TablesError::value(file, "national", value.clone()))?;
            Ok((value, name))
        });
        let head = Head { name: raw.name, version: raw.version, date: raw.date, source: raw.source };
        Ok(Self {
            data_set: head.data_set(file)?,
            regions: raw.region,
            planes: raw.plane,
            services: raw.service,
            national: national.collect::<Result<_, TablesError>>()?,
        })
    }

    /// The community of a region on Microsoft peering, by its own name; `None` where none is documented (D7).
    pub fn of_region(&self, region: &str) -> Option<Community> {
        self.regions.get(region).map(|number| Community(51_000 + number))
    }

    /// The community of a region's Storage, SQL, Cosmos DB or Backup, by the service's tag.
    pub fn of_regional_service(&self, region: &str, tag_service: &str) -> Option<Community> {
        let plane = self.planes.iter().find(|plane| plane.tag.as_deref() == Some(tag_service))?;
        self.regions.get(region).map(|number| Community(plane.value * 1000 + number))
    }

    /// The service community of a tag (EL10).
    pub fn of_tag(&self, tag_service: &str) -> Option<&Service> {
        self.services.iter().find(|service| service.tags.iter().any(|tag| tag == tag_service))
    }

    /// The community that carries a Microsoft 365 set (EL7).
    pub fn of_m365(&self, set: &M365Set) -> Option<&Service> {
        let by_id = self.services.iter().find(|service| service.m365_sets.contains(&set.id));
        by_id.or_else(|| self.services.iter().find(|s| s.m365_area.as_deref() == Some(set.area.as_str())))
    }

    /// The service that a community is of.
    pub fn service(&self, community: Community) -> Option<&Service> {
        self.services.iter().find(|service| service.community() == community)
    }

    /// What a community says, by the parse rule of DOMAIN §2.4.
    pub fn meaning(&self, community: Community) -> Meaning {
        let Community(value) = community;
        if let Some(name) = self.national.get(&value) {
            return Meaning::National(name.clone());
        }
        if let Some(service) = self.service(community) {
            return Meaning::Service(service.name.clone());
        }
        let (plane, number) = (value / 1000, value % 1000);
        let region = self.regions.iter().find(|(_, known)| **known == number);
        match region.filter(|_| self.planes.iter().any(|known| known.value == plane)) {
            Some((region, _)) => Meaning::Regional { plane, region: region.clone() },
            None => Meaning::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Community, Meaning};
    use crate::tables::Tables;

    #[test]
    fn values_mean_what_the_routing_page_says_and_unlisted_ones_nothing() {
        let table = Tables::documents().expect("the built-in tables parse").communities;
        let meaning = |value| table.meaning(Community(value));
        let regional = |plane, region: &str| Meaning::Regional { plane, region: region.into() };
        assert_eq!(meaning(51012), regional(51, "japaneast"));
        assert_eq!(meaning(50013), regional(50, "japanwest"));
        assert_eq!(meaning(52030), regional(52, "francecentral"));
        assert_eq!(meaning(5060), Meaning::Service("Microsoft Entra ID".into()));
        assert_eq!(meaning(51106), Meaning::National("US Gov Arizona".into()));
        assert_eq!(meaning(5080), Meaning::Unknown);
        assert_eq!(meaning(51022), Meaning::Unknown);
        assert_eq!(meaning(56012), Meaning::Unknown);
        assert_eq!(table.of_region("swedencentral"), None);
        assert_eq!(table.of_regional_service("japaneast", "Storage"), Some(Community(52012)));
        assert_eq!("12076:51012".parse(), Ok(Community(51012)));
        assert!("65000:51012".parse::<Community>().is_err());
    }
}
