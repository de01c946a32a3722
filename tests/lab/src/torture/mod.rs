//! The torture kit's material: one namespace, real servers, and a CA that can do what no CA should.
//!
//! In: what a case wants presented and served. Out: certificates, CRLs and OCSP responses, by the `openssl` program where it
//! makes such a thing, and put together by hand where it refuses to. What must come out of a case is the tests' business.

mod authority;
mod crl;
mod der;
mod ocsp;
mod stage;
mod web;

pub use authority::{Authority, Key, Leaf, Workshop};
pub use crl::{Draft, delta_of, entry, entry_with, idp};
pub use der::{extension, integer, resign, sequence};
pub use ocsp::{Response, Single, error_status};
pub use stage::{Stage, ZONE};
pub use web::{Place, page};
