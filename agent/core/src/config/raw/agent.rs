//! `[agent]`

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::errors::Problems;
use crate::config::field::{Field, read_all, read_optional};
use crate::config::scalar::Text;
use crate::config::{Agent, TrustAnchor};

/// The agent itself.
#[derive(Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(in crate::config) struct RawAgent {
    /// Name of the site, on every report; tells the agents of several sites apart.
    pub site: Field<Text>,
    /// Folder for what must survive a restart: history, caches of CRLs and OCSP responses.
    pub state_dir: Field<PathBuf>,
    /// Where trust begins: "system" for the store of the operating system, and/or PEM files.
    pub trust_anchors: Vec<Field<TrustAnchor>>,
    /// PEM file with the CA of the site's own TLS inspection, so that inspected connections are told apart.
    pub inspection_ca: Option<Field<PathBuf>>,
}

impl Default for RawAgent {
    fn default() -> Self {
        let Agent { site, state_dir, trust_anchors, inspection_ca } = Agent::default();
        Self {
            site: Field::of(Text(site)),
            state_dir: Field::of(state_dir),
            trust_anchors: trust_anchors.into_iter().map(Field::of).collect(),
            inspection_ca: inspection_ca.map(Field::of),
        }
    }
}

impl RawAgent {
    pub(in crate::config) fn plan(&self, problems: &mut Problems) -> Option<Agent> {
        let site = self.site.read(problems);
        let state_dir = self.state_dir.read(problems);
        let trust_anchors = read_all(&self.trust_anchors, problems);
        let inspection_ca = read_optional(self.inspection_ca.as_ref(), problems);
        Some(Agent { site: site?.0, state_dir: state_dir?, trust_anchors, inspection_ca })
    }
}
