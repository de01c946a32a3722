//! Microsoft's real chains (DOMAIN §4.4.3, tests/data/x509): which hosts each brings into the closure, who signed whom, and
//! what is expired on 2026-11-23.

use std::time::{Duration, SystemTime};

use closedpath_core::observation::{PathCheck, TlsObservation};
use closedpath_core::pki::aia::{certificates, is_issuer, issuers};
use closedpath_core::pki::{TlsVerdict, judge, read};
use closedpath_core::target::Origin::{Aia, Crl, Ocsp};

use crate::world::{observed, world};

const CONFIG: &str = r#"
[[workload]]
name = "w"
policy = "closed"
[[target]]
workload = "w"
host = "a.example"
port = 443
probe = "tls"
"#;

/// DER of a certificate in tests/data/x509.
macro_rules! certificate {
    ($name:literal) => {
        certificates(include_bytes!(concat!("../../../../tests/data/x509/", $name)))
            .expect("a certificate")
            .remove(0)
    };
}

/// Microsoft Azure RSA TLS Issuing CA 03, 04, 07, 08 by Microsoft's own root.
fn azure_own() -> [Vec<u8>; 4] {
    [
        certificate!("azure_rsa_tls_issuing_ca_03.pem"),
        certificate!("azure_rsa_tls_issuing_ca_04.cer"),
        certificate!("azure_rsa_tls_issuing_ca_07.cer"),
        certificate!("azure_rsa_tls_issuing_ca_08.cer"),
    ]
}

/// The same CAs, cross-signed by DigiCert.
fn azure_xsign() -> [Vec<u8>; 4] {
    [
        certificate!("azure_rsa_tls_issuing_ca_03_xsign.pem"),
        certificate!("azure_rsa_tls_issuing_ca_04_xsign.cer"),
        certificate!("azure_rsa_tls_issuing_ca_07_xsign.cer"),
        certificate!("azure_rsa_tls_issuing_ca_08_xsign.cer"),
    ]
}

/// Microsoft TLS G2 RSA CA OCSP 02 and 04.
fn tls_g2() -> [Vec<u8>; 2] {
    [certificate!("tls_g2_rsa_ca_ocsp_02.pem"), certificate!("tls_g2_rsa_ca_ocsp_04.cer")]
}

/// The hosts that a target presenting this chain brings, by what they are for: CRL, OCSP, caIssuers.
fn hosts(chain: &[Vec<u8>]) -> [Vec<String>; 3] {
    let seen = observed("a.example", "203.0.113.1").connected().presents(chain.to_vec());
    let (picture, _) = world(CONFIG).see(seen).picture();
    assert!(picture.truncated.is_empty() && picture.unfetchable.is_empty());
    let found = [Crl, Ocsp, Aia].map(|origin| {
        let of = picture.members.iter().filter(|(_, member)| member.origins.contains(&origin));
        of.map(|(key, _)| key.to_string()).collect()
    });
    let known: usize = picture.members.values().map(|member| member.origins.len()).sum();
    assert_eq!(found.iter().map(Vec::len).sum::<usize>() + 1, known, "nothing but these and the target");
    found
}

/// `host:80/http` of each, as every pointer in these chains is.
fn http<const N: usize>(hosts: [&str; N]) -> Vec<String> {
    hosts.iter().map(|host| format!("{host}:80/http")).collect()
}

#[test]
fn azure_issuing_cas_of_microsofts_own_root_lead_to_microsoft_alone() {
    for ca in azure_own() {
        let expected =
            [http(["www.microsoft.com"]), http(["oneocsp.microsoft.com"]), http(["www.microsoft.com"])];
        assert_eq!(hosts(&[ca]), expected);
    }
}

#[test]
fn the_same_cas_cross_signed_lead_to_digicert_alone() {
    for ca in azure_xsign() {
        let expected =
            [http(["crl3.digicert.com"]), http(["ocsp.digicert.com"]), http(["cacerts.digicert.com"])];
        assert_eq!(hosts(&[ca]), expected);
    }
}

#[test]
fn tls_g2_cas_have_two_crl_hosts_and_two_caissuers_hosts() {
    for ca in tls_g2() {
        let expected = [
            http(["crl2.microsoft.com", "www.microsoft.com"]),
            http(["oneocsp.microsoft.com"]),
            http(["caissuers.microsoft.com", "www.microsoft.com"]),
        ];
        assert_eq!(hosts(&[ca]), expected);
    }
}

#[test]
fn a_chain_up_to_the_cross_signed_root_adds_digicert_and_up_to_the_self_signed_one_does_not() {
    let [ca, _] = tls_g2();
    let leaf = certificate!("metadata_azure_com.cer");
    let microsoft = [
        http(["crl2.microsoft.com", "www.microsoft.com"]),
        http(["oneocsp.microsoft.com"]),
        http(["caissuers.microsoft.com", "www.microsoft.com"]),
    ];
    assert_eq!(hosts(&[leaf.clone(), ca.clone(), certificate!("tls_rsa_root_g2.cer")]), microsoft);
    let both = [
        http(["crl2.microsoft.com", "crl3.digicert.com", "www.microsoft.com"]),
        http(["ocsp.digicert.com", "oneocsp.microsoft.com"]),
        http(["cacerts.digicert.com", "caissuers.microsoft.com", "www.microsoft.com"]),
    ];
    assert_eq!(hosts(&[leaf, ca, certificate!("tls_rsa_root_g2_xsign.cer")]), both);
}

#[test]
fn the_stores_real_chains_lead_to_microsoft_for_the_leaf_and_to_digicert_for_its_ca() {
    let root = certificate!("digicert_global_root_g3.cer");
    let first = [
        certificate!("sfdataservice_microsoft_com_1.cer"),
        certificate!("azure_ecc_tls_issuing_ca_04_xsign.cer"),
    ];
    let second = [
        certificate!("sfdataservice_microsoft_com_2.cer"),
        certificate!("azure_ecc_tls_issuing_ca_07_xsign.cer"),
    ];
    for [leaf, ca] in [first, second] {
        assert!(is_issuer(&ca, &leaf) && is_issuer(&root, &ca));
        let expected = [
            http(["crl3.digicert.com", "www.microsoft.com"]),
            http(["ocsp.digicert.com", "oneocsp.microsoft.com"]),
            http(["cacerts.digicert.com", "www.microsoft.com"]),
        ];
        assert_eq!(hosts(&[leaf, ca, root.clone()]), expected);
    }
    let expected = [http(["crl3.digicert.com"]), http(["ocsp.digicert.com"]), http(["cacerts.digicert.com"])];
    assert_eq!(hosts(&[certificate!("tls_ecc_root_g2_xsign.cer")]), expected);
}

#[test]
fn self_signed_roots_lead_nowhere() {
    for root in [
        certificate!("microsoft_rsa_root_2017.pem"),
        certificate!("tls_rsa_root_g2.cer"),
        certificate!("digicert_global_root_g2.pem"),
        certificate!("digicert_global_root_g3.cer"),
    ] {
        assert_eq!(hosts(&[root]), [const { Vec::<String>::new() }; 3]);
    }
}

#[test]
fn every_ca_was_signed_by_the_parent_it_names() {
    let microsoft = certificate!("microsoft_rsa_root_2017.pem");
    let digicert = certificate!("digicert_global_root_g2.pem");
    for (own, cross) in azure_own().iter().zip(&azure_xsign()) {
        assert_eq!(read(own).map(|facts| facts.subject), read(cross).map(|facts| facts.subject));
        assert!(is_issuer(&microsoft, own) && is_issuer(&digicert, cross));
        assert!(!is_issuer(&microsoft, cross) && !is_issuer(&digicert, own));
    }
    let [two, four] = tls_g2();
    let leaf = certificate!("metadata_azure_com.cer");
    assert!(is_issuer(&two, &leaf) && !is_issuer(&four, &leaf));
    assert!(is_issuer(
        &certificate!("digicert_global_root_g3.cer"),
        &certificate!("tls_ecc_root_g2_xsign.cer")
    ));
}

#[test]
fn a_tls_g2_ca_has_two_paths_upwards() {
    let parents = [certificate!("tls_rsa_root_g2.cer"), certificate!("tls_rsa_root_g2_xsign.cer")];
    for ca in tls_g2() {
        let mut found = issuers(&[ca], &parents).expect("both");
        found.sort_by_key(|found| parents.iter().position(|parent| parent == found));
        assert_eq!(found, parents);
    }
    let digicert = [certificate!("digicert_global_root_g2.pem")];
    assert_eq!(issuers(&parents[1..], &digicert).expect("its root"), digicert);
}

#[test]
fn on_2026_11_23_the_cross_signed_azure_cas_are_expired_and_their_successors_are_not() {
    use TlsVerdict::{Expired, Ok};
    /// 2026-11-23T00:00:00Z
    const DAY: u64 = 1_795_392_000;
    let verdict = |certificate: &[u8]| {
        let seen = TlsObservation {
            failure: None,
            version: None,
            cipher: None,
            group: None,
            alpn: None,
            chain: vec![certificate.to_vec()],
            staple: None,
            path: Some(PathCheck::Trusted),
            name: None,
            client_certificate_required: false,
            took: Duration::ZERO,
        };
        let facts = read(certificate).expect("a certificate");
        judge(&seen, &[facts], false, SystemTime::UNIX_EPOCH + Duration::from_secs(DAY))
    };
    for expired in azure_xsign().iter().chain(&[
        // 2026-11-11, 2026-01-03, 2026-05-30, 2026-08-25
        certificate!("metadata_azure_com.cer"),
        certificate!("sfdataservice_microsoft_com_1.cer"),
        certificate!("sfdataservice_microsoft_com_2.cer"),
        certificate!("azure_ecc_tls_issuing_ca_04_xsign.cer"),
        certificate!("azure_ecc_tls_issuing_ca_07_xsign.cer"),
    ]) {
        assert_eq!(verdict(expired), [Expired]);
    }
    for valid in azure_own().iter().chain(&tls_g2()).chain(&[
        certificate!("tls_rsa_root_g2.cer"),
        certificate!("tls_rsa_root_g2_xsign.cer"),
        certificate!("tls_ecc_root_g2_xsign.cer"),
    ]) {
        assert_eq!(verdict(valid), [Ok]);
    }
}
