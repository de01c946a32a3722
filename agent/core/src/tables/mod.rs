//! What is known about addresses, regions, communities and services: data with version, date and source.
//!
//! In: text of files (embedded, or the operator's). Out: lookups. A file that cannot be understood is an error that says where;
//! nothing in it is guessed.

mod announced;
mod asn;
mod ca_hosts;
mod communities;
mod dataset;
mod m365;
mod m365_changes;
mod networks;
mod packed;
mod prefix_text;
mod prefixes;
mod public_space;
mod regions;
mod service_tags;
mod snapshot;
mod support;

pub use announced::Announced;
pub use asn::{AsnRange, AsnRanges, AsnTable, Origin};
pub use ca_hosts::CaHosts;
pub use communities::{Communities, Community, Meaning, Service};
pub use dataset::{DataFile, DataSet, DateFrom, TablesError};
pub use m365::{M365, M365Match, M365Set};
pub use m365_changes::{M365Change, M365Delta, changes as m365_changes};
pub use networks::Networks;
pub use packed::Packed;
pub use prefixes::PrefixTable;
pub use public_space::PublicSpace;
pub use regions::{Regions, Scope};
pub use service_tags::{ServiceTags, Tag, TagMatch};
pub use snapshot::{Limits, Tables};
pub use support::{Support, Unsupported};
