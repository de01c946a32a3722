//! The answer: result, deciding rule, reason, and every other fact that matched.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::tables::Community;

/// What could be, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Eligibility {
    /// The result.
    pub result: Outcome,
    /// The rule that decided.
    pub rule: Rule,
    /// The peering that carries it, or would under the condition.
    pub peering: Option<Peering>,
    /// The community that carries it, or would under the condition: `12076:51012`.
    pub community: Option<String>,
    /// A code, with detail after a colon where that is needed: `route_filter: 12076:5060`.
    pub reason: String,
    /// What else must hold for it to work, as codes.
    pub conditions: Vec<String>,
    /// What else is known, in words.
    pub facts: Vec<String>,
    /// Whether a route is or would be received; `None` where that cannot be told.
    pub routable: Option<bool>,
    /// Whether Microsoft says that the service works over ExpressRoute.
    pub supported: Option<bool>,
}

/// Results of eligibility.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It can go over ExpressRoute.
    Eligible,
    /// It can if what the reason names changes or is found out.
    Conditional,
    /// It cannot.
    NotEligible,
    /// It stays on the site.
    Internal,
    /// The data does not tell.
    Unknown,
}

/// Peerings of a circuit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Peering {
    /// To virtual networks.
    Private,
    /// To Microsoft's public services.
    Microsoft,
}

/// The rules of DOMAIN §2.1, in its numbering, not in the order of evaluation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Rule {
    /// Not an address of a destination.
    El0,
    /// In a declared virtual network.
    El1,
    /// In a declared on-prem prefix.
    El2,
    /// Private, but not declared.
    El3,
    /// Azure's platform address.
    El4,
    /// A route was received.
    El5,
    /// Microsoft 365 that Microsoft keeps off ExpressRoute.
    El6,
    /// Microsoft 365 that may use it.
    El7,
    /// A service that Microsoft peering does not support.
    El8,
    /// In an Azure region.
    El9,
    /// Only in a service's tag.
    El10,
    /// In Azure, region not known.
    El11,
    /// Microsoft's, but not Azure.
    El12,
    /// Somebody else's.
    El13,
    /// Data is missing or too old.
    El14,
}

impl Eligibility {
    pub(super) fn new(result: Outcome, rule: Rule, reason: impl Into<String>) -> Self {
        Self {
            result,
            rule,
            peering: None,
            community: None,
            reason: reason.into(),
            conditions: Vec::new(),
            facts: Vec::new(),
            routable: None,
            supported: None,
        }
    }

    pub(super) fn not_eligible(rule: Rule, reason: &str) -> Self {
        Self::new(Outcome::NotEligible, rule, reason)
    }

    pub(super) fn unknown(rule: Rule, reason: &str) -> Self {
        Self::new(Outcome::Unknown, rule, reason)
    }

    /// Eligible over Microsoft peering by a community.
    pub(super) fn over_microsoft(rule: Rule, reason: &str, community: Community) -> Self {
        Self::new(Outcome::Eligible, rule, reason).by(community).told(Some(true), Some(true))
    }

    /// Would be eligible if `reason` changed.
    pub(super) fn conditional(rule: Rule, reason: impl Into<String>) -> Self {
        let mut answer = Self::new(Outcome::Conditional, rule, reason);
        answer.peering = Some(Peering::Microsoft);
        answer
    }

    pub(super) fn by(mut self, community: Community) -> Self {
        self.peering = Some(Peering::Microsoft);
        self.community = Some(community.to_string());
        self
    }

    pub(super) fn told(mut self, routable: Option<bool>, supported: Option<bool>) -> Self {
        (self.routable, self.supported) = (routable, supported);
        self
    }

    pub(super) fn on_condition(mut self, condition: &str) -> Self {
        self.conditions.push(condition.to_owned());
        self
    }

    pub(super) fn with_fact(mut self, fact: impl Into<String>) -> Self {
        self.facts.push(fact.into());
        self
    }
}
