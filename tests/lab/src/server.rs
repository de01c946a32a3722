//! The servers of the lab: how each is started, and when it is ready.

use std::fs;
use std::net::Ipv4Addr;
use std::os::unix::fs::chown;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::agent::NOBODY;
use crate::enter::is_root;
use crate::namespace::Namespace;
use crate::nursery;
use crate::pki::Pki;
use crate::plan::{HOSTS, SITE_PROXY, VNET_EXIT, VNET_PROXY};
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
    /// A forward proxy in the VNet, which leaves by Azure's way to the Internet.
    VnetProxy,
    /// A forward proxy on the site's LAN, which leaves as everything there does.
    SiteProxy,
    /// What opens TLS on the edge, where the switch sends connections to it.
    Inspector,
    /// A STUN server of the Azure region.
    AzureStun,
    /// A STUN server on the Internet.
    InternetStun,
}

impl Server {
    /// Those that run only where they are asked for ([`crate::Lab::start`]); [`crate::Lab::restore`] ends them.
    pub const ON_DEMAND: [Self; 5] =
        [Self::VnetProxy, Self::SiteProxy, Self::Inspector, Self::AzureStun, Self::InternetStun];

    /// The servers that a new lab has, in the order they are started.
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
            Self::Dns | Self::SiteProxy => "dns",
            Self::Vnet | Self::VnetProxy => "vnet",
            Self::Inspector => "ce",
            Self::Azure | Self::ClientCertificate | Self::AzureStun => "azure",
            Self::Afd => "afd",
            Self::Cdn | Self::InternetStun => "cdn",
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
            Self::VnetProxy => VNET_PROXY,
            Self::SiteProxy => SITE_PROXY,
            Self::Inspector => (Ipv4Addr::UNSPECIFIED, 8443),
            Self::AzureStun => (Ipv4Addr::new(198, 51, 100, 137), 3478),
            Self::InternetStun => (Ipv4Addr::new(192, 0, 2, 76), 3478),
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
            Self::VnetProxy | Self::SiteProxy => {
                // squid gives up root for a user of its own; where there is no other user, it must believe to be one.
                let own = dir.join(format!("{self:?}").to_lowercase());
                let conf = own.join("squid.conf");
                fs::create_dir_all(&own)?;
                let exits: &[&str] = if self == Self::VnetProxy { &VNET_EXIT } else { &[] };
                fs::write(&conf, squid(self.listens_on(), exits, &own))?;
                let become_other = if is_root() {
                    chown(&own, Some(NOBODY), Some(NOBODY))?;
                    format!("setpriv --reuid {NOBODY} --regid {NOBODY} --clear-groups")
                } else {
                    format!("unshare --user --map-user={NOBODY} --map-group={NOBODY} setpriv")
                };
                // It leaves shared memory of one name, whoever it is and however it ends: here it has a place of its own for it.
                let start = own.join("start");
                fs::write(
                    &start,
                    format!(
                        "mount -t tmpfs shm /dev/shm && exec {become_other} --pdeathsig KILL -- squid -N -f {}\n",
                        path(conf)
                    ),
                )?;
                format!("unshare --mount -- sh {}", path(start))
            }
            Self::Inspector => {
                let conf = dir.join("inspector.nginx.conf");
                fs::write(&conf, nginx::inspector(dir, pki))?;
                format!("nginx -e {} -p {} -c {}", path(self.log(dir)), dir.display(), path(conf))
            }
            Self::AzureStun | Self::InternetStun => {
                let name = if self == Self::AzureStun { "echo.azure.example" } else { "echo.cdn.example" };
                let host =
                    HOSTS.iter().find(|host| host.name == name).context("the plan has no such name")?;
                let listen: String = host.addresses.iter().map(|address| format!(" -L {address}")).collect();
                let file = |ending: &str| path(dir.join(format!("{self:?}.{ending}").to_lowercase()));
                format!(
                    "turnserver -S -n{listen} -p 3478 --no-tls --no-dtls --no-cli --no-rfc5780 -m 1 --log-file stdout --simple-log \
                     --pidfile {} -b {}",
                    file("pid"),
                    file("db")
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

/// A forward proxy that keeps nothing and, as Debian's does, connects to port 443 alone. It asks the site's resolver, and leaves with the addresses `exits`.
fn squid((address, port): (Ipv4Addr, u16), exits: &[&str], dir: &Path) -> String {
    let (dir, resolver) = (dir.display(), crate::plan::RESOLVER);
    let mut text = format!(
        "visible_hostname squid\nhttp_port {address}:{port}\nudp_outgoing_address {address}\ndns_nameservers {resolver}
acl tls port 443\nacl CONNECT method CONNECT\nhttp_access deny CONNECT !tls\nhttp_access allow all\ncache deny all\ncache_mem 8 MB\nconnect_timeout 2 seconds\nshutdown_lifetime 0 seconds
pid_filename none\nnetdb_filename none\npinger_enable off\nmax_filedescriptors 1024\ncoredump_dir {dir}
cache_log {dir}/cache.log\naccess_log stdio:{dir}/access.log\n"
    );
    for exit in exits {
        text += &format!("tcp_outgoing_address {exit}\n");
    }
    text
}
