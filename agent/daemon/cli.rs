//! The command line (DESIGN §4.1): arguments in, a [`Cli`] out. It reads no file and decides nothing.
//!
//! Usage errors end with status 2, which is clap's own.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Shows, with proof, which path every connection to Microsoft's services really takes, and whether a closed network is closed.
#[derive(Debug, Parser)]
#[command(name = "closedpath", version, arg_required_else_help = true, max_term_width = 100)]
#[command(
    after_help = "Start with `closedpath check`: it needs no configuration and no root.\nThen `closedpath config example > closedpath.toml`, declare your links, and check again."
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Probe everything once, print what was found and the verdict
    #[command(long_about = CHECK, after_long_help = CHECK_MORE)]
    Check(Check),
    /// Keep probing; serve the status page and the metrics
    #[command(long_about = RUN)]
    Run(Run),
    /// Probe, then show everything known about one destination, with the reasoning
    #[command(long_about = EXPLAIN, after_long_help = EXPLAIN_MORE)]
    Explain(Explain),
    /// List every destination that the agent itself may contact
    #[command(long_about = EGRESS)]
    Egress(Egress),
    /// Check a configuration file, or print its schema or an example
    Config {
        /// What to do with it.
        #[command(subcommand)]
        command: ConfigCommand,
    },
    /// The built-in catalogues: what Microsoft's services need to reach
    Catalog {
        /// What to show.
        #[command(subcommand)]
        command: CatalogCommand,
    },
}

const CHECK: &str = "Probes everything once: is the promised closed network true, and if not, what exactly is still needed from outside?

Every name of the workloads is resolved, every address contacted, every CRL, OCSP and AIA host behind the certificates too. \
Each connection gets the path it really took, with the evidence. What cannot be told is `unknown`, with the reason.

Without --config it uses the built-in catalogues and no topology: all paths are then honestly unknown.";

const CHECK_MORE: &str = "Exit status:
  0  the policy is satisfied: CLOSED, or CLOSED_EXCEPT what the policy allows
  1  NOT_CLOSED: something leaves by the Internet
  2  wrong usage or configuration; nothing was judged
  3  UNDETERMINED: something answers on a path that cannot be told
  4  CLOSED_BUT_BROKEN: no leak, but something needed is not to be had

Examples:
  closedpath check
  closedpath check --config /etc/closedpath/closedpath.toml --workload arc
  closedpath check --config closedpath.toml --format json --output report.json";

const RUN: &str =
    "Keeps probing by the schedule of the configuration and serves, on the addresses of [http] listen:

  /             the status page
  /metrics      Prometheus metrics
  /report.json  the last complete round
  /-/healthy    200 while the process lives
  /-/ready      200 after the first complete round

Example:
  closedpath run --config /etc/closedpath/closedpath.toml";

const EXPLAIN: &str = "Shows everything known about one destination: its names and addresses, each piece of evidence and what it decided, \
whether ExpressRoute could carry it, its certificates, who needs it, and the commands that check all this by hand.

The destination is a name, an address, or either with a port. It must belong to the configured workloads or to what they lead to.";

const EXPLAIN_MORE: &str = "Examples:
  closedpath explain login.microsoftonline.com
  closedpath explain login.microsoftonline.com:443 --config closedpath.toml
  closedpath explain 10.100.0.4
  closedpath explain [2603:1046::1]:443";

const EGRESS: &str = "Lists every destination that the agent may contact with this configuration, for the firewall's rules and for whoever has to approve it. \
It sends nothing.

Example:
  closedpath egress --config closedpath.toml";

/// Arguments of `check`.
#[derive(Debug, Args)]
pub struct Check {
    /// The configuration; without it, the built-in catalogues and no topology
    #[arg(long, value_name = "F")]
    pub config: Option<PathBuf>,
    /// Only this workload; may be given several times
    #[arg(long = "workload", value_name = "W")]
    pub workloads: Vec<String>,
    /// With [bmp]: how long to wait for the routers' tables; the report says which are missing
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = humantime::parse_duration)]
    pub bmp_wait: Duration,
    /// How to print the report
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
    /// Write to this file instead of standard output
    #[arg(long, value_name = "F")]
    pub output: Option<PathBuf>,
}

/// Formats of `check`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people at a terminal
    Table,
    /// Everything (closedpath.report/1)
    Json,
    /// A page of its own, for a browser
    Html,
    /// One line per endpoint and address
    Csv,
    /// For a ticket or a wiki
    Markdown,
}

/// Arguments of `run`.
#[derive(Debug, Args)]
pub struct Run {
    /// The configuration
    #[arg(long, value_name = "F")]
    pub config: PathBuf,
}

/// Arguments of `explain`.
#[derive(Debug, Args)]
pub struct Explain {
    /// The destination: a name, an address, or either with a port
    #[arg(value_name = "NAME|IP[:PORT]")]
    pub destination: String,
    /// The configuration; without it, the built-in catalogues and no topology
    #[arg(long, value_name = "F")]
    pub config: Option<PathBuf>,
}

/// Arguments of `egress`.
#[derive(Debug, Args)]
pub struct Egress {
    /// The configuration; without it, the built-in catalogues
    #[arg(long, value_name = "F")]
    pub config: Option<PathBuf>,
}

/// What to do with the configuration.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Say what is wrong in a configuration file, with line and column; status 2 if anything is
    Check(ConfigCheck),
    /// Print the JSON Schema of the configuration, or of the report that `check --format json` prints
    Schema {
        /// That of the report (closedpath.report/1)
        #[arg(long)]
        report: bool,
    },
    /// Print an example with every key explained
    Example,
}

/// Arguments of `config check`.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct ConfigCheck {
    /// The file
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// The same, as the other commands name it
    #[arg(long, value_name = "F")]
    pub config: Option<PathBuf>,
}

impl ConfigCheck {
    /// The file, however it was named.
    pub fn path(&self) -> Option<&PathBuf> {
        self.file.as_ref().or(self.config.as_ref())
    }
}

/// What to show of the catalogues.
#[derive(Debug, Subcommand)]
pub enum CatalogCommand {
    /// Their names
    List,
    /// One of them: its entries and sources
    Show {
        /// Its name, as `catalog list` prints it
        name: String,
    },
}

#[cfg(test)]
mod tests {
    use super::{Cli, Command, ConfigCommand, Format};
    use clap::{CommandFactory, Parser};

    #[test]
    fn the_definitions_are_sound_and_wrong_usage_ends_with_status_2() {
        Cli::command().debug_assert();
        for wrong in [
            &["closedpath", "chek"][..],
            &["closedpath", "run"],
            &["closedpath", "check", "--format", "pdf"],
            &["closedpath", "config", "check"],
            &["closedpath", "config", "check", "a.toml", "--config", "b.toml"],
        ] {
            let error = Cli::try_parse_from(wrong).expect_err("it is wrong");
            assert_eq!(error.exit_code(), 2, "{wrong:?}");
        }
    }

    #[test]
    fn check_takes_several_workloads_and_prints_a_table_by_default() {
        let cli = Cli::try_parse_from(["closedpath", "check", "--workload", "a", "--workload", "b"]).unwrap();
        let Command::Check(check) = cli.command else { panic!("it is check") };
        assert_eq!(check.workloads, ["a", "b"]);
        assert_eq!((check.format, check.config), (Format::Table, None));
        assert_eq!(check.bmp_wait.as_secs(), 10);
    }

    #[test]
    fn the_file_of_config_check_may_be_named_either_way() {
        for words in [
            &["closedpath", "config", "check", "a.toml"][..],
            &["closedpath", "config", "check", "--config", "a.toml"],
        ] {
            let Command::Config { command: ConfigCommand::Check(check) } =
                Cli::try_parse_from(words).unwrap().command
            else {
                panic!("it is config check")
            };
            assert_eq!(
                check.path().map(|path| path.to_string_lossy().into_owned()).as_deref(),
                Some("a.toml")
            );
        }
    }

    #[test]
    fn the_help_of_check_explains_every_exit_status() {
        let help =
            Cli::command().find_subcommand_mut("check").expect("it exists").render_long_help().to_string();
        for verdict in
            ["0  the policy", "1  NOT_CLOSED", "2  wrong", "3  UNDETERMINED", "4  CLOSED_BUT_BROKEN"]
        {
            assert!(help.contains(verdict), "{verdict} is missing in:\n{help}");
        }
    }
}
