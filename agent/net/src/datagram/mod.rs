//! Contact over datagrams: one question that any server of the protocol answers, one answer.
//!
//! `exchange` sends, sends again and waits, `series` sends several echoes; `dns`, `ntp`, `stun` and `icmp` hold question and answer
//! of each protocol, the readers of answers as pure functions that no bytes can make panic. ICMP errors name their sender.

mod dns;
mod exchange;
mod icmp;
mod ntp;
mod series;
mod stun;

pub use dns::dns_ping;
pub(crate) use exchange::open_udp_from;
pub use icmp::read_echo_reply;
pub(crate) use icmp::{closed, echo_request, is_closed, is_echo, open_ping};
pub use ntp::{ntp_ping, read_ntp_reply};
pub use series::icmp_ping;
pub use stun::{StunReply, read_stun_reply, stun_ping};
