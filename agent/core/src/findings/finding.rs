//! A finding and its fixed names.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How grave a finding is, gravest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Data leaves by the Internet although it must not.
    Critical,
    /// Will break, or breaks the promise.
    High,
    /// Should be mended.
    Medium,
    /// Should be known.
    Low,
    /// For information.
    Info,
}

/// Declares the identifiers with their names once.
macro_rules! finding_ids {
    ($($id:ident $name:ident $doc:literal;)*) => {
        /// Identifiers of findings (DOMAIN §3.5, §4.5).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        pub enum FindingId {
            $(#[doc = $doc] $id,)*
        }
        impl FindingId {
            /// All identifiers that this version can raise.
            pub const ALL: &'static [Self] = &[$(Self::$id,)*];

            /// The name beside the identifier.
            pub fn name(self) -> &'static str {
                match self { $(Self::$id => stringify!($name),)* }
            }
        }
    };
}

finding_ids! {
    F01 LEAK_ELIGIBLE_VIA_INTERNET "what ExpressRoute could carry goes by the Internet";
    F02 INELIGIBLE_VIA_INTERNET "what ExpressRoute cannot carry goes by the Internet";
    F03 INELIGIBLE_VIA_ER_PRIVATE "what ExpressRoute cannot carry goes by the private peering";
    F04 INELIGIBLE_VIA_ER_MICROSOFT "what is not supported goes by the Microsoft peering";
    F05 UNAUTHORISED_M365_ROUTE "routes of Microsoft 365 come without declared authorisation";
    F06 M365_APPROVED_BUT_INTERNET "Microsoft 365 that is authorised over ExpressRoute goes by the Internet";
    F07 ROUTE_FILTER_MISSING_COMMUNITY "Microsoft peering could carry it with one more community";
    F08 SKU_SCOPE_EXCEEDED "a region that no circuit's SKU reaches";
    F09 PRIVATE_ENDPOINT_AVAILABLE_NOT_USED "a public address where a private endpoint could be";
    F10 PRIVATE_DNS_MISCONFIG_PUBLIC_ANSWER "the name of a private endpoint gives a public address";
    F11 PRIVATE_DNS_STALE_OR_EMPTY "the name of a private endpoint gives no address";
    F12 PRIVATE_ADDRESS_VIA_INTERNET "a private address is routed to the Internet";
    F13 PRIVATE_ADDRESS_NOT_DECLARED "a private address outside every declared prefix";
    F14 SPLIT_DNS_DIVERGENCE "resolvers lead to different paths";
    F15 NAME_NOT_IN_CATALOGUE "a probed name in no catalogue";
    F16 CATALOGUE_NAME_UNRESOLVABLE "a needed name gives no address";
    F17 TAG_CONFLICT_UNSUPPORTED_REGIONAL "an unsupported service at an address that could be carried";
    F18 STALE_DATASET "data is older than its limit";
    F19 DEFAULT_ROUTE_ON_MICROSOFT_PEERING "a default route comes from the Microsoft peering";
    F20 ECMP_MIXED_CLASS "equal cost over closed and other links";
    F21 ASYMMETRY_SUSPECT "answers may come back another way";
    F22 IPV6_LEAK "IPv6 leaves by the Internet while IPv4 is closed";
    F23 LATENT_LEAK_ON_FAILOVER "another path than a closed one would carry it if ExpressRoute's routes vanished";
    F24 PROXY_BYPASS_POSSIBLE "a direct connection works beside the proxy";
    F25 TLS_INSPECTION "somebody on the way signs in the place of the server";
    F26 MTU_BLACKHOLE "large packets are lost without a word";
    F27 IPSEC_EXPECTED_NOT_USED "a declared tunnel does not carry what belongs into it";
    F28 MACSEC_UNVERIFIABLE "MACsec is declared and cannot be seen";
    F29 PEERING_SERVICE_NOT_CLOSED "a Peering Service under a closed policy";
    F30 PATH_EVIDENCE_CONFLICT "strong evidence contradicts";
    F31 CE_ROUTE_REJECTED "the edge router does not use what the Microsoft peering announces";
    F32 REACHABLE_BUT_POLICY_FORBIDS "what nobody needs is reached by the Internet under a closed policy";
    F33 CA_HOST_UNREACHABLE "a CA host does not serve what a certificate points to";
    F34 CA_HOST_VIA_INTERNET "a CA host is reached by the Internet";
    F35 CA_HOST_UNDOCUMENTED "a CA host in none of Microsoft's lists";
    F36 CHAIN_CHANGED "a chain or its CA hosts are not those of before";
    F37 INTERMEDIATE_MISSING "a server does not present its whole chain";
    F38 STAPLE_ABSENT_OR_EXPIRING "a staple that is needed does not come, or does not count";
    F39 CRL_CACHE_EXPIRES_AT "when the first answer on revocation expires";
    F40 CLOSURE_TRUNCATED "a bound cut the closure short";
    F41 EXPECTATION_FAILED "a path is not the expected one";
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// Identifier.
    pub id: FindingId,
    /// Name.
    pub name: String,
    /// How grave.
    pub severity: Severity,
    /// An endpoint id, a host, either followed by a space and one address, or `workload:NAME` and the like.
    pub subject: String,
    /// Workloads concerned.
    pub workloads: Vec<String>,
    /// What was seen.
    pub detail: String,
    /// What to do.
    pub remedy: String,
}

impl Finding {
    /// With the name of its identifier.
    pub(super) fn new(
        id: FindingId,
        severity: Severity,
        subject: String,
        workloads: Vec<String>,
        detail: String,
        remedy: &str,
    ) -> Self {
        Self { id, name: id.name().into(), severity, subject, workloads, detail, remedy: remedy.into() }
    }
}
