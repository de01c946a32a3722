//! What could go over ExpressRoute, and who owns a destination: rules EL0 to EL14 (DOMAIN §2).
//!
//! In: an address, its name, the declared topology, the tables and the time. Out: an [`Eligibility`] with its reason.
//! It says what could be, never which path is taken: eligibility has no vote in attribution.

mod address;
mod answer;
mod azure;
mod circuits;
mod judge;
mod m365;
mod outside;
mod owner;
mod question;

pub use answer::{Eligibility, Outcome, Peering, Rule};
pub use judge::{decide, judge};
pub use owner::{Owner, owner};
pub use question::{Question, ReceivedRoute};
