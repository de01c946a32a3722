//! Holds a report against the words of a case.
//!
//! Clauses: `tls VERDICT…` · `fails CODE` · `completed` · `not completed` · `staple STATUS` (`none` without one) ·
//! `chain STATUS` · `leaf STATUS [by SOURCE] [: WORDS]`, and so for `position N` · `member ID` · `no member ID` ·
//! `forbidden ID` · `Fnn SUBJECT [: WORDS]` · `no Fnn SUBJECT`. `@ADDRESS` before a clause: of that address only.
//! WORDS are part of the reason, or of the finding's detail.

use serde_json::Value;

use super::case::Case;

/// Each clause that does not hold, with what is there instead.
pub fn mismatches(report: &Value, case: &Case) -> Vec<(String, String)> {
    let clauses = case.expected.split(';').map(|clause| case.fill(clause.trim()));
    let wrong = clauses.filter_map(|clause| Some((clause.clone(), hold(report, case, &clause)?)));
    wrong.collect()
}

/// `None` where the clause holds.
fn hold(report: &Value, case: &Case, clause: &str) -> Option<String> {
    let (address, bare) = match clause.strip_prefix('@') {
        Some(rest) => rest.split_once(' ').map(|(address, bare)| (Some(address), bare))?,
        None => (None, clause),
    };
    let Some(own) = endpoint(report, &format!("{}:443/tls", case.host())) else {
        return Some("no such endpoint".into());
    };
    let addresses = own["addresses"].as_array().expect("addresses");
    let seen = match address {
        Some(ip) => addresses.iter().find(|seen| seen["ip"] == ip),
        None => addresses.first(),
    };
    let Some(seen) = seen else { return Some("no such address".into()) };
    let tls = &seen["tls"];
    let (word, rest) = bare.split_once(' ').unwrap_or((bare, ""));
    match word {
        "tls" => {
            let got = joined(&tls["verdicts"]);
            (got != rest).then(|| format!("tls {got} {}", seen["failure"]))
        }
        "fails" => {
            let failure = if seen["failure"].is_null() { &tls["failure"] } else { &seen["failure"] };
            (failure["code"] != rest).then(|| format!("failure {failure}"))
        }
        "completed" => (tls["completed_by_aia"] != true).then(|| "not completed".into()),
        "not" => (tls["completed_by_aia"] != false).then(|| format!("completed {}", tls["completed_by_aia"])),
        "staple" => {
            let status = tls["stapled"]["status"].as_str().unwrap_or("none");
            (status != rest).then(|| format!("staple {status}"))
        }
        "chain" => (tls["revocation"]["status"] != rest).then(|| format!("chain {}", tls["revocation"]["status"])),
        "leaf" => certificate(tls, 0, rest),
        "position" => {
            let (number, rest) = rest.split_once(' ').expect("position N STATUS");
            certificate(tls, number.parse().expect("a number"), rest)
        }
        "member" => endpoint(report, rest).is_none().then(|| "no member".into()),
        "forbidden" => forbidden(report, rest),
        "no" => match rest.split_once(' ').expect("what is not there") {
            ("member", id) => endpoint(report, id).is_some().then(|| "a member".into()),
            (id, subject) => finding(report, id, subject, "").then(|| "found".into()),
        },
        _ if word.starts_with('F') => {
            let (subject, words) = rest.split_once(": ").unwrap_or((rest, ""));
            let all = report["findings"].as_array().expect("findings");
            let about = all.iter().filter(|finding| of(finding, subject)).map(|finding| {
                format!("{} {}", finding["id"].as_str().unwrap_or(""), finding["detail"].as_str().unwrap_or(""))
            });
            (!finding(report, word, subject, words)).then(|| format!("findings {:?}", about.collect::<Vec<_>>()))
        }
        _ => panic!("not a clause: {clause}"),
    }
}

fn endpoint<'a>(report: &'a Value, id: &str) -> Option<&'a Value> {
    report["endpoints"].as_array().expect("endpoints").iter().find(|endpoint| endpoint["id"] == id)
}

/// Every address of it was refused by the guard.
fn forbidden(report: &Value, id: &str) -> Option<String> {
    let Some(endpoint) = endpoint(report, id) else { return Some("no member".into()) };
    let addresses = endpoint["addresses"].as_array().expect("addresses");
    let refused = |seen: &Value| {
        seen["failure"]["code"] == "forbidden_address" && seen["failure"]["step"] == "guard" && seen["tls"].is_null()
    };
    let fine = !addresses.is_empty() && addresses.iter().all(refused);
    (!fine).then(|| format!("{addresses:?}"))
}

/// `STATUS [by SOURCE] [: WORDS]`
fn certificate(tls: &Value, position: usize, expected: &str) -> Option<String> {
    let (head, words) = expected.split_once(": ").unwrap_or((expected, ""));
    let (status, source) = head.split_once(" by ").unwrap_or((head, ""));
    let all = tls["revocation"]["certificates"].as_array();
    let Some(seen) = all.and_then(|all| all.iter().find(|seen| seen["position"] == position)) else {
        return Some(format!("no certificate at {position}"));
    };
    let reason = seen["reason"].as_str().unwrap_or("");
    let by = seen["source"].as_str().unwrap_or("");
    let fine = seen["status"] == status && (source.is_empty() || by == source) && reason.contains(words);
    (!fine).then(|| format!("{} by {by}: {reason}", seen["status"].as_str().unwrap_or("")))
}

fn finding(report: &Value, id: &str, subject: &str, words: &str) -> bool {
    let all = report["findings"].as_array().expect("findings");
    all.iter().any(|finding| {
        finding["id"] == id
            && of(finding, subject)
            && finding["detail"].as_str().is_some_and(|detail| detail.contains(words))
    })
}

fn of(finding: &Value, subject: &str) -> bool {
    finding["subject"].as_str().is_some_and(|of| of.starts_with(subject))
        // What cuts the closure short has no subject of its own.
        || finding["detail"].as_str().is_some_and(|detail| detail.contains(subject))
}

fn joined(list: &Value) -> String {
    let words = list.as_array().map(Vec::as_slice).unwrap_or_default().iter().filter_map(Value::as_str);
    words.collect::<Vec<_>>().join(" ")
}
