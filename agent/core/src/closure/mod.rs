//! The required set of all workloads as a least fixed point (DOMAIN §4.3), as a worklist without I/O.
//!
//! [`Closure`] hands out [`Work`] and takes [`Outcome`]s until nothing is left; [`Closure::finish`] gives the
//! [`Picture`]: every member with what was seen of it, and what each workload needs. `check` and `run` drive the same one.
//! Names and URLs that came from the network are bounded in number, depth and redirects, and guarded (DESIGN §5).

mod chains;
mod fetching;
mod guard;
mod member;
mod needs;
mod past;
mod revocation;
mod roots;
mod urls;
mod work;
mod worklist;

pub use guard::refusal;
pub use member::{Chain, Member, Picture, Seen};
pub use needs::{Choice, Group, Need, Needs, needs};
pub use past::{Change, Past};
pub use revocation::{Revocations, revocations};
pub use roots::{PacAnswers, Root, Roots, roots};
pub use urls::{Link, UrlState, parse};
pub use work::{Ask, Complete, Outcome, Work};
pub use worklist::Closure;
