//! `[verdict]`

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::VerdictSettings;
use crate::config::errors::Problems;
use crate::config::field::Field;

/// When a closed network may be called closed.
#[derive(Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(in crate::config) struct RawVerdict {
    /// Whether a closed path that is only probable is enough; otherwise it must be confirmed.
    pub accept_probable: Field<bool>,
    /// Whether CLOSED needs `window` of observation first.
    pub require_window: Field<bool>,
    /// How long must have been observed, where that is required.
    pub window: Field<Duration>,
}

impl Default for RawVerdict {
    fn default() -> Self {
        let VerdictSettings { accept_probable, require_window, window } = VerdictSettings::default();
        Self {
            accept_probable: Field::of(accept_probable),
            require_window: Field::of(require_window),
            window: Field::of(window),
        }
    }
}

impl RawVerdict {
    pub(in crate::config) fn plan(&self, problems: &mut Problems) -> Option<VerdictSettings> {
        let accept_probable = self.accept_probable.read(problems);
        let require_window = self.require_window.read(problems);
        let window = self.window.read(problems);
        Some(VerdictSettings {
            accept_probable: accept_probable?,
            require_window: require_window?,
            window: window?,
        })
    }
}
