//! The `closedpath` program.

use std::process::ExitCode;

use clap::Parser;
use closedpath::cli::Cli;
use closedpath::commands;

fn main() -> ExitCode {
    match commands::execute(Cli::parse()) {
        Ok(status) => status,
        Err(error) => {
            eprintln!("closedpath: {error:#}");
            ExitCode::from(commands::USAGE)
        }
    }
}
