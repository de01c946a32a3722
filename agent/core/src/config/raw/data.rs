//! `[data]`

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::Data;
use crate::config::errors::Problems;
use crate::config::field::{Field, read_all, read_optional};

/// Files that replace or complete what is embedded.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(in crate::config) struct RawData {
    /// Azure Service Tags, the JSON file of the Microsoft Download Center.
    pub service_tags: Option<Field<PathBuf>>,
    /// Microsoft 365 endpoints, the JSON of the web service.
    pub m365: Option<Field<PathBuf>>,
    /// Address to autonomous system: iptoasn TSV, ip-location-db CSV or MMDB.
    pub asn: Option<Field<PathBuf>>,
    /// Catalogues of your own, one file each; workloads use them by their `service`. `closedpath catalog check FILE` says what is
    /// wrong with one.
    pub catalogs: Vec<Field<PathBuf>>,
}

impl RawData {
    pub(in crate::config) fn plan(&self, problems: &mut Problems) -> Data {
        Data {
            service_tags: read_optional(self.service_tags.as_ref(), problems),
            m365: read_optional(self.m365.as_ref(), problems),
            asn: read_optional(self.asn.as_ref(), problems),
            catalogs: read_all(&self.catalogs, problems),
        }
    }
}
