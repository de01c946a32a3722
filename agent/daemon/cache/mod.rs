//! Bodies that were fetched, by key, across rounds and restarts: CRLs and OCSP responses are good until their nextUpdate.
//!
//! In: keys, bodies, what is known of them. Out: the same, or nothing: what was damaged is as if it had never been there. It
//! does not judge whether a body is fresh or genuine.
//!
//! * [`format`](mod@format): one entry as a file
//! * [`folder`]: the files, each replaced as a whole
//! * [`index`]: what is there, and what leaves when there is no more room
//! * [`store`]: the cache itself

pub mod folder;
pub mod format;
pub mod index;
pub mod store;

pub use format::{Damage, Meta};
pub use index::Bounds;
pub use store::Cache;
