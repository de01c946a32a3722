//! `[[table]]`

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::ImportedTable;
use crate::config::errors::Problems;
use crate::config::field::{At, Field};

/// The routing table of an edge router that cannot send BMP, as a file.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct RawTable {
    /// The router's address, as this host's routes and traces name it.
    pub router: Field<IpAddr>,
    /// The output of FRR's `show bgp ipv4 unicast json` or its twin of IPv6, or an MRT table dump (TABLE_DUMP_V2).
    pub file: Field<PathBuf>,
    /// A file that was last changed longer ago says nothing.
    #[serde(default = "max_age")]
    pub max_age: Field<Duration>,
}

fn max_age() -> Field<Duration> {
    Field::of(Duration::from_secs(3600))
}

impl At<RawTable> {
    pub(in crate::config) fn plan(&self, problems: &mut Problems) -> Option<ImportedTable> {
        let raw = &self.table;
        let router = raw.router.read(problems).map(|router| router.to_canonical());
        let file = raw.file.read(problems);
        let max_age = raw.max_age.read(problems);
        Some(ImportedTable { router: router?, file: file?, max_age: max_age? })
    }
}
