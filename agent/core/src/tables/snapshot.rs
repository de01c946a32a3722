//! All tables together: what is embedded, and what the operator's files replace.

use std::time::Duration;

use super::{
    Announced, AsnTable, CaHosts, Communities, DataFile, DataSet, M365, Networks, Packed, PublicSpace,
    Regions, ServiceTags, Support, TablesError,
};

/// Everything that rules look things up in. Replaced as a whole when data changes.
#[derive(Debug, Clone)]
pub struct Tables {
    /// Azure service tags.
    pub service_tags: Option<ServiceTags>,
    /// Microsoft 365 endpoints.
    pub m365: Option<M365>,
    /// Address to AS; of the embedded table, only what Microsoft announces.
    pub asn: Option<AsnTable>,
    /// What Microsoft peering announces, by the operator's export; nothing is embedded.
    pub announced: Option<Announced>,
    /// Microsoft's public IP space; nothing is embedded.
    pub public_space: Option<PublicSpace>,
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

/// Made by `closedpath data pack`.
const SNAPSHOT: &[u8] = include_bytes!("../../../../config/snapshot/addresses.bin");

impl Tables {
    /// All that comes with the product: the documents, and the snapshot of service tags and Microsoft's address ranges.
    pub fn builtin() -> Result<Self, TablesError> {
        let Packed { mut service_tags, mut asn } = Packed::unpack("addresses.bin", SNAPSHOT)?;
        for set in [&mut service_tags.data_set, &mut asn.data_set] {
            set.source.insert_str(0, "embedded: ");
        }
        Ok(Self { service_tags: Some(service_tags), asn: Some(asn), ..Self::documents()? })
    }

    /// What comes with the product from `config/tables/`: no service tags and no address ranges.
    pub fn documents() -> Result<Self, TablesError> {
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
            announced: None,
            public_space: None,
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
            self.announced.as_ref().map(|table| &table.data_set),
            self.public_space.as_ref().map(|table| &table.data_set),
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
        assert_eq!(sets.len(), 8);
        assert!(sets.iter().all(|set| !set.version.is_empty()), "{sets:?}");
        assert!(sets.iter().all(|set| set.source.starts_with("embedded: ")), "{sets:?}");
        // The list of Microsoft's ranges says nowhere when it was made.
        let undated: Vec<&str> =
            sets.iter().filter(|set| set.date.is_none()).map(|set| set.name.as_str()).collect();
        assert_eq!(undated, ["address to AS (Microsoft's only)"]);
    }

    #[test]
    fn the_snapshot_holds_the_service_tags_of_november_2025_whole() {
        let tables = Tables::builtin().expect("the built-in tables parse");
        let tags = tables.service_tags.expect("they are embedded");
        assert_eq!(
            (tags.data_set.name.as_str(), tags.data_set.version.as_str()),
            ("Azure service tags (Public)", "376")
        );
        assert_eq!(tags.data_set.date, humantime::parse_rfc3339("2025-11-10T00:00:00Z").ok());
        assert_eq!(tags.tags().len(), 3041);
        assert_eq!(tags.prefixes().count(), 53_586);
        assert_eq!(tags.prefixes().map(|(_, tags)| tags.count()).sum::<usize>(), 95_823);
        // DOMAIN §2.3.
        let at = |ip: [u8; 4]| tags.of(ip.into()).iter().map(|m| m.tag.name.clone()).collect::<Vec<_>>();
        assert_eq!(at([13, 107, 246, 10]), ["AzureFrontDoor.Frontend"]);
        assert_eq!(at([192, 229, 221, 95]), Vec::<String>::new());
        let asn = tables.asn.expect("it is embedded");
        assert_eq!(asn.of([13, 107, 6, 152].into()).map(|origin| origin.asn), Some(8068));
        assert_eq!(asn.of([8, 8, 8, 8].into()), None);
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
