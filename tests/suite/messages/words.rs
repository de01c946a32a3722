//! What an engineer reads: the key sentences of `explain`, `egress` and the table, from the real network of the lab.

use closedpath_lab::{ConfigVariant, Lab};

use crate::lab;

/// Runs a command that takes `--config`, on the full configuration; status, output, message.
fn ask(lab: &Lab, arguments: &[&str]) -> (Option<i32>, String, String) {
    let config = lab.config(ConfigVariant::Full).expect("a configuration").display().to_string();
    let output = lab::agent(lab, &[arguments, &["--config", &config]].concat());
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

fn holds(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part:?} is missing in:\n{text}");
    }
}

#[test]
fn explain_tells_the_path_of_each_address_with_the_hop_that_shows_it() {
    let lab = lab::build();
    let (status, text, said) = ask(&lab, &["explain", "blob.azure.example"]);
    assert_eq!((status, said.as_str()), (Some(0), ""));
    holds(
        &text,
        &[
            "blob.azure.example:443/tls\n  path: er_microsoft, confirmed (ExpressRoute Microsoft peering)\n",
            "  in the closure because: target (hard for backup)\n",
            "  address 198.51.100.131\n",
            "  address 2001:db8:a::130\n",
            "link er-primary-ms; circuit tokyo-1",
            "E6  A data     TCP probes to 198.51.100.130:443: 192.168.1.1 → 198.51.100.2 →",
            "OCSP: http://ocsp.pki.example/issuing\n",
            "          issuer: http://aia.pki.example/issuing.cer\n          revocation: good by OCSP, until 20",
            "      leads to: a trust anchor; its topmost issuer is CN=Example Root CA, O=Example Trust\n",
            "revocation: good (by ocsp); staple: none\n",
            "openssl s_client -connect 198.51.100.130:443 -servername blob.azure.example",
        ],
    );
}

#[test]
fn explain_of_an_address_shows_that_address_of_the_name_it_belongs_to() {
    let lab = lab::build();
    let (status, text, _) = ask(&lab, &["explain", "198.51.100.130"]);
    assert_eq!(status, Some(0));
    holds(&text, &["blob.azure.example:443/tls\n", "  address 198.51.100.130\n"]);
    assert!(!text.contains("  address 198.51.100.131\n"), "{text}");
    let (status, text, said) = ask(&lab, &["explain", "10.9.9.9"]);
    assert_eq!((status, text.as_str()), (Some(2), ""));
    assert_eq!(
        said,
        "closedpath: nothing in the configuration leads to 10.9.9.9; ask for it with a port, such as 10.9.9.9:443\n"
    );
}

#[test]
fn explain_of_a_name_that_does_not_exist_says_so_and_claims_no_path() {
    let lab = lab::build();
    let (status, text, _) = ask(&lab, &["explain", "nosuch.azure.example"]);
    assert_eq!(status, Some(0));
    holds(
        &text,
        &[
            "  path: unknown\n    because: there is no address to reach: the name does not exist (NXDOMAIN)\n",
            "  in the closure because: it was asked for; the configuration does not name it\n",
            "high F16 CATALOGUE_NAME_UNRESOLVABLE: nosuch.azure.example gives no address: onprem says NXDOMAIN",
            "    dig nosuch.azure.example\n",
        ],
    );
}

#[test]
fn egress_lists_each_destination_once_with_all_who_need_it() {
    let lab = lab::build();
    let (status, text, _) = ask(&lab, &["egress"]);
    assert_eq!(status, Some(0));
    holds(
        &text,
        &[
            "  192.168.1.53:53/udp-dns          resolver of backup, portal, rest\n",
            "  acct.blob.azure.example:443/tls  target of backup\n",
            "never a loopback, link-local, metadata, private or\n",
        ],
    );
    assert_eq!(
        text.matches("blob.azure.example:443/tls").count(),
        2,
        "blob and acct.blob, once each:\n{text}"
    );
}

#[test]
fn the_table_begins_with_the_verdict_says_a_remedy_once_and_names_the_address_that_is_silent() {
    let lab = lab::build();
    let (status, text, _) = ask(&lab, &["check"]);
    assert_eq!(status, Some(0));
    assert!(text.starts_with("CLOSED_EXCEPT  例外付き閉域\n  only the exceptions"), "{text}");
    holds(
        &text,
        &[
            "  backup  CLOSED 完全閉域  (promised: closed)\n",
            "    - declared exception: crl.pki.example:80\n",
            "      192.0.2.201: the destination did not answer",
            "    - each is in no catalogue, so nothing says whose it is or what needs it:\n        acct.blob.azure.example:443/tls, ",
        ],
    );
    assert_eq!(text.matches("do: note its owner and purpose").count(), 1, "{text}");
}

#[test]
fn explain_tells_of_each_certificate_whether_it_is_revoked_and_what_aia_brought() {
    let lab = lab::build();
    let (_, text, _) = ask(&lab, &["explain", "revoked.cdn.example"]);
    holds(
        &text,
        &[
            "      revoked: a certificate is revoked: clients that check refuse the connection\n",
            "          revocation: revoked by OCSP, since 20",
            "Z, because: key compromise\n",
            "      revocation: revoked (by ocsp); staple: none\n",
        ],
    );
    let (_, text, _) = ask(&lab, &["explain", "incomplete.cdn.example"]);
    holds(
        &text,
        &[
            "    tls: incomplete_chain; TLSv1.3; ",
            "; completed by AIA\n",
            "      [1] CN=Example Issuing CA, O=Example Trust, brought by AIA, not by the server (SHA-256 ",
            "      leads to: a trust anchor",
        ],
    );
    // An address of a CA host; its name alone would be asked for as a new destination.
    let (_, text, _) = ask(&lab, &["explain", "192.0.2.130"]);
    holds(
        &text,
        &["  certificates point to it:\n    CRL  http://crl.pki.example/issuing.crl\n         served in "],
    );
}

#[test]
fn the_table_marks_chains_and_tells_what_certificates_point_to_until_when() {
    let lab = lab::build();
    let (_, text, _) = ask(&lab, &["check", "--workload", "rest"]);
    holds(
        &text,
        &[
            "  by-aia\n",
            "  revoked\n",
            "  expired,name\n",
            "    revoked: a certificate is revoked: clients that check refuse the connection\n",
            "  HOST                 KIND  PATH             SERVED  CERTS  VALID UNTIL\n",
            "  aia.pki.example      AIA   internet_direct  2 of 2  ",
            "  cdn-crl.pki.example  CRL   internet_direct  1 of 1  1      20",
            "      http://crl.pki.example/moved.crl redirects to http://cdn-crl.pki.example/issuing.crl, so clients need both\n",
        ],
    );
    assert!(!text.contains("F39"), "the clients of this workload do not ask: {text}");
    let (_, text, _) = ask(&lab, &["check", "--workload", "portal"]);
    let until = "Z, for clients that hold today's answers on revocation (F39)\n";
    holds(&text, &["    works without CA hosts until 20", until]);
}

#[test]
fn with_the_internet_cut_the_table_tells_which_answers_clients_lack_and_why() {
    let mut lab = lab::build();
    lab.cut_internet().expect("the switch moves");
    let (status, text, _) = ask(&lab, &["check", "--workload", "portal"]);
    assert_eq!(status, Some(4), "{text}");
    holds(
        &text,
        &[
            "\nWHAT CERTIFICATES POINT TO (3 hosts, 6 URLs, 6 of them not served)\n",
            "  crl.pki.example   CRL   unknown  0 of 2  ",
            "    rev?: it could not be found out whether a certificate is revoked: strict clients refuse, others wait\n",
            " (F39); not\n    for arm.azure.example:443/tls, ",
        ],
    );
    let at = |text: &str, part: &str| text.find(part).expect("the line is there");
    assert!(at(&text, "\n  crl.pki.example   CRL") < at(&text, "\n  aia.pki.example   AIA"), "{text}");
}
