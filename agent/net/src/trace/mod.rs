//! TTL-limited probes of one flow (E6): which routers a TCP SYN to the real destination port passes.
//!
//! Works without any capability on Linux 5.11 and later: an ordinary connect with a small TTL, and the router's "time
//! exceeded" from the socket's error queue. `probe` sends one SYN; `walk` makes a trace of them; `patience` bounds how long
//! silent routers are asked again; `support` says at start
//! whether this kernel can do it. Silence says nothing and is kept as silence.

mod patience;
mod probe;
mod support;
mod walk;

pub use patience::Patience;
pub use support::tracing_works;
pub use walk::{TraceSettings, confirm, trace};
