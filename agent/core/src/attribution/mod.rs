//! Which link a flow really takes (DOMAIN §3): one pure function of what was seen of one address, the declared topology
//! and `now`, and the vocabulary of its answer.
//!
//! Eligibility never votes here, silence never votes, and contradicting evidence is never chosen between (DOMAIN §3.2).

mod around;
mod astray;
mod asymmetry;
mod changes;
mod control;
mod evidence;
mod hops;
mod host;
mod judged;
mod latent;
mod outer;
mod path;
mod procedure;
mod protection;
mod reflexive;
mod rules;
mod spread;
mod ways;

pub use around::{Around, Echoed, echoed};
pub use asymmetry::Asymmetry;
pub use changes::{Words, forget_traces};
pub use control::Control;
pub(crate) use control::{is_default, peers};
pub use evidence::{Evidence, Plane, Strength};
pub use judged::{Bypass, Judged, Judgement, judge};
pub use latent::{Failover, Left};
pub use outer::Outer;
pub use path::{Confidence, Exit, Path, PathClass, Reason};
pub use procedure::{attribute, class_of_endpoint};
pub(crate) use protection::enters;
pub use rules::other_users;
pub use spread::{Group, Spread, classes_of_flows, group};
pub use ways::is_onprem;
pub(crate) use ways::tunnels_of;
