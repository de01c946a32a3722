//! MaxMind-format databases of autonomous systems (GeoLite2-ASN, ip-location-db and relatives), read whole into a table.

use std::net::Ipv6Addr;
use std::time::SystemTime;

use closedpath_core::tables::{AsnRanges, AsnTable, DataSet, DateFrom, Origin};
use ipnet::{IpNet, Ipv6Net};
use maxminddb::WithinOptions;
use serde::Deserialize;

use super::error::FileError;

/// What stands before the metadata, near the end of the file.
const MARK: &[u8] = b"\xab\xcd\xefMaxMind.com";
/// The metadata begins within this many bytes before the end.
const TAIL: usize = 128 * 1024;
/// How often a tree can hold its IPv4 part: at `::/96`, and where [`ALIASES`] lead to it.
const COPIES: u64 = 4;
/// Under these, databases repeat their IPv4 part: IPv4-mapped addresses, Teredo, 6to4 (RFC 4291 §2.5.5.2, RFC 4380, RFC 3056).
const ALIASES: [Ipv6Net; 3] = [
    Ipv6Net::new_assert(Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0, 0), 96),
    Ipv6Net::new_assert(Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 32),
    Ipv6Net::new_assert(Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
];

/// The names of MaxMind, and those of databases that are made of iptoasn.
#[derive(Deserialize)]
struct Record<'a> {
    #[serde(rename = "autonomous_system_number")]
    asn: Option<u32>,
    #[serde(rename = "autonomous_system_organization")]
    org: Option<&'a str>,
}

/// Whether the bytes are such a database.
pub fn is_one(bytes: &[u8]) -> bool {
    let tail = &bytes[bytes.len().saturating_sub(TAIL)..];
    tail.windows(MARK.len()).any(|window| window == MARK)
}

/// Reads all of it.
pub fn read(name: &str, bytes: &[u8]) -> Result<AsnTable, FileError> {
    let wrong = |why: String| FileError::Shape { file: name.to_owned(), why };
    let failed = |error: maxminddb::MaxMindDbError| wrong(format!("the database is damaged: {error}"));
    let database = maxminddb::Reader::from_source(bytes).map_err(failed)?;
    let mut ranges = AsnRanges::default();
    let mut any = false;
    // A damaged tree may share its branches, and then has more ways down than anybody can walk. Every leaf is asked for,
    // without data and of the aliases too, so that the walk ends once there are more than a sound tree can have.
    let most = (u64::from(database.metadata().node_count) + 1) * COPIES;
    let leaves = WithinOptions::default().include_networks_without_data().include_aliased_networks();
    for (number, found) in (0_u64..).zip(database.networks(leaves).map_err(failed)?) {
        if number >= most {
            return Err(wrong(
                "the database is damaged: the branches of its tree lead into each other".to_owned(),
            ));
        }
        let found = found.map_err(failed)?;
        let network = found.network().map_err(failed)?;
        let (start, end) = (network.network(), network.broadcast());
        if IpNet::new(start, network.prefix()).is_ok_and(|network| is_alias(&network)) {
            continue;
        }
        let record = found.decode::<Record<'_>>().map_err(failed)?;
        let Some((asn, org)) = record.and_then(|record| Some((record.asn?, record.org.unwrap_or_default())))
        else {
            continue;
        };
        any = true;
        ranges.add(start, end, Origin { asn, org }).map_err(|why| wrong(format!("{network}: {why}")))?;
    }
    let metadata = database.metadata();
    if !any {
        let what = &metadata.database_type;
        return Err(wrong(format!("no autonomous systems are in this database ({what})")));
    }
    let date = metadata.build_time().ok().filter(|date| *date != SystemTime::UNIX_EPOCH);
    let file = name.rsplit(['/', '\\']).next().unwrap_or(name);
    Ok(ranges.table(DataSet {
        name: "address to AS".to_owned(),
        version: metadata.database_type.clone(),
        date,
        date_from: date.map(|_| DateFrom::Content),
        source: file.to_owned(),
    }))
}

/// Whether the network stands in the database a second time.
fn is_alias(network: &IpNet) -> bool {
    match network {
        IpNet::V4(_) => false,
        IpNet::V6(network) => ALIASES.iter().any(|alias| alias != network && alias.contains(network)),
    }
}

#[cfg(test)]
mod tests {
    use super::read;

    /// Three networks of documentation addresses; its tree begins the file, six bytes for each of its 169 nodes.
    const SOUND: &[u8] = include_bytes!("../../../tests/data/asn.mmdb");
    const NODES: u8 = 169;

    /// The same with another tree: both branches of node N lead to `next(N)`.
    fn tree(next: impl Fn(u8) -> u8) -> Vec<u8> {
        let mut bytes = SOUND.to_vec();
        for node in 0..NODES {
            let both = [0, 0, next(node), 0, 0, next(node)];
            let at = usize::from(node) * both.len();
            bytes[at..at + both.len()].copy_from_slice(&both);
        }
        bytes
    }

    #[test]
    fn a_tree_whose_branches_share_what_is_below_them_ends_the_reading() {
        assert_eq!(read("sound.mmdb", SOUND).map(|table| table.ranges().count()).ok(), Some(3));
        let why = |bytes: &[u8]| read("x.mmdb", bytes).map(|_| ()).expect_err("it is damaged").to_string();
        let shared = "x.mmdb: the database is damaged: the branches of its tree lead into each other";
        // 2^120 leaves without data; 2^100 of which most lie below what the reader takes for the IPv4 part.
        for depth in [120, 100] {
            assert_eq!(why(&tree(|node| if node < depth { node + 1 } else { NODES })), shared, "{depth}");
        }
        // Deeper than an address has bits, or in a circle.
        assert!(why(&tree(|node| (node + 1).min(NODES))).contains("exceeded the address bit length"));
        assert!(why(&tree(|_| 0)).contains("exceeded the address bit length"));
    }
}
