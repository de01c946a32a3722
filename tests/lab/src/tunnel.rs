//! An IPsec tunnel (IKEv2, ESP) from the agent's host to a gateway, by two strongSwans: to the VNet's over private peering, or to an
//! edge of Global Secure Access over the Internet, as a remote network has it.
//!
//! The ESP is that of their plug-in `kernel-libipsec`: in user space on a TUN device, `ipsec0`, inside UDP, because kernels
//! without ESP are common where tests run. The kernel sees a route to a device, and no XFRM state.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::lab::Lab;
use crate::nursery;
use crate::plan::{AGENT_HOST, Gateway};
use crate::tools::command;

/// The program; it needs no systemd.
const CHARON: &str = "/usr/sbin/charon-systemd";
/// The device that its plug-in makes.
pub const TUNNEL_INTERFACE: &str = "ipsec0";
/// How long it may take until it listens for its configuration.
const PATIENCE: Duration = Duration::from_secs(10);

/// Both ends; they end with this, and their devices and routes with them.
#[derive(Debug)]
pub(crate) struct Tunnel {
    to: &'static Gateway,
    running: Vec<Child>,
}

impl Drop for Tunnel {
    fn drop(&mut self) {
        for child in &mut self.running {
            // Both fail only when it has ended already.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Lab {
    /// Brings up a tunnel from the host to a gateway, through which what is behind it is then reached. There is one at a time.
    /// It stays up for as long as its packets arrive.
    ///
    /// # Errors
    /// strongSwan is missing, or one of its ends does not start, or they do not agree.
    pub fn start_tunnel(&mut self, to: &'static Gateway) -> Result<()> {
        if self.tunnel.as_ref().is_some_and(|tunnel| tunnel.to == to) {
            return Ok(());
        }
        self.stop_tunnel();
        if !Path::new(CHARON).exists() {
            bail!(
                "{CHARON} is missing: the package charon-systemd has it; install it with `sudo tests/install`"
            );
        }
        let ends = [(to.node, gateway(to)), ("host", host(to))];
        let mut tunnel = Tunnel { to, running: Vec::new() };
        for (node, connections) in &ends {
            tunnel.running.push(self.charon(node, connections)?);
        }
        for (node, _) in &ends {
            let began = Instant::now();
            while !self.tunnel_dir(node).join("vici").exists() {
                if began.elapsed() > PATIENCE {
                    bail!(
                        "the charon of `{node}` did not start; see {}",
                        self.tunnel_dir(node).join("log").display()
                    );
                }
                std::thread::sleep(Duration::from_millis(5));
            }
            self.swanctl(node, &["--load-all", "--noprompt"])?;
        }
        self.swanctl("host", &["--initiate", "--child", "behind", "--timeout", "10"])?;
        self.tunnel = Some(tunnel);
        Ok(())
    }

    /// Ends it.
    pub fn stop_tunnel(&mut self) {
        let Some(Tunnel { to, .. }) = self.tunnel.take() else { return };
        for node in [to.node, "host"] {
            // The next one waits for its own.
            let _ = fs::remove_file(self.tunnel_dir(node).join("vici"));
        }
    }

    fn tunnel_dir(&self, node: &str) -> PathBuf {
        self.dir().join(format!("ipsec-{node}"))
    }

    fn charon(&self, node: &str, connections: &str) -> Result<Child> {
        let dir = self.tunnel_dir(node);
        fs::create_dir_all(&dir)?;
        fs::write(dir.join("swanctl.conf"), connections)?;
        fs::write(dir.join("strongswan.conf"), settings(&dir))?;
        let log = fs::File::create(dir.join("log"))?;
        let mut command = self.node(node)?.command(&[CHARON]);
        command.env("STRONGSWAN_CONF", dir.join("strongswan.conf"));
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        nursery::spawn(command).with_context(|| format!("cannot start {CHARON}"))
    }

    fn swanctl(&self, node: &str, arguments: &[&str]) -> Result<()> {
        let dir = self.tunnel_dir(node);
        let mut swanctl = command("swanctl");
        swanctl.args(arguments).arg("--uri").arg(format!("unix://{}", dir.join("vici").display()));
        if arguments.contains(&"--load-all") {
            swanctl.arg("--file").arg(dir.join("swanctl.conf"));
        }
        swanctl.env("SWANCTL_DIR", &dir).env("STRONGSWAN_CONF", dir.join("strongswan.conf"));
        let output = swanctl.output().context("cannot start `swanctl`")?;
        if !output.status.success() {
            bail!(
                "swanctl {arguments:?} for `{node}`: {}{}\nits log:\n{}",
                String::from_utf8_lossy(&output.stdout),
                String::from_utf8_lossy(&output.stderr),
                fs::read_to_string(dir.join("charon.log")).unwrap_or_default()
            );
        }
        Ok(())
    }
}

/// The daemon's own settings: `kernel-libipsec` before `kernel-netlink`, which then only looks after addresses and routes.
fn settings(dir: &Path) -> String {
    format!(
        "charon-systemd {{
  load = random nonce aes sha1 sha2 hmac kdf curve25519 kernel-libipsec kernel-netlink socket-default vici
  journal {{ default = -1 }}
  filelog {{ log {{ path = {dir}/charon.log\n default = 1\n flush_line = yes }} }}
  plugins {{ vici {{ socket = unix://{dir}/vici }} }}
}}
swanctl {{ load = random }}
",
        dir = dir.display()
    )
}

/// The host asks for an address of the gateway's pool: the tunnel's own packets go by the host's real one.
fn host(to: &Gateway) -> String {
    let Gateway { address, behind, .. } = to;
    format!(
        "connections {{ gateway {{
  version = 2\n proposals = aes128-sha256-x25519\n local_addrs = {AGENT_HOST}\n remote_addrs = {address}\n vips = 0.0.0.0
  local {{ auth = psk\n id = host }}
  remote {{ auth = psk\n id = gateway }}
  children {{ behind {{ esp_proposals = aes128-sha256\n remote_ts = {behind} }} }}
}} }}
{SECRET}"
    )
}

fn gateway(to: &Gateway) -> String {
    let Gateway { address, behind, pool, .. } = to;
    format!(
        "connections {{ site {{
  version = 2\n proposals = aes128-sha256-x25519\n local_addrs = {address}\n pools = site
  local {{ auth = psk\n id = gateway }}
  remote {{ auth = psk\n id = host }}
  children {{ site {{ esp_proposals = aes128-sha256\n local_ts = {behind} }} }}
}} }}
pools {{ site {{ addrs = {pool} }} }}
{SECRET}"
    )
}

const SECRET: &str = "secrets { ike { id-1 = host\n id-2 = gateway\n secret = \"not a secret\" } }\n";
