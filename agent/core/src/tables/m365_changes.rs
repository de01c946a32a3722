//! The `/changes` answer of the Microsoft 365 web service: what was added to and removed from which set, in which version.

use serde::Deserialize;

use super::{DataFile, TablesError};

/// One change.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct M365Change {
    /// Its id; never reused.
    pub id: u32,
    /// The set.
    pub endpoint_set_id: u32,
    /// `Add`, `Change` or `Remove` of the set.
    pub disposition: String,
    /// Why, in the service's words; empty where it does not say.
    #[serde(default)]
    pub impact: String,
    /// The version that brought it.
    pub version: String,
    /// What the set has gained.
    #[serde(default)]
    pub add: M365Delta,
    /// What the set has lost.
    #[serde(default)]
    pub remove: M365Delta,
}

/// Names and addresses of a change, as written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct M365Delta {
    /// From when on it counts, as in `20180609`.
    pub effective_date: Option<String>,
    /// Names, with wildcards.
    pub urls: Vec<String>,
    /// Prefixes.
    pub ips: Vec<String>,
}

/// Reads the answer.
pub fn changes(file: &DataFile<'_>) -> Result<Vec<M365Change>, TablesError> {
    serde_json::from_str(file.content()).map_err(|error| TablesError::syntax(file.name, &error))
}

#[cfg(test)]
mod tests {
    use super::changes;
    use crate::tables::DataFile;

    #[test]
    fn the_documented_examples_are_read() {
        let text = r#"[{"id": 424, "endpointSetId": 32, "disposition": "Change", "version": "2018062700",
            "remove": {"urls": ["*.api.skype.com", "skypegraph.skype.com"]}},
            {"id": 426, "endpointSetId": 31, "disposition": "Change", "version": "2018062700", "impact": "AddedIp",
            "add": {"effectiveDate": "20180609", "ips": ["51.140.203.190/32"]}}]"#;
        let changes = changes(&DataFile { name: "changes", modified: None, text }).expect("it is right");
        assert_eq!(changes[0].remove.urls.len(), 2);
        assert_eq!((changes[0].add.ips.len(), changes[0].impact.as_str()), (0, ""));
        assert_eq!(changes[1].add.effective_date.as_deref(), Some("20180609"));
        assert_eq!((changes[1].endpoint_set_id, changes[1].impact.as_str()), (31, "AddedIp"));
    }
}
