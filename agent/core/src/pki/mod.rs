//! Certificates: the facts in them, what the checks of a presented chain amount to, and whether they are revoked.
//!
//! [`ocsp`], [`crl`] and [`aia`] read what a certificate's URLs answered, [`inquiry`] for the certificates that point there;
//! [`revocation`] combines the answers. [`Pool`] knows who issued whom, [`Trust`] where trust begins.

pub mod aia;
pub mod crl;
pub mod der;
mod facts;
mod general_name;
pub mod inquiry;
mod judge;
pub mod ocsp;
mod pem;
mod pool;
mod reason;
pub mod revocation;
mod signature;
mod trust;

use facts::parse;
pub use facts::{CertificateFacts, fingerprint, read};
pub use judge::{TlsVerdict, is_complete, judge, unfetchable};
pub use pool::{Above, Parent, Pool};
pub use reason::{Reason, Reasons};
pub use trust::Trust;
