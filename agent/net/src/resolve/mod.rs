//! Name resolution: what each configured resolver says about a name, told apart as with `dig` (E12).
//!
//! Every server is asked by ourselves, so that TTLs are as sent, the answering server is known, and the order of servers
//! is the configured one. There is no cache and no search list. `resolvers` asks all resolvers at once; `order` goes
//! through the servers of one; `walk` follows CNAMEs; `exchange` makes one query; `system` reads `/etc`; `combine` puts
//! the two address families together.

mod combine;
mod exchange;
mod order;
mod resolvers;
mod system;
mod walk;

pub use resolvers::Resolvers;
pub use walk::{MAX_LINKS, Read, Trail, read};
