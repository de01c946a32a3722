//! One TLS handshake, seen whole: what the server presented, and what each check says on its own.
//!
//! `client` makes the handshake and stamps its time; `recorder` keeps what the server sends while only the handshake
//! signature is judged; `verify` checks path and name afterwards, once for each chain; `anchors` loads where trust begins;
//! `failure` puts the library's errors into our words; `distrust` is for whom the agent itself relies on. Dates and revocation are judged elsewhere.

mod anchors;
mod client;
mod distrust;
mod failure;
mod recorder;
mod verify;

pub use anchors::certificates_in;
pub use client::TlsClient;
pub(crate) use distrust::distrust;
