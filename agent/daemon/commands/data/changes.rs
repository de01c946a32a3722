//! What a newer version of the Microsoft 365 endpoints changes: the web service's own words where it gives them, else by
//! comparing.
//!
//! In: the two tables, or the answer of `/changes`. Out: text.

use std::fmt::Write;

use closedpath_core::tables::{DataFile, M365, M365Change, M365Delta, m365_changes};

/// Changes that are told one by one; of more, only the number.
const LISTED: usize = 40;
/// Names and prefixes of one change that are told.
const ITEMS: usize = 6;

/// Where the web service tells what came after a version; only versions that it gave itself are known to it.
pub(super) fn path(known: &M365) -> Option<String> {
    let version = &known.data_set.version;
    let well = version.len() == 10 && version.bytes().all(|byte| byte.is_ascii_digit());
    well.then(|| format!("changes/Worldwide/{version}"))
}

/// The answer in words; `None` where it is none, or names no change.
pub(super) fn told(answer: &[u8], since: &M365) -> Option<String> {
    let text = std::str::from_utf8(answer).ok()?;
    let changes = m365_changes(&DataFile { name: "changes", modified: None, text }).ok()?;
    if changes.is_empty() {
        return None;
    }
    let count =
        |what: &str| changes.iter().filter(|change| change.disposition.eq_ignore_ascii_case(what)).count();
    let mut text = format!(
        "changes since {}, in the web service's words: {} sets added, {} changed, {} removed\n",
        since.data_set.version,
        count("Add"),
        count("Change"),
        count("Remove")
    );
    for change in changes.iter().take(LISTED) {
        line(&mut text, change);
    }
    if changes.len() > LISTED {
        let _ = writeln!(text, "  and {} more", changes.len() - LISTED);
    }
    Some(text.trim_end().to_owned())
}

fn line(text: &mut String, change: &M365Change) {
    let M365Change { endpoint_set_id, disposition, impact, version, add, remove, .. } = change;
    let _ = write!(text, "  set {endpoint_set_id:3}  {version}  {disposition}");
    if !impact.is_empty() {
        let _ = write!(text, " {impact}");
    }
    if let Some(date) = &add.effective_date {
        let _ = write!(text, ", in effect from {}", day(date));
    }
    for (sign, delta) in [('+', add), ('-', remove)] {
        let items = items(delta);
        if !items.is_empty() {
            let _ = write!(text, "  {sign} {items}");
        }
    }
    text.push('\n');
}

fn items(delta: &M365Delta) -> String {
    let all: Vec<&str> = delta.urls.iter().chain(&delta.ips).map(String::as_str).collect();
    let mut text = all.iter().take(ITEMS).copied().collect::<Vec<_>>().join(", ");
    if all.len() > ITEMS {
        let _ = write!(text, " and {} more", all.len() - ITEMS);
    }
    text
}

/// `20180609` as `2018-06-09`; anything else as it is.
fn day(date: &str) -> String {
    match (date.get(..4), date.get(4..6), date.get(6..8)) {
        (Some(year), Some(month), Some(day)) if date.len() == 8 => format!("{year}-{month}-{day}"),
        _ => date.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{path, told};
    use closedpath_core::tables::{DataFile, M365};

    fn table(name: &str) -> M365 {
        M365::parse(&DataFile { name, modified: None, text: "[]" }).expect("an empty list")
    }

    #[test]
    fn the_documented_changes_are_told_with_what_came_what_went_and_from_when_on() {
        let answer = include_bytes!("../../../../tests/data/m365_changes.json");
        assert_eq!(
            told(answer, &table("endpoints_Worldwide_2018062000.json")).as_deref(),
            Some(
                "changes since 2018062000, in the web service's words: 0 sets added, 2 changed, 0 removed\n  \
                 set  32  2018062700  Change  - *.api.skype.com, skypegraph.skype.com\n  \
                 set  31  2018062700  Change, in effect from 2018-06-09  + 51.140.203.190/32"
            )
        );
    }

    #[test]
    fn an_answer_that_is_none_says_nothing() {
        let known = table("endpoints_Worldwide_2018062000.json");
        for answer in [&b"[]"[..], b"<html>", b"\xff", b"{}"] {
            assert_eq!(told(answer, &known), None);
        }
    }

    #[test]
    fn only_a_version_of_the_web_service_is_asked_about() {
        assert_eq!(
            path(&table("x/endpoints_Worldwide_2024073100.json.gz")).as_deref(),
            Some("changes/Worldwide/2024073100")
        );
        assert_eq!(path(&table("m365.json")), None);
    }
}
