//! All tables together: what is embedded, and what the operator's files replace.

use std::time::Duration;

use super::{
    AsnTable, CaHosts, Communities, DataFile, DataSet, M365, Networks, Regions, ServiceTags, Support,
    TablesError,
};

/// Everything that rules look things up in. Replaced as a whole when data changes.
#[derive(Debug, Clone)]
pub struct Tables {
    /// Azure service tags; nothing is embedded.
    pub service_tags: Option<ServiceTags>,
    /// Microsoft 365 endpoints.
    pub m365: Option<M365>,
    /// Address to AS; nothing is embedded.
    pub asn: Option<AsnTable>,
    /// BGP communities of ExpressRoute.
    pub communities: Communities,
    /// Regions and what SKUs reach.
    pub regions: Regions,
    /// What Microsoft peering does not support.
    pub support: Support,
    /// Microsoft's networks outside Azure's regions.
    pub networks: Networks,
    /// Documented CA hosts.
    pub ca_hosts: CaHosts,
    /// How old data may be.
    pub limits: Limits,
}

/// How old data may be (DOMAIN §2.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Older service tags are worth a warning (F18).
    pub service_tags_warn: Duration,
    /// Older service tags decide nothing (EL14).
    pub service_tags_stale: Duration,
    /// Older Microsoft 365 endpoints are worth a warning (F18).
    pub m365_warn: Duration,
}

const DAY: Duration = Duration::from_secs(24 * 3600);

impl Default for Limits {
    fn default() -> Self {
        Self { service_tags_warn: DAY * 14, service_tags_stale: DAY * 45, m365_warn: DAY * 35 }
    }
}

macro_rules! embedded {
    ($file:literal) => {
        include_str!(concat!("../../../../config/tables/", $file))
    };
}

impl Tables {
    /// What comes with the product, from `config/tables/`.
    pub fn builtin() -> Result<Self, TablesError> {
        let m365 = DataFile {
            name: "endpoints_Worldwide_2024073100.json",
            modified: None,
            text: embedded!("endpoints_Worldwide_2024073100.json"),
        };
        let mut m365 = M365::parse(&m365)?;
        m365.data_set.source.insert_str(0, "embedded: ");
        Ok(Self {
            service_tags: None,
            m365: Some(m365),
            asn: None,
            communities: Communities::parse("communities.toml", embedded!("communities.toml"))?,
            regions: Regions::parse("regions.toml", embedded!("regions.toml"))?,
            support: Support::parse("support.toml", embedded!("support.toml"))?,
            networks: Networks::parse("networks.toml", embedded!("networks.toml"))?,
            ca_hosts: CaHosts::parse("ca_hosts.toml", embedded!("ca_hosts.toml"))?,
            limits: Limits::default(),
        })
    }

    /// The data sets in use, for the report.
    pub fn data_sets(&self) -> Vec<&DataSet> {
        let files = [
            self.service_tags.as_ref().map(|table| &table.data_set),
            self.m365.as_ref().map(|table| &table.data_set),
            self.asn.as_ref().map(|table| &table.data_set),
        ];
        let embedded = [
            &self.communities.data_set,
            &self.regions.data_set,
            &self.support.data_set,
            &self.networks.data_set,
            &self.ca_hosts.data_set,
        ];
        files.into_iter().flatten().chain(embedded).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Tables;

    #[test]
    fn every_embedded_data_set_has_a_version_and_a_date() {
        let tables = Tables::builtin().expect("the built-in tables parse");
        let sets = tables.data_sets();
        assert_eq!(sets.len(), 6);
        assert!(sets.iter().all(|set| set.date.is_some() && !set.version.is_empty()), "{sets:?}");
    }

    #[test]
    fn the_embedded_endpoints_have_the_shape_the_rules_rely_on() {
        let tables = Tables::builtin().expect("the built-in tables parse");
        let m365 = tables.m365.expect("it is embedded");
        assert_eq!(m365.data_set.version, "2024073100");
        assert_eq!(m365.sets().len(), 68);
        let mut over: Vec<u32> = m365.sets().iter().filter(|s| s.express_route).map(|s| s.id).collect();
        over.sort_unstable();
        assert_eq!(over, [1, 2, 9, 10, 11, 12, 31, 46, 56, 64]);
        assert_eq!(m365.sets().iter().filter(|s| s.required && !s.express_route).count(), 35);
    }

    #[test]
    fn the_sets_with_the_most_specific_pattern_own_a_name() {
        let tables = Tables::builtin().expect("the built-in tables parse");
        let m365 = tables.m365.expect("it is embedded");
        let ids = |name: &str| m365.by_name(name).iter().map(|m| m.set.id).collect::<Vec<_>>();
        assert_eq!(ids("graph.microsoft.com"), [56]);
        assert_eq!(ids("x.graph.microsoft.com"), [50, 78]);
        assert_eq!(ids("outlook.office365.com."), [1, 2]);
        assert_eq!(ids("autodiscover.contoso.onmicrosoft.com"), [78]);
        assert_eq!(ids("cdn.onenote.net"), [51]);
        assert!(ids("microsoft.com").is_empty());
    }
}
