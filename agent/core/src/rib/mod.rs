//! The routing tables of the site's edge routers (E7): what each router says it learned from whom, and what follows.
//!
//! In: [`Update`]s stamped with the time of their receipt, from BMP (RFC 7854, RFC 9069) or from an imported dump.
//! Out: the longest match that stands at a router, which rule chose among its routes, what would carry the address if some
//! routes vanished (F23), who offers a default route (E7d, F19), and the state of every session and peer.
//!
//! A table that cannot be relied on never answers: it says why ([`Doubt`]). It must not read a clock, and it holds no more
//! than its [`Limits`].

mod ask;
mod attributes;
mod chains;
mod choose;
mod doubt;
mod feed;
mod limits;
mod show;
mod state;
mod store;
mod view;

pub use ask::{Answer, DefaultRoute, Latent, Lookup, Route};
pub use attributes::{AsPath, Attributes, Community, Origin};
pub use choose::{Choice, Rule, Undecided};
pub use doubt::Doubt;
pub use feed::{Announced, Families, Family, Feed, PeerKey, Policy, Update};
pub use limits::Limits;
pub use show::{ShowError, family_of_show_bgp, from_show_bgp};
pub use state::{PeerState, SessionState};
pub use store::Rib;
