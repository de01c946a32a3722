//! What a data set is and how old it is, for the report; and why a file could not be read.

use std::time::{Duration, SystemTime};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A data set that conclusions rest on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DataSet {
    /// What it is.
    pub name: String,
    /// Its version in its publisher's words.
    pub version: String,
    /// RFC 3339; when it was made, if anything tells.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "Option<String>")]
    pub date: Option<SystemTime>,
    /// What tells the date.
    pub date_from: Option<DateFrom>,
    /// The file's name, or `embedded` and the document behind it.
    pub source: String,
}

impl DataSet {
    /// How old it is; `None` without a date, zero for a date in the future.
    pub fn age(&self, now: SystemTime) -> Option<Duration> {
        self.date.map(|date| now.duration_since(date).unwrap_or_default())
    }

    /// Whether it is older than a limit; of unknown age is older than any.
    pub fn is_older_than(&self, limit: Duration, now: SystemTime) -> bool {
        self.age(now).unwrap_or(Duration::MAX) > limit
    }

    /// `45 days old`, in words.
    pub fn age_in_words(&self, now: SystemTime) -> String {
        self.age(now)
            .map_or_else(|| "of unknown age".into(), |age| format!("{} days old", age.as_secs() / 86_400))
    }
}

/// Where the date of a data set comes from (DESIGN §4.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DateFrom {
    /// From inside.
    Content,
    /// From the file's name.
    Name,
    /// When the file was last changed.
    Modified,
}

/// A file as the edges read it.
#[derive(Debug, Clone, Copy)]
pub struct DataFile<'a> {
    /// Its name, with or without directories.
    pub name: &'a str,
    /// When it was last changed.
    pub modified: Option<SystemTime>,
    /// What is in it; a byte order mark does not matter.
    pub text: &'a str,
}

impl<'a> DataFile<'a> {
    pub(super) fn content(&self) -> &'a str {
        self.text.trim_start_matches('\u{feff}')
    }

    pub(super) fn data_set(&self, name: &str, version: String) -> DataSet {
        let file = self.name.rsplit(['/', '\\']).next().unwrap_or(self.name);
        let named = date_in_name(file);
        let date_from = named.map(|_| DateFrom::Name).or(self.modified.map(|_| DateFrom::Modified));
        DataSet {
            name: name.to_owned(),
            version,
            date: named.or(self.modified),
            date_from,
            source: file.to_owned(),
        }
    }
}

/// Why a data file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TablesError {
    /// It does not have the expected shape; the message has the position.
    #[error("{file}: {message}")]
    Syntax {
        /// The file.
        file: String,
        /// The parser's words, with line and column.
        message: String,
    },
    /// One value is impossible.
    #[error("{file}: {place}: {message}")]
    Value {
        /// The file.
        file: String,
        /// Where in it: a tag, a set, a line.
        place: String,
        /// What is wrong.
        message: String,
    },
}

impl TablesError {
    pub(super) fn syntax(file: &str, error: &impl std::fmt::Display) -> Self {
        Self::Syntax { file: file.to_owned(), message: error.to_string() }
    }

    pub(super) fn value(file: &str, place: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Value { file: file.to_owned(), place: place.into(), message: message.into() }
    }
}

/// The head that every file of `config/tables/` has.
#[derive(Debug, Clone)]
pub(super) struct Head {
    pub name: String,
    pub version: String,
    pub date: String,
    pub source: String,
}

impl Head {
    pub(super) fn data_set(self, file: &str) -> Result<DataSet, TablesError> {
        let date = humantime::parse_rfc3339(&format!("{}T00:00:00Z", self.date))
            .map_err(|e| TablesError::value(file, "date", e.to_string()))?;
        Ok(DataSet {
            name: self.name,
            version: self.version,
            date: Some(date),
            date_from: Some(DateFrom::Content),
            source: format!("embedded: {}", self.source),
        })
    }
}

/// The first run of at least eight digits that begins with a date: `ServiceTags_Public_20251110.json`, `…_2024073100.json`.
fn date_in_name(file: &str) -> Option<SystemTime> {
    let runs = file.split(|c: char| !c.is_ascii_digit()).filter(|run| run.len() >= 8);
    runs.filter_map(|run| {
        let (year, month, day) = (&run[..4], &run[4..6], &run[6..8]);
        humantime::parse_rfc3339(&format!("{year}-{month}-{day}T00:00:00Z")).ok()
    })
    .next()
}

#[cfg(test)]
mod tests {
    use super::{DataFile, DateFrom};
    use std::time::{Duration, SystemTime};

    #[test]
    fn the_date_in_the_name_comes_before_the_time_of_the_last_change_and_says_so() {
        let modified = Some(SystemTime::UNIX_EPOCH + Duration::from_secs(86_400));
        let file = |name| DataFile { name, modified, text: "" };
        let named = file("/var/ServiceTags_Public_20251110.json").data_set("x", "376".into());
        assert_eq!(named.date_from, Some(DateFrom::Name));
        assert_eq!(named.date, humantime::parse_rfc3339("2025-11-10T00:00:00Z").ok());
        let m365 = file("endpoints_Worldwide_2024073100.json").data_set("x", String::new());
        assert_eq!(m365.date, humantime::parse_rfc3339("2024-07-31T00:00:00Z").ok());
        let plain = file("tags-99999999.json").data_set("x", String::new());
        assert_eq!((plain.date, plain.date_from), (modified, Some(DateFrom::Modified)));
    }
}
