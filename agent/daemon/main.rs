//! The `closedpath` program.

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use closedpath::cli::Cli;
use closedpath::commands;

fn main() -> ExitCode {
    closedpath_net::kernel::give_large_blocks_back();
    match commands::execute(Cli::parse()) {
        Ok(status) => status,
        Err(error) => {
            // Where nobody listens, the status still speaks.
            let _ = writeln!(std::io::stderr(), "closedpath: {error:#}");
            ExitCode::from(commands::USAGE)
        }
    }
}
