//! The words for what the report names by codes: verdicts, classes, rules, ages. Text only; decides nothing.

use closedpath_core::attribution::{Confidence, PathClass};
use closedpath_core::eligibility::{Outcome, Rule};
use closedpath_core::findings::Severity;
use closedpath_core::observation::DnsStatus;
use closedpath_core::report::{AddressReport, EndpointReport, Transport};
use closedpath_core::verdict::Verdict;

use super::style::{Tone, paint};

/// A verdict for people.
pub(crate) struct VerdictWords {
    /// The Japanese term.
    pub japanese: &'static str,
    /// What it means.
    pub meaning: &'static str,
    /// What to do next.
    pub next: &'static str,
    /// How it looks.
    pub tone: Tone,
}

pub(crate) fn verdict(verdict: Verdict) -> VerdictWords {
    let (japanese, meaning, next, tone) = match verdict {
        Verdict::Closed => (
            "完全閉域",
            "everything needed was reached on closed paths, and nothing left by the Internet in this round",
            "keep watching with `closedpath run`: one round says nothing about tomorrow's routes and certificates",
            Tone::Good,
        ),
        Verdict::ClosedExcept => (
            "例外付き閉域",
            "only the exceptions that the policy allows left the closed network",
            "read the exceptions under NEEDED FROM OUTSIDE and confirm that each is still wanted",
            Tone::Good,
        ),
        Verdict::NotClosed => (
            "閉域ではない",
            "something leaves the closed network although the policy does not allow it",
            "start with the first finding; its remedy names what to change",
            Tone::Bad,
        ),
        Verdict::ClosedButBroken => (
            "閉域だが成立しない",
            "nothing leaks, but something that is needed cannot be reached",
            "see NEEDED FROM OUTSIDE and the findings: each lack needs a way in, or a service without it",
            Tone::Bad,
        ),
        Verdict::Undetermined => (
            "判定不能",
            "something answers on a path that cannot be told, so neither closed nor open is proven",
            "read why under the unknown endpoints: most often the links still have to be declared in the configuration",
            Tone::Unsure,
        ),
    };
    VerdictWords { japanese, meaning, next, tone }
}

/// A class in words.
pub(crate) fn class(class: PathClass) -> &'static str {
    match class {
        PathClass::Internal => "stays on the site",
        PathClass::ErPrivate => "ExpressRoute private peering",
        PathClass::ErPrivateIpsec => "ExpressRoute private peering, with IPsec inside",
        PathClass::ErMicrosoft => "ExpressRoute Microsoft peering",
        PathClass::InternetDirect => "the Internet, by a provider of the site",
        PathClass::InternetPeeringService => "the Internet, by a Peering Service provider",
        PathClass::VpnInternet => "a VPN over the Internet",
        PathClass::InternetViaAzureProxy => "the Internet, by a proxy in Azure",
        PathClass::InternetViaAzureBgp => "the Internet, by a default route from Azure",
        PathClass::InternetViaProxy => "the Internet, by a proxy elsewhere",
        PathClass::GsaRemoteNetwork => "Global Secure Access, remote network",
        PathClass::GsaClient => "Global Secure Access, client",
        PathClass::Mixed => "several classes",
        PathClass::Unknown => "not known",
    }
}

/// How a class looks.
pub(crate) fn class_tone(class: PathClass) -> Tone {
    if class.is_closed() {
        Tone::Good
    } else if class.is_open() {
        Tone::Bad
    } else {
        Tone::Unsure
    }
}

pub(crate) fn severity_tone(severity: Severity) -> Tone {
    match severity {
        Severity::Critical | Severity::High => Tone::Bad,
        Severity::Medium => Tone::Unsure,
        Severity::Low | Severity::Info => Tone::Plain,
    }
}

/// Whether ExpressRoute could carry it, in one word.
pub(crate) fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Eligible => "yes",
        Outcome::Conditional => "if",
        Outcome::NotEligible => "no",
        Outcome::Internal => "stays",
        Outcome::Unknown => "?",
    }
}

/// A rule of eligibility in words (DOMAIN §2.1).
pub(crate) fn rule(rule: Rule) -> &'static str {
    match rule {
        Rule::El0 => "not an address of a destination",
        Rule::El1 => "in a declared virtual network",
        Rule::El2 => "in a declared on-premises prefix",
        Rule::El3 => "private, but not declared",
        Rule::El4 => "Azure's own platform address",
        Rule::El5 => "a route for it was received",
        Rule::El6 => "Microsoft 365 that Microsoft keeps off ExpressRoute",
        Rule::El7 => "Microsoft 365 that may use ExpressRoute",
        Rule::El8 => "a service that Microsoft peering does not support",
        Rule::El9 => "in an Azure region",
        Rule::El10 => "only in a service's tag",
        Rule::El11 => "in Azure, region not known",
        Rule::El12 => "Microsoft's, but not Azure",
        Rule::El13 => "somebody else's, not Microsoft's",
        Rule::El14 => "the data is missing or too old",
    }
}

/// A reason or condition of eligibility in words; codes not known here stand as they are.
pub(crate) fn eligibility_code(code: &str) -> String {
    let (head, detail) = code.split_once(": ").map_or((code, None), |(head, detail)| (head, Some(detail)));
    let words = match head {
        "vnet" => "it belongs to the declared virtual networks",
        "onprem" => "it belongs to the site",
        "tunnel" => "it lies behind a declared tunnel",
        "undeclared_private" => "a private address that no declared prefix contains",
        "azure_platform_vip" => "reachable only from inside Azure",
        "address_not_routable" => "such an address is never a destination",
        "route_received" => "the circuit's peer announces a route for it",
        "route_without_community" => "a route was received without a community",
        "no_circuit" => "no circuit is declared",
        "route_filter" => "the circuit's route filter must contain the community",
        "region_community" => "the community of its region carries it",
        "service_community" => "the community of its service carries it",
        "no_documented_community" => "Microsoft documents no community for it",
        "service_tag_only" => "only a service tag names it, without a region",
        "sku_scope" => "the circuit's SKU does not reach that region",
        "sku_scope_unknown" => "it cannot be told whether the circuit's SKU reaches that region",
        "m365_needs_premium" => "Microsoft 365 needs a premium circuit",
        "m365_not_authorised" => "Microsoft has to authorise Microsoft 365 on the circuit",
        "m365_er_no" => "Microsoft publishes it as not for ExpressRoute",
        "gsa_edge" => "an edge of Global Secure Access, reached by the Internet",
        "unsupported" => "Microsoft says that it does not work over Microsoft peering",
        "third_party" => "it is not Microsoft's, so no circuit carries it",
        "microsoft_not_azure" => {
            "Microsoft's address, in no service tag of Azure and in no Microsoft 365 set"
        }
        "untagged_azure_service" => {
            "a service of Azure whose addresses are in no service tag: a received route would tell"
        }
        "conflict_gsa_vs_regional" => {
            "an edge of Global Secure Access at an address in a region: a route may be there, but nobody says that it works"
        }
        "no_origin_as" => "no table tells which AS announces it",
        "no_data" => "a needed data set is missing",
        "stale_data" => "a needed data set is too old",
        "snat_to_validated_public_prefixes" => "sources must be translated to validated public prefixes",
        "at_most_200_prefixes_per_session" => "at most 200 prefixes may be announced per session",
        "prefixes_not_announced_to_internet" => {
            "those prefixes must not be announced to the Internet as well"
        }
        "ipv6_peering" => "the peering must be set up for IPv6",
        _ => return code.to_owned(),
    };
    detail.map_or_else(|| format!("{words} ({head})"), |detail| format!("{words} ({head}: {detail})"))
}

/// The outcome of a resolution.
pub(crate) fn dns(status: DnsStatus) -> &'static str {
    match status {
        DnsStatus::Ok => "resolved",
        DnsStatus::Nxdomain => "the name does not exist (NXDOMAIN)",
        DnsStatus::Nodata => "the name exists without an address (NODATA)",
        DnsStatus::Servfail => "the resolver failed (SERVFAIL)",
        DnsStatus::Refused => "the resolver refused the question (REFUSED)",
        DnsStatus::Timeout => "no resolver answered",
        DnsStatus::Loop => "the CNAME chain loops or is too long",
    }
}

/// How an endpoint answered, short: `23 ms`, `2 of 3, 23 ms`, `refused`.
pub(crate) fn answer(endpoint: &EndpointReport) -> String {
    if endpoint.addresses.is_empty() {
        return closedpath_core::failure::label(&endpoint.dns.status);
    }
    let reached: Vec<&AddressReport> = endpoint.addresses.iter().filter(|a| a.reachable).collect();
    let Some(slowest) = reached.iter().filter_map(|a| a.timings.get("connect")).copied().reduce(f64::max)
    else {
        return match (reached.len(), endpoint.addresses.iter().find_map(|a| a.failure.as_ref())) {
            (0, Some(failure)) => closedpath_core::failure::label(&failure.code),
            (0, None) => "no answer".to_owned(),
            _ => "yes".to_owned(),
        };
    };
    if reached.len() == endpoint.addresses.len() {
        seconds(slowest)
    } else {
        format!("{} of {}, {}", reached.len(), endpoint.addresses.len(), seconds(slowest))
    }
}

/// How sure the class is: the least confidence of the addresses that answered.
pub(crate) fn confidence(endpoint: &EndpointReport) -> Confidence {
    if endpoint.class == PathClass::Unknown {
        return Confidence::Unknown;
    }
    let answered = endpoint.addresses.iter().filter(|address| address.answered());
    answered.map(|address| address.path.confidence).min().unwrap_or(Confidence::Unknown)
}

/// Why the path of an endpoint, or of some of its addresses, is not known; empty where all is known.
pub(crate) fn why_unknown(endpoint: &EndpointReport) -> Vec<String> {
    if endpoint.addresses.is_empty() {
        return vec![dns(endpoint.dns.status).to_owned()];
    }
    let mut reasons: Vec<(String, Vec<String>)> = Vec::new();
    for address in &endpoint.addresses {
        let Some(reason) = address.path.reason else { continue };
        let mut text = reason.explain().to_owned();
        if let Some(route) = address.path.route_only {
            text += &format!("; its route alone would be {}", closedpath_core::failure::label(&route));
        }
        match reasons.iter_mut().find(|(known, _)| *known == text) {
            Some((_, of)) => of.push(address.ip.to_string()),
            None => reasons.push((text, vec![address.ip.to_string()])),
        }
    }
    let some = |of: &[String]| of.len() < endpoint.addresses.len();
    reasons
        .into_iter()
        .map(|(text, of)| if some(&of) { format!("{}: {text}", of.join(", ")) } else { text })
        .collect()
}

/// Class and confidence in one phrase: `er_private, confirmed (ExpressRoute private peering)`, or `unknown`.
pub(crate) fn path(of: PathClass, sure: Confidence) -> String {
    let shown = paint(class_tone(of), &closedpath_core::failure::label(&of));
    if of == PathClass::Unknown {
        return shown;
    }
    format!("{shown}, {} ({})", closedpath_core::failure::label(&sure), class(of))
}

/// The links of an endpoint's addresses.
pub(crate) fn links(endpoint: &EndpointReport) -> String {
    distinct(endpoint.addresses.iter().filter_map(|address| address.path.link.clone()), "-")
}

/// Whether ExpressRoute could carry the endpoint's addresses.
pub(crate) fn eligible(endpoint: &EndpointReport) -> String {
    distinct(endpoint.addresses.iter().map(|address| outcome(address.eligibility.result).to_owned()), "-")
}

/// Seconds as `850 µs`, `23 ms`, `1.4 s`.
pub(crate) fn transport(transport: &Transport) -> String {
    let Transport { path_mtu, mss, retransmits, loss } = transport;
    let words = [
        path_mtu.map(|bytes| format!("path MTU {bytes}")),
        mss.map(|bytes| format!("MSS {bytes}")),
        retransmits.filter(|count| *count > 0).map(|count| format!("{count} segments sent again")),
        loss.map(|loss| format!("{:.0} % of echoes lost", loss * 100.0)),
    ];
    words.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

pub(crate) fn seconds(seconds: f64) -> String {
    if seconds < 0.001 {
        format!("{:.0} µs", seconds * 1e6)
    } else if seconds < 1.0 {
        format!("{:.0} ms", seconds * 1e3)
    } else {
        format!("{seconds:.1} s")
    }
}

/// An age as `3 hours`, `12 days`.
pub(crate) fn age(seconds: f64) -> String {
    let (count, unit) = if seconds < 5400.0 {
        (seconds / 60.0, "minute")
    } else if seconds < 172_800.0 {
        (seconds / 3600.0, "hour")
    } else {
        (seconds / 86_400.0, "day")
    };
    let count = count.round();
    format!("{count:.0} {unit}{}", if count == 1.0 { "" } else { "s" })
}

/// The distinct values in order, comma separated.
fn distinct(values: impl Iterator<Item = String>, none: &str) -> String {
    let mut seen: Vec<String> = Vec::new();
    for value in values {
        if !seen.contains(&value) {
            seen.push(value);
        }
    }
    if seen.is_empty() { none.to_owned() } else { seen.join(",") }
}
