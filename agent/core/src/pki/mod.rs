//! Certificates: the facts in them, and what the checks of a presented chain amount to.

mod facts;
mod judge;

pub use facts::{CertificateFacts, fingerprint, read};
pub use judge::{TlsVerdict, is_complete, judge, unfetchable};
