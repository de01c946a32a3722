//! Values of closed lists. The names come from the types themselves, so that parser and schema cannot disagree.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::DeserializeOwned;
use serde::de::value::{Error, StrDeserializer};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::config::field::{Complaint, Given, Scalar};
use crate::config::nearest::suggestion;
use crate::config::{ClientProfile, Edge, Policy, ProxyExit, Sku, Terminates, TunnelKind};
use crate::target::Probe;

/// Whether something is declared.
#[derive(Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::config) enum Declared {
    /// No.
    #[default]
    None,
    /// Yes.
    Declared,
}

macro_rules! choice {
    ($type:ty, $what:literal) => {
        impl Scalar for $type {
            fn read(given: Given<'_>) -> Result<Self, Complaint> {
                choose(given, $what)
            }

            fn written(&self) -> Value {
                crate::failure::label(self).into()
            }

            fn schema(generator: &mut SchemaGenerator) -> Schema {
                <$type>::json_schema(generator)
            }
        }
    };
}

choice!(Edge, "an edge");
choice!(TunnelKind, "a kind of tunnel");
choice!(Terminates, "where the encryption begins");
choice!(Sku, "a SKU");
choice!(ProxyExit, "an exit");
choice!(Policy, "a policy");
choice!(ClientProfile, "a client profile");
choice!(Probe, "a probe");
choice!(Declared, "\"none\" or \"declared\"");

/// A path class of reports (DESIGN §4.3).
#[derive(Clone)]
pub(in crate::config) struct PathClass(pub String);

const PATH_CLASSES: [&str; 14] = [
    "internal",
    "er_private",
    "er_private_ipsec",
    "er_microsoft",
    "internet_direct",
    "internet_peering_service",
    "vpn_internet",
    "internet_via_azure_proxy",
    "internet_via_azure_bgp",
    "internet_via_proxy",
    "gsa_remote_network",
    "gsa_client",
    "mixed",
    "unknown",
];

impl Scalar for PathClass {
    fn read(given: Given<'_>) -> Result<Self, Complaint> {
        let text = given.text("a path class")?;
        if PATH_CLASSES.contains(&text) {
            return Ok(Self(text.to_owned()));
        }
        Err(Complaint { help: suggestion(text, &PATH_CLASSES), ..given.is_not("a path class") })
    }

    fn written(&self) -> Value {
        self.0.as_str().into()
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "enum": PATH_CLASSES })
    }
}

fn choose<T: DeserializeOwned + JsonSchema>(given: Given<'_>, what: &str) -> Result<T, Complaint> {
    let text = given.text(what)?;
    T::deserialize(StrDeserializer::<Error>::new(text)).map_err(|_| {
        let names = names::<T>();
        let known: Vec<&str> = names.iter().map(String::as_str).collect();
        Complaint { help: suggestion(text, &known), ..given.is_not(what) }
    })
}

/// The names of a closed enum without data, from its schema.
fn names<T: JsonSchema>() -> Vec<String> {
    fn collect(schema: &Value, names: &mut Vec<String>) {
        for key in ["oneOf", "enum"] {
            schema[key].as_array().into_iter().flatten().for_each(|item| collect(item, names));
        }
        names.extend(schema["const"].as_str().or(schema.as_str()).map(str::to_owned));
    }
    let mut names = Vec::new();
    collect(T::json_schema(&mut SchemaGenerator::default()).as_value(), &mut names);
    names
}

#[cfg(test)]
mod tests {
    use super::names;
    use crate::config::{ClientProfile, Edge, Policy, ProxyExit, Sku, Terminates, TunnelKind};
    use crate::target::Probe;

    #[test]
    fn the_names_are_those_of_the_contract() {
        assert_eq!(
            names::<Edge>(),
            ["er_private", "er_microsoft", "internet", "s2s_vpn_over_internet", "internal"]
        );
        assert_eq!(names::<TunnelKind>(), ["ipsec", "gsa_remote_network"]);
        assert_eq!(names::<Terminates>(), ["host", "ce"]);
        assert_eq!(names::<Sku>(), ["local", "standard", "premium"]);
        assert_eq!(names::<ProxyExit>(), ["internet", "azure_public", "unknown"]);
        assert_eq!(names::<Policy>(), ["closed", "closed-except", "observe"]);
        assert_eq!(
            names::<ClientProfile>(),
            ["windows-cryptoapi", "curl-schannel", "dotnet", "java", "openssl", "go", "none", "unknown"]
        );
        assert_eq!(names::<Probe>(), ["tls", "tcp", "http", "https", "icmp", "stun", "udp-dns", "ntp"]);
    }
}
