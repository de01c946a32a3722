//! A URL or a redirect from anywhere: canonical, http or https, without credentials, and led to no address behind the guard.
//!
//! The first octet: bits 0 and 1 are what the URL is for, bit 2 says that the last line is the base it is relative to.
#![no_main]

use std::net::IpAddr;
use std::sync::LazyLock;

use closedpath_core::closure::{parse, refusal};
use closedpath_core::config::Plan;
use closedpath_core::target::{Origin, Probe, canonical_host};
use libfuzzer_sys::fuzz_target;
use url::Url;

static PLAN: LazyLock<Plan> = LazyLock::new(Plan::default);

fuzz_target!(|data: &[u8]| {
    let Some((how, text)) = data.split_first() else { return };
    let Ok(text) = str::from_utf8(text) else { return };
    let kind = [Origin::Crl, Origin::Ocsp, Origin::Aia, Origin::Target][usize::from(how & 3)];
    let (text, base) = match text.rsplit_once('\n') {
        Some((text, base)) if how & 4 != 0 => (text, Some(base)),
        _ => (text, None),
    };
    // As a redirect: what it is relative to was itself accepted.
    let base = match base.map(|base| parse(base, kind, None)) {
        Some(Some(link)) => Some(link.url),
        Some(None) => return,
        None => None,
    };
    let Some(link) = parse(text, kind, base.as_deref()) else { return };

    let url = Url::parse(&link.url).expect("what is accepted is a URL");
    let probe = match url.scheme() {
        "http" => Probe::Http,
        "https" => Probe::Https,
        other => panic!("{other}"),
    };
    assert_eq!(url.as_str(), link.url, "canonical already");
    assert!(url.username().is_empty() && url.password().is_none() && url.fragment().is_none());
    assert!(link.url.is_ascii() && !link.url.contains(|c: char| c.is_ascii_control() || c == ' '));

    let endpoint = &link.endpoint;
    assert_eq!((endpoint.probe, Some(endpoint.port)), (probe, url.port_or_known_default()));
    assert!(endpoint.via.is_none() && !endpoint.host.is_empty());
    assert_eq!(canonical_host(&endpoint.host), endpoint.host, "the host is canonical");
    assert!(!endpoint.host.contains(['/', '?', '#', '@', '\\', ' ', '[', '%']), "{}", endpoint.host);

    // An address is known to be one, however it was written, and the guard judges that one.
    match url.host() {
        Some(url::Host::Ipv4(ip)) => guarded(endpoint.ip(), ip.into()),
        Some(url::Host::Ipv6(ip)) => guarded(endpoint.ip(), ip.into()),
        Some(url::Host::Domain(_)) => assert_eq!(endpoint.ip(), None, "a name that is an address"),
        None => panic!("no host"),
    }

    // Twice is once, and the key says so too.
    if let Some(again) = parse(&link.url, kind, None) {
        assert_eq!(again, link);
    } else {
        assert!(link.url.len() > 2048);
    }
    if kind == Origin::Ocsp {
        assert!(link.key.starts_with(url.scheme()) && link.key.ends_with(" ocsp"));
    } else {
        assert_eq!(link.key, link.url);
    }
});

fn guarded(seen: Option<IpAddr>, written: IpAddr) {
    assert_eq!(seen, Some(written));
    let own = match written.to_canonical() {
        IpAddr::V4(ip) => ip.is_loopback() || ip.is_private() || ip.is_link_local() || ip.is_unspecified(),
        IpAddr::V6(ip) => {
            ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local() || ip.is_unspecified()
        }
    };
    if own {
        assert!(refusal(&PLAN, &written.to_string(), written).is_some(), "{written}");
    }
}
