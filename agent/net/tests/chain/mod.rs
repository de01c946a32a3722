//! A small network: agent, r1, r2, server in a row, IPv4 and IPv6, with a listener at the server's port 443.
#![allow(dead_code, clippy::disallowed_types)]

use std::net::TcpListener;

use crate::netns::Namespaces;

pub const SERVER: &str = "10.99.3.2:443";
pub const SERVER_CLOSED: &str = "10.99.3.2:444";
pub const SERVER_V6: &str = "[fd99:3::2]:443";
pub const R1: &str = "10.99.1.2";
pub const R2: &str = "10.99.2.2";

/// Namespaces and listeners, until dropped.
pub struct Chain {
    pub spaces: Namespaces,
    _listeners: [TcpListener; 2],
}

impl Chain {
    pub fn new(tag: &str) -> Self {
        let spaces = Namespaces::new(tag, &["agent", "r1", "r2", "server"]);
        spaces.forward(&["r1", "r2"]);
        let ends = [("agent", "r1"), ("r1", "r2"), ("r2", "server")];
        for (index, (left, right)) in ends.into_iter().enumerate() {
            let net = index + 1;
            spaces.cable((left, "next"), (right, "back"));
            spaces.ip(
                left,
                &format!("addr add 10.99.{net}.1/24 dev next\naddr add fd99:{net}::1/64 dev next nodad\n"),
            );
            spaces.ip(
                right,
                &format!("addr add 10.99.{net}.2/24 dev back\naddr add fd99:{net}::2/64 dev back nodad\n"),
            );
        }
        spaces.ip("agent", "route add default via 10.99.1.2\nroute add default via fd99:1::2\n");
        spaces.ip("r1", "route add default via 10.99.2.2\nroute add default via fd99:2::2\n");
        spaces.ip("r2", "route add 10.99.1.0/24 via 10.99.2.1\nroute add fd99:1::/64 via fd99:2::1\n");
        spaces.ip("server", "route add default via 10.99.3.1\nroute add default via fd99:3::1\n");
        let listeners =
            [spaces.listen("server", "10.99.3.2:443"), spaces.listen("server", "[fd99:3::2]:443")];
        Self { spaces, _listeners: listeners }
    }
}
