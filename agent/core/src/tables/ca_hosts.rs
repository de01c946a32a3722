//! CA hosts that Microsoft documents (DOMAIN §4.4.2): whether one is in the documents at all (F35).

use serde::Deserialize;

use super::dataset::Head;
use super::{DataSet, TablesError};
use crate::catalog::Pattern;
use crate::target::canonical_host;

/// The documented hosts.
#[derive(Debug, Clone)]
pub struct CaHosts {
    /// What it is and how old.
    pub data_set: DataSet,
    hosts: Vec<(Pattern, List)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum List {
    Azure,
    AzureDropped,
    M365,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    name: String,
    version: String,
    date: String,
    source: String,
    host: Vec<RawHost>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawHost {
    name: String,
    #[serde(rename = "kinds")]
    _kinds: Vec<String>,
    list: List,
}

impl CaHosts {
    /// Reads `ca_hosts.toml`.
    pub fn parse(file: &str, text: &str) -> Result<Self, TablesError> {
        let raw: Raw = toml::from_str(text).map_err(|e| TablesError::syntax(file, &e))?;
        let head = Head { name: raw.name, version: raw.version, date: raw.date, source: raw.source };
        let hosts = raw.host.iter().map(|host| (Pattern::new(&host.name), host.list)).collect();
        Ok(Self { data_set: head.data_set(file)?, hosts })
    }

    /// Whether the Azure page of its date, or the Microsoft 365 data, lists the host. Names the page has dropped do not count.
    pub fn is_documented(&self, host: &str) -> bool {
        let host = canonical_host(host);
        self.hosts
            .iter()
            .any(|(pattern, list)| *list != List::AzureDropped && pattern.matches(&host).is_some())
    }
}

#[cfg(test)]
mod tests {
    use crate::tables::Tables;

    #[test]
    fn a_host_of_real_certificates_is_missing_from_the_documents() {
        let hosts = Tables::documents().expect("the built-in tables parse").ca_hosts;
        for host in
            ["oneocsp.microsoft.com", "crl3.digicert.com", "cacerts.geotrust.com", "crl.microsoft.com"]
        {
            assert!(hosts.is_documented(host), "{host}");
        }
        assert!(!hosts.is_documented("crl2.microsoft.com"));
        assert!(!hosts.is_documented("r3.o.lencr.org"));
    }
}
