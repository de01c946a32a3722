//! TTL-limited probes of one flow (E6): which routers the packets to the real destination port pass.
//!
//! Works without any capability on Linux 5.11 and later: an ordinary socket with a small TTL, and the router's "time
//! exceeded" from its error queue. `flow` sends one probe and reads what comes back (`answer`), as `syn` (TCP) or as `datagram`
//! (UDP and ICMP echo, with what `question` asks); `walk` makes a trace of them; `patience` bounds how long silent routers are asked
//! again; `reading` says at start how this kernel can show routers' answers to TCP, `listener` is the way with CAP_NET_RAW,
//! `quoted` its reader of ICMP errors. Silence says nothing and is kept as silence.

mod answer;
mod datagram;
mod flow;
mod listener;
mod patience;
mod question;
mod quoted;
mod reading;
mod syn;
mod walk;

pub use listener::IcmpListener;
pub use patience::Patience;
pub use quoted::{Quoted, read_icmp_error};
pub use reading::Reading;
pub use walk::{Glimpse, TraceSettings, confirm, trace};
