//! `[probe]`

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::ProbeSettings;
use crate::config::errors::Problems;
use crate::config::field::Field;
use crate::config::scalar::Count;

/// How often and how long is probed.
#[derive(Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(in crate::config) struct RawProbe {
    /// Time between two rounds of `run`.
    pub interval: Field<Duration>,
    /// Time limit of each step: resolve, connect, TLS, request.
    pub timeout: Field<Duration>,
    /// Time between two full traces of one flow.
    pub trace_interval: Field<Duration>,
    /// Probes in flight at once, from 1 to 65536.
    pub concurrency: Field<Count>,
}

impl Default for RawProbe {
    fn default() -> Self {
        let ProbeSettings { interval, timeout, trace_interval, concurrency } = ProbeSettings::default();
        Self {
            interval: Field::of(interval),
            timeout: Field::of(timeout),
            trace_interval: Field::of(trace_interval),
            concurrency: Field::of(Count(concurrency)),
        }
    }
}

impl RawProbe {
    pub(in crate::config) fn plan(&self, problems: &mut Problems) -> Option<ProbeSettings> {
        let interval = self.interval.read(problems);
        let timeout = self.timeout.read(problems);
        let trace_interval = self.trace_interval.read(problems);
        let concurrency = self.concurrency.read(problems);
        Some(ProbeSettings {
            interval: interval?,
            timeout: timeout?,
            trace_interval: trace_interval?,
            concurrency: concurrency?.0,
        })
    }
}
