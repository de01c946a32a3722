//! `[probe]`

use std::net::IpAddr;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::ProbeSettings;
use crate::config::errors::Problems;
use crate::config::field::{Field, read_all, read_optional};
use crate::config::scalar::{Count, Mark, Name};

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
    /// Source addresses of probes, one of each family at most, so that they are routed as the workload's packets are.
    pub source: Vec<Field<IpAddr>>,
    /// The interface that probes leave by.
    pub interface: Option<Field<Name>>,
    /// The mark of their packets (fwmark), for routing rules. Takes CAP_NET_ADMIN.
    pub mark: Option<Field<Mark>>,
}

impl Default for RawProbe {
    fn default() -> Self {
        let ProbeSettings { interval, timeout, trace_interval, concurrency, .. } = ProbeSettings::default();
        Self {
            interval: Field::of(interval),
            timeout: Field::of(timeout),
            trace_interval: Field::of(trace_interval),
            concurrency: Field::of(Count(concurrency)),
            source: Vec::new(),
            interface: None,
            mark: None,
        }
    }
}

impl RawProbe {
    pub(in crate::config) fn plan(&self, problems: &mut Problems) -> Option<ProbeSettings> {
        let interval = self.interval.read(problems);
        let timeout = self.timeout.read(problems);
        let trace_interval = self.trace_interval.read(problems);
        let concurrency = self.concurrency.read(problems);
        let source = read_all(&self.source, problems);
        let interface = read_optional(self.interface.as_ref(), problems).map(|name| name.0);
        let mark = read_optional(self.mark.as_ref(), problems).map(|mark| mark.0);
        Some(ProbeSettings {
            interval: interval?,
            timeout: timeout?,
            trace_interval: trace_interval?,
            concurrency: concurrency?.0,
            source,
            interface,
            mark,
        })
    }
}
