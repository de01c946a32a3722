//! What could and could not go over ExpressRoute, before anything is probed (`closedpath plan`; DESIGN §4.1).
//!
//! In: the plan, catalogues, tables, private endpoint zones, and what names resolve to (or nothing, when offline). Out: a
//! [`PlanReport`]: per destination what could carry it as declared and with everything approved, and per workload which need of
//! the Internet remains. A name without an address is judged by name only where a rule allows that, and never guessed.

mod approved;
mod by_name;
mod destinations;
mod input;
mod internet;
mod judged;
mod microsoft_365;
mod report;
mod words;
mod zones;

pub use destinations::{hosts, plan};
pub use input::{Input, Names};
pub use microsoft_365::{MICROSOFT_365, microsoft_365};
pub use report::{
    DnsUse, InternetNeed, NeedKind, NotTold, PlanReport, PlannedAddress, PlannedEndpoint, PlannedPattern,
    PlannedWorkload, PrivateLink, SCHEMA, schema,
};
pub use zones::{PrivateZones, ZonesError};

#[cfg(test)]
mod tests;
