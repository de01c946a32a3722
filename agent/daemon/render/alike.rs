//! Findings that are alike, told once: same kind, severity and remedy. In: a report. Out: groups in the report's order.

use closedpath_core::findings::Finding;
use closedpath_core::report::Report;

/// Findings of one kind with one remedy.
pub(crate) struct Group<'a> {
    /// What they share.
    pub first: &'a Finding,
    /// How many they are.
    pub count: usize,
    /// What was seen, and of which subjects; of more than one finding without what the subject says already.
    pub seen: Vec<(String, Vec<&'a str>)>,
    /// How many are not named.
    pub more: usize,
}

/// The groups of a report's findings; of each, `named` are named.
pub(crate) fn groups(report: &Report, named: usize) -> Vec<Group<'_>> {
    let alike = |a: &Finding, b: &Finding| (a.id, a.severity, &a.remedy) == (b.id, b.severity, &b.remedy);
    let groups = report.findings.chunk_by(alike);
    groups.filter_map(|group| self::group(group, named)).collect()
}

fn group(group: &[Finding], named: usize) -> Option<Group<'_>> {
    let first = group.first()?;
    if group.len() == 1 {
        let seen = vec![(first.detail.clone(), vec![first.subject.as_str()])];
        return Some(Group { first, count: 1, seen, more: 0 });
    }
    let named = named.min(group.len());
    let mut seen: Vec<(String, Vec<&str>)> = Vec::new();
    for finding in group.iter().take(named) {
        let sentence = sentence(finding);
        match seen.iter_mut().find(|(known, _)| *known == sentence) {
            Some((_, of)) => of.push(&finding.subject),
            None => seen.push((sentence, vec![&finding.subject])),
        }
    }
    Some(Group { first, count: group.len(), seen, more: group.len() - named })
}

/// A detail without its beginning, which in most is the host (and the address) that the subject names already.
fn sentence(finding: &Finding) -> String {
    let (subject, detail) = (&finding.subject, &finding.detail);
    let host = detail.split(' ').next().unwrap_or_default();
    let names = |rest: &str| rest.is_empty() || rest.starts_with([':', ' ']);
    if host.is_empty() || !subject.strip_prefix(host).is_some_and(names) {
        return format!("({detail})");
    }
    let rest = detail[host.len()..].trim_start();
    let address = subject.rsplit_once(' ').map(|(_, address)| format!("({address}) "));
    address.and_then(|address| rest.strip_prefix(address.as_str())).unwrap_or(rest).to_owned()
}
