//! Everything known about one destination, with the reasoning, readable without a manual.

use std::net::IpAddr;

use closedpath_core::failure::label;
use closedpath_core::report::{AddressReport, CaUrl, EndpointReport, Report};
use closedpath_core::target::canonical_host;

use super::chain::{alike, chain};
use super::pointers::{serves, why_not};
use super::style::{Page, Style, Tone, paint};
use super::{words, words_tls};

/// The workload of a destination that is asked for and that the configuration does not name.
pub const ASKED: &str = "(asked)";
/// URLs of a CA host that are shown, those that fail first.
const POINTERS: usize = 20;

/// The endpoints that `question` (a name, an address, either with a port, or an endpoint's id) means; `None` where it means none.
pub fn explain(report: &Report, question: &str, style: Style) -> Option<String> {
    let (host, port) = parse(question.trim());
    let ip: Option<IpAddr> = host.parse().ok();
    let meant: Vec<&EndpointReport> = report
        .endpoints
        .iter()
        .filter(|endpoint| {
            let named = endpoint.host == host
                || endpoint.dns.cname.iter().any(|name| canonical_host(name) == host)
                || ip.is_some_and(|ip| endpoint.addresses.iter().any(|address| address.ip == ip));
            endpoint.id == question.trim() || (named && port.is_none_or(|port| port == endpoint.port))
        })
        .collect();
    if meant.is_empty() {
        return None;
    }
    let mut page = Page::new(style);
    for (index, endpoint) in meant.into_iter().enumerate() {
        if index > 0 {
            page.gap();
        }
        one(&mut page, report, endpoint, ip);
    }
    page.gap();
    page.wrapped(
        "Strength of evidence: ",
        "A decides on its own about its part of the way; B is strong and needs a second plane; C supports; D is a hint and never decides. \
         Planes are the host's tables, routing (control), packets (data), names, applications (app) and what the configuration declares; two items of one plane are not independent.",
    );
    page.wrapped(
        "Words: ",
        "confirmed = packets or a dedicated interface show it and nothing contradicts; probable = strong hints agree, packets do not prove it; unknown = it cannot be told, for the reason given.",
    );
    Some(page.finish())
}

/// Host and port of `NAME`, `NAME:PORT`, `IP`, `IP:PORT`, `[IPv6]:PORT`, each perhaps with a final dot or in capitals.
fn parse(question: &str) -> (String, Option<u16>) {
    let is_v6 = question.parse::<IpAddr>().is_ok_and(|ip| ip.is_ipv6());
    match question.rsplit_once(':') {
        Some((host, port)) if !is_v6 => match port.parse() {
            Ok(port) => (canonical_host(host), Some(port)),
            Err(_) => (canonical_host(question), None),
        },
        _ => (canonical_host(question), None),
    }
}

fn one(page: &mut Page, report: &Report, endpoint: &EndpointReport, ip: Option<IpAddr>) {
    page.line(&paint(Tone::Strong, &endpoint.id));
    page.wrapped("  path: ", &words::path(endpoint.class, words::confidence(endpoint)));
    if endpoint.addresses.is_empty() {
        page.wrapped(
            "    because: ",
            &format!("there is no address to reach: {}", words::dns(endpoint.dns.status)),
        );
    }
    if endpoint.workloads == [ASKED] {
        page.line("  in the closure because: it was asked for; the configuration does not name it");
    } else {
        let origins: Vec<String> = endpoint.origins.iter().map(label).collect();
        let (origins, need) = (origins.join(", "), label(&endpoint.requirement));
        let of = format!("{origins} ({need} for {})", list(&endpoint.workloads));
        page.wrapped("  in the closure because: ", &of);
    }
    if !endpoint.required_by.is_empty() {
        page.wrapped("  required by: ", &endpoint.required_by.join(", "));
    }
    if let Some(proxy) = &endpoint.via {
        page.wrapped("  via: ", &format!("the proxy {proxy}; the addresses below are the proxy's"));
    }
    if let Some(bypass) = &endpoint.bypass {
        let reached = if bypass.reachable {
            format!("reached it, by {}", label(&bypass.class))
        } else {
            "did not reach it".to_owned()
        };
        page.wrapped("  beside the proxy: ", &format!("a direct attempt {reached}"));
    }
    let mut names = vec![endpoint.host.clone()];
    names.extend(endpoint.dns.cname.iter().cloned());
    page.wrapped(
        "  name: ",
        &format!("{} (resolver: {})", words::dns(endpoint.dns.status), endpoint.dns.resolver),
    );
    if names.len() > 1 {
        page.wrapped("        ", &names.join(" -> "));
    }
    for answer in &endpoint.dns.answers {
        page.line(&format!("        -> {} (TTL {} s)", answer.ip, answer.ttl));
    }
    let meant =
        |address: &&AddressReport| ip.is_none_or(|ip| ip == address.ip || endpoint.host == ip.to_string());
    let mut shown: Vec<&AddressReport> = Vec::new();
    for address in endpoint.addresses.iter().filter(meant) {
        self::address(page, address);
        if let Some(seen) = &address.tls {
            let same = shown.iter().find(|known| known.tls.as_ref().is_some_and(|known| alike(known, seen)));
            chain(page, report, seen, same.map(|same| same.ip));
        } else if endpoint.probe.uses_tls() {
            page.line("    tls: no handshake took place");
        }
        shown.push(address);
    }
    pointed_to(page, report, endpoint);
    let about: Vec<_> =
        report.findings.iter().filter(|finding| is_about(&finding.subject, endpoint)).collect();
    if !about.is_empty() {
        page.line("  findings:");
    }
    for finding in about {
        page.wrapped(
            "    ",
            &format!(
                "{} {} {}: {}",
                label(&finding.severity),
                label(&finding.id),
                finding.name,
                finding.detail
            ),
        );
        page.wrapped("      do: ", &finding.remedy);
    }
    check_by_hand(page, endpoint, ip);
}

fn address(page: &mut Page, address: &AddressReport) {
    page.line(&format!("  {}", paint(Tone::Strong, &format!("address {}", address.ip))));
    let timings: Vec<String> =
        address.timings.iter().map(|(phase, took)| format!("{phase} {}", words::seconds(*took))).collect();
    let failed = address
        .failure
        .as_ref()
        .map(|failure| format!("{} at {}: {}", label(&failure.code), label(&failure.step), failure.text));
    let mut contact = vec![if address.reachable { "reached".to_owned() } else { "not reached".to_owned() }];
    contact.extend(timings);
    contact.extend(address.transport.as_ref().map(words::transport).filter(|words| !words.is_empty()));
    contact.extend(failed);
    page.wrapped("    contact: ", &contact.join("; "));
    let path = &address.path;
    page.wrapped("    path: ", &words::path(path.class, path.confidence));
    if let Some(reason) = path.reason {
        page.wrapped("      because: ", reason.explain());
    }
    if let Some(route) = path.route_only {
        page.wrapped("      its route alone: ", &format!("{} ({})", label(&route), words::class(route)));
    }
    let mut about = Vec::new();
    about.extend(path.link.as_ref().map(|link| format!("link {link}")));
    if path.link.is_none() && !path.links.is_empty() {
        about.push(format!("links still possible: {}", path.links.join(", ")));
    }
    about.extend(path.circuit.as_ref().map(|circuit| format!("circuit {circuit}")));
    about.extend(path.edge.map(|edge| format!("leaves by {}", label(&edge))));
    about.extend(path.exit.map(|exit| format!("delivered by {}", label(&exit))));
    about.extend(path.encryption.iter().map(|kind| format!("encrypted: {kind}")));
    if !about.is_empty() {
        page.wrapped("      ", &about.join("; "));
    }
    if path.evidence.is_empty() {
        page.line("      no evidence was seen");
    }
    for item in &path.evidence {
        page.wrapped(
            &format!("      {:<4}{} {:<9}", item.id, label(&item.strength), label(&item.plane)),
            &format!("{} (at {})", item.says, humantime::format_rfc3339_seconds(item.at)),
        );
    }
    eligibility(page, address);
}

fn eligibility(page: &mut Page, address: &AddressReport) {
    let owner = &address.owner;
    let mut about = Vec::new();
    about.extend(owner.asn.map(|asn| format!("AS{asn}")));
    about.extend(owner.org.clone());
    about.extend(owner.region.as_ref().map(|region| format!("region {region}")));
    if !owner.service_tags.is_empty() {
        about.push(format!("service tags {}", owner.service_tags.join(", ")));
    }
    if !owner.m365_sets.is_empty() {
        about.push(format!(
            "Microsoft 365 sets {}",
            owner.m365_sets.iter().map(u32::to_string).collect::<Vec<_>>().join(", ")
        ));
    }
    page.wrapped("    owner: ", &if about.is_empty() { "not known".to_owned() } else { about.join("; ") });
    let found = &address.eligibility;
    let by =
        found.community.as_ref().map(|community| format!(", by community {community}")).unwrap_or_default();
    page.wrapped(
        "    could ExpressRoute carry it: ",
        &format!(
            "{}{by}. Rule {}: {}; {}. This comes from data and says nothing about the path taken.",
            label(&found.result),
            label(&found.rule),
            words::rule(found.rule),
            words::eligibility_code(&found.reason)
        ),
    );
    for condition in &found.conditions {
        page.wrapped("      only if: ", &words::eligibility_code(condition));
    }
    for fact in &found.facts {
        page.wrapped("      also: ", fact);
    }
}

/// What certificates want of this host, and what it answered.
fn pointed_to(page: &mut Page, report: &Report, endpoint: &EndpointReport) {
    let urls: Vec<&CaUrl> = report.ca_urls.iter().filter(|url| url.endpoint == endpoint.id).collect();
    if !urls.is_empty() {
        page.line("  certificates point to it:");
    }
    let (served, broken): (Vec<&CaUrl>, Vec<&CaUrl>) = urls.iter().partition(|url| serves(report, url));
    for url in broken.iter().chain(&served).take(POINTERS) {
        let why_not = (!serves(report, url)).then(|| why_not(report, url));
        let (tone, served, text) = words_tls::answered(url, why_not.as_deref());
        page.wrapped(&format!("    {:<5}", words_tls::ca_kind(url.kind)), &url.url);
        page.wrapped("         ", &format!("{}{text}", paint(tone, served)));
    }
    if urls.len() > POINTERS {
        page.line(&format!("    {}", words_tls::more_urls(urls.len() - POINTERS)));
    }
}

/// Whether a finding's subject is the endpoint, its host, or either with an address.
fn is_about(subject: &str, endpoint: &EndpointReport) -> bool {
    [&endpoint.id, &endpoint.host].iter().any(|name| {
        subject.strip_prefix(name.as_str()).is_some_and(|rest| {
            rest.is_empty() || rest.strip_prefix(' ').is_some_and(|rest| rest.parse::<IpAddr>().is_ok())
        })
    })
}

fn check_by_hand(page: &mut Page, endpoint: &EndpointReport, ip: Option<IpAddr>) {
    // Nobody may be led to paste what a stranger wrote: hosts can come from certificates.
    let harmless =
        endpoint.host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':'));
    if !harmless || endpoint.host.starts_with('-') {
        return;
    }
    page.line("  check it by hand:");
    if endpoint.host.parse::<IpAddr>().is_err() {
        page.line(&format!("    dig {}", endpoint.host));
    }
    let first = endpoint
        .addresses
        .iter()
        .map(|address| address.ip)
        .find(|candidate| ip.is_none_or(|ip| ip == *candidate));
    let Some(address) = first.or_else(|| endpoint.addresses.first().map(|address| address.ip)) else {
        return;
    };
    page.line(&format!("    ip route get {address}"));
    if endpoint.probe.uses_tcp() {
        page.line(&format!("    traceroute -T -n -p {} {address}", endpoint.port));
    } else {
        page.line(&format!("    traceroute -n {address}"));
    }
    if endpoint.probe.uses_tls() {
        let at = if address.is_ipv6() { format!("[{address}]") } else { address.to_string() };
        page.line(&format!(
            "    openssl s_client -connect {at}:{} -servername {} -showcerts </dev/null",
            endpoint.port, endpoint.host
        ));
    }
}

fn list(names: &[String]) -> String {
    if names.is_empty() { "the agent itself".to_owned() } else { names.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::{explain, parse};
    use crate::render::{Style, sample};

    #[test]
    fn a_name_is_explained_with_its_evidence_its_certificates_and_commands_to_check_it() {
        let text = explain(&sample::report(), "ACCT.blob.core.windows.net.", Style::PLAIN).unwrap();
        for part in [
            "path: er_private, confirmed (ExpressRoute private peering)",
            "acct.blob.core.windows.net -> acct.privatelink.blob.core.windows.net",
            "E6  A data     hop 2 is 203.0.113.2, which only er-primary has",
            "Rule EL1: in a declared virtual network",
            "CRL: http://crl.example/a.crl",
            "traceroute -T -n -p 443 10.100.0.4",
            "openssl s_client -connect 10.100.0.4:443 -servername acct.blob.core.windows.net",
            "A decides on its own",
        ] {
            assert!(text.contains(part), "{part} is missing in:\n{text}");
        }
    }

    #[test]
    fn an_address_a_cname_and_a_port_find_the_endpoint_and_a_stranger_finds_none() {
        let report = sample::report();
        let has = |question: &str| explain(&report, question, Style::PLAIN).is_some();
        assert!(has("10.100.0.4") && has("10.100.0.4:443") && has("acct.privatelink.blob.core.windows.net"));
        assert!(has("login.example:443/tcp"));
        assert!(!has("10.100.0.4:80") && !has("stranger.example") && !has(""));
    }

    #[test]
    fn a_dead_destination_says_why_its_path_is_unknown_and_the_findings_are_its_own() {
        let text = explain(&sample::report(), "crl.example:80", Style::PLAIN).unwrap();
        assert!(
            text.contains("because: the destination did not answer, so no traffic proves a path"),
            "{text}"
        );
        assert!(text.contains("its route alone: internet_direct"), "{text}");
        assert!(!text.contains("F02"), "{text}");
        assert!(explain(&sample::report(), "login.example", Style::PLAIN).unwrap().contains("high F02"));
    }

    #[test]
    fn a_hostile_host_name_yields_no_command_to_paste() {
        let mut report = sample::report();
        report.endpoints[3].host = "x;reboot".to_owned();
        let text = explain(&report, "x;reboot", Style::PLAIN).unwrap();
        assert!(!text.contains("check it by hand"), "{text}");
    }

    #[test]
    fn ports_are_told_from_addresses_of_version_6() {
        assert_eq!(parse("2001:db8::1"), ("2001:db8::1".to_owned(), None));
        assert_eq!(parse("[2001:DB8::1]:443"), ("2001:db8::1".to_owned(), Some(443)));
        assert_eq!(parse("Name.Example:80"), ("name.example".to_owned(), Some(80)));
    }
}
