//! What makes closedpath itself unable to work. A failed probe is never one of these (it is an observation).

use std::io;
use std::path::PathBuf;

/// Why an edge could not be opened; every message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum NetError {
    /// A trust anchor file that cannot be read.
    #[error(
        "cannot read the trust anchors in {file}: {why}; check the path and the permissions, or remove it from `trust_anchors`"
    )]
    AnchorFile {
        /// The file.
        file: PathBuf,
        /// The system's or the parser's words.
        why: String,
    },
    /// A trust anchor file without a certificate.
    #[error("no certificate in {file}; `trust_anchors` needs PEM files with `-----BEGIN CERTIFICATE-----`")]
    NoCertificate {
        /// The file.
        file: PathBuf,
    },
    /// The operating system has no trust anchors.
    #[error(
        "the system's certificate store is empty ({why}); install the ca-certificates package, or name PEM files in `trust_anchors`"
    )]
    NoSystemAnchors {
        /// What the loader said.
        why: String,
    },
    /// The TLS library refuses its settings.
    #[error("TLS cannot be set up: {why}; please report this with `closedpath --version`")]
    Tls {
        /// The library's words.
        why: String,
    },
    /// No netlink socket.
    #[error(
        "cannot ask the kernel for routes (netlink): {0}; allow AF_NETLINK in the service's RestrictAddressFamilies"
    )]
    Netlink(#[source] io::Error),
    /// No BMP station.
    #[error(
        "cannot listen on {address} for BMP: {source}; `listen` in [bmp] must be a free port on an address of this host"
    )]
    Listen {
        /// The address.
        address: std::net::SocketAddr,
        /// The system's words.
        source: io::Error,
    },
    /// Probes cannot leave as the workload does.
    #[error(
        "[probe] {what} is refused: {why}; probes that leave otherwise than the workload would prove nothing, so correct it or take it out"
    )]
    Egress {
        /// The key and its value.
        what: String,
        /// The system's words.
        why: io::Error,
    },
    /// A resolver without a server.
    #[error(
        "resolver \"{name}\" has no server; give it `servers = [\"192.0.2.53\"]` or `servers = [\"system\"]`"
    )]
    NoServer {
        /// The `[[resolver]]` name.
        name: String,
    },
    /// The system's resolver configuration cannot be read.
    #[error("cannot read {file}: {why}; name the servers in [[resolver]] instead of \"system\"")]
    ResolverFile {
        /// The file.
        file: PathBuf,
        /// The system's words.
        why: String,
    },
}
