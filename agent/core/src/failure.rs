//! Why a probe did not get what it asked for: a closed list of codes, with the text of what is not in it.
//!
//! A failed probe is data (an observation), never an `Err`. The edges classify; nothing here touches a socket.

use serde::{Deserialize, Serialize};

/// The step of a probe that failed.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Name resolution.
    Resolve,
    /// The guard on addresses that came from the network (DESIGN §5).
    Guard,
    /// TCP connect.
    Connect,
    /// HTTP CONNECT at a forward proxy (RFC 9110 §9.3.6).
    ProxyConnect,
    /// TLS handshake.
    Tls,
    /// HTTP exchange.
    Http,
    /// A UDP or ICMP exchange.
    Datagram,
    /// TTL-limited probes.
    Trace,
}

/// What went wrong. A new cause is added here, so that every rule has to decide on it.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// Nothing came back in time: a silent drop, or a dead host.
    Timeout,
    /// The other side answered with a reset to our first packet (TCP RST, ICMP port unreachable).
    Refused,
    /// An established connection was reset.
    Reset,
    /// The other side closed an established connection before the step was complete.
    Closed,
    /// A router or the kernel said that the host cannot be reached.
    HostUnreachable,
    /// There is no route to the network.
    NetUnreachable,
    /// A packet filter said no (ICMP administratively prohibited, or a local one).
    Prohibited,
    /// The host lacks an address of that family (for example no IPv6).
    AddressUnavailable,
    /// The address must not be contacted: private, loopback, link-local or metadata, from a network-supplied URL.
    ForbiddenAddress,
    /// The name does not exist (RFC 8020).
    Nxdomain,
    /// The name exists without an address (RFC 2308 §2.2).
    Nodata,
    /// The resolver failed.
    Servfail,
    /// The resolver refused the question.
    DnsRefused,
    /// The CNAME chain loops or is too long.
    Loop,
    /// The peer sent a TLS alert.
    TlsAlert,
    /// What the peer sent is not TLS.
    NotTls,
    /// The peer broke the protocol in another way.
    Protocol,
    /// The server demands a client certificate.
    ClientCertificateRequired,
    /// A forward proxy refused to connect.
    ProxyDenied,
    /// The proxy demands credentials (407).
    ProxyAuthentication,
    /// The proxy could not reach the target.
    ProxyUpstream,
    /// An HTTP status other than the expected one.
    HttpStatus,
    /// The body was larger than the bound.
    TooLarge,
    /// A redirect without a usable Location, or one too many.
    BadRedirect,
    /// This process lacks a privilege, so nothing was sent.
    NotPermitted,
    /// Not in the list; see the text.
    Other,
}

/// A failed step: where, what, and the words of the system or the peer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Failure {
    /// The step that failed.
    pub step: Step,
    /// The cause.
    pub code: Code,
    /// The cause in words.
    pub text: String,
}

impl Failure {
    /// A failure at `step`.
    pub fn new(step: Step, code: Code, text: impl Into<String>) -> Self {
        Self { step, code, text: text.into() }
    }

    /// Whether this is an answer all the same: the destination itself said no.
    pub fn is_refusal(&self) -> bool {
        matches!(self.step, Step::Connect | Step::Datagram) && self.code == Code::Refused
    }

    /// Whether nothing was sent, because this process may not: that says nothing about the destination.
    pub fn is_our_own(&self) -> bool {
        self.code == Code::NotPermitted
    }
}

/// The name of a closed enum's value as it stands in reports and metrics.
pub fn label<T: Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(text)) => text,
        _ => String::new(),
    }
}
