//! The lab itself: builds everything, runs commands in its nodes, and takes it all away when dropped.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{fs, thread};

use anyhow::{Context, Result, anyhow, bail};

use crate::bgp::Routers;
use crate::namespace::Namespace;
use crate::nursery;
use crate::pki::{self, Pki};
use crate::plan::{NODES, RESOLVER};
use crate::position::{BASELINE, Position, fixed_routes};
use crate::server::Server;
use crate::tools::{command, missing_tools};
use crate::tunnel::Tunnel;
use crate::wiring;
use crate::zones::{self, Overrides, ZONES};

/// A small Internet. Several live side by side, in one process or in many; dropping one leaves nothing behind.
#[derive(Debug)]
pub struct Lab {
    pub(crate) servers: BTreeMap<Server, Child>,
    pub(crate) bgp: Option<Routers>,
    pub(crate) tunnel: Option<Tunnel>,
    nodes: BTreeMap<&'static str, Namespace>,
    pub(crate) position: Position,
    pub(crate) overrides: Overrides,
    pub(crate) pki: Pki,
    dir: Directory,
}

impl Lab {
    /// Builds the network, the certificates and the servers, all switches at the baseline.
    ///
    /// # Errors
    /// A program is missing, the privilege is (see [`crate::enter`]), or a server did not start; each says what to do.
    pub fn build() -> Result<Self> {
        let missing = missing_tools();
        if !missing.is_empty() {
            let programs: Vec<&str> = missing.iter().map(|tool| tool.program).collect();
            bail!(
                "these programs are missing: {}; install them with `sudo tests/install`",
                programs.join(", ")
            );
        }
        let dir = Directory::make()?;
        let (nodes, pki) = thread::scope(|scope| {
            let pki = scope.spawn(|| pki::make(&dir.path.join("pki")));
            let nodes = network(&dir.path);
            (nodes, pki.join())
        });
        let pki = pki.map_err(|_| anyhow!("the thread that makes certificates panicked"))??;
        let (nodes, position) = (nodes?, BASELINE);
        let mut lab = Self {
            servers: BTreeMap::new(),
            bgp: None,
            tunnel: None,
            nodes,
            position,
            overrides: Overrides::new(),
            pki,
            dir,
        };
        for zone in ZONES {
            lab.write_zone(zone)?;
        }
        fs::write(
            lab.dir().join("resolv.conf"),
            format!("nameserver {RESOLVER}\noptions timeout:5 attempts:1\n"),
        )?;
        lab.staple()?;
        for server in Server::ALL {
            let child = server.start(lab.node(server.node())?, lab.dir(), &lab.pki)?;
            lab.servers.insert(server, child);
        }
        for (server, mut child) in std::mem::take(&mut lab.servers) {
            let listening = server.wait(&mut child, lab.node(server.node())?, lab.dir());
            lab.servers.insert(server, child);
            listening?;
        }
        Ok(lab)
    }

    /// The lab's temporary directory: `pki/`, zone files, server configurations and logs.
    pub fn dir(&self) -> &Path {
        &self.dir.path
    }

    /// The certificate of the lab's root CA, in PEM.
    pub fn root_certificate(&self) -> PathBuf {
        self.pki.file("root.pem")
    }

    /// The certificate of the CA with which the edge inspects TLS, in PEM.
    pub fn inspection_ca(&self) -> PathBuf {
        self.pki.file("inspection-ca.pem")
    }

    /// A command that runs `argv` inside `node` and dies with the thread that starts it. On `host`, `/etc/resolv.conf` names the lab's resolver.
    ///
    /// # Errors
    /// There is no such node.
    pub fn command(&self, node: &str, argv: &[&str]) -> Result<Command> {
        let namespace = self.node(node)?;
        if node != "host" {
            return Ok(namespace.command(argv));
        }
        let resolver = self.dir().join("resolv.conf").display().to_string();
        let bind = ["unshare", "--mount", "--", "sh", "-c", BIND_AND_EXEC, &resolver];
        Ok(namespace.command(&[&bind, argv].concat()))
    }

    /// Runs `argv` inside `node` to its end. A failing program is not an error here: see the status.
    ///
    /// # Errors
    /// There is no such node, or the program cannot be started.
    pub fn exec(&self, node: &str, argv: &[&str]) -> Result<Output> {
        self.command(node, argv)?.output().with_context(|| format!("cannot start {argv:?} in `{node}`"))
    }

    /// The process that holds the namespace of `node`: `nsenter --net=/proc/PID/ns/net` gets in from outside.
    ///
    /// # Errors
    /// There is no such node.
    pub fn pid(&self, node: &str) -> Result<u32> {
        Ok(self.node(node)?.pid())
    }

    pub(crate) fn node(&self, name: &str) -> Result<&Namespace> {
        self.nodes.get(name).with_context(|| {
            let names: Vec<&str> = NODES.iter().map(|node| node.name).collect();
            format!("there is no node `{name}`; there are {}", names.join(", "))
        })
    }

    pub(crate) fn namespaces(&self) -> impl Iterator<Item = &Namespace> {
        self.nodes.values()
    }

    pub(crate) fn write_zone(&self, zone: &str) -> Result<()> {
        let file = self.dir().join(zones::file_name(zone));
        fs::write(&file, zones::zone(zone, &self.overrides))
            .with_context(|| format!("cannot write {}", file.display()))
    }

    /// Makes the OCSP response that one server staples.
    fn staple(&self) -> Result<()> {
        let file = |name: &str| self.pki.file(name).display().to_string();
        let (issuer, key) = (file("issuing.pem"), file("issuing.key"));
        let made = command("openssl")
            .args(["ocsp", "-issuer", &issuer, "-cert", &file("staple.azure.example.pem"), "-CA", &issuer])
            .args(["-rsigner", &issuer, "-rkey", &key, "-index", &file("issuing.index"), "-ndays", "7"])
            .args(["-respout", &file("staple.der"), "-noverify"])
            .output()?;
        if !self.pki.file("staple.der").exists() {
            bail!("`openssl ocsp` made no response to staple: {}", String::from_utf8_lossy(&made.stderr));
        }
        Ok(())
    }
}

/// `$0` is the resolver configuration, the rest the command.
pub(crate) const BIND_AND_EXEC: &str = r#"mount --bind "$0" /etc/resolv.conf && exec "$@""#;

impl Drop for Lab {
    fn drop(&mut self) {
        for child in self.servers.values_mut() {
            // Both fail only when it has ended already, which is what is wanted.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Makes all namespaces, joins them and puts the baseline routes in place.
fn network(mark: &Path) -> Result<BTreeMap<&'static str, Namespace>> {
    let started: Result<Vec<_>> =
        NODES.iter().map(|node| Ok((node, Namespace::start(node.name, node.router, mark)?))).collect();
    let mut nodes = BTreeMap::new();
    for (node, mut namespace) in started? {
        namespace.ready()?;
        nodes.insert(node.name, namespace);
    }
    let pid = |name: &str| nodes.get(name).map_or(0, Namespace::pid);
    for (name, namespace) in &nodes {
        let links = wiring::links(name, pid);
        if !links.is_empty() {
            namespace.feed(&["ip", "-batch", "-"], &links)?;
        }
    }
    let routes = [fixed_routes(), BASELINE.routes()].concat();
    thread::scope(|scope| {
        let work: Vec<_> = nodes
            .iter()
            .map(|(name, namespace)| {
                let batch = wiring::addresses(name) + &wiring::routes(name, "add", routes.iter());
                scope.spawn(move || -> Result<()> {
                    namespace.feed(&["ip", "-batch", "-"], &batch)?;
                    if let Some(rules) = wiring::rules(name) {
                        namespace.feed(&["nft", "-f", "-"], &rules)?;
                    }
                    Ok(())
                })
            })
            .collect();
        work.into_iter()
            .try_for_each(|work| work.join().map_err(|_| anyhow!("a thread that wires a node panicked"))?)
    })?;
    Ok(nodes)
}

/// A directory that goes when the lab goes, also when this process is killed: a janitor outside waits for the end of a
/// pipe that only this process holds. It also ends what the lab's programs have started and left.
#[derive(Debug)]
pub(crate) struct Directory {
    pub(crate) path: PathBuf,
    janitor: Child,
}

/// `$0` is the directory, with which every process of the lab is marked. Signals from the keyboard are for others.
const SWEEP: &str = r#"trap '' INT TERM HUP
read -r end
for round in 1 2 3 4 5 6 7 8 9; do
  left=$(grep -lszxF "CLOSEDPATH_LAB=$0" /proc/[0-9]*/environ | cut -d/ -f3)
  [ -n "$left" ] || break
  kill -KILL $left
done 2>/dev/null
exec rm -rf "$0""#;

impl Directory {
    pub(crate) fn make() -> Result<Self> {
        static NEXT: AtomicUsize = AtomicUsize::new(1);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("cp{}x{number}", std::process::id()));
        if path.display().to_string().contains([' ', '"', ';']) {
            bail!(
                "the temporary directory {} has a character that server configurations cannot hold",
                path.display()
            );
        }
        fs::create_dir(&path).with_context(|| format!("cannot make {}", path.display()))?;
        let mut sweep = command("sh");
        sweep.args(["-c", SWEEP]).arg(&path);
        sweep.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let janitor = nursery::spawn(sweep).context("cannot start `sh`")?;
        fs::create_dir(path.join("pki"))?;
        Ok(Self { path, janitor })
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        drop(self.janitor.stdin.take());
        // Nothing can be done about a failure here, and it harms nobody: it is below the temporary directory.
        let _ = self.janitor.wait();
    }
}
