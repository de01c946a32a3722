//! Puts the answers for IPv4 and IPv6 together into one view. Pure.

use std::time::Duration;

use closedpath_core::observation::{DnsStatus, DnsView};

use super::walk::FamilyView;

/// One view of `resolver` from its answers to A and AAAA.
pub(super) fn combine(resolver: &str, v4: FamilyView, v6: FamilyView, took: Duration) -> DnsView {
    let status = status_of(v4.status, v6.status);
    let text = text_of(&v4, &v6, status);
    let incomplete = status == DnsStatus::Ok && (v4.status.is_failure() || v6.status.is_failure());
    // The family that carries the outcome gives server and chain; links that only the other saw follow.
    let (mut first, second) = if v4.status == status { (v4, v6) } else { (v6, v4) };
    for link in second.cname {
        if !first.cname.iter().any(|known| known.name == link.name && known.target == link.target) {
            first.cname.push(link);
        }
    }
    let mut answers = [first.answers, second.answers].concat();
    answers.sort_by_key(|answer| answer.ip.is_ipv6());
    DnsView {
        resolver: resolver.to_owned(),
        server: first.server.or(second.server),
        status,
        cname: first.cname,
        answers,
        incomplete,
        text,
        took,
    }
}

/// The outcome for the name: an address in either family is one; NXDOMAIN speaks for the whole name (RFC 8020) unless the
/// other answer shows that the name exists.
fn status_of(v4: DnsStatus, v6: DnsStatus) -> DnsStatus {
    use DnsStatus::{Loop, Nodata, Nxdomain, Ok, Refused, Servfail, Timeout};
    match (v4, v6) {
        (Ok, _) | (_, Ok) => Ok,
        (Loop, _) | (_, Loop) => Loop,
        (Nxdomain, Nodata) | (Nodata, Nxdomain) => Nodata,
        (Nxdomain, _) | (_, Nxdomain) => Nxdomain,
        (Timeout, _) | (_, Timeout) => Timeout,
        (Servfail, _) | (_, Servfail) => Servfail,
        (Refused, _) | (_, Refused) => Refused,
        (Nodata, Nodata) => Nodata,
    }
}

/// What there is to say beside the outcome; said once where both families say the same.
fn text_of(v4: &FamilyView, v6: &FamilyView, status: DnsStatus) -> String {
    if v4.text == v6.text && v4.status == v6.status {
        return v4.text.clone();
    }
    let parts = [("A", v4), ("AAAA", v6)].map(|(family, view)| {
        let ordinary = view.status == status || view.status == DnsStatus::Nodata;
        match (view.text.as_str(), ordinary) {
            ("", true) => String::new(),
            ("", false) => format!("{family}: {}", closedpath_core::failure::label(&view.status)),
            (text, _) => format!("{family}: {text}"),
        }
    });
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use closedpath_core::observation::{Answer, Cname};

    use super::*;

    fn family(status: DnsStatus, ips: &[&str], text: &str) -> FamilyView {
        let answers = ips.iter().map(|ip| Answer { ip: ip.parse().unwrap(), ttl: 60 }).collect();
        FamilyView { server: None, status, cname: Vec::new(), answers, text: text.to_owned() }
    }

    fn combined(v4: FamilyView, v6: FamilyView) -> DnsView {
        combine("onprem", v4, v6, Duration::ZERO)
    }

    #[test]
    fn a_name_without_ipv6_is_ordinary() {
        let view = combined(family(DnsStatus::Ok, &["203.0.113.1"], ""), family(DnsStatus::Nodata, &[], ""));
        assert_eq!((view.status, view.text.as_str(), view.incomplete), (DnsStatus::Ok, "", false));
    }

    #[test]
    fn ipv4_stands_before_ipv6_even_when_only_ipv6_carries_the_outcome_first() {
        let view = combined(
            family(DnsStatus::Ok, &["203.0.113.1", "203.0.113.2"], ""),
            family(DnsStatus::Ok, &["2001:db8::1"], ""),
        );
        let ips: Vec<String> = view.answers.iter().map(|answer| answer.ip.to_string()).collect();
        assert_eq!(ips, ["203.0.113.1", "203.0.113.2", "2001:db8::1"]);
    }

    #[test]
    fn an_address_beside_a_failure_keeps_the_failures_words() {
        let view = combined(
            family(DnsStatus::Ok, &["203.0.113.1"], ""),
            family(DnsStatus::Servfail, &[], "192.0.2.53:53: SERVFAIL"),
        );
        assert_eq!(view.status, DnsStatus::Ok);
        assert_eq!(view.text, "AAAA: 192.0.2.53:53: SERVFAIL");
        assert!(view.incomplete, "there may be IPv6 addresses");
    }

    #[test]
    fn nxdomain_beside_nodata_means_that_the_name_exists() {
        let view = combined(family(DnsStatus::Nodata, &[], ""), family(DnsStatus::Nxdomain, &[], ""));
        assert_eq!((view.status, view.text.as_str()), (DnsStatus::Nodata, "AAAA: nxdomain"));
    }

    #[test]
    fn silence_beside_nodata_is_not_nodata() {
        let view = combined(family(DnsStatus::Nodata, &[], ""), family(DnsStatus::Timeout, &[], "silent"));
        assert_eq!((view.status, view.text.as_str()), (DnsStatus::Timeout, "AAAA: silent"));
    }

    #[test]
    fn the_chain_is_the_one_of_the_family_that_answered_and_then_what_only_the_other_saw() {
        let link = |name: &str, target: &str| Cname { name: name.into(), target: target.into(), ttl: 60 };
        let mut v4 = family(DnsStatus::Nodata, &[], "");
        v4.cname = vec![link("a", "b"), link("b", "d")];
        let mut v6 = family(DnsStatus::Ok, &["2001:db8::1"], "");
        v6.cname = vec![link("a", "b"), link("b", "c")];
        assert_eq!(combined(v4, v6).cname, [link("a", "b"), link("b", "c"), link("b", "d")]);
    }
}
