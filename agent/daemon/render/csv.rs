//! One line per endpoint and address (RFC 4180), for spreadsheets.

use std::time::SystemTime;

use closedpath_core::failure::label;
use closedpath_core::report::{AddressReport, EndpointReport, Report, RevocationStatus, TlsReport};

use super::words;

const HEADER: &str = "id,host,port,probe,via,workloads,requirement,origins,dns,ip,reachable,failure_step,failure_code,connect_seconds,\
tls_seconds,class,confidence,link,reason,eligible,eligibility_rule,eligibility_reason,asn,org,region,tls_verdict,revocation,not_after,\
stapled,completed_by_aia,revocation_until";

/// The addresses of all endpoints; an endpoint without an address has one line, too.
pub fn csv(report: &Report) -> String {
    let mut text = format!("{HEADER}\r\n");
    for endpoint in &report.endpoints {
        if endpoint.addresses.is_empty() {
            line(&mut text, endpoint, None);
        }
        for address in &endpoint.addresses {
            line(&mut text, endpoint, Some(address));
        }
    }
    text
}

fn line(text: &mut String, endpoint: &EndpointReport, address: Option<&AddressReport>) {
    let origins: Vec<String> = endpoint.origins.iter().map(label).collect();
    let mut fields = vec![
        endpoint.id.clone(),
        endpoint.host.clone(),
        endpoint.port.to_string(),
        endpoint.probe.to_string(),
        endpoint.via.clone().unwrap_or_default(),
        endpoint.workloads.join(" "),
        label(&endpoint.requirement),
        origins.join(" "),
        label(&endpoint.dns.status),
    ];
    match address {
        Some(address) => {
            let failure = address.failure.as_ref();
            let timing = |phase: &str| address.timings.get(phase).map(f64::to_string).unwrap_or_default();
            let tls = address.tls.as_ref();
            let not_after =
                tls.and_then(|tls| tls.chain.iter().map(|certificate| certificate.not_after).min());
            fields.extend([
                address.ip.to_string(),
                address.reachable.to_string(),
                failure.map(|failure| label(&failure.step)).unwrap_or_default(),
                failure.map(|failure| label(&failure.code)).unwrap_or_default(),
                timing("connect"),
                timing("tls"),
                label(&address.path.class),
                label(&address.path.confidence),
                address.path.link.clone().unwrap_or_default(),
                address.path.reason.map(|reason| label(&reason)).unwrap_or_default(),
                label(&address.eligibility.result),
                label(&address.eligibility.rule),
                address.eligibility.reason.clone(),
                address.owner.asn.map(|asn| asn.to_string()).unwrap_or_default(),
                address.owner.org.clone().unwrap_or_default(),
                address.owner.region.clone().unwrap_or_default(),
                tls.and_then(|tls| tls.verdict).map(|verdict| label(&verdict)).unwrap_or_default(),
                tls.map(|tls| label(&tls.revocation.status)).unwrap_or_default(),
                not_after.map(moment).unwrap_or_default(),
                tls.map(stapled).unwrap_or_default(),
                tls.map(|tls| tls.completed_by_aia.to_string()).unwrap_or_default(),
                tls.and_then(revocation_until).map(moment).unwrap_or_default(),
            ]);
        }
        None => {
            let mut rest = vec![String::new(); 22];
            rest[1] = "false".to_owned();
            rest[6] = label(&endpoint.class);
            rest[7] = label(&words::confidence(endpoint));
            fields.extend(rest);
        }
    }
    let fields: Vec<String> = fields.iter().map(|field| quoted(field)).collect();
    text.push_str(&fields.join(","));
    text.push_str("\r\n");
}

/// `none`, or what the staple says; `not_checked` where nobody verified it.
fn stapled(tls: &TlsReport) -> String {
    if tls.stapled.present {
        label(&tls.stapled.status.unwrap_or(RevocationStatus::NotChecked))
    } else {
        "none".to_owned()
    }
}

/// When the first answer on a certificate of the chain expires.
fn revocation_until(tls: &TlsReport) -> Option<SystemTime> {
    tls.revocation.certificates.iter().filter_map(|certificate| certificate.next_update).min()
}

fn moment(at: SystemTime) -> String {
    humantime::format_rfc3339_seconds(at).to_string()
}

/// Quoted where needed. A leading `=`, `+`, `-` or `@` would be run as a formula by spreadsheets, so an apostrophe goes before it.
pub(super) fn quoted(field: &str) -> String {
    let field = if field.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{field}")
    } else {
        field.to_owned()
    };
    if field.contains([',', '"', '\r', '\n']) { format!("\"{}\"", field.replace('"', "\"\"")) } else { field }
}

#[cfg(test)]
mod tests {
    use super::{HEADER, quoted};
    use crate::render::sample;

    #[test]
    fn every_address_has_a_line_with_every_column() {
        let text = super::csv(&sample::report());
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 1 + 4, "{text}");
        assert!(lines.iter().all(|line| line.split(',').count() == HEADER.split(',').count()), "{text}");
        assert!(lines[1].starts_with("acct.blob.core.windows.net:443/tls,acct.blob.core.windows.net,443,tls,,arc,hard,target,ok,10.100.0.4,true,,,0.004,"));
    }

    #[test]
    fn certificates_have_their_columns_at_the_end() {
        let mut report = sample::report();
        let tls = report.endpoints[0].addresses[0].tls.as_mut().unwrap();
        tls.completed_by_aia = true;
        tls.stapled.present = true;
        tls.revocation.certificates = vec![sample::known(0), sample::known(1)];
        tls.revocation.certificates[0].next_update = Some(sample::at());
        let text = super::csv(&report);
        let end = "tls_verdict,revocation,not_after,stapled,completed_by_aia,revocation_until";
        assert!(HEADER.ends_with(end), "{HEADER}");
        let lines: Vec<&str> = text.lines().collect();
        assert!(
            lines[1].ends_with(",ok,undetermined,2027-01-30T00:00:00Z,not_checked,true,2026-11-01T00:00:00Z"),
            "{text}"
        );
        assert!(lines[4].ends_with(",,,,,,"), "{text}");
        report.endpoints[0].addresses[0].tls.as_mut().unwrap().stapled.present = false;
        assert!(super::csv(&report).contains(",none,true,2026-11-01T00:00:00Z\r\n"));
    }

    #[test]
    fn commas_and_quotes_are_quoted_and_formulas_disarmed() {
        assert_eq!(quoted("a,\"b\""), "\"a,\"\"b\"\"\"");
        assert_eq!(quoted("=1+1"), "'=1+1");
        assert_eq!(quoted("plain"), "plain");
    }
}
