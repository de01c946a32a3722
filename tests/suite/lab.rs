//! How the tests use the lab: build it, flip a switch, run the real agent inside as an unprivileged user, read its report.

use std::fs;
use std::path::Path;
use std::process::Output;

use closedpath_lab::{ConfigVariant, Lab};
use serde_json::Value;

/// The agent under test.
pub const AGENT: &str = env!("CARGO_BIN_EXE_closedpath");

/// A lab of its own for one test.
pub fn build() -> Lab {
    closedpath_lab::enter().expect("root, or a kernel that allows user namespaces");
    Lab::build().expect("the lab builds; tests/install installs what it needs")
}

/// The exit status and the report of `check`.
pub fn check(lab: &Lab, variant: ConfigVariant) -> (i32, Value) {
    check_with(lab, variant, "")
}

/// The same with more blocks in the configuration.
pub fn check_with(lab: &Lab, variant: ConfigVariant, more: &str) -> (i32, Value) {
    let config = lab.config(variant).expect("a configuration");
    let text = fs::read_to_string(&config).expect("it was just written");
    fs::write(&config, text + more).expect("a file");
    check_as(lab, &config)
}

/// The same with this configuration.
pub fn check_as(lab: &Lab, config: &Path) -> (i32, Value) {
    let output = agent(lab, &["check", "--format", "json", "--config", &config.display().to_string()]);
    let text = String::from_utf8_lossy(&output.stdout);
    let report = serde_json::from_str(&text)
        .unwrap_or_else(|error| panic!("{error}: {text}\n{}", String::from_utf8_lossy(&output.stderr)));
    (output.status.code().expect("an exit status"), report)
}

/// Runs the agent in the lab's host.
pub fn agent(lab: &Lab, arguments: &[&str]) -> Output {
    let mut command = lab.agent(AGENT.as_ref()).expect("a command");
    command.args(arguments).output().expect("the agent starts")
}

/// The endpoint of a host.
pub fn endpoint<'a>(report: &'a Value, host: &str) -> &'a Value {
    let endpoints = report["endpoints"].as_array().expect("endpoints");
    endpoints.iter().find(|endpoint| endpoint["host"] == host).unwrap_or_else(|| panic!("no endpoint {host}"))
}

/// The verdict on a workload.
pub fn verdict<'a>(report: &'a Value, workload: &str) -> &'a str {
    let workloads = report["workloads"].as_array().expect("workloads");
    let found = workloads.iter().find(|entry| entry["name"] == workload);
    found.and_then(|entry| entry["verdict"].as_str()).unwrap_or_else(|| panic!("no workload {workload}"))
}

/// Whether a finding about a subject that begins so was raised.
pub fn found(report: &Value, id: &str, subject: &str) -> bool {
    let findings = report["findings"].as_array().expect("findings");
    findings.iter().any(|finding| {
        finding["id"] == id && finding["subject"].as_str().is_some_and(|of| of.starts_with(subject))
    })
}
