//! `[[resolver]]`

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::errors::Problems;
use crate::config::field::{At, Field, read_all};
use crate::config::scalar::Name;
use crate::config::{Resolver, ResolverServer};

/// One resolver.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct RawResolver {
    /// Its name in reports; without it "resolver-N", N being its position from 1.
    #[serde(default)]
    pub name: Option<Field<Name>>,
    /// DNS servers, asked in this order: addresses, with a port if it is not 53, or "system".
    pub servers: Vec<Field<ResolverServer>>,
}

impl At<RawResolver> {
    /// The declared name, or the one of its `position` (from 0) in the file.
    pub(in crate::config) fn name(&self, position: usize) -> Field<Name> {
        self.table.name.clone().unwrap_or_else(|| {
            let mut name = Field::of(Name(format!("resolver-{}", position + 1)));
            name.span = self.span.clone();
            name
        })
    }

    pub(in crate::config) fn plan(&self, position: usize, problems: &mut Problems) -> Option<Resolver> {
        let field = self.name(position);
        let name = field.read(problems);
        if self.table.servers.is_empty() {
            problems.add(
                &field.span,
                "the resolver has no servers",
                "add addresses to `servers`, or \"system\" for those of the operating system",
            );
        }
        let servers = read_all(&self.table.servers, problems);
        Some(Resolver { name: name?.0, servers })
    }
}

/// The resolver of a configuration that names none.
pub(in crate::config) fn system() -> Resolver {
    Resolver { name: "system".to_owned(), servers: vec![ResolverServer::System] }
}
