//! Who owns a destination: AS, service tags, region, Microsoft 365 sets (E15). Never evidence of a path.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::tables::Tables;

/// What the tables say about the owner.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Owner {
    /// The announcing AS.
    pub asn: Option<u32>,
    /// Who runs it.
    pub org: Option<String>,
    /// Azure service tags, by name.
    pub service_tags: Vec<String>,
    /// The Azure region's own name.
    pub region: Option<String>,
    /// Microsoft 365 sets: those that own the name, else those that contain the address.
    pub m365_sets: Vec<u32>,
}

/// The owner of an address, as reached by a name.
pub fn owner(ip: IpAddr, name: Option<&str>, tables: &Tables) -> Owner {
    let (ip, _) = super::address::effective(ip);
    let origin = tables.asn.as_ref().and_then(|table| table.of(ip));
    let tags = tables.service_tags.as_ref().map(|table| table.of(ip)).unwrap_or_default();
    let region = tags.iter().find(|found| found.tag.is_region());
    let m365_sets = tables.m365.as_ref().map(|m365| {
        let mut found = name.map(|name| m365.by_name(name)).unwrap_or_default();
        found.retain(|found| !tables.support.is_shared_platform(found));
        if found.is_empty() {
            found = m365.by_address(ip);
        }
        found.iter().map(|found| found.set.id).collect()
    });
    Owner {
        asn: origin.map(|origin| origin.asn),
        org: origin.map(|origin| origin.org.to_owned()),
        service_tags: tags.iter().map(|found| found.tag.name.clone()).collect(),
        region: region.map(|found| tables.regions.own_name(&found.tag.region).to_owned()),
        m365_sets: m365_sets.unwrap_or_default(),
    }
}
