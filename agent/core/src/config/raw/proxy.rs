//! `[[proxy]]`

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::errors::Problems;
use crate::config::field::{At, Field};
use crate::config::scalar::{Name, ProxyUrl};
use crate::config::{Proxy, ProxyExit};

/// A forward proxy.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct RawProxy {
    /// Its name in reports.
    pub name: Field<Name>,
    /// http://host:port, or https:// where the connection to the proxy itself is TLS; user:password@ is never shown.
    pub url: Field<ProxyUrl>,
    /// Where it delivers: any public destination, only Azure's public addresses, or not known.
    #[serde(default)]
    pub exit: Field<ProxyExit>,
}

impl At<RawProxy> {
    pub(in crate::config) fn plan(&self, problems: &mut Problems) -> Option<Proxy> {
        let name = self.table.name.read(problems);
        let url = self.table.url.read(problems);
        let exit = self.table.exit.read(problems);
        let ProxyUrl { host, port, tls, credentials } = url?;
        Some(Proxy { name: name?.0, host, port, tls, credentials, exit: exit? })
    }
}
