//! Everything that the answer depends on.

use std::collections::BTreeMap;
use std::time::SystemTime;

use super::zones::PrivateZones;
use crate::catalog::Catalog;
use crate::config::Plan;
use crate::observation::DnsObservation;
use crate::tables::Tables;

/// What every name resolves to, by canonical name.
pub type Names = BTreeMap<String, DnsObservation>;

/// Everything the answer depends on.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// The configuration.
    pub plan: &'a Plan,
    /// Catalogues in force.
    pub catalogs: &'a [Catalog],
    /// Tables in force.
    pub tables: &'a Tables,
    /// Zones of private endpoints.
    pub zones: &'a PrivateZones,
    /// What names resolve to; `None` when nothing may be sent.
    pub names: Option<&'a Names>,
    /// The time, for the age of data.
    pub now: SystemTime,
    /// The agent's version.
    pub version: &'a str,
}
