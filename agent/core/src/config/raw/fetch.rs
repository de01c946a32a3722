//! `[fetch]`

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::Fetch;
use crate::config::errors::Problems;
use crate::config::field::{Field, read_all};
use crate::config::scalar::Host;

/// Fetching URLs that certificates and redirects name.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(in crate::config) struct RawFetch {
    /// Hosts of such URLs that may have private addresses; every other is refused there (DESIGN §5).
    pub allow_private: Vec<Field<Host>>,
}

impl RawFetch {
    pub(in crate::config) fn plan(&self, problems: &mut Problems) -> Fetch {
        let hosts: Vec<Host> = read_all(&self.allow_private, problems);
        Fetch { allow_private: hosts.into_iter().map(|host| host.0).collect() }
    }
}
