//! One network namespace that plays the whole outside world: addresses on loopback, DNS, web servers.
//!
//! Public addresses are documentation ranges. The addresses that nobody must be led to are there too: whoever comes is seen.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::os::unix::fs::chown;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::enter::is_root;
use crate::lab::Directory;
use crate::namespace::Namespace;
use crate::nursery;

/// All names are below this one.
pub const ZONE: &str = "torture.example";

/// How long a server may take until it listens.
const PATIENCE: Duration = Duration::from_secs(20);

/// The user that Debian calls `nobody`.
const NOBODY: u32 = 65534;

/// Packets to 203.0.113.99 vanish.
const SILENCE: &str = "add table inet t
add chain inet t i { type filter hook input priority 0; }
add rule inet t i ip daddr 203.0.113.99 drop
";

/// The namespace and its servers; dropping it leaves nothing.
#[derive(Debug)]
pub struct Stage {
    servers: Vec<Child>,
    namespace: Namespace,
    dir: Directory,
}

impl Stage {
    /// Makes the namespace and its addresses. Call [`crate::enter`] first.
    ///
    /// # Errors
    /// The privilege is missing, or a program.
    pub fn raise() -> Result<Self> {
        let dir = Directory::make()?;
        let mut namespace = Namespace::start("torture", false, &dir.path)?;
        namespace.ready()?;
        let mut lines = String::new();
        for last in [10, 11, 12, 20, 30, 31, 53, 66, 71, 72, 73, 74, 75, 99] {
            lines += &format!("addr add 203.0.113.{last}/32 dev lo\n");
        }
        for own in ["2001:db8::10/128", "169.254.169.254/32", "168.63.129.16/32", "10.9.9.9/32"] {
            lines += &format!("addr add {own} dev lo\n");
        }
        namespace.feed(&["ip", "-batch", "-"], &lines)?;
        namespace.feed(&["nft", "-f", "-"], SILENCE)?;
        Ok(Self { servers: Vec::new(), namespace, dir })
    }

    /// Its folder.
    pub fn dir(&self) -> &Path {
        &self.dir.path
    }

    /// Does something inside the namespace; sockets made there stay there.
    ///
    /// # Errors
    /// The namespace cannot be entered.
    pub fn inside<T: Send>(&self, work: impl FnOnce() -> T + Send) -> Result<T> {
        let space = File::open(format!("/proc/{}/ns/net", self.namespace.pid()))?;
        // A thread of its own, because the one that enters a namespace stays in it.
        let enter = || {
            move_into_link_name_space(space.as_fd(), Some(LinkNameSpaceType::Network))?;
            anyhow::Ok(work())
        };
        thread::scope(|scope| scope.spawn(enter).join()).map_err(|_| anyhow!("the work panicked"))?
    }

    /// A listening socket inside.
    ///
    /// # Errors
    /// The address is taken.
    pub fn listen(&self, at: SocketAddr) -> Result<TcpListener> {
        self.inside(|| TcpListener::bind(at))?.with_context(|| format!("cannot listen on {at}"))
    }

    /// Starts the resolver on 203.0.113.53 with these records; every other name below [`ZONE`] is 203.0.113.10.
    ///
    /// # Errors
    /// It does not start.
    pub fn start_dns(&mut self, records: &str) -> Result<()> {
        let dir = self.dir.path.display().to_string();
        let head = "@ SOA ns.torture.example. hostmaster.torture.example. 1 3600 600 86400 30\n@ NS ns.torture.example.\n";
        let text = format!("$ORIGIN {ZONE}.\n$TTL 300\n{head}ns A 203.0.113.53\n* A 203.0.113.10\n{records}");
        fs::write(self.dir.path.join("torture.zone"), text)?;
        fs::write(self.dir.path.join("root.zone"), format!("$ORIGIN .\n$TTL 300\n{head}"))?;
        let zone = |name: &str, file: &str| {
            format!(
                "auth-zone:\n  name: \"{name}\"\n  zonefile: \"{file}\"\n  for-downstream: no\n  for-upstream: yes\n  fallback-enabled: no\n"
            )
        };
        let conf = format!(
            "server:
  interface: 203.0.113.53
  access-control: 0.0.0.0/0 allow
  directory: \"{dir}\"
  chroot: \"\"
  username: \"\"
  pidfile: \"\"
  use-syslog: no
  logfile: \"{dir}/unbound.log\"
  module-config: \"iterator\"
  num-threads: 1
  qname-minimisation: no
  do-not-query-localhost: no
{}{}",
            zone(ZONE, "torture.zone"),
            zone(".", "root.zone")
        );
        fs::write(self.dir.path.join("unbound.conf"), conf)?;
        self.start(&["unbound", "-d", "-c", &format!("{dir}/unbound.conf")], &["203.0.113.53:53"])
    }

    /// Starts a server and waits until it listens on all of these.
    ///
    /// # Errors
    /// It does not.
    pub fn start(&mut self, argv: &[&str], listens_on: &[&str]) -> Result<()> {
        let log = self.dir.path.join(format!("server{}.log", self.servers.len()));
        let file = File::create(&log)?;
        let mut command = self.namespace.command(argv);
        command.current_dir(&self.dir.path);
        // Servers must be able to show certificates that no administrator should.
        let weak = self.dir.path.join("weak.conf");
        fs::write(&weak, "openssl_conf = a\n[a]\nssl_conf = b\n[b]\nsystem_default = c\n[c]\nCipherString = DEFAULT@SECLEVEL=0\n")?;
        command.env("OPENSSL_CONF", weak);
        command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
        self.servers.push(nursery::spawn(command)?);
        let words = || fs::read_to_string(&log).unwrap_or_default();
        for at in listens_on {
            let at: SocketAddr = at.parse()?;
            let began = Instant::now();
            while self.inside(|| TcpStream::connect(at))?.is_err() {
                if let Some(server) = self.servers.last_mut()
                    && let Some(status) = server.try_wait()?
                {
                    bail!("{argv:?} ended ({status}): {}", words());
                }
                if began.elapsed() > PATIENCE {
                    bail!("{argv:?} does not listen on {at}: {}", words());
                }
                thread::sleep(Duration::from_millis(2));
            }
        }
        Ok(())
    }

    /// A command inside, as an unprivileged user without capabilities.
    ///
    /// # Errors
    /// The state directory cannot be made.
    pub fn agent(&self, program: &str) -> Result<Command> {
        let state = self.dir.path.join("state");
        if !state.exists() {
            fs::create_dir(&state)?;
            if is_root() {
                chown(&state, Some(NOBODY), Some(NOBODY))?;
            }
        }
        let mut argv = vec!["setpriv", "--no-new-privs", "--inh-caps=-all", "--ambient-caps=-all"];
        argv.push("--bounding-set=-all");
        let user = NOBODY.to_string();
        if is_root() {
            argv.extend(["--reuid", &user, "--regid", &user, "--clear-groups"]);
        }
        argv.extend(["--", program]);
        Ok(self.namespace.command(&argv))
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        for server in &mut self.servers {
            // Both fail only when it has ended already, which is what is wanted.
            let _ = server.kill();
            let _ = server.wait();
        }
    }
}
