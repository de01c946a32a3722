//! Networks of Microsoft that are not Azure regions: the edge of Global Secure Access, and AS numbers (DOMAIN §2.6).

use std::net::IpAddr;

use ipnet::IpNet;
use serde::Deserialize;

use super::dataset::Head;
use super::{DataSet, TablesError};

/// The ranges and numbers.
#[derive(Debug, Clone)]
pub struct Networks {
    /// What it is and how old.
    pub data_set: DataSet,
    gsa_edge: Vec<IpNet>,
    microsoft: Vec<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    name: String,
    version: String,
    date: String,
    source: String,
    gsa_edge: Vec<IpNet>,
    microsoft_asns: Vec<u32>,
}

impl Networks {
    /// Reads `networks.toml`.
    pub fn parse(file: &str, text: &str) -> Result<Self, TablesError> {
        let raw: Raw = toml::from_str(text).map_err(|e| TablesError::syntax(file, &e))?;
        let head = Head { name: raw.name, version: raw.version, date: raw.date, source: raw.source };
        Ok(Self { data_set: head.data_set(file)?, gsa_edge: raw.gsa_edge, microsoft: raw.microsoft_asns })
    }

    /// The range of Global Secure Access around the address (P8).
    pub fn gsa_edge(&self, ip: IpAddr) -> Option<IpNet> {
        self.gsa_edge.iter().find(|net| net.contains(&ip)).copied()
    }

    /// Whether Microsoft owns the AS; that proves ownership, not hosting in Azure.
    pub fn is_microsoft(&self, asn: u32) -> bool {
        self.microsoft.contains(&asn)
    }
}

#[cfg(test)]
mod tests {
    use crate::tables::Tables;

    #[test]
    fn microsofts_numbers_are_those_of_all_sources_and_of_nobody_else() {
        let networks = Tables::documents().expect("the built-in tables parse").networks;
        for asn in [8075, 12076, 8068, 8069, 8070, 54396, 17144, 200517] {
            assert!(networks.is_microsoft(asn), "{asn}");
        }
        // Shanghai Blue Cloud, Google, Akamai, Edgecast.
        for asn in [58593, 15169, 20940, 15133, 0] {
            assert!(!networks.is_microsoft(asn), "{asn}");
        }
    }
}
