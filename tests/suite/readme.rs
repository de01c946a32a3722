//! What the README shows is true: its configuration is one that closedpath takes.

use std::fs;

use closedpath_core::config::parse;

#[test]
fn the_configuration_in_the_readme_is_accepted() {
    let text = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let (_, rest) = text.split_once("```toml\n").expect("the README has a configuration");
    let (shown, _) = rest.split_once("```").expect("the block ends");
    let plan = parse("README.md", shown, &["azure-arc-servers"]).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(plan.topology.links.len(), 2);
    assert_eq!(plan.workloads.len(), 1);
}

#[test]
fn every_file_that_the_readmes_link_to_is_there() {
    for readme in ["README.md", "agent/README.md", "tests/README.md"] {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(readme);
        let text = fs::read_to_string(&path).unwrap();
        for rest in text.split("](").skip(1) {
            let (link, _) = rest.split_once(')').expect("a link ends");
            let there = link.starts_with("https://") || path.with_file_name("").join(link).exists();
            assert!(there, "{readme} links to {link}, which is not there");
        }
    }
}
