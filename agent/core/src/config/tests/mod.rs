//! The configuration from text to plan or message, as an operator meets it.

mod contract;
mod example;
mod plans;
mod robust;
mod secrets;
mod sections;
mod syntax;
mod topology;
mod workloads;

use super::{Plan, parse};

const CATALOGS: [&str; 2] = ["azure-arc-servers", "azure-monitor-agent"];

fn plan(text: &str) -> Plan {
    parse("f.toml", text, &CATALOGS).unwrap_or_else(|errors| panic!("{errors}"))
}

/// Every error as `LINE:COLUMN: message / help`.
fn errors(text: &str) -> Vec<String> {
    let errors = parse("f.toml", text, &CATALOGS).expect_err("the text has errors");
    let one = |error: &super::ConfigError| {
        format!("{}:{}: {} / {}", error.line, error.column, error.message, error.help)
    };
    errors.errors().iter().map(one).collect()
}
