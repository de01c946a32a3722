//! Certificates: the facts in them, what the checks of a presented chain amount to, and whether they are revoked.
//!
//! [`ocsp`], [`crl`] and [`aia`] read what a certificate's URLs answered; [`revocation`] combines the answers.

pub mod aia;
pub mod crl;
pub mod der;
mod facts;
mod judge;
pub mod ocsp;
mod pem;
mod reason;
pub mod revocation;
mod signature;

use facts::parse;
pub use facts::{CertificateFacts, fingerprint, read};
pub use judge::{TlsVerdict, is_complete, judge, unfetchable};
pub use reason::{Reason, Reasons};
