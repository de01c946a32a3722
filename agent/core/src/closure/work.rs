//! What the closure asks the edges to do, and what they bring back.

use std::net::IpAddr;

use crate::observation::{AddressObservation, DnsObservation, FetchObservation};
use crate::pki::inquiry::{Question, Reading};
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
    /// Ask a URL at this address and no other, without following redirects.
    Fetch {
        /// The URL's key in the closure.
        key: String,
        /// The URL.
        url: String,
        /// The address to dial.
        ip: IpAddr,
        /// The forward proxy whose address that is.
        via: Option<String>,
        /// What for.
        ask: Ask,
    },
}

/// What a URL is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    /// Whether it is there.
    Page,
    /// Certificates: the outcome keeps the body.
    Certificates,
    /// What a CRL says of these; read by [`crate::pki::inquiry::read_crl`], a delta CRL by
    /// [`crate::pki::inquiry::read_delta`].
    Crl {
        /// The certificates.
        questions: Vec<Question>,
        /// Of a delta CRL: the complete one that it builds on.
        complete: Option<Complete>,
    },
    /// What a responder says of this one; read by [`crate::pki::inquiry::read_ocsp`].
    Ocsp {
        /// The certificate.
        question: Question,
        /// The URL is where a redirect led: it holds the request already.
        redirected: bool,
    },
}

/// A complete CRL that was brought in this round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complete {
    /// The URL's key in the closure.
    pub key: String,
    /// The URL.
    pub url: String,
    /// The address that served it.
    pub ip: IpAddr,
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
    Fetched {
        /// The URL's key in the closure.
        key: String,
        /// How the exchange went.
        seen: Box<FetchObservation>,
        /// What the body says, where it was asked for something.
        reading: Reading,
    },
}
