//! `[http]`

use std::net::SocketAddr;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::Http;
use crate::config::errors::Problems;
use crate::config::field::{Field, read_all, read_optional};

/// The status page and the metrics.
#[derive(Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(in crate::config) struct RawHttp {
    /// Addresses and ports to listen on; an empty list serves nothing.
    pub listen: Vec<Field<SocketAddr>>,
    /// TLS and basic authentication: a file in the format of the Prometheus exporter-toolkit.
    pub web_config: Option<Field<PathBuf>>,
}

impl Default for RawHttp {
    fn default() -> Self {
        let Http { listen, web_config } = Http::default();
        Self { listen: listen.into_iter().map(Field::of).collect(), web_config: web_config.map(Field::of) }
    }
}

impl RawHttp {
    pub(in crate::config) fn plan(&self, problems: &mut Problems) -> Http {
        for (index, field) in self.listen.iter().enumerate() {
            if let Some(address) = field.get()
                && address.port() != 0
                && self.listen[..index].iter().any(|earlier| earlier.get() == Some(address))
            {
                problems.add(&field.span, format!("\"{address}\" stands twice in `listen`"), "remove one");
            }
        }
        Http {
            listen: read_all(&self.listen, problems),
            web_config: read_optional(self.web_config.as_ref(), problems),
        }
    }
}
