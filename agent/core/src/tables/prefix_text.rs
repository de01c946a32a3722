//! A prefix as data files write it: in its own form or not (`10.1.2.3/24`), or a single address.

use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;
use serde::Deserialize;
use serde::de::{Deserializer, Error, Visitor};

/// A prefix read without keeping its text; an error has the place in the file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Prefix(pub IpNet);

/// Reads one prefix; bits right of its length do not matter.
pub(super) fn prefix(text: &str) -> Option<IpNet> {
    let text = text.trim();
    let net = text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
    net.ok().map(|net| net.trunc())
}

impl<'de> Deserialize<'de> for Prefix {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Text)
    }
}

struct Text;

impl Visitor<'_> for Text {
    type Value = Prefix;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a prefix")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Prefix, E> {
        prefix(text).map(Prefix).ok_or_else(|| E::custom(format_args!("`{text}` is not a prefix")))
    }
}
