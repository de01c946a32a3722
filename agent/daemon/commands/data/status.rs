//! `closedpath data status`: what is in force, how old it is, and what that means.

use std::fmt::Write;
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use anyhow::Result;
use closedpath_core::tables::{DataSet, DateFrom, Tables};

use super::{day, print};
use crate::cli::DataStatus;
use crate::data::{Kind, Store};
use crate::setup;

/// Prints the table; reads files, sends nothing.
pub fn status(arguments: &DataStatus) -> Result<ExitCode> {
    let plan = setup::plan(arguments.config.as_deref())?;
    let tables = setup::tables(&plan)?;
    let mut text = table(&tables, SystemTime::now());
    let store = Store::of(&plan.agent.state_dir);
    for kind in Kind::ALL {
        if let Some(head) = store.head(kind) {
            let previous = if store.previous(kind).exists() { "; the one before it is kept" } else { "" };
            writeln!(
                text,
                "\n{}: {} since {}, from {}{previous}",
                store.path(kind).display(),
                head.name,
                day(head.at),
                head.source
            )?;
        }
    }
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn table(tables: &Tables, now: SystemTime) -> String {
    let sets = tables.data_sets();
    let rows: Vec<[String; 5]> = sets
        .into_iter()
        .map(|set| {
            let date = match (set.date, set.date_from) {
                (Some(date), Some(DateFrom::Modified)) => format!("{} (of the file)", day(date)),
                (Some(date), _) => day(date),
                (None, _) => "not stated".to_owned(),
            };
            let age = set.age(now).map_or("?".to_owned(), |age| format!("{} d", age.as_secs() / 86_400));
            let version = if set.version.is_empty() { "-".to_owned() } else { set.version.clone() };
            [set.name.clone(), version, date, age, set.source.clone()]
        })
        .collect();
    let head = ["DATA SET", "VERSION", "DATE", "AGE", "SOURCE"].map(str::to_owned);
    let width = |column: usize| {
        let cells = std::iter::once(&head).chain(&rows).map(|row| row[column].chars().count());
        cells.max().unwrap_or(0)
    };
    let widths = [0, 1, 2, 3].map(width);
    let mut text = String::new();
    for [name, version, date, age, source] in std::iter::once(&head).chain(&rows) {
        let [w0, w1, w2, w3] = widths;
        text.push_str(&format!("{name:w0$}  {version:w1$}  {date:w2$}  {age:>w3$}  {source}\n"));
    }
    let advice: Vec<String> = [
        tables.service_tags.as_ref().and_then(|table| of_tags(&table.data_set, tables, now)),
        tables.m365.as_ref().and_then(|table| of_m365(&table.data_set, tables, now)),
        tables.announced.as_ref().and_then(|table| of_export(&table.data_set, tables, now)),
    ]
    .into_iter()
    .flatten()
    .collect();
    match advice.as_slice() {
        [] => text.push_str("\nAll are young enough.\n"),
        advice => {
            text.push('\n');
            advice.iter().for_each(|line| text.push_str(line));
            text.push_str(
                "Next: `closedpath data update`, or carry a file in and `closedpath data import FILE`.\n",
            );
        }
    }
    text
}

/// DOMAIN §2.7.
fn of_tags(set: &DataSet, tables: &Tables, now: SystemTime) -> Option<String> {
    let limits = tables.limits;
    if let Some(why) = too_old(set, limits.service_tags_stale, now) {
        return Some(format!(
            "STALE  {} is {why}: what rests on it is unknown(stale_data), EL14\n",
            set.name
        ));
    }
    set.is_older_than(limits.service_tags_warn, now)
        .then(|| format!("OLD    {} is older than {} days\n", set.name, days(limits.service_tags_warn)))
}

fn of_m365(set: &DataSet, tables: &Tables, now: SystemTime) -> Option<String> {
    let why = too_old(set, tables.limits.m365_warn, now)?;
    Some(format!("OLD    {} is {why}: sets may have changed since\n", set.name))
}

/// An export of communities that is as old as stale service tags lists nothing (EL5), and nobody but its owner has a newer one.
fn of_export(set: &DataSet, tables: &Tables, now: SystemTime) -> Option<String> {
    let why = too_old(set, tables.limits.service_tags_stale, now)?;
    Some(format!(
        "STALE  {} ({}) is {why}: it is not used (EL5); run Get-AzBgpServiceCommunity again, and `data import` its output\n",
        set.name, set.source
    ))
}

/// How it is older than the limit, in words.
fn too_old(set: &DataSet, limit: Duration, now: SystemTime) -> Option<String> {
    set.is_older_than(limit, now).then(|| match set.age(now) {
        Some(_) => format!("older than {} days", days(limit)),
        None => "of unknown age".to_owned(),
    })
}

fn days(time: Duration) -> u64 {
    time.as_secs() / 86_400
}

#[cfg(test)]
mod tests {
    use super::table;
    use closedpath_core::tables::{Announced, DataFile, Tables};
    use std::time::{Duration, SystemTime};

    fn on(date: &str) -> SystemTime {
        humantime::parse_rfc3339(&format!("{date}T00:00:00Z")).expect("a date")
    }

    #[test]
    fn each_limit_has_its_line_and_young_data_has_none() {
        let mut tables = Tables::builtin().expect("the built-in tables parse");
        let told = |tables: &Tables, date| {
            let text = table(tables, on(date));
            text.lines().skip_while(|line| !line.is_empty()).map(str::to_owned).collect::<Vec<_>>().join("\n")
        };
        assert_eq!(told(&tables, "2025-11-24").lines().count(), 3, "only Microsoft 365's are old");
        tables.m365 = None;
        let young = table(&tables, on("2025-11-24"));
        assert!(young.ends_with("\nAll are young enough.\n"), "{young}");
        assert!(
            young.contains(
                "  376              2025-11-10   14 d  embedded: ServiceTags_Public_20251110.json\n"
            ),
            "{young}"
        );
        let old = table(&tables, on("2025-11-24") + Duration::from_secs(86_400));
        assert!(old.contains("\nOLD    Azure service tags (Public) is older than 14 days\n"), "{old}");
        let stale = table(&tables, on("2025-12-26"));
        assert!(stale.contains("\nSTALE  Azure service tags (Public) is older than 45 days"), "{stale}");
    }

    #[test]
    fn an_export_of_communities_that_is_no_longer_used_says_so() {
        let mut tables = Tables::builtin().expect("the built-in tables parse");
        tables.m365 = None;
        let text = r#"[{"BgpCommunities": [{"CommunityValue": "12076:51012", "CommunityPrefixes": ["203.0.113.0/24"]}]}]"#;
        let export = |modified| DataFile { name: "/x/export.json", modified, text };
        let mut told = |made: Option<&str>, today| {
            tables.announced = Some(Announced::parse(&export(made.map(on))).expect("an export"));
            table(&tables, on(today))
        };
        // The service tags are of 2025-11-10.
        assert!(told(Some("2025-10-10"), "2025-11-24").ends_with("\nAll are young enough.\n"));
        let stale = told(Some("2025-10-09"), "2025-11-24");
        assert!(
            stale.contains("\nSTALE  prefixes of BGP communities (export.json) is older than 45 days: it is not used (EL5)"),
            "{stale}"
        );
        assert!(told(None, "2025-11-24").contains("(export.json) is of unknown age: it is not used"));
    }
}
