//! One catalogue: entries with their sources, read from TOML and checked.
//!
//! In: the file's name and text. Out: a [`Catalog`], or what is wrong and where. Unknown keys are errors.

use std::collections::BTreeSet;

use serde::Deserialize;
use toml::Spanned;

use super::Pattern;
use crate::config::{ConfigErrors, Problems};

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
    /// Where the service tells the names of a wildcard (W7): a URL, possibly with `<placeholders>`, that answers a JSON list.
    pub names_from: Option<String>,
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCatalog {
    service: Spanned<String>,
    #[serde(default)]
    service_tags: Vec<String>,
    #[serde(default)]
    notes: Vec<String>,
    source: Vec<Source>,
    entry: Vec<Spanned<RawEntry>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEntry {
    fqdn: Option<Spanned<String>>,
    pattern: Option<Spanned<String>>,
    ports: Spanned<Vec<u16>>,
    proto: Protocol,
    path: Option<String>,
    purpose: String,
    need: Spanned<String>,
    private_link: Option<String>,
    er_hint: Option<String>,
    #[serde(default)]
    tls_inspection: TlsInspection,
    proxy: Option<ProxyUse>,
    #[serde(default)]
    samples: Vec<Spanned<String>>,
    names_from: Option<Spanned<String>>,
    source: Spanned<String>,
}

impl Catalog {
    /// Reads a catalogue. `file` is its name for messages; the errors have line, column and what to do.
    pub fn parse(file: &str, text: &str) -> Result<Self, ConfigErrors> {
        Self::read(file, text, &[])
    }

    /// Reads an operator's catalogue, whose name must be none of those `taken`: workloads could not tell them apart.
    pub fn own(file: &str, text: &str, taken: &[&str]) -> Result<Self, ConfigErrors> {
        Self::read(file, text, taken)
    }

    fn read(file: &str, text: &str, taken: &[&str]) -> Result<Self, ConfigErrors> {
        let mut problems = Problems::default();
        // What Windows editors put first.
        let text = text.trim_start_matches('\u{feff}');
        let raw: RawCatalog = match toml::from_str(text) {
            Ok(raw) => raw,
            Err(error) => {
                let help = "`closedpath catalog show NAME` and the files of config/catalogs show what one looks like";
                problems.add(&error.span().unwrap_or(0..0), error.message().replace('\n', " "), help);
                return Err(problems.into_errors(file, text));
            }
        };
        let service = raw.service.as_ref();
        if service.is_empty() || service.chars().any(|letter| letter.is_whitespace() || letter.is_control()) {
            let help = "workloads name it in `catalogs`: use \"-\" or \"_\"";
            problems.add(&raw.service.span(), "the service's name is empty or holds a space", help);
        }
        if taken.contains(&service.as_str()) {
            let message = format!("there is another catalogue \"{service}\", built in or in another file");
            problems.add(&raw.service.span(), message, "give this one a name of its own");
        }
        let sources: BTreeSet<&str> = raw.source.iter().map(|source| source.id.as_str()).collect();
        let entries =
            raw.entry.into_iter().filter_map(|entry| check(entry, &sources, &mut problems)).collect();
        if !problems.is_empty() {
            return Err(problems.into_errors(file, text));
        }
        Ok(Self {
            service: raw.service.into_inner(),
            service_tags: raw.service_tags,
            notes: raw.notes,
            sources: raw.source,
            entries,
        })
    }
}

/// The entry; `None` where something is wrong with it, which is noted.
fn check(raw: Spanned<RawEntry>, sources: &BTreeSet<&str>, problems: &mut Problems) -> Option<Entry> {
    let place = raw.span();
    let raw = raw.into_inner();
    let name = match (raw.fqdn, raw.pattern) {
        (Some(name), None) => {
            if name.as_ref().contains('*') {
                problems.add(&name.span(), "this `fqdn` has a wildcard", "write it as `pattern`");
            }
            name
        }
        (None, Some(name)) => {
            if !name.as_ref().contains('*') {
                problems.add(&name.span(), "this `pattern` has no wildcard", "write it as `fqdn`");
            }
            name
        }
        (Some(_), Some(_)) => {
            problems.add(&place, "this entry has `fqdn` and `pattern`", "make two entries of it");
            return None;
        }
        (None, None) => {
            let help = "`fqdn` is one name, `pattern` one with a wildcard";
            problems.add(&place, "this entry has neither `fqdn` nor `pattern`", help);
            return None;
        }
    };
    if raw.ports.as_ref().is_empty() || raw.ports.as_ref().contains(&0) {
        problems.add(&raw.ports.span(), "needs at least one port, none of them 0", "most services use [443]");
    }
    if !sources.contains(raw.source.as_ref().as_str()) {
        let message = format!("source \"{}\" is not declared", raw.source.as_ref());
        let known = sources.iter().copied().collect::<Vec<_>>().join(", ");
        problems.add(
            &raw.source.span(),
            message,
            format!("add a [[source]] with this id; there are: {known}"),
        );
    }
    let need = need(raw.need.as_ref());
    if need.is_none() {
        let message = format!("need \"{}\" does not exist", raw.need.as_ref());
        problems.add(&raw.need.span(), message, "known: always, install, feature(NAME), optional");
    }
    if let Some(from) = &raw.names_from
        && !(from.as_ref().starts_with("https://") && name.as_ref().contains('*'))
    {
        let help = "`names_from` is the https URL that tells the names of a `pattern`";
        problems.add(&from.span(), "this is not where a wildcard's names are told", help);
    }
    let entry = Entry {
        name: crate::target::canonical_host(name.as_ref()),
        ports: raw.ports.into_inner(),
        proto: raw.proto,
        path: raw.path,
        purpose: raw.purpose,
        need: need?,
        private_link: raw.private_link,
        er_hint: raw.er_hint,
        tls_inspection: raw.tls_inspection,
        proxy: raw.proxy,
        samples: raw.samples.iter().map(|sample| crate::target::canonical_host(sample.as_ref())).collect(),
        names_from: raw.names_from.map(Spanned::into_inner),
        source: raw.source.into_inner(),
    };
    if let Some(first) = raw.samples.first().filter(|_| !entry.is_wildcard()) {
        problems.add(&first.span(), "samples are only for wildcards", "remove them");
        return None;
    }
    let mut samples = raw.samples.iter().zip(&entry.samples);
    if let Some((written, sample)) = samples.find(|(_, sample)| !super::expand::stands_for(sample, &entry)) {
        let message = format!("sample \"{sample}\" does not match {}", entry.name);
        problems.add(&written.span(), message, "a sample matches the wildcard, or is its bare parent");
        return None;
    }
    Some(entry)
}

fn need(text: &str) -> Option<Need> {
    match text {
        "always" => Some(Need::Always),
        "install" => Some(Need::Install),
        "optional" => Some(Need::Optional),
        _ => text
            .strip_prefix("feature(")
            .and_then(|rest| rest.strip_suffix(')'))
            .filter(|feature| !feature.is_empty())
            .map(|feature| Need::Feature(feature.to_owned())),
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
        assert!(text.starts_with("c.toml:12:1: unknown field `needs`"), "{text}");
        assert!(text.contains("\n    needs = 1\n    ^^^^^\nhelp: "), "{text}");
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
    fn everything_that_is_wrong_is_told_at_once_each_with_its_place() {
        let wrong = Catalog::parse(
            "c.toml",
            &format!(
                "{HEAD}pattern = \"*.a.example\"\nports = [443]\nproto = \"tcp\"\npurpose = \"\"\nneed = \"always\"\n\
                 samples = [\"x.a.example\", \"b.example\"]\nsource = \"D\"\n[[entry]]\n\
                 fqdn = \"*.example\"\nports = [0]\nproto = \"tcp\"\npurpose = \"\"\nneed = \"never\"\nsource = \"E\"\n[[entry]]\n\
                 ports = [1]\nproto = \"tcp\"\npurpose = \"\"\nneed = \"always\"\nsource = \"D\""
            ),
        )
        .expect_err("it is wrong");
        let said: Vec<String> =
            wrong.errors().iter().map(|e| format!("{}:{}: {}", e.line, e.column, e.message)).collect();
        assert_eq!(
            said,
            [
                "12:27: sample \"b.example\" does not match *.a.example",
                "15:8: this `fqdn` has a wildcard",
                "16:9: needs at least one port, none of them 0",
                "19:8: need \"never\" does not exist",
                "20:10: source \"E\" is not declared",
                "21:1: this entry has neither `fqdn` nor `pattern`",
            ]
        );
    }

    #[test]
    fn an_own_catalogue_has_a_name_of_its_own() {
        let text = format!(
            "{HEAD}fqdn = \"a.example\"\nports = [443]\nproto = \"tcp\"\npurpose = \"\"\nneed = \"always\"\nsource = \"D\""
        );
        assert!(Catalog::own("c.toml", &text, &["entra-id"]).is_ok());
        let why = Catalog::own("c.toml", &text, &["entra-id", "s"]).expect_err("it is taken").to_string();
        assert_eq!(
            why,
            "c.toml:1:11: there is another catalogue \"s\", built in or in another file\n    service = \"s\"\n              ^^^\nhelp: give this one a name of its own"
        );
        let spaced = text.replacen("\"s\"", "\"s s\"", 1);
        assert!(Catalog::own("c.toml", &spaced, &[]).is_err());
    }
}
