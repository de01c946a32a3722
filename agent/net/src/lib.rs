//! closedpath's edges: one module per protocol. Each function returns an observation and decides nothing; nothing a peer
//! sends can make it panic, and every wait has a deadline.
//!
//! * [`connect()`]: one TCP connection
//! * [`resolve`]: a name through every configured resolver
//! * [`tls`]: one TLS handshake
//! * [`http`]: one HTTP exchange
//! * [`route`]: the kernel's forwarding table
//! * [`trace`](mod@trace): TTL-limited probes of one flow
//! * `classify`: errors of the system and of routers become failures, in one place
//! * `kernel`: the socket calls that no crate wraps

mod classify;
mod connect;
mod error;
pub mod http;
mod kernel;
mod random;
pub mod resolve;
pub mod route;
pub mod tls;
pub mod trace;

pub use connect::connect;
pub use error::NetError;
pub use http::{FetchLimits, fetch};
pub use resolve::Resolvers;
pub use route::RouteTable;
pub use tls::TlsClient;
pub use trace::{TraceSettings, confirm, trace, tracing_works};
