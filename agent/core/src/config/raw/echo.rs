//! `[[echo]]`

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::errors::Problems;
use crate::config::field::{At, Field, read_optional};
use crate::config::scalar::{EchoUrl, StunServer, Text};
use crate::config::{Echo, EchoKind};
use crate::observation::EchoPage;

/// A server that tells which source address it saw: either `stun` or `url`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct RawEcho {
    /// A STUN server (RFC 8489): host and port, 3478 if none is written.
    #[serde(default)]
    pub stun: Option<Field<StunServer>>,
    /// A page whose body holds the address.
    #[serde(default)]
    pub url: Option<Field<EchoUrl>>,
    /// Only with `url`: regular expression whose first group is the address; without it, the body is the address.
    #[serde(default, rename = "match")]
    pub pattern: Option<Field<Text>>,
}

impl At<RawEcho> {
    pub(in crate::config) fn plan(&self, problems: &mut Problems) -> Option<Echo> {
        let raw = &self.table;
        let stun = read_optional(raw.stun.as_ref(), problems);
        let url = read_optional(raw.url.as_ref(), problems);
        let pattern = read_optional(raw.pattern.as_ref(), problems);
        if let (Some(field), None) = (&raw.pattern, &raw.url) {
            problems.add(&field.span, "`match` has effect only with `url`", "remove it, or add `url`");
        }
        if let (Some(field), Some(Text(text))) = (&raw.pattern, &pattern)
            && text.is_empty()
        {
            problems.add(&field.span, "`match` is empty", "remove it, or write an expression with one group");
        } else if let (Some(field), Some(Text(text))) = (&raw.pattern, &pattern)
            && let Err(why) = EchoPage::new(Some(text))
        {
            let message = format!("`match` is not a usable regular expression: {why}");
            problems.add(
                &field.span,
                message,
                "write one with one group around the address, such as 'ip=([0-9a-f.:]+)'",
            );
        }
        match (&raw.stun, &raw.url) {
            (Some(_), Some(second)) => {
                problems.add(
                    &second.span,
                    "an echo is asked by `stun` or by `url`, not both",
                    "make it two [[echo]]",
                );
            }
            (None, None) => {
                let help = "add stun = \"host:port\", or url = \"https://…\"";
                problems.add(&self.span, "the echo has neither `stun` nor `url`", help);
            }
            (Some(_), None) | (None, Some(_)) => {}
        }
        match (stun, url) {
            (Some(StunServer(host, port)), None) => Some(Echo { kind: EchoKind::Stun(host, port) }),
            (None, Some(EchoUrl(url))) => Some(Echo { kind: EchoKind::Url(url, pattern.map(|text| text.0)) }),
            (Some(_), Some(_)) | (None, None) => None,
        }
    }
}
