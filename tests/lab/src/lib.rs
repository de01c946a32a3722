//! closedpath-lab: a small Internet in network namespaces, with real DNS, TLS, CRL and OCSP servers.
//!
//! It stands in for a site with an ExpressRoute circuit: a customer edge with two MSEEs (private and
//! Microsoft peering each), a VNet, an Azure region, Front Door, an Internet provider, a CDN and a public CA.
//! Tests and the demo run the agent inside it and compare what it says with what is true by construction.
//!
//! * [`plan`]: the one table of nodes, links, prefixes and hosts; everything else is generated from it
//! * [`Position`]: how the switches stand; a pure function turns it into routes and packet filters
//! * [`Situation`]: what is true in a position, by hand
//! * [`Lab`]: builds all of it, flips the switches, runs programs in its nodes; dropping it leaves nothing
//! * [`Lab::start_bgp`]: real routers (FRR) that announce what the switches say, and BMP to the agent's host
//! * [`Lab::start_tunnel`]: a real IPsec tunnel (strongSwan) over private peering, or to an edge of Global Secure Access
//! * [`Lab::record`]: what independent tools see in a position, for the scenarios of attribution
//! * [`torture`]: one namespace with hostile and odd certificates, CA hosts and servers
//! * [`enter`]: makes root of an ordinary user, in a user namespace
//!
//! Nothing here has an uplink: the namespaces are joined to each other only.

mod agent;
mod bgp;
mod config;
mod enter;
mod lab;
mod namespace;
mod nginx;
mod nursery;
mod pki;
pub mod plan;
mod position;
mod record;
mod server;
mod situation;
mod switches;
mod tools;
pub mod torture;
mod truth;
mod tunnel;
mod wiring;
mod zones;

pub use bgp::{BMP_PORT, BMP_ROUTER};
pub use config::ConfigVariant;
pub use enter::{enter, is_root};
pub use lab::Lab;
pub use position::{BASELINE, DefaultRoute, Internet, Multipath, Position};
pub use server::Server;
pub use situation::{BY_HOPS, BY_TABLES, SPREAD, Situation, Told};
pub use tools::{Missing, missing_tools};
pub use truth::{Kind, TRUTH, Truth};
pub use tunnel::TUNNEL_INTERFACE;
