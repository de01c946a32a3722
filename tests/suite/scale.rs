//! Many names at once, a third of them dead ends: nothing is lost and nothing waits for another.

use closedpath_lab::ConfigVariant;

use crate::lab;

#[test]
fn of_four_hundred_names_a_third_dead_each_is_reported() {
    let lab = lab::build();
    let (status, report) = lab::check(&lab, ConfigVariant::Load);
    let endpoints = report["endpoints"].as_array().expect("endpoints");
    let named: Vec<_> = endpoints
        .iter()
        .filter(|endpoint| endpoint["host"].as_str().is_some_and(|host| host.ends_with(".load.example")))
        .collect();
    assert_eq!(named.len(), 400);
    let reached = named
        .iter()
        .filter(|endpoint| {
            endpoint["addresses"]
                .as_array()
                .expect("addresses")
                .iter()
                .any(|address| address["reachable"] == true)
        })
        .count();
    assert!((240..=280).contains(&reached), "{reached} of 400 were reached; two thirds are alive");
    assert_eq!(status, 0, "observe workloads end with 0");
}
