//! The report for the engineer who signs it: verdict first, then what it rests on, then what to do.

use std::collections::BTreeMap;

use closedpath_core::attribution::PathClass;
use closedpath_core::failure::label;
use closedpath_core::report::{EndpointReport, Report};

use super::alike::groups;
use super::pointers::{pointers, why};
use super::style::{Page, Row, Style, Tone, paint};
use super::{words, words_tls};

/// From this many endpoints on, those that are alike share a line.
const MANY: usize = 60;
/// So many must be alike to share one.
const ALIKE: usize = 4;

/// The whole report.
pub fn table(report: &Report, style: Style) -> String {
    let mut page = Page::new(style);
    head(&mut page, report);
    workloads(&mut page, report);
    endpoints(&mut page, report);
    outside(&mut page, report);
    certificates(&mut page, report);
    findings(&mut page, report);
    basis(&mut page, report);
    page.finish()
}

fn head(page: &mut Page, report: &Report) {
    let words = words::verdict(report.verdict);
    page.line(&paint(words.tone, &format!("{}  {}", label(&report.verdict), words.japanese)));
    page.wrapped("  ", &format!("{}.", words.meaning));
    page.wrapped("  Next: ", &format!("{}.", words.next));
    let took = report.finished_at.duration_since(report.started_at).unwrap_or_default().as_secs_f64();
    page.wrapped(
        "  ",
        &format!(
            "One round at {}{}, {}; closedpath {}.",
            humantime::format_rfc3339_seconds(report.started_at),
            if report.agent.site.is_empty() { String::new() } else { format!(" on {}", report.agent.site) },
            words::seconds(took),
            report.agent.version
        ),
    );
    if let Some(until) = report.valid_until {
        page.wrapped(
            "  ",
            &format!("Nothing above may be relied upon after {}.", humantime::format_rfc3339_seconds(until)),
        );
    }
}

fn workloads(page: &mut Page, report: &Report) {
    page.title("WORKLOADS");
    for workload in &report.workloads {
        let words = words::verdict(workload.verdict);
        page.line(&format!(
            "  {}  {}  (promised: {})",
            workload.name,
            paint(words.tone, &format!("{} {}", label(&workload.verdict), words.japanese)),
            label(&workload.policy)
        ));
        for reason in &workload.reasons {
            page.wrapped("    - ", reason);
        }
        if let Some(text) = words_tls::breaks_at(report, workload) {
            page.wrapped("    ", &text);
        }
    }
}

fn endpoints(page: &mut Page, report: &Report) {
    let many = report.endpoints.len() > MANY;
    let mut shared: Vec<String> = report.workloads.iter().map(|workload| workload.name.clone()).collect();
    shared.push(String::new());
    for workload in &shared {
        let of: Vec<&EndpointReport> = report
            .endpoints
            .iter()
            .filter(|endpoint| match endpoint.workloads.first() {
                // Each stands once, under the first that needs it.
                Some(first) => first == workload,
                None => workload.is_empty(),
            })
            .collect();
        if of.is_empty() {
            continue;
        }
        let title = if workload.is_empty() { "the agent itself" } else { workload };
        page.title(&format!("ENDPOINTS of {title} ({})", of.len()));
        page.table(&["ENDPOINT", "PATH", "SURE", "LINK", "ER?", "ANSWER", "CERT"], &rows(&of, many));
    }
    page.gap();
    let mut classes: Vec<PathClass> = report.endpoints.iter().map(|endpoint| endpoint.class).collect();
    classes.sort();
    classes.dedup();
    for class in classes {
        page.wrapped(
            &format!("  {}: ", paint(words::class_tone(class), &label(&class))),
            words::class(class),
        );
    }
    page.wrapped("  ER?: ", "whether ExpressRoute could carry it, from data alone; it never decides the path. `if`: only under a condition.");
    if let Some(marks) = words_tls::legend(report) {
        page.wrapped("  CERT: ", words_tls::CERT);
        for mark in marks {
            page.wrapped(&format!("    {}: ", paint(mark.tone(), mark.word())), mark.explain());
        }
    }
    page.wrapped("  ", "`closedpath explain NAME` shows the evidence behind a line.");
    if many {
        page.wrapped(
            "  ",
            "Lines that are alike are counted together; `--format csv` and `--format json` list each.",
        );
    }
}

fn rows(endpoints: &[&EndpointReport], many: bool) -> Vec<Row> {
    let mut groups: BTreeMap<[String; 6], Vec<&EndpointReport>> = BTreeMap::new();
    for endpoint in endpoints {
        groups.entry(kind(endpoint)).or_default().push(endpoint);
    }
    let mut rows = Vec::new();
    let mut counted: Vec<[String; 6]> = Vec::new();
    for endpoint in endpoints {
        let key = kind(endpoint);
        let alike = groups.get(&key).map_or(1, Vec::len);
        // A leak is always named.
        if !many || alike < ALIKE || endpoint.class.is_open() {
            rows.push(row(endpoint, endpoint.id.clone()));
        } else if !counted.contains(&key) {
            rows.push(row(endpoint, format!("{alike} alike, such as {}", endpoint.id)));
            counted.push(key);
        }
    }
    rows
}

/// What makes endpoints alike for a reader.
fn kind(endpoint: &EndpointReport) -> [String; 6] {
    [
        label(&endpoint.class),
        label(&words::confidence(endpoint)),
        words::links(endpoint),
        if endpoint.reachable() { String::new() } else { words::answer(endpoint) },
        words::why_unknown(endpoint).join("\n"),
        words_tls::marked(endpoint).1,
    ]
}

fn row(endpoint: &EndpointReport, name: String) -> Row {
    let tone = words::class_tone(endpoint.class);
    let answered = if endpoint.reachable() { Tone::Plain } else { Tone::Unsure };
    let mut remarks = words::why_unknown(endpoint);
    if let Some(bypass) = endpoint.bypass.as_ref().filter(|bypass| bypass.reachable) {
        remarks.push(format!("reached directly as well, beside the proxy, by {}", label(&bypass.class)));
    }
    Row {
        cells: vec![
            (Tone::Plain, name),
            (tone, label(&endpoint.class)),
            (Tone::Plain, label(&words::confidence(endpoint))),
            (Tone::Plain, words::links(endpoint)),
            (Tone::Plain, words::eligible(endpoint)),
            (answered, words::answer(endpoint)),
            words_tls::marked(endpoint),
        ],
        remarks,
    }
}

fn outside(page: &mut Page, report: &Report) {
    page.title(&format!("NEEDED FROM OUTSIDE ({})", report.required_outside.len()));
    if report.required_outside.is_empty() {
        page.line("  nothing: every destination is on a closed path");
        return;
    }
    let rows: Vec<Row> = report
        .required_outside
        .iter()
        .map(|outside| Row {
            cells: vec![
                (Tone::Plain, format!("{}:{}", outside.host, outside.port)),
                (words::class_tone(outside.class), label(&outside.class)),
                (Tone::Plain, label(&outside.requirement)),
                (Tone::Plain, if outside.reachable { "reached" } else { "not reached" }.to_owned()),
                (Tone::Plain, outside.workloads.join(",")),
            ],
            remarks: why(&outside.why),
        })
        .collect();
    page.table(&["DESTINATION", "PATH", "NEED", "NOW", "WORKLOADS"], &rows);
}

fn certificates(page: &mut Page, report: &Report) {
    let pointers = pointers(report);
    page.title(&format!("WHAT CERTIFICATES POINT TO ({})", pointers.summary));
    if pointers.shown.is_empty() {
        page.line(&format!("  {}", words_tls::NO_POINTERS));
        return;
    }
    let rows: Vec<Row> = pointers
        .shown
        .into_iter()
        .map(|pointer| Row {
            cells: vec![
                (Tone::Plain, pointer.host),
                (Tone::Plain, pointer.kind.to_owned()),
                (words::class_tone(pointer.class), label(&pointer.class)),
                (pointer.tone, pointer.served),
                (Tone::Plain, pointer.certificates.to_string()),
                (Tone::Plain, words_tls::until(pointer.until)),
            ],
            remarks: pointer.remarks,
        })
        .collect();
    page.table(&["HOST", "KIND", "PATH", "SERVED", "CERTS", "VALID UNTIL"], &rows);
    if let Some(more) = pointers.more {
        page.wrapped("  ", &more);
    }
    page.gap();
    for (column, meaning) in words_tls::POINTERS {
        page.wrapped(&format!("  {column}: "), meaning);
    }
}

fn findings(page: &mut Page, report: &Report) {
    /// Subjects that are named of one kind of finding, where there are many.
    const NAMED: usize = 5;
    page.title(&format!("FINDINGS ({})", report.findings.len()));
    if report.findings.is_empty() {
        page.line("  none");
    }
    let named = if report.findings.len() > MANY { NAMED } else { usize::MAX };
    for group in groups(report, named) {
        let first = group.first;
        let severity = paint(words::severity_tone(first.severity), &label(&first.severity));
        let head = format!("{severity} {} {}", label(&first.id), first.name);
        if group.count == 1 {
            page.wrapped("  ", &format!("{head}: {}", first.subject));
            page.wrapped("      ", &first.detail);
        } else {
            page.wrapped("  ", &format!("{head} ({} of them)", group.count));
            for (sentence, of) in &group.seen {
                if let [subject] = of.as_slice() {
                    page.wrapped("    - ", &format!("{subject} {sentence}"));
                } else {
                    page.wrapped("    - ", &format!("each {sentence}:"));
                    page.wrapped("        ", &of.join(", "));
                }
            }
            if group.more > 0 {
                page.line(&format!("    … and {} more", group.more));
            }
        }
        page.wrapped("      do: ", &first.remedy);
    }
}

fn basis(page: &mut Page, report: &Report) {
    page.title("DATA USED");
    let rows: Vec<Row> = report
        .data
        .iter()
        .map(|data| Row {
            cells: vec![
                (Tone::Plain, data.name.clone()),
                (Tone::Plain, data.version.clone()),
                (Tone::Plain, data.date.clone().unwrap_or_else(|| "date unknown".to_owned())),
                (Tone::Plain, data.age_seconds.map_or_else(|| "?".to_owned(), words::age)),
            ],
            remarks: vec![format!("from {}", data.source)],
        })
        .collect();
    page.table(&["DATA SET", "VERSION", "DATE", "AGE"], &rows);
    if !report.not_tested.is_empty() {
        page.title("NOT TESTED");
        for text in &report.not_tested {
            page.wrapped("  - ", text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::table;
    use crate::render::{Style, sample};
    use closedpath_core::attribution::PathClass;
    use closedpath_core::target::Probe;

    #[test]
    fn the_verdict_comes_first_in_both_languages_with_what_to_do_next() {
        let text = table(&sample::report(), Style { colour: false, width: 100 });
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "NOT_CLOSED  閉域ではない");
        assert!(lines[2].starts_with("  Next: "), "{text}");
        let closed = "acct.blob.core.windows.net:443/tls  er_private       confirmed  er-primary  yes  4 ms";
        assert!(text.contains(closed), "{text}");
        assert!(text.contains("its route alone would be\n      internet_direct"), "{text}");
        assert!(text.contains("the name does not exist (NXDOMAIN)"), "{text}");
        assert!(text.contains("high F02 INELIGIBLE_VIA_INTERNET: login.example:443/tcp"), "{text}");
        assert!(text.contains("356 days"), "{text}");
    }

    #[test]
    fn findings_of_one_kind_share_their_remedy() {
        let mut report = sample::report();
        let second = report.findings[0].clone();
        report.findings.push(second);
        for (finding, last) in report.findings.iter_mut().zip([7, 8]) {
            finding.subject = format!("login.example:443/tcp 198.51.100.{last}");
            finding.detail = format!("login.example (198.51.100.{last}) goes internet_direct");
        }
        let text = table(&report, Style { colour: false, width: 100 });
        assert!(
            text.contains(
                "  high F02 INELIGIBLE_VIA_INTERNET (2 of them)
    - each goes internet_direct:
        login.example:443/tcp 198.51.100.7, login.example:443/tcp 198.51.100.8
      do: take it off"
            ),
            "{text}"
        );
    }

    #[test]
    fn an_agent_without_a_site_is_not_on_nothing() {
        let mut report = sample::report();
        report.agent.site.clear();
        let text = table(&report, Style { colour: false, width: 100 });
        assert!(text.lines().any(|line| line.ends_with("Z, 7.0 s; closedpath 0.1.0.")), "{text}");
    }

    #[test]
    fn of_400_endpoints_those_that_are_alike_share_a_line_and_every_leak_is_named() {
        let mut report = sample::report();
        for n in 0..400 {
            let endpoint = sample::endpoint(&format!("n{n}.example"), 443, Probe::Tls);
            let address = sample::address("10.100.0.9", PathClass::ErPrivate, "er-primary");
            report.endpoints.push(sample::reached(endpoint, address));
        }
        for n in 0..9 {
            let endpoint = sample::endpoint(&format!("leak{n}.example"), 443, Probe::Tls);
            let address = sample::address("198.51.100.9", PathClass::InternetDirect, "isp");
            report.endpoints.push(sample::reached(endpoint, address));
        }
        let text = table(&report, Style { colour: false, width: 80 });
        assert!(text.contains("400 alike, such as n0.example:443/tls"), "{text}");
        assert!((0..9).all(|n| text.contains(&format!("leak{n}.example:443/tls"))), "{text}");
        assert!(text.lines().count() < 110, "{}", text.lines().count());
    }
}
