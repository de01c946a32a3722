//! Services that Microsoft does not support on Microsoft peering (EL8): data with a date, not code.

use serde::Deserialize;

use super::dataset::Head;
use super::{DataSet, M365Match, TablesError, TagMatch};
use crate::target::canonical_host;

/// The list.
#[derive(Debug, Clone)]
pub struct Support {
    /// What it is and how old.
    pub data_set: DataSet,
    services: Vec<RawService>,
    shared: Vec<SharedPlatform>,
    untagged: Vec<Untagged>,
}

/// Why a destination counts as unsupported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsupported {
    /// The service.
    pub service: String,
    /// The tag or the name that tells.
    pub by: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawService {
    service: String,
    tags: Vec<String>,
    suffixes: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct SharedPlatform {
    pattern: String,
    m365_sets: Vec<u32>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Untagged {
    service: String,
    suffixes: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    name: String,
    version: String,
    date: String,
    source: String,
    unsupported: Vec<RawService>,
    shared_platform: Vec<SharedPlatform>,
    untagged: Vec<Untagged>,
}

impl Support {
    /// Reads `support.toml`.
    pub fn parse(file: &str, text: &str) -> Result<Self, TablesError> {
        let raw: Raw = toml::from_str(text).map_err(|e| TablesError::syntax(file, &e))?;
        let head = Head { name: raw.name, version: raw.version, date: raw.date, source: raw.source };
        Ok(Self {
            data_set: head.data_set(file)?,
            services: raw.unsupported,
            shared: raw.shared_platform,
            untagged: raw.untagged,
        })
    }

    /// The unsupported service behind a destination, by a tag of its address or by its name or an alias of it.
    pub fn unsupported(&self, names: &[&str], tags: &[TagMatch<'_>]) -> Option<Unsupported> {
        self.services.iter().find_map(|service| {
            let tag = tags.iter().map(|found| &found.tag.name).find(|tag| service.tags.contains(tag));
            let by = tag.cloned().or_else(|| one_below(names, &service.suffixes));
            by.map(|by| Unsupported { service: service.service.clone(), by })
        })
    }

    /// The service of Azure whose addresses are documented as in no service tag (D8), by the name or an alias of it.
    pub fn untagged(&self, names: &[&str]) -> Option<&str> {
        let found = self.untagged.iter().find(|service| one_below(names, &service.suffixes).is_some());
        found.map(|service| service.service.as_str())
    }

    /// Whether the match is by a wildcard for a platform that customers share, which makes a name no Microsoft 365.
    pub fn is_shared_platform(&self, found: &M365Match<'_>) -> bool {
        self.shared
            .iter()
            .any(|shared| shared.pattern == found.by && shared.m365_sets.contains(&found.set.id))
    }
}

/// The first of the names that is one of the suffixes, or below one.
fn one_below(names: &[&str], suffixes: &[String]) -> Option<String> {
    let below = |name: &str| suffixes.iter().any(|suffix| is_below(name, suffix));
    names.iter().map(|name| canonical_host(name)).find(|name| below(name))
}

/// Whether the name is the suffix or a name below it.
fn is_below(name: &str, suffix: &str) -> bool {
    name.strip_suffix(suffix).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}
