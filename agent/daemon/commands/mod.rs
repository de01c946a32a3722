//! What each command does: one function per command, returning the exit status (DESIGN §4.1).

mod catalog;
mod check;
mod config;
mod data;
mod egress;
mod explain;
mod plan;
mod progress;
mod run;

use std::process::ExitCode;

use anyhow::Result;

use crate::cli::{Cli, Command};

/// Wrong usage or configuration.
pub const USAGE: u8 = 2;

/// Carries out what the command line asks for.
pub fn execute(cli: Cli) -> Result<ExitCode> {
    match cli.command {
        Command::Check(arguments) => check::check(&arguments),
        Command::Run(arguments) => run::run(&arguments),
        Command::Explain(arguments) => explain::explain(&arguments),
        Command::Plan(arguments) => plan::plan(&arguments),
        Command::Egress(arguments) => egress::egress(&arguments),
        Command::Config { command } => config::config(&command),
        Command::Catalog { command } => catalog::catalog(&command),
        Command::Data { command } => data::data(&command),
    }
}

/// Prints to standard output; a reader that has gone away (`| head`) is no error.
fn print(text: &str) -> Result<()> {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(anyhow::Error::new(error).context("cannot write to standard output"))
        }
        _ => Ok(()),
    }
}

/// A runtime for one command: probing is mostly waiting, so few threads do.
fn runtime() -> Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?)
}
