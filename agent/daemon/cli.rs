//! The command line (DESIGN §4.1): arguments in, a [`Cli`] out. It reads no file and decides nothing.
//!
//! Usage errors end with status 2, which is clap's own.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::data::Kind;

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
    /// Say what ExpressRoute could carry and what still needs the Internet, without probing
    #[command(long_about = PLAN, after_long_help = PLAN_MORE)]
    Plan(Plan),
    /// List every destination that the agent itself may contact
    #[command(long_about = EGRESS)]
    Egress(Egress),
    /// Check a configuration file, or print its schema or an example
    Config {
        /// What to do with it.
        #[command(subcommand)]
        command: ConfigCommand,
    },
    /// The catalogues: what Microsoft's services need to reach
    #[command(long_about = CATALOG)]
    Catalog {
        /// What to show.
        #[command(subcommand)]
        command: CatalogCommand,
    },
    /// The data that conclusions rest on: how old it is, newer files, and what they change
    #[command(long_about = DATA)]
    Data {
        /// What to do with it.
        #[command(subcommand)]
        command: DataCommand,
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

const PLAN: &str = "Says, before a circuit is ordered or changed, what ExpressRoute could carry of everything the workloads need, what it could not and why, \
and what the Internet remains necessary for even with everything approved.

It judges from data alone: Azure service tags, Microsoft 365 endpoints, BGP communities, the catalogues. It probes nothing: names are \
resolved through the configured resolvers and nothing else is sent; with --offline not even that. What data cannot tell is `unknown`, \
with the reason. It says what could be; which path is really taken only `closedpath check` shows.

  ER? now       with the circuits as the configuration declares them
  ER? approved  with a Premium circuit, every community in the route filter, and Microsoft 365 authorised

Without --config it takes the built-in catalogues, and knows no circuit.";

const PLAN_MORE: &str = "The answers:
  private          in a declared virtual network: private peering carries it
  12076:51012      Microsoft peering carries it by this community
  if …             it would, under the condition named
  no               it cannot; the reason stands below the line
  stays            it does not leave the site
  ?                the data does not tell

The exit status is 0 whatever the answer is: a plan is no verdict. 2: wrong usage or configuration.

Examples:
  closedpath plan --offline
  closedpath plan --config closedpath.toml --workload arc
  closedpath plan --config closedpath.toml --format csv --output plan.csv
  closedpath plan --config closedpath.toml --format json | jq -r '.workloads[].sentence'";

const CATALOG: &str = "The catalogues: what Microsoft's services need to reach, as data with source and date.

A wildcard is never made into invented names: `closedpath` looks at the samples that the documentation gives and at the names that \
a workload's parameters give, and says so. `<region>` and other placeholders are filled in from the parameters; what stays open is skipped, \
and the workload is then never called closed.";

const CATALOG_CHECK: &str = "Says what is wrong in a catalogue of your own, or what it contains: how many destinations, which placeholders its workloads have to \
fill in, which wildcards have no known name. Status 2 if anything is wrong. The built-in catalogues are examples of the format: config/catalogs.
It is used once [data] of the configuration names the file in `catalogs`, and a workload its `service`.

Example:
  closedpath catalog check my-service.toml";

const EGRESS: &str = "Lists every destination that the agent may contact with this configuration, for the firewall's rules and for whoever has to approve it. \
It sends nothing.

Example:
  closedpath egress --config closedpath.toml";

const DATA: &str = "Azure service tags, Microsoft 365 endpoints and the table of autonomous systems say who owns an address and whether \
ExpressRoute could carry it. They never decide which path a connection takes.

Which file is in force: the one that [data] of the configuration names; else the newer of the one in state_dir/data (put there by \
`update` or `import`) and the embedded one. Service tags that are older than 45 days decide nothing: what rests on them is then \
unknown(stale_data). Start with `closedpath data status`.";

const DATA_UPDATE: &str = "Fetches newer files and puts them into force for the next check (a running daemon reads them when it starts).

  service-tags  the page www.microsoft.com/en-us/download/details.aspx?id=56519 names the week's file on download.microsoft.com
  m365          endpoints.office.com: the version is asked for at most once an hour, the list only when it has changed
  asn           iptoasn.com: only when it is named with --only, since it is not Microsoft's

Each file is read as a table before it replaces anything; the one before is kept beside it. A file that is broken, empty or older \
than the one in force changes nothing.

--from takes an internal mirror instead: a folder URL under which service-tags.json, m365.json and asn.tsv.gz lie (only those \
that are named with --only, or the first two), or the URL of one file. What a mirror names may be an internal address.

Examples:
  closedpath data update
  closedpath data update --only m365 --proxy http://proxy.example:3128
  closedpath data update --from https://mirror.example/closedpath/";

const DATA_IMPORT: &str = "Takes a file that was carried in by hand, finds out what it is, and puts it into force for the next check.

It may be: Azure service tags (JSON, every cloud and year), Microsoft 365 endpoints (JSON), or a table of autonomous systems \
(iptoasn TSV, ip-location-db CSV, MaxMind-format MMDB); plain or gzip, UTF-8 or UTF-16. The date in its name counts as its date. \
The file that was in force before is kept beside it. A broken file changes nothing.

Examples:
  closedpath data import ServiceTags_Public_20251110.json
  closedpath data import --dry-run ip2asn-combined.tsv.gz";

const DATA_DIFF: &str = "Compares two files of one kind, without sending anything: what was added and removed, and with --config or --report which \
of your own endpoints change owner, region, or what ExpressRoute could carry.

Addresses are those that the configuration writes down, and those that a report of `check --format json` saw. Both files are judged \
as if they were of today.

Example:
  closedpath data diff ServiceTags_Public_20251103.json ServiceTags_Public_20251110.json --config closedpath.toml --report report.json";

/// Arguments of `check`.
#[derive(Debug, Args)]
pub struct Check {
    /// The configuration; without it, the built-in catalogues and no topology
    #[arg(long, value_name = "F")]
    pub config: Option<PathBuf>,
    /// Only this workload; may be given several times
    #[arg(long = "workload", value_name = "W")]
    pub workloads: Vec<String>,
    /// With a `bmp` section: how long to wait for the routers' tables; the report says which are missing
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

/// Arguments of `plan`.
#[derive(Debug, Args)]
pub struct Plan {
    /// The configuration; without it, the built-in catalogues and no circuit
    #[arg(long, value_name = "F")]
    pub config: Option<PathBuf>,
    /// Send nothing at all: names are not resolved
    #[arg(long)]
    pub offline: bool,
    /// Only this workload; may be given several times
    #[arg(long = "workload", value_name = "W")]
    pub workloads: Vec<String>,
    /// How to print it
    #[arg(long, value_enum, default_value_t = PlanFormat::Table)]
    pub format: PlanFormat,
    /// Write to this file instead of standard output
    #[arg(long, value_name = "F")]
    pub output: Option<PathBuf>,
}

/// Formats of `plan`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PlanFormat {
    /// For people at a terminal
    Table,
    /// Everything (closedpath.plan/1)
    Json,
    /// One line per destination and address
    Csv,
    /// For a ticket or a wiki
    Markdown,
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
    /// Print the JSON Schema of the configuration, or of what `check` or `plan` prints with `--format json`
    Schema {
        /// That of the report (closedpath.report/1)
        #[arg(long)]
        report: bool,
        /// That of the plan (closedpath.plan/1)
        #[arg(long, conflicts_with = "report")]
        plan: bool,
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
    List {
        /// The configuration whose own catalogues are listed, too
        #[arg(long, value_name = "F")]
        config: Option<PathBuf>,
    },
    /// One of them: its entries and sources
    Show {
        /// Its name, as `catalog list` prints it
        name: String,
        /// The configuration that may name it in data.catalogs
        #[arg(long, value_name = "F")]
        config: Option<PathBuf>,
    },
    /// Say what is wrong in a catalogue of your own, or what it contains
    #[command(long_about = CATALOG_CHECK)]
    Check {
        /// The file
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}

/// What to do with the data.
#[derive(Debug, Subcommand)]
pub enum DataCommand {
    /// List the data sets in force: version, date, age, source, and what is too old
    Status(DataStatus),
    /// Fetch newer files from Microsoft or from a mirror
    #[command(long_about = DATA_UPDATE)]
    Update(DataUpdate),
    /// Put a file into force that was carried in by hand
    #[command(long_about = DATA_IMPORT)]
    Import(DataImport),
    /// Say what a newer file changes, and for which of your endpoints
    #[command(long_about = DATA_DIFF)]
    Diff(DataDiff),
    /// Make the snapshot that is built into the program
    #[command(hide = true)]
    Pack(DataPack),
}

/// Arguments of `data status`.
#[derive(Debug, Args)]
pub struct DataStatus {
    /// The configuration; without it, the default state_dir and the embedded data
    #[arg(long, value_name = "F")]
    pub config: Option<PathBuf>,
}

/// Arguments of `data update`.
#[derive(Debug, Args)]
pub struct DataUpdate {
    /// The configuration: state_dir, resolvers and trust anchors
    #[arg(long, value_name = "F")]
    pub config: Option<PathBuf>,
    /// Only this data set; may be given several times [default: service-tags and m365]
    #[arg(long, value_enum, value_name = "KIND")]
    pub only: Vec<Kind>,
    /// An internal mirror instead of the vendors: a folder ending in `/`, or one file
    #[arg(long, value_name = "URL")]
    pub from: Option<String>,
    /// A forward proxy, as in `http://user:password@proxy.example:3128` (https:// where it speaks TLS itself), or the name of one in the configuration
    #[arg(long, value_name = "URL|NAME")]
    pub proxy: Option<String>,
    /// Fetch and read, but put nothing into force
    #[arg(long)]
    pub dry_run: bool,
}

/// Arguments of `data import`.
#[derive(Debug, Args)]
pub struct DataImport {
    /// The file
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The configuration, for its state_dir
    #[arg(long, value_name = "F")]
    pub config: Option<PathBuf>,
    /// Read it and say what it is, but put nothing into force
    #[arg(long)]
    pub dry_run: bool,
}

/// Arguments of `data diff`.
#[derive(Debug, Args)]
pub struct DataDiff {
    /// The older file
    #[arg(value_name = "OLD")]
    pub old: PathBuf,
    /// The newer file, of the same kind
    #[arg(value_name = "NEW")]
    pub new: PathBuf,
    /// The configuration, for your circuits and endpoints
    #[arg(long, value_name = "F")]
    pub config: Option<PathBuf>,
    /// A report of `check --format json`, for the addresses that your endpoints have
    #[arg(long, value_name = "REPORT.json")]
    pub report: Option<PathBuf>,
}

/// Arguments of `data pack`.
#[derive(Debug, Args)]
pub struct DataPack {
    /// Azure service tags
    #[arg(long, value_name = "F")]
    pub service_tags: PathBuf,
    /// A table of autonomous systems; only Microsoft's ranges are taken
    #[arg(long, value_name = "F")]
    pub asn: PathBuf,
    /// Where to write
    #[arg(long, value_name = "F")]
    pub output: PathBuf,
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
