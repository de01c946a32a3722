//! The output of FRR's `show bgp ipv4 unicast json` and `show bgp ipv6 unicast json`, for sites without BMP.
//!
//! In: the text, the router it is of, and until when it may count. Out: updates as a router would have told them. A path
//! that FRR calls best becomes a Loc-RIB route; every valid path is its neighbour's after policy. FRR leaves communities out
//! here: that none is seen proves nothing; a table dump (MRT) has them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::SystemTime;

use ipnet::IpNet;
use serde::Deserialize;
use thiserror::Error;

use super::{AsPath, Attributes, Community, Families, Family, Feed, Origin, PeerKey, Policy, Update};

/// The largest text that is read.
const MAX_BYTES: usize = 512 << 20;

/// Why a text is not such an output.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ShowError {
    /// Not JSON, or of another shape.
    #[error("line {line}, column {column}: {what}")]
    Json {
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// What is wrong.
        what: String,
    },
    /// A value that is none.
    #[error("prefix {prefix}: {what}")]
    Value {
        /// Where.
        prefix: String,
        /// What is wrong.
        what: String,
    },
    /// Too long.
    #[error("{bytes} bytes are more than the {MAX_BYTES} that are read")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Table {
    #[serde(rename = "localAS")]
    local_as: u32,
    #[serde(default)]
    default_loc_prf: Option<u32>,
    routes: BTreeMap<String, Vec<Path>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Path {
    #[serde(default)]
    valid: bool,
    #[serde(default)]
    bestpath: bool,
    #[serde(default)]
    multipath: bool,
    #[serde(default)]
    loc_prf: Option<u32>,
    #[serde(default)]
    metric: Option<u32>,
    #[serde(default)]
    path: String,
    #[serde(default)]
    path_from: String,
    #[serde(default)]
    origin: String,
    #[serde(default)]
    peer_id: String,
    #[serde(default)]
    community: Option<CommunityText>,
    #[serde(default)]
    nexthops: Vec<Hop>,
}

#[derive(Deserialize)]
struct CommunityText {
    string: String,
}

#[derive(Deserialize)]
struct Hop {
    #[serde(default)]
    ip: Option<String>,
    #[serde(default)]
    scope: Option<String>,
    #[serde(default)]
    used: bool,
}

/// Reads such outputs, one of each family at most, as the whole table of a router.
///
/// # Errors
///
/// Where and why one of them cannot be read; then nothing of them counts.
pub fn from_show_bgp(
    texts: &[(Family, &[u8])],
    router: IpAddr,
    until: SystemTime,
) -> Result<Vec<Update>, ShowError> {
    let mut routes = Vec::new();
    let mut peers: BTreeMap<Option<IpAddr>, u32> = BTreeMap::new();
    let mut local = None;
    let families = Families {
        v4: texts.iter().any(|(family, _)| *family == Family::V4),
        v6: texts.iter().any(|(family, _)| *family == Family::V6),
    };
    for (_, text) in texts {
        if text.len() > MAX_BYTES {
            return Err(ShowError::TooLong { bytes: text.len() });
        }
        let table: Table = serde_json::from_slice(text).map_err(|error| json(&error))?;
        local = Some(table.local_as);
        peers.entry(None).or_insert(table.local_as);
        for (prefix, paths) in &table.routes {
            let fault = |what: String| ShowError::Value { prefix: prefix.clone(), what };
            let net: IpNet = prefix.parse().map_err(|_| fault("not a prefix".into()))?;
            for path in paths.iter().filter(|path| path.valid) {
                let (neighbour, attributes) = read(path, table.default_loc_prf).map_err(fault)?;
                if let Some(neighbour) = neighbour {
                    let asn = if path.path_from == "internal" {
                        table.local_as
                    } else {
                        attributes.as_path.asns.first().copied().unwrap_or(0)
                    };
                    peers.entry(Some(neighbour)).or_insert(asn);
                    routes.push((Some(neighbour), Policy::Post, net, attributes.clone()));
                }
                if path.bestpath || path.multipath {
                    routes.push((None, Policy::Loc, net, attributes));
                }
            }
        }
    }
    Ok(told(routes, &peers, local, families, router, until))
}

/// Which family such an output is of, by its prefixes; `None` where it has none.
///
/// # Errors
///
/// It is no such output, or holds both.
pub fn family_of_show_bgp(text: &[u8]) -> Result<Option<Family>, ShowError> {
    #[derive(Deserialize)]
    struct Prefixes {
        routes: BTreeMap<String, serde::de::IgnoredAny>,
    }
    if text.len() > MAX_BYTES {
        return Err(ShowError::TooLong { bytes: text.len() });
    }
    let table: Prefixes = serde_json::from_slice(text).map_err(|error| json(&error))?;
    let mut family = None;
    for prefix in table.routes.keys() {
        let fault = |what: &str| ShowError::Value { prefix: prefix.clone(), what: what.into() };
        let net: IpNet = prefix.parse().map_err(|_| fault("not a prefix"))?;
        let own = Family::of(net.addr());
        if *family.get_or_insert(own) != own {
            return Err(fault("IPv4 and IPv6 in one text"));
        }
    }
    Ok(family)
}

fn json(error: &serde_json::Error) -> ShowError {
    ShowError::Json { line: error.line(), column: error.column(), what: error.to_string() }
}

fn told(
    routes: Vec<(Option<IpAddr>, Policy, IpNet, Attributes)>,
    peers: &BTreeMap<Option<IpAddr>, u32>,
    local_asn: Option<u32>,
    families: Families,
    router: IpAddr,
    until: SystemTime,
) -> Vec<Update> {
    let key = |neighbour| PeerKey { router, instance: 0, neighbour };
    let mut updates = vec![Update::SessionUp { router, until: Some(until) }];
    for (&neighbour, &asn) in peers {
        // Both, so that a family of which there is no text stays unknown.
        updates.push(Update::PeerUp { peer: key(neighbour), asn, local_asn, families: Families::BOTH });
    }
    // Several best paths of one prefix must not replace each other.
    let mut paths: BTreeMap<(Option<IpAddr>, IpNet), u32> = BTreeMap::new();
    let mut feeds = BTreeSet::new();
    for (neighbour, policy, prefix, attributes) in routes {
        let feed = Feed { peer: key(neighbour), policy };
        feeds.insert(feed);
        let path = paths.entry((neighbour, prefix)).or_default();
        updates.push(Update::Announce {
            feed,
            attributes,
            prefixes: vec![super::Announced { prefix, path: *path }],
        });
        *path += 1;
    }
    feeds.insert(Feed { peer: key(None), policy: Policy::Loc });
    for feed in feeds {
        for family in [Family::V4, Family::V6].into_iter().filter(|family| families.has(*family)) {
            updates.push(Update::EndOfRib { feed, family });
        }
    }
    updates
}

fn read(path: &Path, default_loc_prf: Option<u32>) -> Result<(Option<IpAddr>, Attributes), String> {
    let mut asns = Vec::new();
    let mut length = 0u16;
    let mut aggregated = false;
    for word in path.path.split_whitespace() {
        let set = word.starts_with(['{', '(', '[']);
        let confederation = word.starts_with(['(', '[']);
        for asn in word.split(['{', '}', '(', ')', '[', ']', ',']).filter(|part| !part.is_empty()) {
            asns.push(asn.parse().map_err(|_| format!("`{asn}` is not an AS"))?);
        }
        aggregated = set;
        length = length.saturating_add(u16::from(!confederation));
    }
    let communities = match &path.community {
        Some(text) => {
            let known = text.string.split_whitespace().filter_map(community);
            let mut all: Vec<_> = known.collect();
            all.sort_unstable();
            all.into()
        }
        None => Box::default(),
    };
    let hop = path.nexthops.iter().find(|hop| hop.used && hop.scope.as_deref() != Some("link-local"));
    let hop = hop.or_else(|| path.nexthops.iter().find(|hop| hop.scope.as_deref() != Some("link-local")));
    let attributes = Attributes {
        next_hop: hop.and_then(|hop| hop.ip.as_deref()?.parse().ok()),
        as_path: AsPath { asns: asns.into(), length, aggregated },
        communities,
        local_pref: path.loc_prf.or(default_loc_prf),
        med: path.metric,
        origin: match path.origin.as_str() {
            "IGP" => Origin::Igp,
            "EGP" => Origin::Egp,
            _ => Origin::Incomplete,
        },
    };
    // Its own routes have `(unspec)` or `::` for a peer.
    let neighbour = path.peer_id.parse().ok().filter(|ip: &IpAddr| !ip.is_unspecified());
    Ok((neighbour, attributes))
}

/// Well-known ones are written as words (`no-export`); no rule asks for them.
fn community(word: &str) -> Option<Community> {
    let (asn, value) = word.split_once(':')?;
    Some(Community(asn.parse().ok()?, value.parse().ok()?))
}
