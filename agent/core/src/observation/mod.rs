//! What the edges saw: facts with a time, recorded as they were, so that every conclusion can be drawn again from them.
//!
//! Observations hold no conclusions. They serialise, so that a scenario can record and replay them.

mod dns;
mod echo;
mod http;
mod route;
mod tcp;
mod tls;
mod trace;

pub use dns::{Answer, Cname, DnsObservation, DnsStatus, DnsView};
pub use echo::EchoPage;
pub use http::FetchObservation;
pub use route::{Neighbour, NextHop, RouteKind, RouteObservation, Selected, Selector};
pub use tcp::{AddressObservation, Contact, Contacted, PathMtu, Protection, RoundTrips, TcpInfo};
pub use tls::{NameCheck, PathCheck, TlsObservation};
pub use trace::{Hop, Protocol, TraceEnd, TraceObservation};
