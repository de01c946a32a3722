//! closedpath's rules: pure functions of observations, tables and `now`.
//!
//! Nothing here opens a socket, reads a clock or a file, or logs. Modules import only those above them in this list
//! (a test enforces it):
//!
//! * [`failure`]: why a probe did not get what it asked for
//! * [`target`]: what is to be reached, and why
//! * [`observation`]: what the edges saw
//! * [`config`]: the TOML file, and the validated plan it becomes
//! * [`catalog`]: what Microsoft's services need to reach
//! * [`tables`]: what is known about addresses, regions and communities, with version and date
//! * [`eligibility`]: what could go over ExpressRoute, from that data alone

pub mod attribution;
pub mod catalog;
pub mod config;
pub mod eligibility;
pub mod failure;
pub mod observation;
pub mod tables;
pub mod target;
