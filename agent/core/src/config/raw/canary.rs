//! `[[canary]]`

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::Canary;
use crate::config::errors::Problems;
use crate::config::field::{At, Field};
use crate::config::scalar::{Host, Port, endpoint};
use crate::target::Probe;

/// A destination outside that must not be reachable when the policy is closed.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct RawCanary {
    /// Name or address.
    pub host: Field<Host>,
    /// Port; needed where the probe has no usual one, as tcp.
    #[serde(default)]
    pub port: Option<Field<Port>>,
    /// How it is tried.
    #[serde(default = "tcp")]
    pub probe: Field<Probe>,
}

fn tcp() -> Field<Probe> {
    Field::of(Probe::Tcp)
}

impl At<RawCanary> {
    pub(in crate::config) fn plan(&self, problems: &mut Problems) -> Option<Canary> {
        let raw = &self.table;
        let host = raw.host.read(problems);
        let probe = raw.probe.read(problems);
        let endpoint = endpoint(&host?.0, raw.port.as_ref(), probe?, &raw.host.span, problems)?;
        Some(Canary { endpoint })
    }
}
