//! `[[workload]]`

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::errors::Problems;
use crate::config::field::{At, Field, read_all, read_optional};
use crate::config::scalar::{AllowPattern, Name, Text};
use crate::config::{ClientProfile, Policy, Workload};

/// What is promised, and for which services.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct RawWorkload {
    /// Its name in reports.
    pub name: Field<Name>,
    /// What is promised.
    #[serde(default)]
    pub policy: Field<Policy>,
    /// What may go by the Internet, `host:port`; the host may begin with `*.` or be `*`. Has effect only with closed-except.
    #[serde(default)]
    pub allow: Vec<Field<AllowPattern>>,
    /// Catalogues of the services it uses; `closedpath catalog list` shows them. With neither these nor targets the
    /// verdict is UNDETERMINED.
    #[serde(default)]
    pub catalogs: Vec<Field<Name>>,
    /// How its clients check revocation: decides what breaks when a CA cannot be reached.
    #[serde(default)]
    pub client_profile: Field<ClientProfile>,
    /// The forward proxy it uses: the name of a [[proxy]].
    #[serde(default)]
    pub proxy: Option<Field<Name>>,
    /// Instead of `proxy`: a file with a proxy auto-configuration script (PAC). Each proxy that it returns must be a [[proxy]].
    #[serde(default)]
    pub pac: Option<Field<PathBuf>>,
    /// Values for the placeholders in the catalogues' names, such as the region.
    #[serde(default)]
    pub parameters: BTreeMap<String, Field<Text>>,
}

impl At<RawWorkload> {
    pub(in crate::config) fn plan(&self, problems: &mut Problems) -> Option<Workload> {
        let raw = &self.table;
        let name = raw.name.read(problems);
        let policy = raw.policy.read(problems);
        let allow: Vec<AllowPattern> = read_all(&raw.allow, problems);
        let catalogs: Vec<Name> = read_all(&raw.catalogs, problems);
        let client_profile = raw.client_profile.read(problems);
        let proxy = read_optional(raw.proxy.as_ref(), problems).map(|name| name.0);
        let pac = read_optional(raw.pac.as_ref(), problems);
        if let (Some(_), Some(second)) = (&raw.proxy, &raw.pac) {
            let message = "a workload has a `proxy` or a `pac`, not both";
            problems.add(&second.span, message, "remove one: the script itself names the proxy");
        }
        let mut parameters = BTreeMap::new();
        for (key, field) in &raw.parameters {
            if key.trim().is_empty() {
                problems.add(
                    &field.span,
                    "a parameter without a name",
                    "write the placeholder's name before the `=`",
                );
            }
            parameters.extend(field.read(problems).map(|value| (key.clone(), value.0)));
        }
        Some(Workload {
            name: name?.0,
            policy: policy?,
            allow: allow.into_iter().map(|AllowPattern(host, port)| (host, port)).collect(),
            catalogs: catalogs.into_iter().map(|name| name.0).collect(),
            client_profile: client_profile?,
            proxy,
            pac,
            parameters,
        })
    }
}

/// The workload of targets in a file that declares none.
pub(in crate::config) fn implicit() -> Workload {
    unnamed("default", Policy::Closed)
}

/// A workload with nothing but a name and a policy.
pub(in crate::config) fn unnamed(name: &str, policy: Policy) -> Workload {
    Workload {
        name: name.to_owned(),
        policy,
        allow: Vec::new(),
        catalogs: Vec::new(),
        client_profile: ClientProfile::default(),
        proxy: None,
        pac: None,
        parameters: BTreeMap::new(),
    }
}
