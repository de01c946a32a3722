//! What certificates point to, host by host, for every format. In: a report. Out: one entry for each host and kind, problems first.
//!
//! Counts and groups what the report says; decides nothing.

use std::collections::BTreeMap;
use std::time::SystemTime;

use closedpath_core::attribution::PathClass;
use closedpath_core::report::{CaUrl, EndpointReport, Report};
use closedpath_core::target::{Origin, Requirement};

use super::style::Tone;
use super::words_tls as words;

/// URLs that are named of those that fail alike.
const NAMED: usize = 2;
/// Seconds from which an answer that comes is slow.
const SLOW: f64 = 1.0;
/// Entries without a problem that are shown.
const SHOWN: usize = 40;

/// All that certificates point to on one host, of one kind.
pub(crate) struct Pointer {
    /// Host, with the port unless it is 80, and the proxy if there is one.
    pub host: String,
    /// CRL, OCSP or AIA.
    pub kind: &'static str,
    /// By which path the host is reached.
    pub class: PathClass,
    /// `11 of 12`.
    pub served: String,
    /// Good where all is served.
    pub tone: Tone,
    /// Certificates that were asked about there.
    pub certificates: usize,
    /// When the first of its answers expires.
    pub until: Option<SystemTime>,
    /// Why something is not served, where it redirects to, how slow it is.
    pub remarks: Vec<String>,
    all_served: bool,
}

/// The entries with a problem, then the others, both by host.
pub(crate) struct Pointers {
    /// What to show.
    pub shown: Vec<Pointer>,
    /// `3 hosts, 13 URLs, 2 of them not served`.
    pub summary: String,
    /// What is left out because there are so many: all of it is served.
    pub more: Option<String>,
}

/// What the certificates of a report point to.
pub(crate) fn pointers(report: &Report) -> Pointers {
    let mut groups: BTreeMap<(&str, Origin), Vec<&CaUrl>> = BTreeMap::new();
    for url in &report.ca_urls {
        groups.entry((&url.endpoint, url.kind)).or_default().push(url);
    }
    let mut hosts: Vec<&str> = groups.keys().map(|(endpoint, _)| *endpoint).collect();
    hosts.dedup();
    let failed = report.ca_urls.iter().filter(|url| !serves(report, url)).count();
    let summary = words::pointers(hosts.len(), report.ca_urls.len(), failed);
    let mut all: Vec<Pointer> =
        groups.iter().map(|((endpoint, kind), urls)| pointer(report, endpoint, *kind, urls)).collect();
    all.sort_by_key(|pointer| pointer.all_served);
    let problems = all.partition_point(|pointer| !pointer.all_served);
    let rest = all.split_off(all.len().min(problems + SHOWN));
    let more = (!rest.is_empty()).then(|| {
        let first = rest.iter().filter_map(|pointer| pointer.until).min();
        words::more_pointers(rest.len(), first)
    });
    Pointers { shown: all, summary, more }
}

fn pointer(report: &Report, id: &str, kind: Origin, urls: &[&CaUrl]) -> Pointer {
    let endpoint = report.endpoints.iter().find(|endpoint| endpoint.id == id);
    let served = urls.iter().filter(|url| serves(report, url)).count();
    let needed = endpoint.is_none_or(|endpoint| endpoint.requirement > Requirement::Optional);
    Pointer {
        host: endpoint.map_or_else(|| id.to_owned(), host),
        kind: words::ca_kind(kind),
        class: endpoint.map_or(PathClass::Unknown, |endpoint| endpoint.class),
        served: format!("{served} of {}", urls.len()),
        tone: match (served == urls.len(), needed) {
            (true, _) => Tone::Good,
            (false, true) => Tone::Bad,
            (false, false) => Tone::Unsure,
        },
        certificates: urls.iter().map(|url| url.certificates).sum(),
        until: urls
            .iter()
            .filter(|url| serves(report, url))
            .filter_map(|url| last(report, url).next_update)
            .min(),
        remarks: remarks(report, urls),
        all_served: served == urls.len(),
    }
}

/// The host as an allow-list names it.
fn host(endpoint: &EndpointReport) -> String {
    let port = if endpoint.port == 80 { String::new() } else { format!(":{}", endpoint.port) };
    let via = endpoint.via.as_ref().map(|proxy| format!(" via {proxy}")).unwrap_or_default();
    let name =
        if endpoint.host.contains(':') { format!("[{}]", endpoint.host) } else { endpoint.host.clone() };
    format!("{name}{port}{via}")
}

fn remarks(report: &Report, urls: &[&CaUrl]) -> Vec<String> {
    let mut alike: Vec<(String, f64, Vec<&str>)> = Vec::new();
    for url in urls.iter().filter(|url| !serves(report, url)) {
        let (reason, took) = (why_not(report, url), url.took.unwrap_or(0.0));
        match alike.iter_mut().find(|(known, ..)| *known == reason) {
            Some((_, slowest, of)) => {
                *slowest = slowest.max(took);
                of.push(&url.url);
            }
            None => alike.push((reason, took, vec![&url.url])),
        }
    }
    let mut remarks: Vec<String> =
        alike.into_iter().map(|(reason, took, of)| words::not_served(&few(&of), &reason, took)).collect();
    let fine = || urls.iter().filter(|url| serves(report, url));
    let moved = fine().filter_map(|url| Some((url, url.moved_to.as_ref()?)));
    remarks.extend(moved.map(|(url, to)| words::redirects(&url.url, to)));
    let slowest = fine().filter_map(|url| url.took).reduce(f64::max);
    remarks.extend(slowest.filter(|took| *took >= SLOW).map(words::slow));
    remarks
}

/// Why a destination is needed: each reason once, and of many URLs some, since all that certificates point to is told here.
pub(crate) fn why(all: &[String]) -> Vec<String> {
    let mut distinct: Vec<&String> = Vec::new();
    for text in all {
        if !distinct.contains(&text) {
            distinct.push(text);
        }
    }
    let is_url = |text: &&String| text.starts_with("http://") || text.starts_with("https://");
    let (urls, words): (Vec<&String>, Vec<&String>) = distinct.into_iter().partition(is_url);
    // A line that says "and 1 more" is no shorter than the one.
    let named = if urls.len() > NAMED + 1 { NAMED } else { urls.len() };
    let more = (urls.len() > named).then(|| words::more_urls(urls.len() - named));
    words.into_iter().chain(urls.into_iter().take(named)).cloned().chain(more).collect()
}

/// Some names, and how many more there are.
fn few(names: &[&str]) -> String {
    let mut text = names.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
    if names.len() > NAMED {
        text += &format!(" and {} more", names.len() - NAMED);
    }
    text
}

/// Whether it, or what it redirects to, brought what it is for.
pub(crate) fn serves(report: &Report, url: &CaUrl) -> bool {
    last(report, url).served
}

/// Why not; the time it took is told apart, so that alike failures read alike.
pub(crate) fn why_not(report: &Report, url: &CaUrl) -> String {
    let last = last(report, url);
    let problem = match &last.problem {
        Some(problem) => problem.rsplit_once(" (after ").map_or(problem.as_str(), |(reason, _)| reason),
        None => words::NOWHERE,
    };
    if last.url == url.url { problem.to_owned() } else { words::leads_to(&last.url, problem) }
}

/// Where its redirects end. One that leads back is followed no further.
fn last<'a>(report: &'a Report, url: &'a CaUrl) -> &'a CaUrl {
    let mut visited = vec![&url.url];
    let mut last = url;
    while let Some(to) = last.moved_to.as_ref().filter(|to| !visited.contains(to)) {
        let Some(next) = report.ca_urls.iter().find(|next| next.url == *to && next.kind == url.kind) else {
            break;
        };
        visited.push(&next.url);
        last = next;
    }
    last
}
