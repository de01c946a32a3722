//! Findings (DOMAIN §3.5): what somebody has to act on, each with its detail and remedy.

mod finding;

pub use finding::{Finding, FindingId, Severity};
