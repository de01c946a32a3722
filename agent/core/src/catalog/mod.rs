//! Service catalogues: which destinations a Microsoft service needs, as data with source and date (DOMAIN §5).
//!
//! In: TOML text, built in or the operator's, and a workload's parameters. Out: endpoints to reach, and honestly what could
//! not be made into one (W3, W4). No name is ever invented (W5).

mod builtin;
mod entry;
mod expand;
mod pattern;

pub use builtin::{builtin, names};
pub use entry::{Catalog, Entry, Need, Protocol, ProxyUse, Source, TlsInspection};
pub use expand::{CatalogEndpoint, Expansion, Sampled, Skipped, Why, contains};
pub use pattern::{Pattern, Specificity};
