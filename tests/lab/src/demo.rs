//! The demo: a lab, a check, a running agent whose page is on this machine, and switches on standard input.

use std::io::{BufRead, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitCode, Stdio};
use std::time::Instant;

use anyhow::{Context, Result};
use closedpath_lab::plan::{SECURE_ACCESS_EDGE, VNET_GATEWAY};
use closedpath_lab::{ConfigVariant, DefaultRoute, Lab, Multipath};

use crate::program;

/// Passes the listening socket, which comes as standard input, as systemd does: descriptor 3, for this very process.
const ACTIVATE: &str = r#"exec 3<&0 0</dev/null; export LISTEN_FDS=1 LISTEN_PID=$$; exec "$0" "$@""#;

const HELP: &str = "
  check       check again          withdraw    both MSEEs withdraw their routes
  truth       what is true now     primary     only the primary MSEEs withdraw theirs
  cut         no Internet route    drop        a firewall drops all Internet traffic
  leak        IPv6 to Azure leaks  azure       the default route goes to Azure
  spread      the edge spreads Azure over Microsoft peering and the Internet
  service     a provider of Azure Peering Service comes up
  silent      the MSEEs tell nobody whose time was over
  flip        the private endpoint's name answers the public address
  inspect     the edge opens TLS   proxy       only the proxies may go out
  tunnel      IPsec from the host to a gateway in the VNet
  access      IPsec from the host to an edge of Global Secure Access
  restore     everything as it was at first
  in NODE COMMAND…                 run a command in a node, e.g. `in host traceroute -T -p 443 blob.azure.example`
  quit        (or Ctrl-C)
";

/// Runs the demo until `quit`, Ctrl-C or the agent's end.
pub(crate) fn demo(agent: Option<PathBuf>, port: u16) -> Result<ExitCode> {
    program::ready()?;
    let agent = program::agent(agent)?;
    let listener = listen(port)?;
    let started = Instant::now();
    let mut lab = Lab::build()?;
    let config = lab.config(ConfigVariant::Full)?;
    println!("lab built in {} ms in {}", started.elapsed().as_millis(), lab.dir().display());
    check(&lab, &agent, &config)?;
    let address = listener.local_addr()?;
    let mut running = run(&lab, &agent, &config, listener)?;
    println!("\nclosedpath is running inside the lab; its page and metrics are here:");
    println!("  http://{address}/\n  http://{address}/metrics\n{HELP}");
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        if line.trim() == "quit" {
            running.kill()?;
            running.wait()?;
            return Ok(ExitCode::SUCCESS);
        }
        if let Err(error) = obey(&mut lab, &agent, &config, line.trim()) {
            println!("{error:#}");
        }
        if let Some(status) = running.try_wait()? {
            println!("the running agent has ended: {status}");
            return Ok(ExitCode::FAILURE);
        }
        print!("> ");
        std::io::stdout().flush()?;
    }
    // No more input (a pipe, a service): run until a signal or the agent's end.
    let status = running.wait()?;
    println!("the running agent has ended: {status}");
    Ok(ExitCode::FAILURE)
}

/// Listens on this machine, before anything enters the lab.
fn listen(port: u16) -> Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .or_else(|error| {
            println!("port {port} cannot be had ({error}); taking another one");
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        })
        .context("cannot listen on 127.0.0.1")
}

fn check(lab: &Lab, agent: &Path, config: &Path) -> Result<()> {
    println!("\n$ closedpath check --config {}", config.display());
    let status = lab.agent(agent)?.arg("check").arg("--config").arg(config).status();
    println!("\n{}", status.with_context(|| format!("cannot start {}", agent.display()))?);
    Ok(())
}

fn run(lab: &Lab, agent: &Path, config: &Path, listener: TcpListener) -> Result<Child> {
    let mut command = lab.agent(Path::new("sh"))?;
    command.args(["-c", ACTIVATE]).arg(agent).arg("run").arg("--config").arg(config);
    command.stdin(Stdio::from(OwnedFd::from(listener)));
    command.spawn().with_context(|| format!("cannot start {}", agent.display()))
}

/// Does what one line of input asks for.
fn obey(lab: &mut Lab, agent: &Path, config: &Path, line: &str) -> Result<()> {
    match line {
        "" => Ok(()),
        "check" => check(lab, agent, config),
        "truth" => {
            for truth in closedpath_lab::TRUTH {
                println!("  {:<28} {}", truth.host, lab.truth(truth.host).unwrap_or("(not in the table)"));
            }
            Ok(())
        }
        "withdraw" => lab.withdraw_msees(),
        "primary" => lab.primary_down(),
        "cut" => lab.cut_internet(),
        "drop" => lab.drop_internet(),
        "leak" => lab.ipv6_leak(true),
        "azure" => lab.set_default_route(DefaultRoute::ViaAzure),
        "spread" => lab.spread(Multipath::Edge),
        "service" => lab.peering_service(true),
        "silent" => lab.silent_msees(true),
        "flip" => lab.flip_private_endpoint(true),
        "inspect" => lab.inspect(true),
        "proxy" => lab.proxy_only(true),
        "tunnel" => lab.start_tunnel(&VNET_GATEWAY),
        "access" => lab.start_tunnel(&SECURE_ACCESS_EDGE),
        "restore" | "mend" => lab.restore(),
        _ => match line.split_whitespace().collect::<Vec<_>>().as_slice() {
            ["in", node, command @ ..] if !command.is_empty() => {
                lab.command(node, command)?.stdin(Stdio::null()).status().context("cannot start it")?;
                Ok(())
            }
            _ => {
                println!("{HELP}");
                Ok(())
            }
        },
    }
}
