//! The lab as a program: `demo` shows the agent at work in it, `exec` runs one command in one of its nodes.

mod demo;
mod program;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};

/// A small Internet in network namespaces, with real DNS, TLS, CRL and OCSP servers.
///
/// It stands in for a site with an ExpressRoute circuit. Nothing in it can reach the real Internet, nothing is left of it
/// when the program ends, and no root is needed where the kernel allows user namespaces.
#[derive(Parser)]
#[command(name = "closedpath-lab")]
struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Build the lab, check it with closedpath, then let closedpath run in it and show its page on this machine.
    ///
    /// Type `help` while it runs to see how to take circuits down, cut the Internet and check again.
    Demo {
        /// The closedpath program; without it, it is built from this workspace.
        #[arg(long, value_name = "PATH")]
        agent: Option<PathBuf>,
        /// Port on 127.0.0.1 for the page and the metrics; another one is taken when it is in use.
        #[arg(long, default_value_t = 9806)]
        port: u16,
    },
    /// Build the lab, run one command in one of its nodes, and take the lab away.
    ///
    /// Example: closedpath-lab exec host -- traceroute -T -p 443 blob.azure.example
    Exec {
        /// host, dns, switch, ce, mse1p, mse2p, mse1m, mse2m, vnet, msw, azure, isp, afd, cdn, ca or void
        node: String,
        /// The command and its arguments.
        #[arg(last = true, required = true)]
        command: Vec<String>,
    },
}

fn main() -> Result<ExitCode> {
    match Arguments::parse().what {
        What::Demo { agent, port } => demo::demo(agent, port),
        What::Exec { node, command } => {
            program::ready()?;
            let lab = closedpath_lab::Lab::build()?;
            let argv: Vec<&str> = command.iter().map(String::as_str).collect();
            let status =
                lab.command(&node, &argv)?.status().with_context(|| format!("cannot start {argv:?}"))?;
            Ok(ExitCode::from(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1)))
        }
    }
}
