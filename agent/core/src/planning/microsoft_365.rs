//! The Microsoft 365 catalogue, brought in line with the endpoint feed in force.

use crate::catalog::{Catalog, Entry, Need, Protocol, Source, TlsInspection};
use crate::tables::{M365, M365Set};

/// The name of the catalogue.
pub const MICROSOFT_365: &str = "microsoft-365";

/// The catalogue of a feed: one entry per set, name and protocol, required sets always needed. Of `base` stay the notes, the
/// samples of wildcards the feed still has, and the placeholders that stand for sets without names (W6).
pub fn microsoft_365(base: &Catalog, feed: &M365) -> Catalog {
    let mut sets: Vec<&M365Set> = feed.sets().iter().collect();
    sets.sort_by_key(|set| set.id);
    let source = base.sources.first().map_or("M365", |source| source.id.as_str());
    let mut entries = Vec::new();
    for set in sets {
        let purpose = format!("Microsoft 365 set {} ({})", set.id, set.area);
        for name in names(set, base, &purpose) {
            for (proto, ports) in [(Protocol::Tcp, &set.tcp_ports), (Protocol::Udp, &set.udp_ports)] {
                let ports = numbers(ports);
                if ports.is_empty() {
                    continue;
                }
                entries.push(Entry {
                    names_from: None,
                    samples: samples(&name, set, base),
                    name: name.clone(),
                    ports,
                    proto,
                    path: None,
                    purpose: purpose.clone(),
                    need: if set.required { Need::Always } else { Need::Optional },
                    private_link: None,
                    er_hint: None,
                    tls_inspection: TlsInspection::Unknown,
                    proxy: None,
                    source: source.to_owned(),
                });
            }
        }
    }
    Catalog { sources: sources(base, feed, source), entries, ..base.clone() }
}

/// The set's names; for a set without any, the placeholder that `base` has for it.
fn names(set: &M365Set, base: &Catalog, purpose: &str) -> Vec<String> {
    if !set.patterns.is_empty() {
        return set.patterns.iter().map(|(text, _)| crate::target::canonical_host(text)).collect();
    }
    let known = base.entries.iter().find(|entry| entry.purpose == purpose && entry.name.contains('<'));
    vec![known.map_or_else(|| format!("<address-of-set-{}>", set.id), |entry| entry.name.clone())]
}

/// Known names of a wildcard: those of `base`, else its bare parent where the set has it (W2).
fn samples(name: &str, set: &M365Set, base: &Catalog) -> Vec<String> {
    if !name.contains('*') {
        return Vec::new();
    }
    let of_base = base.entries.iter().find(|entry| entry.name == name && !entry.samples.is_empty());
    if let Some(entry) = of_base {
        return entry.samples.clone();
    }
    let parent = name.strip_prefix("*.").filter(|parent| set.patterns.iter().any(|(text, _)| text == parent));
    parent.map(str::to_owned).into_iter().collect()
}

/// `80,443` and `3478-3481`; what is no number is left out.
fn numbers(text: &str) -> Vec<u16> {
    let range = |part: &str| {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        let (from, to) = (from.trim().parse::<u16>().ok()?, to.trim().parse::<u16>().ok()?);
        Some(from..=to)
    };
    text.split(',').filter_map(range).flatten().filter(|port| *port > 0).collect()
}

/// The sources of `base`; where the feed is another version, that feed comes first.
fn sources(base: &Catalog, feed: &M365, id: &str) -> Vec<Source> {
    let set = &feed.data_set;
    let same =
        base.sources.iter().any(|source| !set.version.is_empty() && source.document.contains(&set.version));
    if same {
        return base.sources.clone();
    }
    let date = set.date.map_or_else(String::new, |date| {
        humantime::format_rfc3339_seconds(date).to_string().chars().take(10).collect()
    });
    let of_feed = Source {
        id: id.to_owned(),
        document: format!("{} {} ({})", set.name, set.version, set.source),
        date,
    };
    let others = base.sources.iter().map(|source| match source.id == id {
        true => Source { id: format!("{id}-samples"), ..source.clone() },
        false => source.clone(),
    });
    std::iter::once(of_feed).chain(others).collect()
}

#[cfg(test)]
mod tests {
    use super::{MICROSOFT_365, microsoft_365, numbers};
    use crate::catalog::{Catalog, Need, builtin};
    use crate::tables::{DataFile, M365, Tables};

    fn base() -> Catalog {
        let all = builtin().expect("the built-in catalogues parse");
        all.into_iter().find(|catalog| catalog.service == MICROSOFT_365).expect("it is built in")
    }

    #[test]
    fn the_catalogue_that_is_built_in_is_the_one_of_the_embedded_feed() {
        let feed = Tables::builtin().expect("the built-in tables parse").m365.expect("it is embedded");
        let (base, fresh) = (base(), microsoft_365(&base(), &feed));
        for (old, new) in base.entries.iter().zip(&fresh.entries) {
            assert_eq!(old, new);
        }
        assert_eq!(base, fresh);
    }

    #[test]
    fn another_feed_gives_its_own_names_and_keeps_samples_of_wildcards_it_still_has() {
        let text = r#"[
            {"id": 59, "serviceArea": "Common", "urls": ["*.msauth.net", "new.example"], "tcpPorts": "443", "required": true},
            {"id": 7, "serviceArea": "Skype", "ips": ["192.0.2.0/24"], "udpPorts": "3478-3479", "required": false}]"#;
        let file = DataFile { name: "endpoints_Worldwide_2026110100.json", modified: None, text };
        let fresh = microsoft_365(&base(), &M365::parse(&file).expect("it parses"));
        let names: Vec<&str> = fresh.entries.iter().map(|entry| entry.name.as_str()).collect();
        assert_eq!(names, ["<address-of-set-7>", "*.msauth.net", "new.example"]);
        assert_eq!(fresh.entries[0].ports, [3478, 3479]);
        assert_eq!((&fresh.entries[0].need, &fresh.entries[1].need), (&Need::Optional, &Need::Always));
        assert_eq!(fresh.entries[1].samples, ["aadcdn.msauth.net"]);
        assert_eq!((fresh.sources[0].id.as_str(), fresh.sources[0].date.as_str()), ("M365", "2026-11-01"));
        assert_eq!(fresh.sources[1].id, "M365-samples");
    }

    #[test]
    fn ports_are_read_as_lists_and_ranges() {
        assert_eq!(numbers("80,443"), [80, 443]);
        assert_eq!(numbers("3478-3481"), [3478, 3479, 3480, 3481]);
        assert!(numbers("").is_empty());
    }
}
