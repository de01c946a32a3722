//! Certificates: the facts in them, what the checks of a presented chain amount to, and whether they are revoked.
//!
//! [`ocsp`] and [`aia`] read what a certificate's URLs answered.

pub mod aia;
pub mod der;
mod facts;
mod judge;
pub mod ocsp;
mod pem;
mod reason;
mod signature;

pub use facts::{CertificateFacts, fingerprint, read};
pub use judge::{TlsVerdict, is_complete, judge, unfetchable};
pub use reason::{Reason, Reasons};
