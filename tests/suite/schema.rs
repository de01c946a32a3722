//! The report's schema that ships with the product is the one the agent prints.

use std::process::Command;

const SHIPPED: &str = include_str!("../../config/closedpath.report.schema.json");

#[test]
fn the_shipped_schema_of_the_report_is_the_one_the_agent_prints() {
    let output = Command::new(crate::lab::AGENT)
        .args(["config", "schema", "--report"])
        .output()
        .expect("the agent starts");
    let printed = String::from_utf8(output.stdout).expect("JSON is UTF-8");
    assert_eq!(
        printed, SHIPPED,
        "write it anew: closedpath config schema --report > config/closedpath.report.schema.json"
    );
}
