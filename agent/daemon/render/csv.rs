//! One line per endpoint and address (RFC 4180), for spreadsheets.

use closedpath_core::failure::label;
use closedpath_core::report::{AddressReport, EndpointReport, Report};

use super::words;

const HEADER: &str = "id,host,port,probe,via,workloads,requirement,origins,dns,ip,reachable,failure_step,failure_code,connect_seconds,\
tls_seconds,class,confidence,link,reason,eligible,eligibility_rule,eligibility_reason,asn,org,region,tls_verdict,revocation,not_after";

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
                not_after.map(|at| humantime::format_rfc3339_seconds(at).to_string()).unwrap_or_default(),
            ]);
        }
        None => {
            let mut rest = vec![String::new(); 19];
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
    fn commas_and_quotes_are_quoted_and_formulas_disarmed() {
        assert_eq!(quoted("a,\"b\""), "\"a,\"\"b\"\"\"");
        assert_eq!(quoted("=1+1"), "'=1+1");
        assert_eq!(quoted("plain"), "plain");
    }
}
