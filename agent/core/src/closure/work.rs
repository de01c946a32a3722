//! What the closure asks the edges to do, and what they bring back.

use std::net::IpAddr;

use crate::observation::{AddressObservation, DnsObservation, FetchObservation};
use crate::target::EndpointKey;

/// One thing to do. Every item is answered by exactly one [`Outcome`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Work {
    /// Resolve a name through every resolver.
    Resolve {
        /// The name.
        name: String,
    },
    /// Probe one address of an endpoint; for a proxied one, an address of the proxy.
    Probe {
        /// The endpoint.
        key: EndpointKey,
        /// The address to dial.
        ip: IpAddr,
    },
    /// GET a URL from this address and no other, without following redirects.
    Fetch {
        /// The URL.
        url: String,
        /// The address to dial.
        ip: IpAddr,
    },
}

/// The answer to one [`Work`].
#[derive(Debug, Clone)]
pub enum Outcome {
    /// To [`Work::Resolve`].
    Resolved(DnsObservation),
    /// To [`Work::Probe`].
    Probed {
        /// The endpoint.
        key: EndpointKey,
        /// What was seen.
        seen: Box<AddressObservation>,
    },
    /// To [`Work::Fetch`].
    Fetched(FetchObservation),
}
