//! The torture kit: what the outside world of a certificate can do wrong, and the right answer to each, by hand.
//!
//! One namespace with real servers (nginx, unbound, `openssl ocsp`), and one run of the real agent on all cases together, so
//! that each also shows to leave the others alone. A case is a row: what is presented, what URLs answer, what must come out
//! (`judge` has the grammar). All that does not hold is printed at once.

mod aia;
mod case;
mod chains;
mod crl;
mod judge;
mod ocsp;
mod odd;
mod redirects;
mod serials;
mod servers;
mod stand;
mod staples;
mod world;

use std::collections::BTreeSet;

use case::Case;

type Group = fn() -> Vec<Case>;

/// The groups in the order of their cases' numbers.
const GROUPS: [Group; 8] = [
    chains::cases,
    aia::cases,
    redirects::cases,
    crl::cases,
    serials::cases,
    ocsp::cases,
    staples::cases,
    servers::cases,
];

fn all() -> Vec<Case> {
    GROUPS.iter().flat_map(|group| group()).collect()
}

/// One test, since one run of the agent takes all cases, and runners that give each test a process would repeat it.
#[test]
fn every_case_is_told_as_it_must_be_and_nobody_goes_where_no_url_may_lead() {
    let outcome = stand::run(all()).unwrap_or_else(|words| panic!("{words}"));
    let mut table = String::new();
    for case in all() {
        for (clause, got) in judge::mismatches(&outcome.report, &case) {
            table += &format!("\n{}\n    must be: {clause}\n    but is:  {got}", case.name);
        }
    }
    assert!(table.is_empty(), "{table}");
    assert_eq!(outcome.trapped, "", "somebody came");
}

#[test]
fn there_are_many_cases_and_each_has_a_name_and_an_expectation() {
    let cases = all();
    let names: BTreeSet<String> = cases.iter().map(Case::host).collect();
    assert_eq!(names.len(), cases.len(), "two cases have one name");
    assert!(cases.len() >= 100, "only {}", cases.len());
    assert!(cases.iter().all(|case| !case.expected.is_empty()));
}
