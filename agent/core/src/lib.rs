//! closedpath's rules: pure functions of observations, tables and `now`.
//!
//! Nothing here opens a socket, reads a clock or a file, or logs. Modules import only those above them in this list
//! (a test enforces it):
//!
//! * [`failure`]: why a probe did not get what it asked for
//! * [`target`]: what is to be reached, and why
//! * [`observation`]: what the edges saw
//! * [`rib`]: the routing tables of the edge routers
//! * [`config`]: the TOML file, and the validated plan it becomes
//! * [`pac`]: what a proxy auto-configuration script answers, and which declared proxy that is
//! * [`catalog`]: what Microsoft's services need to reach
//! * [`tables`]: what is known about addresses, regions and communities, with version and date
//! * [`eligibility`]: what could go over ExpressRoute, from that data alone
//! * [`planning`]: what could and could not go over ExpressRoute, before anything is probed
//! * [`pki`]: what certificates say, and what the checks of a chain amount to
//! * [`closure`]: the required set as a least fixed point, a worklist without I/O
//! * [`attribution`]: which link a flow really takes
//! * [`findings`]: what somebody has to act on
//! * [`verdict`]: whether a workload is closed
//! * [`report`]: the immutable result of one round

pub mod attribution;
pub mod catalog;
pub mod closure;
pub mod config;
pub mod eligibility;
pub mod failure;
pub mod findings;
pub mod observation;
pub mod pac;
pub mod pki;
pub mod planning;
pub mod report;
pub mod rib;
pub mod tables;
pub mod target;
pub mod verdict;
