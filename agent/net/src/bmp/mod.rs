//! The station to which the site's edge routers send their BGP tables (BMP, RFC 7854; Loc-RIB, RFC 9069), and dumps for
//! sites without it.
//!
//! In: a router's bytes. Out: plain updates of [`closedpath_core::rib`], in the station's table. Bytes that cannot be read
//! make a router's table incomplete, never silently smaller.

mod message;
mod mrt;
mod station;
mod update;
mod wire;

pub use mrt::from_mrt;
pub use station::Station;
pub use wire::Malformed;
