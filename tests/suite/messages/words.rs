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
