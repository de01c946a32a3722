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
use std::sync::OnceLock;

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

/// The one run, by whichever test comes first.
fn outcome() -> &'static stand::Outcome {
    static OUTCOME: OnceLock<Result<stand::Outcome, String>> = OnceLock::new();
    match OUTCOME.get_or_init(|| stand::run(all())) {
        Ok(outcome) => outcome,
        Err(words) => panic!("{words}"),
    }
}

fn all() -> Vec<Case> {
    GROUPS.iter().flat_map(|group| group()).collect()
}

/// Every case of a group comes out as it must, or all mismatches are shown.
fn hold(group: Group) {
    let outcome = outcome();
    let mut table = String::new();
    for case in group() {
        for (clause, got) in judge::mismatches(&outcome.report, &case) {
            table += &format!("\n{}\n    must be: {clause}\n    but is:  {got}", case.name);
        }
    }
    assert!(table.is_empty(), "{table}");
}

#[test]
fn chains_are_judged_for_what_they_are() {
    hold(chains::cases);
}

#[test]
fn missing_issuers_are_fetched_and_only_true_ones_count() {
    hold(aia::cases);
}

#[test]
fn redirects_are_followed_as_far_as_they_may_lead() {
    hold(redirects::cases);
}

#[test]
fn a_crl_counts_only_where_it_is_genuine_current_and_about_the_certificate() {
    hold(crl::cases);
}

#[test]
fn serial_numbers_are_compared_as_numbers() {
    hold(serials::cases);
}

#[test]
fn a_response_counts_only_where_an_authorised_responder_says_it_now() {
    hold(ocsp::cases);
}

#[test]
fn staples_are_judged_like_responses() {
    hold(staples::cases);
}

#[test]
fn servers_that_are_none_are_told_as_they_are() {
    hold(servers::cases);
}

#[test]
fn no_url_leads_to_an_address_that_must_not_be_contacted() {
    assert_eq!(outcome().trapped, "", "somebody came");
}

#[test]
fn there_are_many_cases_and_each_has_a_name_and_an_expectation() {
    let cases = all();
    let names: BTreeSet<String> = cases.iter().map(Case::host).collect();
    assert_eq!(names.len(), cases.len(), "two cases have one name");
    assert!(cases.len() >= 100, "only {}", cases.len());
    assert!(cases.iter().all(|case| !case.expected.is_empty()));
}
