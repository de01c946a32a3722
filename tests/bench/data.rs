//! What the data costs: reading, memory, and one question. Prints a table; asserts nothing.
//!
//! `cargo bench --bench data [-- FILE]`: FILE is a real file of service tags; without it, one of the size is made of the
//! embedded tags. The budgets: 4.2 MB of service tags read in ≤ 60 ms, the embedded snapshot ready in ≤ 20 ms, everything in
//! memory with 500,000 ranges ≤ 25 MB, owner, tags and eligibility of one address ≤ 1 µs.

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime};

use closedpath_core::config::Topology;
use closedpath_core::eligibility::{Question, decide, judge, owner};
use closedpath_core::tables::{AsnRanges, DataFile, DataSet, Origin, ServiceTags, Tables};

const RUNS: usize = 11;
const RANGES: u32 = 500_000;

/// Counts what is asked for; the allocator's own overhead is not in it.
struct Counting;

static HELD: AtomicUsize = AtomicUsize::new(0);

#[allow(unsafe_code, reason = "a counting allocator can only be written so, and only this bench has it")]
// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        HELD.fetch_add(layout.size(), Ordering::Relaxed);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Ordering::Relaxed);
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn main() -> anyhow::Result<()> {
    // `cargo test --benches` passes arguments of its own; a bench is only run by `cargo bench`.
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if !arguments.iter().any(|argument| argument == "--bench") {
        return Ok(());
    }
    let text = match arguments.iter().find(|argument| !argument.starts_with("--")) {
        Some(file) => std::fs::read_to_string(file)?,
        None => written(Tables::builtin()?.service_tags.as_ref()),
    };
    println!("{:<58} {:>10} {:>10} {:>10} {:>10}", "what", "min", "median", "max", "budget");
    let file = DataFile { name: "ServiceTags_Public_20991231.json", modified: None, text: &text };
    let megabytes = text.len() as f64 / 1e6;
    row(&format!("service tags of {megabytes:.1} MB read"), Duration::from_millis(60), 1, || {
        black_box(ServiceTags::parse(&file).map(|table| table.tags().len())).is_ok()
    });
    row("the embedded snapshot and documents ready", Duration::from_millis(20), 1, || {
        black_box(Tables::builtin()).is_ok()
    });

    let before = HELD.load(Ordering::Relaxed);
    let mut tables = Tables::builtin()?;
    let embedded = HELD.load(Ordering::Relaxed) - before;
    tables.asn = Some(ranges().table(DataSet { version: "x".into(), ..tables.regions.data_set.clone() }));
    tables.limits.service_tags_stale = Duration::MAX;
    let held = HELD.load(Ordering::Relaxed) - before;
    let shown = |bytes: usize| format!("{:.1} MB", bytes as f64 / 1e6);
    println!(
        "{:<58} {:>10} {:>10} {:>10} {:>10}",
        "the embedded data in memory",
        "",
        shown(embedded),
        "",
        ""
    );
    println!(
        "{:<58} {:>10} {:>10} {:>10} {:>10}",
        "the same with 500,000 ranges",
        "",
        shown(held),
        "",
        "25 MB"
    );

    // One address of each kind: Front Door, a region, Entra ID with a Microsoft 365 set, nobody's, IPv6.
    let addresses: Vec<IpAddr> =
        ["13.107.246.10", "23.102.64.1", "20.190.141.1", "8.8.8.8", "2620:1ec:bdf::10"]
            .iter()
            .filter_map(|text| text.parse().ok())
            .collect();
    let topology = Topology::default();
    let now = SystemTime::now();
    let tags = tables.service_tags.as_ref();
    let asn = tables.asn.as_ref();
    let each = |budget: Duration, what: &str, ask: &dyn Fn(IpAddr)| {
        row(what, budget, 5 * 2000, || {
            (0..2000).for_each(|_| addresses.iter().for_each(|ip| ask(black_box(*ip))));
            true
        });
    };
    let micro = Duration::from_micros(1);
    each(micro, "one address: tags and origin AS looked up", &|ip| {
        black_box((tags.map(|tags| tags.of(ip)), asn.and_then(|asn| asn.of(ip))));
    });
    each(micro, "one address: owner, tags and eligibility", &|ip| {
        let question =
            Question { name: None, cname: &[], ip, topology: &topology, tables: &tables, routes: None, now };
        black_box((owner(ip, None, &tables), decide(&question)));
    });
    each(3 * micro, "the same with every fact in words, as a report has it", &|ip| {
        let question =
            Question { name: None, cname: &[], ip, topology: &topology, tables: &tables, routes: None, now };
        black_box((owner(ip, None, &tables), judge(&question)));
    });
    Ok(())
}

/// Prints the times of `run`, which does one thing `times` times.
fn row(what: &str, budget: Duration, times: u32, mut run: impl FnMut() -> bool) {
    let mut took: Vec<Duration> = (0..RUNS)
        .map(|_| {
            let began = Instant::now();
            assert!(run(), "{what}");
            began.elapsed() / times
        })
        .collect();
    took.sort();
    let shown = |time: Duration| match time.as_nanos() {
        nanos if nanos < 100_000 => format!("{nanos} ns"),
        nanos => format!("{:.1} ms", nanos as f64 / 1e6),
    };
    let (min, median, max) = (took[0], took[RUNS / 2], took[RUNS - 1]);
    println!("{what:<58} {:>10} {:>10} {:>10} {:>10}", shown(min), shown(median), shown(max), shown(budget));
}

/// The tags as Microsoft's file has them, line for line.
fn written(tags: Option<&ServiceTags>) -> String {
    let Some(tags) = tags else { return String::new() };
    let mut lists: std::collections::BTreeMap<&str, Vec<String>> = std::collections::BTreeMap::new();
    for (prefix, of) in tags.prefixes() {
        for tag in of {
            lists.entry(&tag.name).or_default().push(format!("          \"{prefix}\""));
        }
    }
    let values = tags.tags().iter().map(|tag| {
        let prefixes = lists.get(tag.name.as_str()).map(|list| list.join(",\n")).unwrap_or_default();
        let (name, region) = (&tag.name, &tag.region);
        format!(
            "    {{\n      \"name\": \"{name}\",\n      \"id\": \"{name}\",\n      \"properties\": {{\n        \"changeNumber\": 1,\n        \
             \"region\": \"{region}\",\n        \"regionId\": 0,\n        \"platform\": \"Azure\",\n        \"systemService\": \"\",\n        \
             \"addressPrefixes\": [\n{prefixes}\n        ],\n        \"networkFeatures\": [\n          \"API\",\n          \"NSG\"\n        ]\n      }}\n    }}"
        )
    });
    let values: Vec<String> = values.collect();
    format!(
        "{{\n  \"changeNumber\": 376,\n  \"cloud\": \"Public\",\n  \"values\": [\n{}\n  ]\n}}\n",
        values.join(",\n")
    )
}

/// Like a whole table of the Internet: four fifths IPv4, 80,000 systems with names.
fn ranges() -> AsnRanges {
    let mut ranges = AsnRanges::default();
    for number in 0..RANGES {
        let asn = 1 + number.wrapping_mul(2_654_435_761) % 80_000;
        let org = format!("EXAMPLE-NETWORK-{asn} Example Network {asn}");
        let origin = Origin { asn, org: &org };
        let added = if number % 5 == 0 {
            let start = (0x2000_u128 << 112) + (u128::from(number) << 90);
            ranges.add(Ipv6Addr::from(start).into(), Ipv6Addr::from(start + 0xffff_ffff).into(), origin)
        } else {
            let start = 0x0100_0000 + number * 7_000;
            ranges.add(Ipv4Addr::from(start).into(), Ipv4Addr::from(start + 6_000).into(), origin)
        };
        assert!(added.is_ok(), "the ranges are in order");
    }
    ranges
}
