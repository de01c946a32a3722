//! The report for a ticket or a wiki: compact, in GitHub's tables.

use std::fmt::Write;

use closedpath_core::failure::label;
use closedpath_core::report::Report;

use super::pointers::{pointers, why};
use super::{words, words_tls};

/// Verdict, workloads, endpoints, what is needed from outside, what certificates point to, findings, data.
pub fn markdown(report: &Report) -> String {
    let mut text = String::new();
    let words = words::verdict(report.verdict);
    let mut put = |line: String| writeln!(text, "{line}").expect("writing to a String cannot fail");
    put(format!("# {} {}\n", label(&report.verdict), words.japanese));
    put(format!("{}. Next: {}.\n", words.meaning, words.next));
    put(format!("{}, {}\n", safe(&report.agent.site), humantime::format_rfc3339_seconds(report.finished_at)));
    for workload in &report.workloads {
        put(format!(
            "- **{}**: {} (promised: {})",
            safe(&workload.name),
            label(&workload.verdict),
            label(&workload.policy)
        ));
        for reason in &workload.reasons {
            put(format!("  - {}", safe(reason)));
        }
        if let Some(text) = words_tls::breaks_at(report, workload) {
            put(format!("  - {}", safe(&text)));
        }
    }
    put("\n| endpoint | path | sure | link | ER? | answer | cert |\n|---|---|---|---|---|---|---|".to_owned());
    for endpoint in &report.endpoints {
        let (class, sure) = (label(&endpoint.class), label(&words::confidence(endpoint)));
        let (links, eligible, answer) =
            (words::links(endpoint), words::eligible(endpoint), words::answer(endpoint));
        put(format!(
            "| {} | {class} | {sure} | {} | {eligible} | {answer} | {} |",
            safe(&endpoint.id),
            safe(&links),
            words_tls::marked(endpoint).1
        ));
    }
    if let Some(marks) = words_tls::legend(report) {
        put(format!("\ncert: {}\n", words_tls::CERT));
        for mark in marks {
            put(format!("- **{}**: {}", mark.word(), mark.explain()));
        }
    }
    put("\n## Needed from outside\n".to_owned());
    for outside in &report.required_outside {
        let reached = if outside.reachable { "reached" } else { "not reached" };
        let (class, need) = (label(&outside.class), label(&outside.requirement));
        put(format!(
            "- {}:{} ({class}, {need}, {reached}): {}",
            safe(&outside.host),
            outside.port,
            safe(&why(&outside.why).join("; "))
        ));
    }
    let pointers = pointers(report);
    put(format!("\n## What certificates point to ({})\n", pointers.summary));
    if pointers.shown.is_empty() {
        put(words_tls::NO_POINTERS.to_owned());
    } else {
        put("| host | kind | path | served | certificates | valid until | remarks |\n|---|---|---|---|---|---|---|".to_owned());
    }
    for pointer in &pointers.shown {
        put(format!(
            "| {} | {} | {} | {} | {} | {} | {} |",
            safe(&pointer.host),
            pointer.kind,
            label(&pointer.class),
            pointer.served,
            pointer.certificates,
            words_tls::until(pointer.until),
            safe(&pointer.remarks.join("; "))
        ));
    }
    if let Some(more) = pointers.more {
        put(format!("\n{more}"));
    }
    put("\n## Findings\n".to_owned());
    for finding in &report.findings {
        let (severity, id) = (label(&finding.severity), label(&finding.id));
        put(format!(
            "- **{severity} {id} {}** {}: {} _{}_",
            safe(&finding.name),
            safe(&finding.subject),
            safe(&finding.detail),
            safe(&finding.remedy)
        ));
    }
    put("\n## Data\n".to_owned());
    for data in &report.data {
        let age = data.age_seconds.map_or_else(|| "age unknown".to_owned(), words::age);
        put(format!("- {} {} ({age})", safe(&data.name), safe(&data.version)));
    }
    for untested in &report.not_tested {
        put(format!("- not tested: {}", safe(untested)));
    }
    text
}

/// Text that can end no cell, begin no link and no tag.
pub(super) fn safe(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '|' | '[' | ']' | '`' | '*' | '\\' | '_' => out.extend(['\\', c]),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use crate::render::sample;

    #[test]
    fn names_from_the_network_cannot_break_the_table() {
        let mut report = sample::report();
        report.endpoints[3].id = "a|b\n<img src=x>".to_owned();
        let text = super::markdown(&report);
        assert!(
            text.contains("| a\\|b &lt;img src=x> | internet_direct | confirmed | isp | no | 4 ms |"),
            "{text}"
        );
        assert!(text.starts_with("# NOT_CLOSED 閉域ではない\n"), "{text}");
    }
}
