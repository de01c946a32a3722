//! What is true of each destination by construction, written by hand: tests compare the agent's word with it.

use crate::lab::Lab;
use crate::position::{BASELINE, Internet, Position};

/// How a destination is probed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A TLS handshake on port 443.
    Tls,
    /// HTTP on port 80.
    Http,
}

/// The path class (`path.class` of the report) of one destination at three positions of the switches.
///
/// `unknown` stands for addresses that do not answer. `mixed` is the class of the name; its addresses differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Truth {
    /// The name.
    pub host: &'static str,
    /// How it is probed; the port follows.
    pub kind: Kind,
    /// At the baseline (and when only the primary MSEEs are down).
    pub baseline: &'static str,
    /// When both MSEEs have withdrawn their routes.
    pub msees_withdrawn: &'static str,
    /// When there is no way to the Internet.
    pub internet_cut: &'static str,
}

impl Truth {
    /// The port it is probed on.
    pub fn port(&self) -> u16 {
        match self.kind {
            Kind::Tls => 443,
            Kind::Http => 80,
        }
    }
}

const fn tls(host: &'static str, classes: [&'static str; 3]) -> Truth {
    let [baseline, msees_withdrawn, internet_cut] = classes;
    Truth { host, kind: Kind::Tls, baseline, msees_withdrawn, internet_cut }
}

const fn http(host: &'static str, classes: [&'static str; 3]) -> Truth {
    let [baseline, msees_withdrawn, internet_cut] = classes;
    Truth { host, kind: Kind::Http, baseline, msees_withdrawn, internet_cut }
}

/// All destinations.
pub const TRUTH: [Truth; 31] = [
    tls("acct.blob.azure.example", ["er_private", "unknown", "er_private"]),
    tls("pe.vnet.example", ["er_private", "unknown", "er_private"]),
    tls("app.vnet.example", ["er_private", "unknown", "er_private"]),
    tls("blob.azure.example", ["er_microsoft", "internet_direct", "er_microsoft"]),
    tls("arm.azure.example", ["er_microsoft", "internet_direct", "er_microsoft"]),
    tls("v6only.azure.example", ["er_microsoft", "internet_direct", "er_microsoft"]),
    tls("tls12.azure.example", ["er_microsoft", "internet_direct", "er_microsoft"]),
    tls("mtls.azure.example", ["er_microsoft", "internet_direct", "er_microsoft"]),
    tls("staple.azure.example", ["er_microsoft", "internet_direct", "er_microsoft"]),
    tls("echo.azure.example", ["er_microsoft", "internet_direct", "er_microsoft"]),
    tls("split.azure.example", ["mixed", "internet_direct", "er_microsoft"]),
    tls("portal.afd.example", ["internet_direct", "internet_direct", "unknown"]),
    tls("login.afd.example", ["internet_direct", "internet_direct", "unknown"]),
    tls("shop.afd.example", ["internet_direct", "internet_direct", "unknown"]),
    tls("assets.cdn.example", ["internet_direct", "internet_direct", "unknown"]),
    tls("odd.cdn.example", ["internet_direct", "internet_direct", "unknown"]),
    tls("selfsigned.cdn.example", ["internet_direct", "internet_direct", "unknown"]),
    tls("incomplete.cdn.example", ["internet_direct", "internet_direct", "unknown"]),
    tls("moved.cdn.example", ["internet_direct", "internet_direct", "unknown"]),
    tls("revoked.cdn.example", ["internet_direct", "internet_direct", "unknown"]),
    tls("nopointers.cdn.example", ["internet_direct", "internet_direct", "unknown"]),
    tls("plain.cdn.example", ["internet_direct", "internet_direct", "unknown"]),
    tls("hangup.cdn.example", ["internet_direct", "internet_direct", "unknown"]),
    tls("half.cdn.example", ["internet_direct", "internet_direct", "unknown"]),
    tls("dead.cdn.example", ["unknown", "unknown", "unknown"]),
    tls("dead6.cdn.example", ["unknown", "unknown", "unknown"]),
    // A refusal is an answer; its class has no more than probable confidence.
    tls("refuse.cdn.example", ["internet_direct", "internet_direct", "unknown"]),
    http("crl.pki.example", ["internet_direct", "internet_direct", "unknown"]),
    http("ocsp.pki.example", ["internet_direct", "internet_direct", "unknown"]),
    http("aia.pki.example", ["internet_direct", "internet_direct", "unknown"]),
    http("cdn-crl.pki.example", ["internet_direct", "internet_direct", "unknown"]),
];

impl Lab {
    /// The class of `host` as the switches stand; `None` where the table does not speak of the host or the position.
    pub fn truth(&self, host: &str) -> Option<&'static str> {
        let truth = TRUTH.iter().find(|truth| truth.host == host)?;
        let Position { msees, internet, .. } = self.position();
        let spoken_of =
            Position { primary: true, msees: true, internet: Internet::Open, ..self.position() } == BASELINE;
        match (spoken_of, msees, internet) {
            (false, ..) => None,
            (true, true, Internet::Open) => Some(truth.baseline),
            (true, false, Internet::Open) => Some(truth.msees_withdrawn),
            (true, true, Internet::NoRoute | Internet::Dropped) => Some(truth.internet_cut),
            (true, false, Internet::NoRoute | Internet::Dropped) => Some("unknown"),
        }
    }
}
