//! closedpath's edges: one module per protocol. Each function returns an observation and decides nothing; nothing a peer
//! sends can make it panic, and every wait has a deadline.
//!
//! * [`connect()`]: one TCP connection
//! * [`connect_through`]: one TCP connection through a forward proxy
//! * [`fetch_through`]: one HTTP exchange through a forward proxy
//! * [`resolve`]: a name through every configured resolver
//! * [`tls`]: one TLS handshake
//! * [`http`]: one HTTP exchange
//! * [`download()`]: one HTTP exchange with a server that proves who it is, through a forward proxy or not
//! * [`route`]: the kernel's forwarding table
//! * [`Ipsec`]: this host's IPsec policies and associations
//! * [`trace`](mod@trace): TTL-limited probes of one flow
//! * [`path_mtu`]: how large a packet gets there whole
//! * [`datagram`]: contact over DNS, NTP, STUN and ICMP echo
//! * [`bmp`]: the station that edge routers send their BGP tables to
//! * [`Egress`]: as whom packets leave: source, interface, mark
//! * [`classify`]: errors of the system and of routers become failures, in one place
//! * [`pac`]: proxy auto-configuration scripts
//! * [`kernel`]: the socket calls that no crate wraps

pub mod bmp;
pub mod classify;
mod connect;
pub mod datagram;
mod download;
mod egress;
mod error;
pub mod http;
pub mod kernel;
mod mtu;
pub mod pac;
mod proxy;
mod random;
mod relay;
pub mod resolve;
pub mod route;
pub mod tls;
pub mod trace;
mod xfrm;

pub use bmp::Station;
pub use connect::{connect, free_port_at_close, tcp_info};
pub use datagram::{dns_ping, icmp_ping, ntp_ping, stun_ping};
pub use download::{Peer, download};
pub use egress::Egress;
pub use error::NetError;
pub use http::{FetchLimits, FetchRequest, Method, fetch};
pub use mtu::path_mtu;
pub use proxy::{ForwardProxy, Tunnel, connect_through};
pub use random::nonce;
pub use relay::{fetch_through, http_ping_through};
pub use resolve::Resolvers;
pub use route::RouteTable;
pub use tls::{TlsClient, certificates_in};
pub use trace::{
    Glimpse, IcmpListener, Patience, Quoted, Reading, TraceSettings, confirm, read_icmp_error, trace,
};
pub use xfrm::{IpFlow, Ipsec, Watch};
