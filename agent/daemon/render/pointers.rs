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
}

impl Pointer {
    /// What is needed and not served comes first.
    fn rank(&self) -> u8 {
        match self.tone {
            Tone::Bad => 0,
            Tone::Good => 2,
            Tone::Unsure | Tone::Plain | Tone::Strong | Tone::Dim => 1,
        }
    }
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
    all.sort_by_key(Pointer::rank);
    let problems = all.partition_point(|pointer| pointer.tone != Tone::Good);
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

#[cfg(test)]
mod tests {
    use super::{pointers, why};
    use crate::render::{Style, markdown, sample, table};
    use closedpath_core::report::{CaUrl, Report};
    use closedpath_core::target::{Origin, Requirement};

    fn url(path: &str, problem: Option<&str>) -> CaUrl {
        CaUrl {
            url: format!("http://crl.example/{path}"),
            served: problem.is_none(),
            problem: problem.map(str::to_owned),
            next_update: problem.is_none().then(sample::at),
            ..sample::report().ca_urls.remove(0)
        }
    }

    fn with(ca_urls: Vec<CaUrl>) -> Report {
        Report { ca_urls, ..sample::report() }
    }

    /// The section of a page of 80 columns, without its title.
    fn section(report: &Report) -> String {
        let text = table(report, Style { colour: false, width: 80 });
        let (_, rest) = text.split_once("WHAT CERTIFICATES POINT TO").unwrap();
        let (section, _) = rest.split_once("\n\n").unwrap();
        section.to_owned()
    }

    #[test]
    fn twelve_crls_of_one_host_are_one_line_and_those_that_fail_alike_one_remark() {
        let mut urls: Vec<CaUrl> = (0..8).map(|n| url(&format!("{n}.crl"), None)).collect();
        urls.extend([
            url("a.crl", Some("no response within 2 s (after 2.0 s)")),
            url("b.crl", Some("no response within 2 s (after 1.9 s)")),
            url("c.crl", Some("no response within 2 s (after 2.0 s)")),
            url("d.crl", Some("the answer is HTTP 404 (after 0.0 s)")),
        ]);
        urls[8].took = Some(2.0);
        assert_eq!(
            section(&with(urls)),
            " (1 host, 12 URLs, 4 of them not served)
  HOST         KIND  PATH     SERVED   CERTS  VALID UNTIL
  crl.example  CRL   unknown  8 of 12  12     2026-11-01T00:00Z
      not served: no response within 2 s (a client waits 2.0 s):
      http://crl.example/a.crl, http://crl.example/b.crl and 1 more
      not served: the answer is HTTP 404: http://crl.example/d.crl"
        );
    }

    #[test]
    fn what_is_not_served_comes_before_what_is() {
        let mut urls = vec![url("a.crl", None), url("", Some("the answer is HTTP 503")), url("i.cer", None)];
        urls[1].kind = Origin::Ocsp;
        urls[2].kind = Origin::Aia;
        urls[2].next_update = None;
        assert_eq!(
            section(&with(urls)),
            " (1 host, 3 URLs, 1 of them not served)
  HOST         KIND  PATH     SERVED  CERTS  VALID UNTIL
  crl.example  OCSP  unknown  0 of 1  1      -
      not served: the answer is HTTP 503: http://crl.example/
  crl.example  CRL   unknown  1 of 1  1      2026-11-01T00:00Z
  crl.example  AIA   unknown  1 of 1  1      -"
        );
    }

    #[test]
    fn a_redirect_counts_as_served_only_where_its_end_is_and_a_circle_ends() {
        let moved = |path: &str, to: &str| CaUrl {
            served: false,
            problem: None,
            moved_to: Some(format!("http://crl.example/{to}")),
            next_update: None,
            ..url(path, None)
        };
        let urls = vec![moved("old.crl", "new.crl"), url("new.crl", None)];
        assert_eq!(
            section(&with(urls)),
            " (1 host, 2 URLs)
  HOST         KIND  PATH     SERVED  CERTS  VALID UNTIL
  crl.example  CRL   unknown  2 of 2  2      2026-11-01T00:00Z
      http://crl.example/old.crl redirects to http://crl.example/new.crl, so
      clients need both"
        );
        let urls = vec![moved("old.crl", "new.crl"), url("new.crl", Some("the answer is HTTP 404"))];
        let text = section(&with(urls));
        assert!(text.starts_with(" (1 host, 2 URLs, 2 of them not served)"), "{text}");
        assert!(text.contains("it redirects to http://crl.example/new.crl: the"), "{text}");
        let text = section(&with(vec![moved("a.crl", "b.crl"), moved("b.crl", "a.crl")]));
        assert!(text.contains("0 of 2") && text.contains("to nothing that serves it"), "{text}");
        let text = section(&with(vec![moved("a.crl", "lost.crl")]));
        assert!(
            text.contains("0 of 1") && text.contains("not served: its redirects lead to nothing"),
            "{text}"
        );
    }

    #[test]
    fn of_very_many_hosts_every_problem_is_shown_and_the_rest_is_counted() {
        let of =
            |n: usize, problem| CaUrl { endpoint: format!("h{n}.example:80/http"), ..url("a.crl", problem) };
        let mut urls: Vec<CaUrl> = (100..200).map(|n| of(n, None)).collect();
        urls.extend((200..270).map(|n| of(n, Some("the answer is HTTP 404"))));
        let found = pointers(&with(urls));
        assert_eq!(found.shown.len(), 70 + 40);
        assert_eq!(found.shown[0].host, "h200.example:80/http");
        let more = "… and 60 more, all served; the first of their answers expires at 2026-11-01T00:00Z";
        assert_eq!(found.more.as_deref(), Some(more));
    }

    #[test]
    fn a_host_on_another_port_or_behind_a_proxy_says_so_and_one_that_is_not_needed_alarms_nobody() {
        use crate::render::style::Tone;
        let mut report = with(vec![url("a.crl", Some("the answer is HTTP 404"))]);
        assert_eq!(pointers(&report).shown[0].tone, Tone::Bad);
        report.endpoints[1].port = 443;
        report.endpoints[1].via = Some("squid".to_owned());
        report.endpoints[1].requirement = Requirement::Optional;
        let found = pointers(&report);
        assert_eq!(
            (found.shown[0].host.as_str(), found.shown[0].tone),
            ("crl.example:443 via squid", Tone::Unsure)
        );
    }

    #[test]
    fn what_is_needed_and_not_served_comes_before_what_is_optional() {
        let mut report = with(vec![url("a.crl", Some("HTTP 404")), url("b.crl", Some("HTTP 404"))]);
        report.ca_urls[0].endpoint = "aia.example:80/http".to_owned();
        let mut optional = report.endpoints[1].clone();
        (optional.id, optional.host) = ("aia.example:80/http".to_owned(), "aia.example".to_owned());
        optional.requirement = Requirement::Optional;
        report.endpoints.push(optional);
        let hosts: Vec<String> = pointers(&report).shown.into_iter().map(|pointer| pointer.host).collect();
        assert_eq!(hosts, ["crl.example", "aia.example"]);
    }

    #[test]
    fn columns_line_up_below_a_wide_host() {
        let mut report = with(vec![url("a.crl", None)]);
        report.endpoints[1].host = "閉域.example".to_owned();
        let text = section(&report);
        let wanted = "  HOST          KIND  PATH     SERVED  CERTS  VALID UNTIL
  閉域.example  CRL   unknown  1 of 1  1      2026-11-01T00:00Z";
        assert!(text.ends_with(wanted), "{text}");
    }

    #[test]
    fn an_answer_that_comes_late_is_told() {
        let mut urls = vec![url("a.crl", None)];
        urls[0].took = Some(3.24);
        let text = section(&with(urls));
        assert!(text.ends_with("\n      the slowest answer took 3.2 s, and clients wait for it"), "{text}");
    }

    #[test]
    fn of_many_urls_a_destination_names_some_each_once() {
        let all = |urls: &[&str]| -> Vec<String> {
            ["CRL of x"].iter().chain(urls).map(|text| (*text).to_owned()).collect()
        };
        let same = "http://o.example/";
        assert_eq!(why(&all(&[same, same, same, same])), all(&[same]));
        let three = all(&["http://a/1", "http://a/2", "http://a/3"]);
        assert_eq!(why(&three), three);
        let four = all(&["http://a/1", "http://a/2", "http://a/3", "http://a/4"]);
        assert_eq!(why(&four), all(&["http://a/1", "http://a/2", "… and 2 more URLs"]));
    }

    #[test]
    fn markdown_has_the_same_lines_and_hostile_urls_stay_in_their_cell() {
        let mut urls = vec![url("a|b<i>.crl", Some("HTTP `404`|"))];
        urls[0].took = None;
        let text = markdown(&with(urls));
        let line = "| crl.example | CRL | unknown | 0 of 1 | 1 | - | not served: HTTP \\`404\\`\\|: http://crl.example/a\\|b&lt;i>.crl |";
        assert!(text.lines().any(|found| found == line), "{text}");
        assert!(
            text.contains("\n## What certificates point to (1 host, 1 URL, 1 of them not served)\n"),
            "{text}"
        );
    }
}
