//! IPsec policies and security associations of this host (E4, RFC 4301 §4.4), over `NETLINK_XFRM`.
//!
//! In: a flow. Out: the outgoing policy that it falls under, and what its associations have carried. Needs CAP_NET_ADMIN.
//! `read` reads the kernel's messages, of associations the fixed part only: keys stand behind it and are not looked at;
//! `policy` says which policy a flow falls under; `ask` asks. It changes nothing and decides nothing about paths.

mod ask;
mod policy;
mod read;

pub use ask::{Ipsec, Watch};
pub use policy::IpFlow;
