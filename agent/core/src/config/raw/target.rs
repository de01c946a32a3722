//! `[[target]]`

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::Target;
use crate::config::errors::Problems;
use crate::config::field::{At, Field, read_optional};
use crate::config::scalar::{Host, Name, PathClass, Port, endpoint};
use crate::target::Probe;

/// A single destination.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct RawTarget {
    /// The workload it belongs to; may be left out while there is at most one.
    #[serde(default)]
    pub workload: Option<Field<Name>>,
    /// Name or address.
    pub host: Field<Host>,
    /// Port; without it the usual one of the probe. Without effect for icmp.
    #[serde(default)]
    pub port: Option<Field<Port>>,
    /// How it is probed.
    #[serde(default = "tls")]
    pub probe: Field<Probe>,
    /// The path class it must have; otherwise F41 is raised.
    #[serde(default)]
    pub expect_path: Option<Field<PathClass>>,
}

fn tls() -> Field<Probe> {
    Field::of(Probe::Tls)
}

impl At<RawTarget> {
    /// `workloads` are the names of the declared ones.
    pub(in crate::config) fn plan(&self, workloads: &[&str], problems: &mut Problems) -> Option<Target> {
        let raw = &self.table;
        let workload = match (&raw.workload, workloads) {
            (Some(field), _) => field.read(problems).map(|name| name.0),
            (None, []) => Some("default".to_owned()),
            (None, [only]) => Some((*only).to_owned()),
            (None, several) => {
                let help = format!("add workload = \"…\"; declared: {}", several.join(", "));
                problems.add(&raw.host.span, "the target names no workload, and several are declared", help);
                None
            }
        };
        let host = raw.host.read(problems);
        let probe = raw.probe.read(problems);
        let expect_path = read_optional(raw.expect_path.as_ref(), problems).map(|class| class.0);
        let endpoint = endpoint(&host?.0, raw.port.as_ref(), probe?, &raw.host.span, problems)?;
        Some(Target { workload: workload?, endpoint, expect_path })
    }
}
