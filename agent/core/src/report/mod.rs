//! The report, `closedpath.report/1` (DESIGN §4.3): the immutable result of one round, from which everything is rendered.

mod address;
mod assemble;
mod ca_url;
mod endpoint;
mod handshake;
mod untested;

pub use address::{
    AddressReport, CertificateReport, Revocation, RevocationOfCertificate, RevocationStatus, Stapled,
    TlsReport, Transport,
};
pub use assemble::{Round, assemble};
pub use ca_url::CaUrl;
pub use endpoint::{Bypass, DnsReport, EndpointReport, Outside};

use std::time::SystemTime;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::Policy;
use crate::findings::Finding;
use crate::verdict::Verdict;

/// The name and version of the format.
pub const SCHEMA: &str = "closedpath.report/1";

/// The JSON Schema of the format; shipped as `config/closedpath.report.schema.json`.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(Report).to_value()
}

/// Everything one round found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// Who made it.
    pub agent: AgentReport,
    /// When the round began.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub started_at: SystemTime,
    /// When it was complete.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub finished_at: SystemTime,
    /// The worst of the workloads that count (DESIGN §4.5).
    pub verdict: Verdict,
    /// Until when it can be relied upon at most (DOMAIN §4.2, 11); null where nothing limits it.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "Option<String>")]
    pub valid_until: Option<SystemTime>,
    /// One per workload, in the configured order.
    pub workloads: Vec<WorkloadReport>,
    /// Every member of the closure, by id.
    pub endpoints: Vec<EndpointReport>,
    /// Every destination of the closure that is not on a closed path.
    pub required_outside: Vec<Outside>,
    /// What certificates point to, and what it answered.
    pub ca_urls: Vec<CaUrl>,
    /// What to act on, worst first.
    pub findings: Vec<Finding>,
    /// The data sets in force.
    pub data: Vec<DataReport>,
    /// What this round did not look at, in words.
    pub not_tested: Vec<String>,
}

/// The agent that made a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AgentReport {
    /// Its version.
    pub version: String,
    /// `agent.site`
    pub site: String,
}

/// The verdict on one workload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WorkloadReport {
    /// Its name.
    pub name: String,
    /// What was promised.
    pub policy: Policy,
    /// What is true.
    pub verdict: Verdict,
    /// Why, worst first.
    pub reasons: Vec<String>,
    /// When the first answer on revocation expires that its clients live on (F39); null where there is none.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "Option<String>")]
    pub breaks_at: Option<SystemTime>,
}

/// A data set in force.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DataReport {
    /// Which.
    pub name: String,
    /// Its version, in its own terms.
    pub version: String,
    /// Its date, `YYYY-MM-DD`; null where it is not known.
    pub date: Option<String>,
    /// Its age in seconds.
    pub age_seconds: Option<f64>,
    /// Where it came from: `embedded` or a file.
    pub source: String,
}
