//! The catalogues that come with the product, from `config/catalogs/`.
//!
//! Embedded, so that nothing has to be fetched or installed to start.

use super::Catalog;
use crate::config::ConfigErrors;

macro_rules! embedded {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../../../config/catalogs/", $name, ".toml")))),*]
    };
}

const TEXTS: &[(&str, &str)] = embedded![
    "azure-arc-gateway",
    "azure-arc-kubernetes",
    "azure-arc-resource-bridge",
    "azure-arc-servers",
    "azure-arc-servers-esu",
    "azure-ca-revocation",
    "azure-monitor-agent",
    "azure-portal",
    "container-registry",
    "entra-id",
    "entra-private-network-connector",
    "global-secure-access",
    "microsoft-365",
    "windows-update",
];

/// The names of the built-in catalogues, in alphabetical order.
pub fn names() -> Vec<&'static str> {
    TEXTS.iter().map(|(name, _)| *name).collect()
}

/// All built-in catalogues, in the order of [`names`].
pub fn builtin() -> Result<Vec<Catalog>, ConfigErrors> {
    TEXTS.iter().map(|(name, text)| Catalog::parse(name, text)).collect()
}

#[cfg(test)]
mod tests {
    use super::{builtin, names};
    use crate::catalog::{Need, TlsInspection};

    #[test]
    fn every_built_in_catalogue_is_valid_and_dated_and_bears_its_own_name() {
        let all = builtin().expect("the built-in catalogues parse");
        let services: Vec<&str> = all.iter().map(|c| c.service.as_str()).collect();
        assert_eq!(services, names());
        for source in all.iter().flat_map(|c| &c.sources) {
            assert!(humantime::parse_rfc3339(&format!("{}T00:00:00Z", source.date)).is_ok(), "{source:?}");
        }
    }

    #[test]
    fn the_agent_of_azure_monitor_forbids_inspection_and_arc_has_two_private_zones() {
        let all = builtin().expect("the built-in catalogues parse");
        let of = |name: &str| all.iter().find(|c| c.service == name).expect("it is built in");
        assert!(
            of("azure-monitor-agent").entries.iter().all(|e| e.tls_inspection == TlsInspection::Forbidden)
        );
        let arc = of("azure-arc-servers");
        assert_eq!(arc.entries.iter().filter(|e| e.private_link.is_some()).count(), 2);
        assert_eq!(arc.entries.iter().filter(|e| e.need == Need::Always).count(), 8);
    }
}
