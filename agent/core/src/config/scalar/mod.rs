//! The kinds of values that keys hold, one file for each family. Each reads text, a number or a boolean, and either
//! gives a value of the plan or says what is expected.

mod address;
mod choice;
mod host;
mod number;
mod text;
mod url;

pub(super) use choice::{Declared, PathClass};
pub(super) use host::{AllowPattern, Host, StunServer, endpoint};
pub(super) use number::{Count, Mark, Port};
pub(super) use text::{Community, Name, Text};
pub(super) use url::{EchoUrl, ProxyUrl};
