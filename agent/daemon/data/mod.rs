//! Data files: what people have of them, what is kept of them, and where new ones come from.
//!
//! * [`error`]: what is wrong with one
//! * [`kind`]: which data sets there are
//! * [`file`](mod@file): the bytes of a file to a table, whatever it is packed in
//! * [`mmdb`]: MaxMind-format databases
//! * [`store`]: the files in `state_dir/data`, one per kind, with the one before
//! * [`source`]: where the vendors have the files, and what their pages and services answer
//! * [`client`]: fetches a URL, following a few redirects to where it may go

pub mod client;
pub mod error;
pub mod file;
pub mod kind;
pub mod mmdb;
pub mod source;
pub mod store;

pub use file::{Loaded, detect, load};
pub use kind::Kind;
pub use store::{Kept, Store};
