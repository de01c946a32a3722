//! The status page: self-contained, without scripts. Whatever came from the network is escaped.

use std::fmt::Write;

use closedpath_core::failure::label;
use closedpath_core::report::Report;

use super::alike::{Group, groups};
use super::pointers::{pointers, why};
use super::style::Tone;
use super::{words, words_tls};

const HEAD: &str = r#"<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>closedpath</title><style>
:root{color-scheme:light dark;--good:light-dark(#0a6b2d,#5fd38a);--bad:light-dark(#b3141c,#ff8a86);--unsure:light-dark(#8a5a00,#f0bf55);--line:light-dark(#ddd,#444)}
body{font:15px/1.45 system-ui,sans-serif;margin:1.5rem auto;max-width:80rem;padding:0 1rem}
h1{font-size:2.2rem;margin:.2rem 0}h2{font-size:1.1rem;margin:1.8rem 0 .4rem}
table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.3rem .6rem .3rem 0;border-bottom:1px solid var(--line)}td:first-child{overflow-wrap:anywhere;min-width:8ch}.hosts td:first-child{min-width:min(34ch,30vw)}.hosts td:last-child{overflow-wrap:anywhere;min-width:10ch}
.good{color:var(--good)}.bad{color:var(--bad)}.unsure{color:var(--unsure)}small,.dim{opacity:.75}
</style></head><body>
"#;

const FOOT: &str = "<p class=dim><a href=\"/metrics\">metrics</a> · <a href=\"/report.json\">report.json</a> · this page reloads every 30 s</p></body></html>\n";

const RELOAD: &str = "<meta http-equiv=\"refresh\" content=\"30\">";

/// The page for the last complete round; without one, it says so. `live`: it is served, and reloads; else it is a file.
pub fn html(report: Option<&Report>, live: bool) -> String {
    let mut page = String::from(HEAD);
    if live {
        page = page.replacen("</title>", &format!("</title>{RELOAD}"), 1);
    }
    match report {
        Some(report) => body(&mut page, report),
        None => page.push_str("<h1 class=unsure>No verdict yet</h1><p>The first round is still running; the page reloads by itself.</p>"),
    }
    page.push_str(if live { FOOT } else { "</body></html>\n" });
    page
}

/// Text that cannot be markup, in elements and in quoted attributes.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

fn body(page: &mut String, report: &Report) {
    let words = words::verdict(report.verdict);
    let mut put = |text: String| page.write_str(&text).expect("writing to a String cannot fail");
    put(format!(
        "<h1 class={}>{} <span lang=ja>{}</span></h1>",
        tone(words.tone),
        label(&report.verdict),
        words.japanese
    ));
    put(format!("<p>{}.<br>Next: {}.</p>", escape(words.meaning), escape(words.next)));
    put(format!(
        "<p class=dim>{} · complete at {} · closedpath {}</p>",
        escape(&report.agent.site),
        humantime::format_rfc3339_seconds(report.finished_at),
        escape(&report.agent.version)
    ));
    if let Some(until) = report.valid_until {
        put(format!("<p>Not to be relied upon after {}.</p>", humantime::format_rfc3339_seconds(until)));
    }
    put("<h2>Workloads</h2><table><tr><th>Workload<th>Promised<th>Verdict<th>Why".to_owned());
    for workload in &report.workloads {
        let words = words::verdict(workload.verdict);
        let (policy, verdict) = (label(&workload.policy), label(&workload.verdict));
        put(format!(
            "<tr><td>{}<td>{policy}<td class={}>{verdict} <span lang=ja>{}</span><td>{}{}",
            escape(&workload.name),
            tone(words.tone),
            words.japanese,
            lines(&workload.reasons),
            words_tls::breaks_at(report, workload)
                .map(|text| format!("<p>{}</p>", escape(&text)))
                .unwrap_or_default()
        ));
    }
    put(format!(
        "</table><h2>Findings ({})</h2><table><tr><th>Severity<th>Finding<th>Subject, detail and remedy",
        report.findings.len()
    ));
    for group in groups(report, usize::MAX) {
        let first = group.first;
        let (class, severity) = (tone(words::severity_tone(first.severity)), label(&first.severity));
        put(format!(
            "<tr><td class={class}>{severity}<td>{} {}<td>{}<br><b>Do:</b> {}",
            label(&first.id),
            escape(&first.name),
            seen(&group),
            escape(&first.remedy)
        ));
    }
    put(format!(
        "</table><h2>Endpoints ({})</h2><table class=hosts><tr><th>Endpoint<th>Path<th>Sure<th>Link<th>ExpressRoute could carry it<th>Answer<th>Certificates<th>Workloads",
        report.endpoints.len()
    ));
    for endpoint in &report.endpoints {
        let why = words::why_unknown(endpoint);
        let (cert_tone, cert) = words_tls::marked(endpoint);
        let why = if why.is_empty() { String::new() } else { format!("<br><small>{}</small>", lines(&why)) };
        put(format!(
            "<tr><td>{}<td class={}>{}<br><small>{}</small>{why}<td>{}<td>{}<td>{}<td>{}<td class={}>{cert}<td>{}",
            escape(&endpoint.id),
            tone(words::class_tone(endpoint.class)),
            label(&endpoint.class),
            words::class(endpoint.class),
            label(&words::confidence(endpoint)),
            escape(&words::links(endpoint)),
            escape(&words::eligible(endpoint)),
            escape(&words::answer(endpoint)),
            tone(cert_tone),
            escape(&endpoint.workloads.join(", "))
        ));
    }
    put(format!("</table>{}", legend(report)));
    put(format!(
        "<h2>Needed from outside ({})</h2><table class=hosts><tr><th>Destination<th>Path<th>Need<th>Now<th>For",
        report.required_outside.len()
    ));
    for outside in &report.required_outside {
        let now = if outside.reachable { "reached" } else { "not reached" };
        let (class, path, need) =
            (tone(words::class_tone(outside.class)), label(&outside.class), label(&outside.requirement));
        put(format!(
            "<tr><td>{}:{}<td class={class}>{path}<td>{need}<td>{now}<td>{}",
            escape(&outside.host),
            outside.port,
            lines(&why(&outside.why))
        ));
    }
    put(format!("</table>{}", certificates(report)));
    put("<h2>Data</h2><table><tr><th>Data set<th>Version<th>Age<th>Source".to_owned());
    for data in &report.data {
        let age = data.age_seconds.map_or_else(|| "not known".to_owned(), words::age);
        put(format!(
            "<tr><td>{}<td>{}<td>{age}<td>{}",
            escape(&data.name),
            escape(&data.version),
            escape(&data.source)
        ));
    }
    put("</table>".to_owned());
    if !report.not_tested.is_empty() {
        put(format!("<h2>Not tested</h2><p>{}</p>", lines(&report.not_tested)));
    }
}

/// What was seen of findings that share a remedy.
fn seen(group: &Group<'_>) -> String {
    let mut lines = Vec::new();
    for (sentence, of) in &group.seen {
        let sentence = escape(sentence);
        match of.as_slice() {
            [subject] if group.count == 1 => lines.push(format!("<b>{}</b><br>{sentence}", escape(subject))),
            [subject] => lines.push(format!("<b>{}</b> {sentence}", escape(subject))),
            subjects => {
                lines.push(format!(
                    "each of {} {sentence}: {}",
                    subjects.len(),
                    escape(&subjects.join(", "))
                ));
            }
        }
    }
    lines.join("<br>")
}

/// The marks on certificates that occur.
fn legend(report: &Report) -> String {
    let Some(marks) = words_tls::legend(report) else { return String::new() };
    let marks = marks.iter().map(|mark| {
        format!("<br><span class={}>{}</span>: {}", tone(mark.tone()), mark.word(), escape(mark.explain()))
    });
    format!("<p><small>Certificates: {}{}</small></p>", escape(words_tls::CERT), marks.collect::<String>())
}

/// What certificates point to.
fn certificates(report: &Report) -> String {
    let pointers = pointers(report);
    let mut text = format!("<h2>What certificates point to ({})</h2>", pointers.summary);
    if pointers.shown.is_empty() {
        return format!("{text}<p>{}</p>", words_tls::NO_POINTERS);
    }
    text += "<table class=hosts><tr><th>Host<th>Kind<th>Path<th>Served<th>Certs<th>Valid until<th>Remarks";
    for pointer in &pointers.shown {
        text += &format!(
            "<tr><td>{}<td>{}<td class={}>{}<td class={}>{}<td>{}<td>{}<td>{}",
            escape(&pointer.host),
            pointer.kind,
            tone(words::class_tone(pointer.class)),
            label(&pointer.class),
            tone(pointer.tone),
            pointer.served,
            pointer.certificates,
            words_tls::until(pointer.until),
            lines(&pointer.remarks)
        );
    }
    text += "</table>";
    if let Some(more) = &pointers.more {
        text += &format!("<p>{more}</p>");
    }
    let columns = words_tls::POINTERS.map(|(column, meaning)| format!("{column}: {}", escape(meaning)));
    format!("{text}<p><small>{}</small></p>", columns.join("<br>"))
}

fn lines(texts: &[String]) -> String {
    texts.iter().map(|text| escape(text)).collect::<Vec<_>>().join("<br>")
}

fn tone(tone: Tone) -> &'static str {
    match tone {
        Tone::Good => "good",
        Tone::Bad => "bad",
        Tone::Unsure => "unsure",
        Tone::Plain | Tone::Strong | Tone::Dim => "plain",
    }
}

#[cfg(test)]
mod tests {
    use super::html;
    use crate::render::sample;

    #[test]
    fn a_hostile_name_stays_text_wherever_it_stands() {
        const HOSTILE: &str = "<script>alert('1')</script>\"&";
        let mut report = sample::report();
        report.agent.site = HOSTILE.to_owned();
        report.endpoints[0].id = HOSTILE.to_owned();
        report.endpoints[0].addresses[0].path.link = Some(HOSTILE.to_owned());
        report.endpoints[0].workloads = vec!["arc".to_owned(), HOSTILE.to_owned()];
        report.endpoints[1].host = HOSTILE.to_owned();
        report.ca_urls[0].url = HOSTILE.to_owned();
        report.ca_urls[0].served = false;
        report.ca_urls[0].problem = Some(HOSTILE.to_owned());
        let mut moved = report.ca_urls[0].clone();
        (moved.url, moved.served) = ("http://ok.example/".to_owned(), true);
        moved.moved_to = Some(HOSTILE.to_owned());
        report.ca_urls.push(moved);
        report.required_outside[0].host = HOSTILE.to_owned();
        report.required_outside[0].why = vec![HOSTILE.to_owned()];
        report.findings[0].subject = HOSTILE.to_owned();
        report.findings[0].detail = HOSTILE.to_owned();
        report.workloads[0].reasons = vec![HOSTILE.to_owned()];
        report.data[0].source = HOSTILE.to_owned();
        report.not_tested = vec![HOSTILE.to_owned()];
        let page = html(Some(&report), true);
        assert!(!page.contains("<script") && !page.contains("alert('"), "{page}");
        assert_eq!(page.matches("&lt;script&gt;alert(&#39;1&#39;)").count(), 17);
    }

    #[test]
    fn before_the_first_round_the_page_claims_nothing() {
        let report = sample::report();
        assert!(!html(Some(&report), false).contains("refresh"), "a file does not reload");
        assert!(html(Some(&report), true).contains("http-equiv=\"refresh\""));
        let page = html(None, true);
        assert!(page.contains("No verdict yet") && !page.contains("CLOSED"));
    }
}
