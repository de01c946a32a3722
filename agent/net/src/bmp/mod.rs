//! The station to which the site's edge routers send their BGP tables (BMP, RFC 7854; Loc-RIB, RFC 9069), and dumps for
//! sites without it.
//!
//! In: a router's bytes. Out: plain updates of [`closedpath_core::rib`], in the station's table. Bytes that cannot be read
//! make a router's table incomplete, never silently smaller.

mod message;
mod mrt;
mod station;
#[cfg(test)]
mod tests;
mod update;
mod wire;

use std::net::IpAddr;

use closedpath_core::rib::Update;

pub use mrt::from_mrt;
pub use station::Station;
pub use wire::Malformed;

/// Reads a router's recorded bytes: the updates of all whole messages, and how many bytes those were.
///
/// # Errors
///
/// Where the bytes are not BMP: nothing tells where the next message would begin.
pub fn read_stream(router: IpAddr, bytes: &[u8]) -> Result<(Vec<Update>, usize), Malformed> {
    let mut reader = message::Reader::new(router);
    let mut updates = Vec::new();
    let mut at = 0;
    while let Some(length) = message::length(&bytes[at..])?.filter(|length| at + length <= bytes.len()) {
        reader.read(&bytes[at..at + length], &mut updates);
        at += length;
    }
    Ok((updates, at))
}
