//! The lab as a program: `demo` shows the agent at work in it, `exec` runs one command in one of its nodes, `record` writes down
//! what is seen in each position of its switches.

mod demo;
mod program;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use closedpath_lab::{BY_HOPS, BY_TABLES, Lab, Multipath, SPREAD, Situation};

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
    /// Build the lab, and write what its tools see in each position of the switches: FOLDER/in-the-lab-…/recorded.toml.
    ///
    /// Example: closedpath-lab record tests/data/scenarios
    Record {
        /// The folder of the scenarios.
        folder: PathBuf,
    },
}

fn main() -> Result<ExitCode> {
    match Arguments::parse().what {
        What::Demo { agent, port } => demo::demo(agent, port),
        What::Exec { node, command } => {
            program::ready()?;
            let lab = Lab::build()?;
            let argv: Vec<&str> = command.iter().map(String::as_str).collect();
            let status =
                lab.command(&node, &argv)?.status().with_context(|| format!("cannot start {argv:?}"))?;
            Ok(ExitCode::from(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1)))
        }
        What::Record { folder } => {
            program::ready()?;
            let mut lab = Lab::build()?;
            let spread = SPREAD.iter().filter(|situation| situation.position.multipath == Multipath::Edge);
            let (by_hops, by_tables) = (BY_HOPS.iter().chain(&SPREAD), BY_TABLES.iter().chain(spread));
            record(&mut lab, &folder, "by-hops", by_hops)?;
            lab.start_bgp()?;
            record(&mut lab, &folder, "by-tables", by_tables)?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// One folder for each situation.
fn record<'a>(
    lab: &mut Lab,
    folder: &Path,
    by: &str,
    situations: impl Iterator<Item = &'a Situation>,
) -> Result<()> {
    for situation in situations {
        let name = situation.name.to_lowercase().replace(',', "").replace(' ', "-");
        let folder = folder.join(format!("in-the-lab-{by}-{name}"));
        let recorded = lab.record(situation).with_context(|| format!("{by}, {}", situation.name))?;
        std::fs::create_dir_all(&folder)?;
        std::fs::write(folder.join("recorded.toml"), recorded)?;
        println!("{}", folder.display());
    }
    Ok(())
}
