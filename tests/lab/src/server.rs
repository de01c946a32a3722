//! The servers of the lab: how each is started, and when it is ready.

use std::fs;
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::namespace::Namespace;
use crate::nursery;
use crate::pki::Pki;
use crate::{nginx, zones};

/// How long a server may take until it listens.
const PATIENCE: Duration = Duration::from_secs(10);

/// A server that can be stopped and started by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Server {
    /// The site's resolver.
    Dns,
    /// The web server of the VNet's private endpoints.
    Vnet,
    /// The web server of the Azure region.
    Azure,
    /// The web server of the region that demands client certificates.
    ClientCertificate,
    /// Front Door.
    Afd,
    /// The CDN (and the CA's mirror on it).
    Cdn,
    /// The CA's web server: CRL, AIA, and the way to the responders.
    Ca,
    /// The OCSP responder for the intermediate's certificates.
    Ocsp,
    /// The OCSP responder for the root's certificates.
    RootOcsp,
}

impl Server {
    /// All servers, in the order they are started.
    pub const ALL: [Self; 9] = [
        Self::Dns,
        Self::Vnet,
        Self::Azure,
        Self::ClientCertificate,
        Self::Afd,
        Self::Cdn,
        Self::Ca,
        Self::Ocsp,
        Self::RootOcsp,
    ];

    /// The node it runs on.
    pub fn node(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Vnet => "vnet",
            Self::Azure | Self::ClientCertificate => "azure",
            Self::Afd => "afd",
            Self::Cdn => "cdn",
            Self::Ca | Self::Ocsp | Self::RootOcsp => "ca",
        }
    }

    /// A TCP address on which it listens when it is ready.
    fn listens_on(self) -> (Ipv4Addr, u16) {
        match self {
            Self::Dns => (crate::plan::RESOLVER, 53),
            Self::Vnet => (Ipv4Addr::new(10, 100, 1, 4), 443),
            Self::Azure => (Ipv4Addr::new(198, 51, 100, 130), 443),
            Self::ClientCertificate => (Ipv4Addr::new(198, 51, 100, 135), 443),
            Self::Afd => (Ipv4Addr::new(203, 0, 113, 130), 443),
            Self::Cdn => (Ipv4Addr::new(192, 0, 2, 66), 443),
            Self::Ca => (Ipv4Addr::new(192, 0, 2, 130), 80),
            Self::Ocsp => (Ipv4Addr::UNSPECIFIED, 8001),
            Self::RootOcsp => (Ipv4Addr::UNSPECIFIED, 8002),
        }
    }

    /// Starts it; [`Server::wait`] tells when it listens.
    pub(crate) fn start(self, namespace: &Namespace, dir: &Path, pki: &Pki) -> Result<Child> {
        let argv = self.argv(dir, pki)?;
        let argv: Vec<&str> = argv.iter().map(String::as_str).collect();
        let log = fs::File::create(self.log(dir))?;
        let mut command = namespace.command(&argv);
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        nursery::spawn(command).with_context(|| format!("cannot start {argv:?}"))
    }

    /// Waits until it listens, at most [`PATIENCE`].
    pub(crate) fn wait(self, child: &mut Child, namespace: &Namespace, dir: &Path) -> Result<()> {
        let (address, port) = self.listens_on();
        let [a, b, c, d] = address.octets();
        // /proc/net/tcp prints the address as the number it is in memory.
        let socket = format!(" {:08X}:{port:04X} 00000000:0000 0A ", u32::from_ne_bytes([a, b, c, d]));
        let any =
            format!(" 00000000000000000000000000000000:{port:04X} 00000000000000000000000000000000:0000 0A ");
        let started = Instant::now();
        loop {
            for (table, listening) in [("tcp", &socket), ("tcp6", &any)] {
                let sockets = fs::read_to_string(format!("/proc/{}/net/{table}", namespace.pid()))?;
                if sockets.contains(listening.as_str()) {
                    return Ok(());
                }
            }
            let log = || fs::read_to_string(self.log(dir)).unwrap_or_default();
            if let Some(status) = child.try_wait()? {
                bail!(
                    "{self:?} ended ({status}) before it listened on {address}:{port}; its log says:\n{}",
                    log()
                );
            }
            if started.elapsed() > PATIENCE {
                bail!(
                    "{self:?} did not listen on {address}:{port} within {PATIENCE:?}; its log says:\n{}",
                    log()
                );
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    fn log(self, dir: &Path) -> std::path::PathBuf {
        dir.join(format!("{self:?}.log").to_lowercase())
    }

    fn argv(self, dir: &Path, pki: &Pki) -> Result<Vec<String>> {
        let path = |path: std::path::PathBuf| path.display().to_string();
        let line = match self {
            Self::Dns => {
                let conf = dir.join("unbound.conf");
                fs::write(&conf, zones::resolver(dir))?;
                format!("unbound -d -c {}", path(conf))
            }
            Self::ClientCertificate => {
                let (host, root) = ("mtls.azure.example", path(pki.file("root.pem")));
                let (leaf, key, above) =
                    (path(pki.chain(host)), path(pki.key(host)), path(pki.file("issuing.pem")));
                format!(
                    "openssl s_server -accept 198.51.100.135:443 -tls1_3 -Verify 2 -verify_return_error -quiet -www \
                     -CAfile {root} -cert {leaf} -key {key} -cert_chain {above}"
                )
            }
            Self::Ocsp => responder(pki, "issuing", 8001),
            Self::RootOcsp => responder(pki, "root", 8002),
            Self::Vnet | Self::Azure | Self::Afd | Self::Cdn | Self::Ca => {
                let conf = dir.join(format!("{}.nginx.conf", self.node()));
                fs::write(&conf, nginx::config(self.node(), dir, pki))?;
                format!("nginx -e {} -p {} -c {}", path(self.log(dir)), dir.display(), path(conf))
            }
        };
        Ok(line.split(' ').map(str::to_owned).collect())
    }
}

fn responder(pki: &Pki, issuer: &str, port: u16) -> String {
    let file = |ending: &str| pki.file(&format!("{issuer}.{ending}")).display().to_string();
    let (index, certificate, key) = (file("index"), file("pem"), file("key"));
    format!(
        "openssl ocsp -port {port} -index {index} -CA {certificate} -rsigner {certificate} -rkey {key} -ndays 7 -ignore_err"
    )
}
