//! The result, `closedpath.plan/1`: everything `plan` prints is in it.

use std::net::IpAddr;
use std::time::SystemTime;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::eligibility::{Eligibility, Owner};
use crate::tables::DataSet;
use crate::target::{Probe, Requirement};

/// The name and version of the format.
pub const SCHEMA: &str = "closedpath.plan/1";

/// The JSON Schema of the format; shipped as `config/closedpath.plan.schema.json`.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(PlanReport).to_value()
}

/// What could and could not go over ExpressRoute.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PlanReport {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// The agent's version.
    pub version: String,
    /// `agent.site`
    pub site: String,
    /// When it was made.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    pub made_at: SystemTime,
    /// Whether names were resolved.
    pub dns: DnsUse,
    /// One per workload, in the configured order.
    pub workloads: Vec<PlannedWorkload>,
    /// Every destination with a name or an address, by id.
    pub endpoints: Vec<PlannedEndpoint>,
    /// Catalogue entries that could not be made into a destination.
    pub patterns: Vec<PlannedPattern>,
    /// What is missing or old in the data, and what that means, in words.
    pub data_gaps: Vec<String>,
    /// The data sets behind the answers.
    pub data: Vec<DataSet>,
}

/// Whether names were resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DnsUse {
    /// Nothing was sent: names are judged by name, and only addresses by address.
    Offline,
    /// The configured resolvers were asked, and nothing else was sent.
    Resolved,
}

/// One workload's answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PlannedWorkload {
    /// Its name.
    pub name: String,
    /// Its catalogues.
    pub catalogs: Vec<String>,
    /// How many of its destinations ExpressRoute can carry as declared.
    pub eligible: usize,
    /// How many it can carry on conditions.
    pub conditional: usize,
    /// How many it would carry with everything approved only if they have addresses of their service, which is not known.
    pub if_address: usize,
    /// How many it cannot carry.
    pub not_eligible: usize,
    /// How many cannot be told.
    pub unknown: usize,
    /// What the Internet is needed for even with everything approved.
    pub internet: Vec<InternetNeed>,
    /// What a private endpoint would take off the Internet: names, with the zone.
    pub private_endpoints: Vec<String>,
    /// What cannot be told, and why; it may need the Internet, too.
    pub not_told: Vec<NotTold>,
    /// Wildcards that are judged by a few names only (W3).
    pub sampled: Vec<String>,
    /// All this in a sentence or two.
    pub sentence: String,
    /// What the catalogues say about it.
    pub notes: Vec<String>,
}

/// One kind of remaining need of the Internet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InternetNeed {
    /// Which kind.
    pub kind: NeedKind,
    /// Destinations needed to run, install or update: names or wildcards.
    pub needed: Vec<String>,
    /// Destinations needed only with some feature, or never strictly.
    pub optional: Vec<String>,
    /// Service tags that the service's page asks for and ExpressRoute does not carry.
    pub service_tags: Vec<String>,
    /// Required Microsoft 365 sets with expressRoute=false among them, by id.
    pub required_sets: Vec<u32>,
    /// Optional ones, by id.
    pub optional_sets: Vec<u32>,
    /// Why, in words.
    pub why: String,
}

impl InternetNeed {
    /// Whether the workload does not run without it.
    pub fn is_needed(&self) -> bool {
        !self.needed.is_empty() || !self.service_tags.is_empty()
    }
}

/// Kinds of remaining needs, in the order they are told.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum NeedKind {
    /// Azure Front Door and content delivery networks (EL8).
    ContentNetworks,
    /// Microsoft 365 sets with expressRoute=false (EL6).
    Microsoft365,
    /// Another service that Microsoft peering does not support (EL8).
    UnsupportedService,
    /// In a service tag, but in no region (EL10).
    ServiceTagOnly,
    /// Microsoft's network outside Azure, the edge of Global Secure Access included (EL12).
    MicrosoftNotAzure,
    /// Somebody else's network (EL13).
    ThirdParty,
    /// CRL, OCSP and issuer hosts that certificates usually name.
    CertificateAuthorities,
    /// Anything else that ExpressRoute does not carry.
    Other,
}

/// Destinations of which it cannot be told, for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NotTold {
    /// A code, as in eligibility; `name_only` for wildcards without a known name, `unbound` for placeholders without a value.
    pub reason: String,
    /// The same in words; empty where the code says it all.
    pub why: String,
    /// Names or wildcards that are needed.
    pub needed: Vec<String>,
    /// Those that are not strictly.
    pub optional: Vec<String>,
}

/// One destination.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PlannedEndpoint {
    /// `host:port/probe`
    pub id: String,
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// What it speaks.
    pub probe: Probe,
    /// How badly it is needed by the workload that needs it most.
    pub requirement: Requirement,
    /// Who needs it.
    pub workloads: Vec<String>,
    /// For what, where a catalogue says.
    pub purpose: Option<String>,
    /// The wildcard it stands for.
    pub pattern: Option<String>,
    /// What ExpressRoute could carry with the circuits as declared; of several addresses the worst.
    pub declared: Eligibility,
    /// The same with a Premium circuit, every community in the route filter, and Microsoft 365 authorised.
    pub approved: Eligibility,
    /// Each address on its own; empty where the name was not resolved, or has none.
    pub addresses: Vec<PlannedAddress>,
    /// Aliases, in query order.
    pub cname: Vec<String>,
    /// Why there is no address, where one was asked for.
    pub unresolved: Option<String>,
    /// A private endpoint in its place.
    pub private_link: Option<PrivateLink>,
}

/// One address of a destination.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PlannedAddress {
    /// The address.
    pub ip: IpAddr,
    /// Who owns it.
    pub owner: Owner,
    /// With the circuits as declared.
    pub declared: Eligibility,
    /// With everything approved.
    pub approved: Eligibility,
}

/// A private endpoint that could take a destination's place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PrivateLink {
    /// The private DNS zone it needs.
    pub zone: String,
    /// The service, where the table of zones tells.
    pub service: Option<String>,
    /// It is only possible if the resource belongs to you: the catalogue does not say so of this name.
    pub if_yours: bool,
}

/// An entry of a catalogue without a destination, or with samples only.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PlannedPattern {
    /// The entry's name.
    pub pattern: String,
    /// The workload.
    pub workload: String,
    /// How badly it is needed.
    pub requirement: Requirement,
    /// Why it is no destination.
    pub why: String,
    /// What its name alone tells.
    pub declared: Eligibility,
    /// The private DNS zone of a private endpoint in its place.
    pub private_zone: Option<String>,
}
