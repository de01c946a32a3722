//! `[bmp]`

use std::net::{IpAddr, SocketAddr};

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::Bmp;
use crate::config::errors::Problems;
use crate::config::field::{Field, read_all};

/// The BGP Monitoring Protocol's station (RFC 7854).
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct RawBmp {
    /// Address and port where the edge routers send their tables.
    pub listen: Field<SocketAddr>,
    /// Addresses of the routers that may; every other connection is closed. Without any: nobody may.
    #[serde(default)]
    pub allow: Vec<Field<IpAddr>>,
}

impl RawBmp {
    pub(in crate::config) fn plan(&self, problems: &mut Problems) -> Option<Bmp> {
        let listen = self.listen.read(problems);
        let allow = read_all(&self.allow, problems);
        Some(Bmp { listen: listen?, allow })
    }
}
