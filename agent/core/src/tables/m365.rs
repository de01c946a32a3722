//! Microsoft 365 endpoints: the web service's JSON (DOMAIN §5.1).
//!
//! In: the file. Out: the sets that own a name most specifically (EL6), and those whose addresses contain an address (EL7).

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;
use serde::Deserialize;

use super::prefix_text::Prefix;
use super::{DataFile, DataSet, PrefixTable, TablesError};
use crate::catalog::{Pattern, Specificity};
use crate::target::canonical_host;

/// All endpoint sets of one version.
#[derive(Debug, Clone)]
pub struct M365 {
    /// What it is and how old.
    pub data_set: DataSet,
    sets: Vec<M365Set>,
    /// Places in `sets`.
    prefixes: PrefixTable,
}

/// One endpoint set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct M365Set {
    /// Its id; never reused.
    pub id: u32,
    /// `Exchange`, `SharePoint`, `Skype` or `Common`.
    pub area: String,
    /// `Optimize`, `Allow` or `Default`.
    pub category: String,
    /// Whether it may go over ExpressRoute.
    pub express_route: bool,
    /// Whether Microsoft calls it required.
    pub required: bool,
    /// Names, wildcards of every kind included (W1).
    pub patterns: Vec<(String, Pattern)>,
    /// As in `80,443`.
    pub tcp_ports: String,
    /// As in `3478-3481`.
    pub udp_ports: String,
}

/// Why a set is about a destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct M365Match<'a> {
    /// The set.
    pub set: &'a M365Set,
    /// The pattern or the prefix.
    pub by: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawSet {
    id: u32,
    service_area: String,
    #[serde(default)]
    urls: Vec<String>,
    #[serde(default)]
    ips: Vec<Prefix>,
    #[serde(default)]
    tcp_ports: String,
    #[serde(default)]
    udp_ports: String,
    #[serde(default)]
    express_route: bool,
    #[serde(default)]
    category: String,
    #[serde(default)]
    required: bool,
}

impl M365 {
    /// Reads the file. The web service leaves a field out where it would be empty.
    pub fn parse(file: &DataFile<'_>) -> Result<Self, TablesError> {
        let raw: Vec<RawSet> =
            serde_json::from_str(file.content()).map_err(|e| TablesError::syntax(file.name, &e))?;
        let mut pairs = Vec::new();
        let mut sets = Vec::with_capacity(raw.len());
        for (index, set) in (0_u32..).zip(raw) {
            pairs.extend(set.ips.iter().map(|Prefix(prefix)| (*prefix, index)));
            let patterns = set.urls.iter().map(|url| (url.clone(), Pattern::new(url))).collect();
            sets.push(M365Set {
                id: set.id,
                area: set.service_area,
                category: set.category,
                express_route: set.express_route,
                required: set.required,
                patterns,
                tcp_ports: set.tcp_ports,
                udp_ports: set.udp_ports,
            });
        }
        let mut ids = BTreeSet::new();
        if let Some(set) = sets.iter().find(|set| !ids.insert(set.id)) {
            return Err(TablesError::value(file.name, format!("set {}", set.id), "the id occurs twice"));
        }
        // `endpoints_Worldwide_2024073100.json`, packed or not.
        let last = file.name.rsplit(['_', '/']).next().unwrap_or_default();
        let version = last.split('.').next().unwrap_or_default();
        let data_set = file.data_set("Microsoft 365 endpoints", version.to_owned());
        Ok(Self { data_set, sets, prefixes: PrefixTable::new(pairs) })
    }

    /// The sets that own the most specific pattern of the name, by id; several may own the same one.
    pub fn by_name(&self, name: &str) -> Vec<M365Match<'_>> {
        let name = canonical_host(name);
        let mut best: Option<Specificity> = None;
        let mut found = Vec::new();
        for set in &self.sets {
            for (text, pattern) in &set.patterns {
                let Some(specificity) = pattern.matches(&name) else { continue };
                if best.is_none_or(|best| specificity > best) {
                    best = Some(specificity);
                    found.clear();
                }
                if best == Some(specificity) {
                    found.push(M365Match { set, by: text.clone() });
                }
            }
        }
        found.sort_by_key(|found| found.set.id);
        found
    }

    /// The sets whose addresses contain the address, by id.
    pub fn by_address(&self, ip: IpAddr) -> Vec<M365Match<'_>> {
        let mut found: Vec<M365Match<'_>> = Vec::new();
        for (prefix, indices) in self.prefixes.covering(ip) {
            for set in indices.iter().filter_map(|&index| self.sets.get(index as usize)) {
                // Narrowest first: that one speaks for the set.
                if !found.iter().any(|known| known.set.id == set.id) {
                    found.push(M365Match { set, by: prefix.to_string() });
                }
            }
        }
        found.sort_by_key(|found| found.set.id);
        found
    }

    /// Every prefix with the sets that have it.
    pub fn prefixes(&self) -> impl Iterator<Item = (IpNet, impl Iterator<Item = &M365Set>)> {
        self.prefixes.iter().map(|(prefix, indices)| {
            (prefix, indices.iter().filter_map(|&index| self.sets.get(index as usize)))
        })
    }

    /// All sets, in the file's order.
    pub fn sets(&self) -> &[M365Set] {
        &self.sets
    }
}
