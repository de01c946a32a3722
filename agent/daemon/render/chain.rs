//! A handshake for `explain`: each certificate of the chain with what is known of its revocation, what AIA brought, where it ends.

use std::net::IpAddr;

use closedpath_core::failure::label;
use closedpath_core::pki::TlsVerdict;
use closedpath_core::report::{CertificateReport, Report, RevocationOfCertificate, TlsReport};

use super::style::{Page, paint};
use super::words_tls;

/// Whether two handshakes showed the same certificates, of which the same is known.
pub(crate) fn alike(one: &TlsReport, other: &TlsReport) -> bool {
    let of = |tls: &TlsReport| {
        (tls.verdicts.clone(), tls.completed_by_aia, tls.stapled.clone(), tls.revocation.clone())
    };
    one.chain == other.chain && of(one) == of(other)
}

/// The lines of one handshake; `same` is an address whose lines said the same.
pub(crate) fn chain(page: &mut Page, report: &Report, tls: &TlsReport, same: Option<IpAddr>) {
    let verdict = tls.verdict.map_or_else(|| "no certificate was seen".to_owned(), |verdict| label(&verdict));
    let mut about = vec![verdict];
    about.extend(tls.version.clone());
    about.extend(tls.cipher.clone());
    about.extend(tls.group.clone());
    if tls.completed_by_aia {
        about.push("completed by AIA".to_owned());
    }
    if tls.client_certificate_required {
        about.push("a client certificate is required".to_owned());
    }
    page.wrapped("    tls: ", &about.join("; "));
    if tls.verdict.is_none() {
        return;
    }
    if let Some(ip) = same {
        page.wrapped("      ", &words_tls::same_as(ip));
        return;
    }
    for mark in words_tls::of_handshake(tls) {
        page.wrapped(&format!("      {}: ", paint(mark.tone(), mark.word())), mark.explain());
    }
    let of = |position: usize| tls.revocation.certificates.iter().find(|of| of.position == position);
    for (position, certificate) in tls.chain.iter().enumerate() {
        presented(page, position, certificate);
        revocation(page, of(position));
    }
    for (nth, brought) in brought(tls).enumerate() {
        let name = known(report, &brought.sha256).map(|known| known.subject.as_str());
        // The first one is what is missing, since they come nearest first.
        let name = name.or_else(|| if nth == 0 { top(tls).map(|top| top.issuer.as_str()) } else { None });
        let print = brought.sha256.get(..16).unwrap_or(&brought.sha256);
        page.wrapped(
            &format!("      [{}] ", brought.position),
            &format!(
                "{}, brought by AIA, not by the server (SHA-256 {print}…)",
                name.unwrap_or("another issuer")
            ),
        );
        revocation(page, Some(brought));
    }
    page.wrapped("      leads to: ", &anchor(report, tls));
    let source = tls.revocation.source.as_ref().map(|source| format!(" (by {source})")).unwrap_or_default();
    page.wrapped(
        "      revocation: ",
        &format!(
            "{}{source}; staple: {}",
            paint(words_tls::revocation_tone(tls.revocation.status), &label(&tls.revocation.status)),
            words_tls::staple(&tls.stapled)
        ),
    );
}

fn presented(page: &mut Page, position: usize, certificate: &CertificateReport) {
    let until = humantime::format_rfc3339_seconds(certificate.not_after);
    page.wrapped(
        &format!("      [{position}] "),
        &format!("{}, issued by {}, valid until {until}", certificate.subject, certificate.issuer),
    );
    for (kind, urls) in
        [("CRL", &certificate.crl), ("OCSP", &certificate.ocsp), ("issuer", &certificate.ca_issuers)]
    {
        for url in urls {
            page.wrapped(&format!("          {kind}: "), url);
        }
    }
}

fn revocation(page: &mut Page, of: Option<&RevocationOfCertificate>) {
    let Some(of) = of else { return };
    let (text, doubts) = words_tls::revocation(of);
    let status = paint(words_tls::revocation_tone(of.status), &label(&of.status));
    page.wrapped("          revocation: ", &format!("{status}{text}"));
    for doubt in doubts {
        page.wrapped("            - ", doubt);
    }
}

/// The certificates that AIA brought: those after the presented ones.
fn brought(tls: &TlsReport) -> impl Iterator<Item = &RevocationOfCertificate> {
    tls.revocation.certificates.iter().filter(|of| of.position >= tls.chain.len())
}

/// A certificate that some server presents.
fn known<'a>(report: &'a Report, sha256: &str) -> Option<&'a CertificateReport> {
    let addresses = report.endpoints.iter().flat_map(|endpoint| &endpoint.addresses);
    let mut presented = addresses.filter_map(|address| address.tls.as_ref()).flat_map(|tls| &tls.chain);
    presented.find(|certificate| certificate.sha256 == sha256)
}

/// The last presented certificate that the leaf leads to.
fn top(tls: &TlsReport) -> Option<&CertificateReport> {
    let mut top = tls.chain.first()?;
    for _ in &tls.chain {
        let issuer = tls.chain.iter().find(|other| other.subject == top.issuer && other.sha256 != top.sha256);
        match issuer {
            Some(issuer) if top.subject != top.issuer => top = issuer,
            _ => break,
        }
    }
    Some(top)
}

/// Where the chain ends. The report names no anchor that the server does not present, so only its name is known.
fn anchor(report: &Report, tls: &TlsReport) -> String {
    let is_anchor = |of: &&RevocationOfCertificate| of.reason.as_deref() == Some("trust_anchor");
    if let Some(anchor) = tls.revocation.certificates.iter().find(is_anchor) {
        let subject = known(report, &anchor.sha256).map(|known| format!(": {}", known.subject));
        return format!(
            "a trust anchor that the chain contains, [{}]{}",
            anchor.position,
            subject.unwrap_or_default()
        );
    }
    let above = brought(tls).last().map_or_else(|| top(tls), |last| known(report, &last.sha256));
    let issuer = above.map(|above| above.issuer.as_str());
    let by = issuer.map(|issuer| format!("; its topmost issuer is {issuer}")).unwrap_or_default();
    let end = match tls.verdicts.as_slice() {
        [TlsVerdict::Ok] => "a trust anchor",
        _ if tls.completed_by_aia => "a trust anchor",
        verdicts if verdicts.contains(&TlsVerdict::Inspected) => "the declared inspection CA",
        verdicts if verdicts.iter().any(|verdict| has_no_anchor(*verdict)) => "no trust anchor",
        // The verifier stopped at what is wrong.
        _ => "not known",
    };
    format!("{end}{by}")
}

fn has_no_anchor(verdict: TlsVerdict) -> bool {
    matches!(verdict, TlsVerdict::SelfSigned | TlsVerdict::UntrustedRoot | TlsVerdict::IncompleteChain)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::render::{Style, explain, sample};
    use closedpath_core::pki::TlsVerdict;
    use closedpath_core::report::{Report, RevocationStatus, TlsReport};

    /// The lines on the handshake, 80 columns wide, below the certificate's own.
    fn lines(change: impl FnOnce(&mut TlsReport)) -> String {
        let mut report = sample::report();
        change(report.endpoints[0].addresses[0].tls.as_mut().unwrap());
        of(&report)
    }

    fn of(report: &Report) -> String {
        let text = explain(report, "10.100.0.4", Style { colour: false, width: 80 }).unwrap();
        let (_, rest) = text.split_once("CRL: http://crl.example/a.crl\n").unwrap();
        let (lines, _) = rest.split_once("  check it by hand").unwrap();
        lines.to_owned()
    }

    #[test]
    fn what_aia_brought_is_told_with_its_revocation_and_where_the_chain_ends() {
        let text = lines(|tls| {
            tls.verdicts = vec![TlsVerdict::IncompleteChain];
            tls.completed_by_aia = true;
            tls.revocation.status = RevocationStatus::Good;
            tls.revocation.certificates = vec![sample::known(0), sample::known(1)];
            tls.revocation.certificates[0].source = Some("staple".to_owned());
        });
        assert_eq!(
            text,
            "          revocation: good by the staple, until 2026-11-02T00:00:00Z
      [1] CN=Lab Issuing CA, brought by AIA, not by the server (SHA-256
          0101010101010101…)
          revocation: good by CRL, until 2026-11-02T00:00:00Z
      leads to: a trust anchor
      revocation: good (by crl); staple: none
"
        );
    }

    #[test]
    fn a_revoked_certificate_says_since_when_and_why() {
        let text = lines(|tls| {
            tls.revocation.status = RevocationStatus::Revoked;
            let mut revoked = sample::known(0);
            revoked.status = RevocationStatus::Revoked;
            revoked.reason = Some("key_compromise".to_owned());
            revoked.revoked_at = Some(sample::at() - Duration::from_secs(60));
            tls.revocation.certificates = vec![revoked];
        });
        assert_eq!(
            text,
            "          revocation: revoked by CRL, since 2026-10-31T23:59:00Z, because: key
                      compromise
      leads to: a trust anchor; its topmost issuer is CN=Lab Issuing CA
      revocation: revoked (by crl); staple: none
"
        );
    }

    #[test]
    fn what_is_open_names_each_source_with_its_reason() {
        let text = lines(|tls| {
            let mut open = sample::known(0);
            open.status = RevocationStatus::Undetermined;
            open.reason = Some("http://o.example/: no answer; http://crl.example/a.crl: HTTP 404".to_owned());
            let mut anchor = sample::known(1);
            anchor.status = RevocationStatus::NotChecked;
            anchor.reason = Some("trust_anchor".to_owned());
            tls.revocation.certificates = vec![open, anchor];
        });
        assert_eq!(
            text,
            "          revocation: undetermined, because:
            - http://o.example/: no answer
            - http://crl.example/a.crl: HTTP 404
      [1] CN=Lab Issuing CA, brought by AIA, not by the server (SHA-256
          0101010101010101…)
          revocation: not_checked: it is a trust anchor, which nobody asks about
                      itself
      leads to: a trust anchor that the chain contains, [1]
      revocation: undetermined (by crl); staple: none
"
        );
    }

    #[test]
    fn a_chain_that_is_refused_claims_no_anchor() {
        for (verdict, end) in [
            (TlsVerdict::UntrustedRoot, "no trust anchor"),
            (TlsVerdict::IncompleteChain, "no trust anchor"),
            (TlsVerdict::SelfSigned, "no trust anchor"),
            (TlsVerdict::Inspected, "the declared inspection CA"),
            (TlsVerdict::Expired, "not known"),
            (TlsVerdict::UnsupportedAlgorithm, "not known"),
        ] {
            let text = lines(|tls| tls.verdicts = vec![verdict]);
            let line = format!("      leads to: {end}; its topmost issuer is CN=Lab Issuing");
            assert!(text.contains(&line), "{verdict:?}: {text}");
        }
    }

    #[test]
    fn a_second_address_with_the_same_chain_refers_to_the_first() {
        let mut report = sample::report();
        let mut second = report.endpoints[0].addresses[0].clone();
        second.ip = "10.100.0.5".parse().unwrap();
        report.endpoints[0].addresses.push(second);
        let text = |report: &Report| explain(report, "acct.blob.core.windows.net", Style::PLAIN).unwrap();
        let same = "      the same certificates, staple and answers as at 10.100.0.4 above\n";
        assert_eq!(text(&report).matches(same).count(), 1);
        let tls = report.endpoints[0].addresses[1].tls.as_mut().unwrap();
        tls.revocation.status = RevocationStatus::Revoked;
        assert!(!text(&report).contains(same));
    }

    #[test]
    fn a_ca_host_tells_what_certificates_want_of_it() {
        let mut report = sample::report();
        let mut gone = report.ca_urls[0].clone();
        (gone.url, gone.served) = ("http://crl.example/gone.crl".to_owned(), false);
        gone.problem = Some("the answer is HTTP 404 (after 0.0 s)".to_owned());
        report.ca_urls.push(gone);
        let text = explain(&report, "crl.example", Style { colour: false, width: 80 }).unwrap();
        let wanted = "  certificates point to it:
    CRL  http://crl.example/gone.crl
         not served in 20 ms for 1 certificate: the answer is HTTP 404
    CRL  http://crl.example/a.crl
         served in 20 ms for 1 certificate, valid until 2027-01-22T06:40:00Z
";
        assert!(text.contains(wanted), "{text}");
    }
}
