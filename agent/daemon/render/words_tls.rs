//! The words for certificates: what they point to, whether they are revoked, and the marks on chains. Text only; decides nothing.

use std::net::IpAddr;
use std::time::SystemTime;

use closedpath_core::failure::label;
use closedpath_core::pki::TlsVerdict;
use closedpath_core::report::{
    CaUrl, EndpointReport, Report, RevocationOfCertificate, RevocationStatus, Stapled, TlsReport,
    WorkloadReport,
};
use closedpath_core::target::Origin;

use super::style::Tone;
use super::words::seconds;

/// What the columns of the pointers mean.
pub(crate) const POINTERS: [(&str, &str); 3] = [
    (
        "SERVED",
        "how many of the URLs brought what they are for: a genuine CRL, an answer that counts, the issuer's certificate. A host without a port is on port 80.",
    ),
    ("CERTS", "certificates that point there; one that names two URLs of a host counts twice."),
    (
        "VALID UNTIL",
        "when the first of these answers expires: until then, clients that hold them do not need the host.",
    ),
];

/// What the column of marks means.
pub(crate) const CERT: &str =
    "the certificates that the server presents: `ok` where the chain is trusted and not revoked.";

/// Nothing to show.
pub(crate) const NO_POINTERS: &str =
    "nothing: no certificate was seen that names a CRL, a responder or an issuer";
/// What the redirects of a URL end at that is not served and has no failure of its own.
pub(crate) const NOWHERE: &str = "its redirects lead to nothing that serves it";

/// A moment, to the minute.
pub(crate) fn moment(at: SystemTime) -> String {
    let text = humantime::format_rfc3339_seconds(at).to_string();
    text.get(..16).map_or_else(|| text.clone(), |minute| format!("{minute}Z"))
}

/// A moment, or a dash.
pub(crate) fn until(at: Option<SystemTime>) -> String {
    at.map_or_else(|| "-".to_owned(), moment)
}

/// What a URL is for, in the word of its standard.
pub(crate) fn ca_kind(kind: Origin) -> &'static str {
    match kind {
        Origin::Crl => "CRL",
        Origin::Ocsp => "OCSP",
        Origin::Aia => "AIA",
        _ => "URL",
    }
}

/// The summary of all pointers.
pub(crate) fn pointers(hosts: usize, urls: usize, failed: usize) -> String {
    let of = format!("{}, {}", count(hosts, "host"), count(urls, "URL"));
    if failed == 0 { of } else { format!("{of}, {failed} of them not served") }
}

/// What was left out.
pub(crate) fn more_pointers(entries: usize, first: Option<SystemTime>) -> String {
    let until = first.map(|at| format!("; the first of their answers expires at {}", moment(at)));
    format!("… and {entries} more, all served{}", until.unwrap_or_default())
}

/// Seconds from which a failure is a delay that people notice.
const NOTICED: f64 = 0.1;

/// URLs that are not served, and what that costs a client that asks.
pub(crate) fn not_served(urls: &str, reason: &str, took: f64) -> String {
    let wait = if took >= NOTICED { format!(" (a client waits {})", seconds(took)) } else { String::new() };
    format!("not served: {reason}{wait}: {urls}")
}

/// Why a URL that redirects is not served.
pub(crate) fn leads_to(url: &str, problem: &str) -> String {
    format!("it redirects to {url}: {problem}")
}

/// A URL whose redirect is served.
pub(crate) fn redirects(url: &str, to: &str) -> String {
    format!("{url} redirects to {to}, so clients need both")
}

/// An answer that comes late.
pub(crate) fn slow(took: f64) -> String {
    format!("the slowest answer took {}, and clients wait for it", seconds(took))
}

/// What a URL answered: whether it served, and the rest.
pub(crate) fn answered(url: &CaUrl, why_not: Option<&str>) -> (Tone, &'static str, String) {
    let took = url.took.map(|took| format!(" in {}", seconds(took))).unwrap_or_default();
    let of = count(url.certificates, "certificate");
    if let Some(why_not) = why_not {
        return (Tone::Bad, "not served", format!("{took} for {of}: {why_not}"));
    }
    let moved = url.moved_to.as_ref().map(|to| format!(", by a redirect to {to}")).unwrap_or_default();
    let until = url.next_update.map(|at| format!(", valid until {}", humantime::format_rfc3339_seconds(at)));
    (Tone::Good, "served", format!("{took} for {of}{moved}{}", until.unwrap_or_default()))
}

/// An address whose certificates and answers are those of one that was shown.
pub(crate) fn same_as(ip: IpAddr) -> String {
    format!("the same certificates, staple and answers as at {ip} above")
}

/// URLs that stand elsewhere in the report.
pub(crate) fn more_urls(urls: usize) -> String {
    format!("… and {urls} more URLs")
}

/// F39 of a workload: until when it lives without the CA hosts, and whose revocation is open already.
pub(crate) fn breaks_at(report: &Report, workload: &WorkloadReport) -> Option<String> {
    /// Endpoints that are named.
    const NAMED: usize = 3;
    let at = humantime::format_rfc3339_seconds(workload.breaks_at?);
    let open: Vec<&str> = report
        .endpoints
        .iter()
        .filter(|endpoint| endpoint.workloads.contains(&workload.name))
        .filter(|endpoint| statuses(endpoint).any(|status| status == RevocationStatus::Undetermined))
        .map(|endpoint| endpoint.id.as_str())
        .collect();
    let mut text = format!(
        "works without CA hosts until {at}, for clients that hold today's answers on revocation (F39)"
    );
    if !open.is_empty() {
        let more = open.len().saturating_sub(NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let named = open.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
        text += &format!("; not for {named}{more}, whose revocation is open already");
    }
    Some(text)
}

fn statuses(endpoint: &EndpointReport) -> impl Iterator<Item = RevocationStatus> {
    handshakes(endpoint).map(|tls| tls.revocation.status)
}

/// Handshakes that showed a certificate.
fn handshakes(endpoint: &EndpointReport) -> impl Iterator<Item = &TlsReport> {
    let of = endpoint.addresses.iter().filter_map(|address| address.tls.as_ref());
    of.filter(|tls| tls.verdict.is_some())
}

/// What a reader has to know of a chain, gravest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Mark {
    /// One of its certificates is revoked.
    Revoked,
    /// Clients refuse it.
    Refused(TlsVerdict),
    /// It could not be found out whether it is revoked.
    Undetermined,
    /// The site's inspection signs it.
    Inspected,
    /// Incomplete, and AIA brought what is missing.
    ByAia,
    /// Nobody could be asked.
    Unchecked,
}

/// The marks of all addresses of an endpoint; `None` where no certificate was seen.
pub(crate) fn marks(endpoint: &EndpointReport) -> Option<Vec<Mark>> {
    let mut seen = false;
    let mut marks = Vec::new();
    for tls in handshakes(endpoint) {
        seen = true;
        marks.extend(of_handshake(tls));
    }
    marks.sort();
    marks.dedup();
    seen.then_some(marks)
}

/// The marks of one handshake, in the order in which they were seen.
pub(crate) fn of_handshake(tls: &TlsReport) -> Vec<Mark> {
    let mut marks: Vec<Mark> = tls
        .verdicts
        .iter()
        .filter_map(|verdict| match verdict {
            TlsVerdict::Ok => None,
            TlsVerdict::Inspected => Some(Mark::Inspected),
            TlsVerdict::IncompleteChain if tls.completed_by_aia => Some(Mark::ByAia),
            refused => Some(Mark::Refused(*refused)),
        })
        .collect();
    let refused = marks.iter().any(|mark| matches!(mark, Mark::Refused(_)));
    match tls.revocation.status {
        RevocationStatus::Good => {}
        RevocationStatus::Revoked => marks.push(Mark::Revoked),
        RevocationStatus::Undetermined => marks.push(Mark::Undetermined),
        // Of a chain that nobody accepts it is the lesser matter.
        RevocationStatus::NotChecked if refused => {}
        RevocationStatus::NotChecked => marks.push(Mark::Unchecked),
    }
    marks
}

impl Mark {
    /// Short, for a column.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Revoked => "revoked",
            Self::Undetermined => "rev?",
            Self::Unchecked => "rev-",
            Self::Inspected => "inspected",
            Self::ByAia => "by-aia",
            Self::Refused(verdict) => match verdict {
                TlsVerdict::Expired => "expired",
                TlsVerdict::NotYetValid => "early",
                TlsVerdict::NameMismatch => "name",
                TlsVerdict::SelfSigned => "self-signed",
                TlsVerdict::IncompleteChain => "incomplete",
                TlsVerdict::UntrustedRoot => "untrusted",
                TlsVerdict::UnsupportedAlgorithm => "algorithm",
                TlsVerdict::Inspected => "inspected",
                TlsVerdict::Ok => "ok",
            },
        }
    }

    /// In words.
    pub(crate) fn explain(self) -> &'static str {
        match self {
            Self::Revoked => "a certificate is revoked: clients that check refuse the connection",
            Self::Undetermined => {
                "it could not be found out whether a certificate is revoked: strict clients refuse, others wait"
            }
            Self::Unchecked => "a certificate names nobody who says whether it is revoked",
            Self::Inspected => "signed by the declared inspection CA, not by the server's own",
            Self::ByAia => {
                "the server sends an incomplete chain that AIA completes: clients that do not fetch it (OpenSSL, Go, Java) fail"
            }
            Self::Refused(verdict) => match verdict {
                TlsVerdict::Expired => "a certificate has expired",
                TlsVerdict::NotYetValid => "a certificate is not valid yet",
                TlsVerdict::NameMismatch => "the certificate is for other names",
                TlsVerdict::SelfSigned => "the certificate signed itself and is no trust anchor",
                TlsVerdict::IncompleteChain => {
                    "the server sends an incomplete chain, and AIA does not complete it"
                }
                TlsVerdict::UntrustedRoot => "the chain leads to no trusted root",
                TlsVerdict::UnsupportedAlgorithm => "an algorithm that this version cannot verify",
                TlsVerdict::Inspected | TlsVerdict::Ok => "",
            },
        }
    }

    /// How it looks.
    pub(crate) fn tone(self) -> Tone {
        match self {
            Self::Revoked => Tone::Bad,
            Self::Refused(TlsVerdict::UnsupportedAlgorithm)
            | Self::Undetermined
            | Self::Inspected
            | Self::ByAia
            | Self::Unchecked => Tone::Unsure,
            Self::Refused(_) => Tone::Bad,
        }
    }
}

/// The marks in a cell: `ok`, `revoked,by-aia`, or a dash where no certificate was seen.
pub(crate) fn marked(endpoint: &EndpointReport) -> (Tone, String) {
    match marks(endpoint).as_deref() {
        None => (Tone::Plain, "-".to_owned()),
        Some([]) => (Tone::Plain, "ok".to_owned()),
        Some(marks) => {
            let words: Vec<&str> = marks.iter().map(|mark| mark.word()).collect();
            let worst = marks.iter().map(|mark| mark.tone()).find(|tone| *tone == Tone::Bad);
            (worst.unwrap_or(Tone::Unsure), words.join(","))
        }
    }
}

/// The marks that some endpoint has, gravest first; `None` where no certificate was seen at all.
pub(crate) fn legend(report: &Report) -> Option<Vec<Mark>> {
    let mut all: Option<Vec<Mark>> = None;
    for marks in report.endpoints.iter().filter_map(marks) {
        all.get_or_insert_default().extend(marks);
    }
    let mut all = all?;
    all.sort();
    all.dedup();
    Some(all)
}

/// How a status of revocation looks.
pub(crate) fn revocation_tone(status: RevocationStatus) -> Tone {
    match status {
        RevocationStatus::Good => Tone::Good,
        RevocationStatus::Revoked => Tone::Bad,
        RevocationStatus::Undetermined => Tone::Unsure,
        RevocationStatus::NotChecked => Tone::Plain,
    }
}

/// What is known of one certificate: what follows its status, and the sources that leave it open.
pub(crate) fn revocation(of: &RevocationOfCertificate) -> (String, Vec<&str>) {
    let source =
        of.source.as_deref().map(|source| format!(" by {}", self::source(source))).unwrap_or_default();
    let reason = of.reason.as_deref();
    match of.status {
        RevocationStatus::Good => {
            let until = of.next_update.map(|at| format!(", until {}", humantime::format_rfc3339_seconds(at)));
            (format!("{source}{}", until.unwrap_or_default()), Vec::new())
        }
        RevocationStatus::Revoked => {
            let since = of.revoked_at.map(|at| format!(", since {}", humantime::format_rfc3339_seconds(at)));
            let why = reason.map(|reason| format!(", because: {}", reason.replace('_', " ")));
            (format!("{source}{}{}", since.unwrap_or_default(), why.unwrap_or_default()), Vec::new())
        }
        RevocationStatus::Undetermined => match reason {
            None | Some("") => (": nobody could be asked".to_owned(), Vec::new()),
            Some(reason) => (", because:".to_owned(), doubts(reason)),
        },
        RevocationStatus::NotChecked => {
            let why = match reason {
                Some("no_pointers") => ": it names neither a CRL nor a responder".to_owned(),
                Some("trust_anchor") => ": it is a trust anchor, which nobody asks about itself".to_owned(),
                Some(other) => format!(": {}", other.replace('_', " ")),
                None => String::new(),
            };
            (why, Vec::new())
        }
    }
}

/// A source in the word of its standard.
fn source(source: &str) -> String {
    match source {
        "ocsp" => "OCSP".to_owned(),
        "crl" => "CRL".to_owned(),
        "staple" => "the staple".to_owned(),
        other => other.to_owned(),
    }
}

/// A reason source by source, as the report joins them: `URL: why; URL: why`.
fn doubts(reason: &str) -> Vec<&str> {
    let begins = |rest: &str| {
        ["http://", "https://", "ldap://", "staple: "].iter().any(|scheme| rest.starts_with(scheme))
    };
    let mut doubts = Vec::new();
    let mut start = 0;
    for (at, joint) in reason.match_indices("; ") {
        let next = at + joint.len();
        if reason.get(next..).is_some_and(begins) {
            doubts.extend(reason.get(start..at));
            start = next;
        }
    }
    doubts.extend(reason.get(start..));
    doubts
}

/// A staple in words.
pub(crate) fn staple(stapled: &Stapled) -> String {
    match (stapled.present, stapled.status) {
        (false, _) => "none".to_owned(),
        (true, None) => "present, not checked".to_owned(),
        (true, Some(RevocationStatus::Undetermined | RevocationStatus::NotChecked)) => {
            "present, leaves it open".to_owned()
        }
        (true, Some(status)) => {
            let until =
                stapled.next_update.map(|at| format!(" until {}", humantime::format_rfc3339_seconds(at)));
            format!("{}{}", label(&status), until.unwrap_or_default())
        }
    }
}

fn count(count: usize, of: &str) -> String {
    format!("{count} {of}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::{Mark, breaks_at, doubts, legend, marked, moment, staple};
    use crate::render::{sample, style::Tone};
    use closedpath_core::pki::TlsVerdict;
    use closedpath_core::report::{EndpointReport, RevocationStatus, Stapled};

    fn with(verdicts: &[TlsVerdict], by_aia: bool, status: RevocationStatus) -> EndpointReport {
        let mut endpoint = sample::report().endpoints.remove(0);
        let tls = endpoint.addresses[0].tls.as_mut().unwrap();
        tls.verdict = verdicts.first().copied();
        tls.verdicts = verdicts.to_vec();
        tls.completed_by_aia = by_aia;
        tls.revocation.status = status;
        endpoint
    }

    #[test]
    fn each_kind_of_chain_has_its_mark() {
        use RevocationStatus::{Good, NotChecked, Revoked, Undetermined};
        use TlsVerdict::{Expired, IncompleteChain, Inspected, NameMismatch, Ok, UntrustedRoot};
        for (verdicts, by_aia, status, tone, text) in [
            (&[Ok][..], false, Good, Tone::Plain, "ok"),
            (&[Ok], false, Revoked, Tone::Bad, "revoked"),
            (&[Ok], false, Undetermined, Tone::Unsure, "rev?"),
            (&[Ok], false, NotChecked, Tone::Unsure, "rev-"),
            (&[Inspected], false, Good, Tone::Unsure, "inspected"),
            (&[IncompleteChain], true, Good, Tone::Unsure, "by-aia"),
            (&[IncompleteChain], true, Revoked, Tone::Bad, "revoked,by-aia"),
            (&[IncompleteChain], false, Undetermined, Tone::Bad, "incomplete,rev?"),
            (&[Expired, NameMismatch], false, Good, Tone::Bad, "expired,name"),
            (&[UntrustedRoot], false, NotChecked, Tone::Bad, "untrusted"),
            (&[], false, NotChecked, Tone::Plain, "-"),
        ] {
            let marked = marked(&with(verdicts, by_aia, status));
            assert_eq!(marked, (tone, text.to_owned()), "{verdicts:?} {status:?}");
        }
    }

    #[test]
    fn one_bad_address_marks_the_endpoint_and_the_legend_explains_what_occurs() {
        let mut report = sample::report();
        report.endpoints[0] = with(&[TlsVerdict::Ok], false, RevocationStatus::Good);
        let bad = with(&[TlsVerdict::Ok], false, RevocationStatus::Revoked).addresses.remove(0);
        assert_eq!(legend(&report), Some(Vec::new()));
        report.endpoints[0].addresses.push(bad);
        assert_eq!(marked(&report.endpoints[0]).1, "revoked");
        assert_eq!(legend(&report), Some(vec![Mark::Revoked]));
        report.endpoints.remove(0);
        assert_eq!(legend(&report), None);
    }

    #[test]
    fn the_last_day_without_ca_hosts_names_those_for_whom_it_has_come() {
        let mut report = sample::report();
        let workload = report.workloads[0].clone();
        assert_eq!(
            breaks_at(&report, &workload).unwrap(),
            "works without CA hosts until 2027-01-21T02:53:20Z, for clients that hold today's answers on revocation (F39); not for acct.blob.core.windows.net:443/tls, whose revocation is open already"
        );
        report.endpoints[0] = with(&[TlsVerdict::Ok], false, RevocationStatus::Good);
        assert_eq!(
            breaks_at(&report, &workload).unwrap(),
            "works without CA hosts until 2027-01-21T02:53:20Z, for clients that hold today's answers on revocation (F39)"
        );
        let without = closedpath_core::report::WorkloadReport { breaks_at: None, ..workload };
        assert_eq!(breaks_at(&report, &without), None);
    }

    #[test]
    fn doubts_come_apart_at_their_sources_only() {
        assert_eq!(
            doubts("staple: too old; by 2 h; http://a/: HTTP 404; ldap://b: none"),
            ["staple: too old; by 2 h", "http://a/: HTTP 404", "ldap://b: none"]
        );
    }

    #[test]
    fn no_staple_never_reads_as_good() {
        let of = |present, status| staple(&Stapled { present, status, next_update: None });
        assert_eq!(of(false, None), "none");
        assert_eq!(of(true, None), "present, not checked");
        assert_eq!(of(true, Some(RevocationStatus::Undetermined)), "present, leaves it open");
        assert_eq!(of(true, Some(RevocationStatus::Revoked)), "revoked");
        assert_eq!(moment(sample::at()), "2026-11-01T00:00Z");
    }
}
