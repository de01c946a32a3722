//! The configuration: raw TOML sections (one file each) become a validated [`Plan`], or errors with file, line and column.
//!
//! Pure: text in, plan or [`ConfigErrors`] out. The steps, each its own module: `parse` (the order), `shape` (keys
//! and tables against the schema), `field` and `scalar` (values), `raw` (sections), `check` (between sections).

mod check;
mod errors;
mod field;
mod hints;
mod mask;
mod nearest;
mod parse;
mod paths;
mod plan;
mod raw;
mod scalar;
mod schema;
mod shape;
#[cfg(test)]
mod tests;

pub(crate) use errors::Problems;
pub use errors::{ConfigError, ConfigErrors};
pub use hints::hints;
pub use parse::{catalog_files, parse};
pub use plan::{
    Agent, Bmp, Canary, Circuit, ClientProfile, Data, Echo, EchoKind, Edge, Encryption, Fetch, Http,
    ImportedTable, Link, Plan, Policy, ProbeSettings, Proxy, ProxyExit, Resolver, ResolverServer, Sku,
    Target, Terminates, Topology, TrustAnchor, Tunnel, TunnelKind, VerdictSettings, Workload,
};
pub use schema::schema;

/// The example file: every key with its default, and a commented example of every list.
pub const EXAMPLE: &str = include_str!("../../../../config/closedpath.example.toml");
