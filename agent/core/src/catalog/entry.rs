//! One catalogue: entries with their sources, read from TOML and checked.
//!
//! In: the file's name and text. Out: a [`Catalog`], or what is wrong and where. Unknown keys are errors.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Pattern;

/// What a service needs to reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Catalog {
    /// Its name, as workloads use it.
    pub service: String,
    /// Azure service tags that the service's page asks for.
    pub service_tags: Vec<String>,
    /// What else the page says.
    pub notes: Vec<String>,
    /// Documents the entries come from.
    pub sources: Vec<Source>,
    /// The destinations.
    pub entries: Vec<Entry>,
}

/// A document, with the date it bears.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Short name, used by entries.
    pub id: String,
    /// Where it is from.
    pub document: String,
    /// `YYYY-MM-DD`.
    pub date: String,
}

/// One destination of a catalogue (DOMAIN §5.0).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// A name, possibly with `<placeholders>` (W4) and wildcards (W1); canonical.
    pub name: String,
    /// Never empty.
    pub ports: Vec<u16>,
    /// Over what.
    pub proto: Protocol,
    /// The path it is known for, where only that is needed.
    pub path: Option<String>,
    /// What the service does there.
    pub purpose: String,
    /// When it is needed.
    pub need: Need,
    /// Private DNS zone of its private endpoint, where it can have one.
    pub private_link: Option<String>,
    /// What is known about ExpressRoute; words, no rule reads them.
    pub er_hint: Option<String>,
    /// What the service says about inspection of its TLS.
    pub tls_inspection: TlsInspection,
    /// What the service says about forward proxies.
    pub proxy: Option<ProxyUse>,
    /// Names that stand for a wildcard (W3): they match it, or are its bare parent (W2).
    pub samples: Vec<String>,
    /// One of [`Catalog::sources`].
    pub source: String,
}

impl Entry {
    /// Whether the name has a wildcard.
    pub fn is_wildcard(&self) -> bool {
        self.name.contains('*')
    }

    /// What stands in `<>` in its name and samples, in order (W4).
    pub fn placeholders(&self) -> impl Iterator<Item = &str> {
        let texts = std::iter::once(&self.name).chain(&self.samples);
        texts.flat_map(|text| text.split('<').skip(1)).filter_map(|rest| Some(rest.split_once('>')?.0))
    }

    /// The name as a pattern; placeholders match any text. A name that is nothing but a placeholder matches no host: else it
    /// would match all.
    pub fn pattern(&self) -> Pattern {
        if self.name.starts_with('<') && self.name.find('>') == Some(self.name.len() - 1) {
            return Pattern::Exact(self.name.clone());
        }
        Pattern::new(&super::expand::placeholders_as_wildcards(&self.name))
    }
}

/// Transport of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

/// When an entry is needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Need {
    /// While the service runs.
    Always,
    /// To install, connect, update or disconnect.
    Install,
    /// Only with this feature.
    Feature(String),
    /// Never strictly.
    Optional,
}

/// What a service says about TLS inspection (F25).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TlsInspection {
    /// It breaks the service, or its page forbids it.
    Forbidden,
    /// It works where the inspecting CA is trusted.
    Tolerated,
    /// Nothing is said.
    #[default]
    Unknown,
}

/// What a service says about forward proxies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProxyUse {
    /// Works.
    Ok,
    /// Works if the proxy passes WebSockets.
    Ws,
    /// The client ignores its proxy here.
    Unsupported,
}

/// Why a catalogue cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// Not TOML of the catalogue's shape; the message has line and column.
    #[error("catalogue {catalog}: {message}")]
    Syntax {
        /// Which.
        catalog: String,
        /// The parser's words.
        message: String,
    },
    /// An entry says something impossible.
    #[error("catalogue {catalog}, entry {position} ({name}): {message}")]
    Entry {
        /// Which.
        catalog: String,
        /// Counted from 1.
        position: usize,
        /// Its name as written.
        name: String,
        /// What is wrong.
        message: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCatalog {
    service: String,
    #[serde(default)]
    service_tags: Vec<String>,
    #[serde(default)]
    notes: Vec<String>,
    source: Vec<Source>,
    entry: Vec<RawEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEntry {
    fqdn: Option<String>,
    pattern: Option<String>,
    ports: Vec<u16>,
    proto: Protocol,
    path: Option<String>,
    purpose: String,
    need: String,
    private_link: Option<String>,
    er_hint: Option<String>,
    #[serde(default)]
    tls_inspection: TlsInspection,
    proxy: Option<ProxyUse>,
    #[serde(default)]
    samples: Vec<String>,
    source: String,
}

impl Catalog {
    /// Reads a catalogue; `name` is only for messages.
    pub fn parse(name: &str, text: &str) -> Result<Self, CatalogError> {
        let raw: RawCatalog = toml::from_str(text)
            .map_err(|e| CatalogError::Syntax { catalog: name.to_owned(), message: e.to_string() })?;
        let sources: BTreeMap<&str, &Source> = raw.source.iter().map(|s| (s.id.as_str(), s)).collect();
        let mut entries = Vec::with_capacity(raw.entry.len());
        for (index, entry) in raw.entry.into_iter().enumerate() {
            let written = entry.fqdn.clone().or_else(|| entry.pattern.clone()).unwrap_or_default();
            let known = sources.contains_key(entry.source.as_str());
            entries.push(check(entry, known).map_err(|message| CatalogError::Entry {
                catalog: name.to_owned(),
                position: index + 1,
                name: written,
                message,
            })?);
        }
        Ok(Self {
            service: raw.service,
            service_tags: raw.service_tags,
            notes: raw.notes,
            sources: raw.source,
            entries,
        })
    }
}

fn check(raw: RawEntry, source_known: bool) -> Result<Entry, String> {
    let name = match (raw.fqdn, raw.pattern) {
        (Some(name), None) if name.contains('*') => {
            return Err("`fqdn` has a wildcard: write it as `pattern`".to_owned());
        }
        (None, Some(name)) if !name.contains('*') => {
            return Err("`pattern` has no wildcard: write it as `fqdn`".to_owned());
        }
        (Some(name), None) | (None, Some(name)) => crate::target::canonical_host(&name),
        _ => return Err("needs exactly one of `fqdn` and `pattern`".to_owned()),
    };
    if raw.ports.is_empty() || raw.ports.contains(&0) {
        return Err("needs at least one port, none of them 0".to_owned());
    }
    if !source_known {
        return Err(format!("source `{}` is not declared by a [[source]]", raw.source));
    }
    let entry = Entry {
        name,
        ports: raw.ports,
        proto: raw.proto,
        path: raw.path,
        purpose: raw.purpose,
        need: need(&raw.need)?,
        private_link: raw.private_link,
        er_hint: raw.er_hint,
        tls_inspection: raw.tls_inspection,
        proxy: raw.proxy,
        samples: raw.samples.iter().map(|s| crate::target::canonical_host(s)).collect(),
        source: raw.source,
    };
    if !entry.is_wildcard() && !entry.samples.is_empty() {
        return Err("samples are only for wildcards".to_owned());
    }
    match entry.samples.iter().find(|sample| !super::expand::stands_for(sample, &entry)) {
        Some(sample) => Err(format!("sample `{sample}` does not match")),
        None => Ok(entry),
    }
}

fn need(text: &str) -> Result<Need, String> {
    match text {
        "always" => Ok(Need::Always),
        "install" => Ok(Need::Install),
        "optional" => Ok(Need::Optional),
        _ => text
            .strip_prefix("feature(")
            .and_then(|rest| rest.strip_suffix(')'))
            .filter(|feature| !feature.is_empty())
            .map(|feature| Need::Feature(feature.to_owned()))
            .ok_or_else(|| format!("need `{text}` is none of always, install, feature(NAME), optional")),
    }
}

#[cfg(test)]
mod tests {
    use super::Catalog;

    const HEAD: &str =
        "service = \"s\"\n[[source]]\nid = \"D\"\ndocument = \"d\"\ndate = \"2026-01-01\"\n[[entry]]\n";

    fn error(entry: &str) -> String {
        Catalog::parse("c.toml", &format!("{HEAD}{entry}")).expect_err("it is wrong").to_string()
    }

    #[test]
    fn an_unknown_key_is_an_error_with_its_line() {
        let text = error(
            "fqdn = \"a.example\"\nports = [443]\nproto = \"tcp\"\npurpose = \"\"\nneed = \"always\"\nneeds = 1\nsource = \"D\"",
        );
        assert!(text.contains("c.toml") && text.contains("line 12") && text.contains("needs"), "{text}");
    }

    #[test]
    fn a_name_that_is_only_a_placeholder_matches_no_host() {
        let entry = |name: &str| {
            let text = format!(
                "{HEAD}fqdn = \"{name}\"\nports = [443]\nproto = \"tcp\"\npurpose = \"\"\nneed = \"always\"\nsource = \"D\""
            );
            Catalog::parse("c.toml", &text).expect("it is sound").entries.remove(0)
        };
        assert!(entry("<address>").pattern().matches("evil.example").is_none());
        assert!(entry("<vault>.vault.example").pattern().matches("v.vault.example").is_some());
        assert!(entry("<a>.x.<b>").pattern().matches("1.x.2").is_some());
        let own = entry("<vault>.<region>.vault.example");
        assert_eq!(own.placeholders().collect::<Vec<_>>(), ["vault", "region"]);
    }

    #[test]
    fn a_sample_must_match_its_pattern_and_a_source_must_be_declared() {
        let sample = error(
            "pattern = \"*.a.example\"\nports = [443]\nproto = \"tcp\"\npurpose = \"\"\nneed = \"always\"\nsamples = [\"b.example\"]\nsource = \"D\"",
        );
        assert_eq!(sample, "catalogue c.toml, entry 1 (*.a.example): sample `b.example` does not match");
        let source = error(
            "fqdn = \"a.example\"\nports = [443]\nproto = \"tcp\"\npurpose = \"\"\nneed = \"always\"\nsource = \"E\"",
        );
        assert!(source.ends_with("source `E` is not declared by a [[source]]"), "{source}");
    }
}
