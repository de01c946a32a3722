//! Names, certificates and configuration files.

use closedpath_lab::plan::VNET_GATEWAY;
use closedpath_lab::{BY_HOPS, ConfigVariant, Lab, Server};

use crate::{lab, said};

/// The status of an answer and its records.
fn dig(lab: &Lab, name: &str) -> (String, Vec<String>) {
    let answer = said(lab, "host", &format!("dig +time=1 +tries=1 +noall +comments +answer {name} A"));
    let status =
        answer.split("status: ").nth(1).and_then(|rest| rest.split(',').next()).unwrap_or("none").to_owned();
    let records = answer.lines().filter(|line| !line.starts_with(';') && !line.is_empty());
    (status, records.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect())
}

/// curl's exit status for `https://name/` with the lab's root, and what it said.
fn curl(lab: &Lab, name: &str) -> (Option<i32>, String) {
    let root = lab.root_certificate().display().to_string();
    let argv = ["curl", "-sS", "-4", "-m", "2", "--cacert", &root, &format!("https://{name}/")];
    let output = lab.exec("host", &argv).expect("curl starts");
    (output.status.code(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

#[test]
fn the_resolver_answers_each_odd_name_in_its_own_way() {
    let lab = lab();
    let (_, chain) = dig(&lab, "acct.blob.azure.example");
    assert_eq!(
        chain,
        [
            "acct.blob.azure.example. 300 IN CNAME acct.privatelink.blob.azure.example.",
            "acct.privatelink.blob.azure.example. 60 IN CNAME pe.vnet.example.",
            "pe.vnet.example. 10 IN A 10.100.1.4"
        ]
    );
    for (name, status, records) in [
        ("blob.azure.example", "NOERROR", 2),
        ("nowhere.cdn.example", "NXDOMAIN", 0),
        ("gone.azure.example", "NXDOMAIN", 1),
        ("nodata.odd.example", "NOERROR", 0),
        ("loop-a.odd.example", "SERVFAIL", 0),
        ("a.broken.example", "SERVFAIL", 0),
        ("a.refused.example", "REFUSED", 0),
        ("a.silent.example", "none", 0),
        ("big.odd.example", "NOERROR", 100),
        ("long1.odd.example", "NOERROR", 10),
        ("n000.load.example", "NOERROR", 1),
        ("n005.load.example", "NXDOMAIN", 0),
        ("n008.load.example", "none", 0),
        ("nowhere", "NXDOMAIN", 0),
    ] {
        let (found, answer) = dig(&lab, name);
        assert_eq!((found.as_str(), answer.len()), (status, records), "{name}: {answer:?}");
    }
    assert!(said(&lab, "host", "dig big.odd.example A").contains("retrying in TCP mode"));
}

#[test]
fn names_resolve_also_when_the_internet_is_cut() {
    let mut lab = lab();
    lab.cut_internet().expect("cut");
    assert_eq!(dig(&lab, "crl.pki.example").0, "NOERROR");
}

#[test]
fn records_can_be_changed_and_changed_back() {
    let mut lab = lab();
    assert!(dig(&lab, "pe.vnet.example").1[0].ends_with("10.100.1.4"));
    lab.set_record("pe.vnet.example", &[[192, 0, 2, 66].into()]).expect("set");
    assert!(dig(&lab, "acct.blob.azure.example").1[2].ends_with("192.0.2.66"));
    lab.set_record("pe.vnet.example", &[]).expect("set");
    assert_eq!(dig(&lab, "pe.vnet.example").0, "NXDOMAIN");
    lab.reset_record("pe.vnet.example").expect("reset");
    assert!(dig(&lab, "pe.vnet.example").1[0].ends_with("10.100.1.4"));
}

#[test]
fn each_server_is_good_or_odd_as_planned() {
    let lab = lab();
    for (name, status, says) in [
        ("acct.blob.azure.example", 0, "src=192.168.1.10"),
        ("blob.azure.example", 0, "src=198.51.100.17"),
        ("portal.afd.example", 0, "src=203.0.113.1"),
        ("staple.azure.example", 0, "src="),
        ("tls12.azure.example", 0, "src="),
        ("moved.cdn.example", 0, "src="),
        ("revoked.cdn.example", 0, "src="),
        ("n000.load.example", 0, "src="),
        ("odd.cdn.example", 60, "expired"),
        ("selfsigned.cdn.example", 60, "self-signed"),
        ("incomplete.cdn.example", 60, "unable to get local issuer"),
        ("mtls.azure.example", 56, "certificate required"),
        ("plain.cdn.example", 35, "wrong version number"),
        ("hangup.cdn.example", 35, ""),
        ("refuse.cdn.example", 7, ""),
        ("dead.cdn.example", 28, ""),
    ] {
        let (code, said) = curl(&lab, name);
        assert!(code == Some(status) && said.contains(says), "{name}: {code:?} {said}");
    }
}

#[test]
fn the_ca_tells_what_is_revoked() {
    let lab = lab();
    let pki = lab.dir().join("pki").display().to_string();
    let ocsp = |issuer: &str, certificate: &str| {
        let line = format!(
            "openssl ocsp -issuer {pki}/{issuer}.pem -cert {pki}/{certificate}.pem -url http://ocsp.pki.example/{issuer} -CAfile {pki}/root.pem"
        );
        said(&lab, "host", &line)
    };
    for (issuer, certificate, status) in [
        ("issuing", "blob.azure.example", "good"),
        ("issuing", "revoked.cdn.example", "revoked"),
        ("root", "issuing", "good"),
    ] {
        let answer = ocsp(issuer, certificate);
        assert!(
            answer.contains("Response verify OK") && answer.contains(&format!(".pem: {status}")),
            "{answer}"
        );
    }
    for url in [
        "crl.pki.example/issuing.crl",
        "crl.pki.example/root.crl",
        "aia.pki.example/issuing.cer",
        "aia.pki.example/root.cer",
    ] {
        assert_eq!(
            said(&lab, "host", &format!("curl -s -o /dev/null -w %{{http_code}} http://{url}")),
            "200"
        );
    }
    let moved = said(
        &lab,
        "host",
        "curl -s -o /dev/null -L -w %{http_code}-%{url_effective} http://crl.pki.example/moved.crl",
    );
    assert_eq!(moved, "200-http://cdn-crl.pki.example/issuing.crl");
}

#[test]
fn a_stopped_server_refuses_and_comes_back() {
    let mut lab = lab();
    for _ in 0..2 {
        lab.stop(Server::Afd).expect("stop");
    }
    assert_eq!(curl(&lab, "portal.afd.example").0, Some(7));
    for _ in 0..2 {
        lab.start(Server::Afd).expect("start");
    }
    assert_eq!(curl(&lab, "portal.afd.example").0, Some(0));
}

#[test]
fn every_configuration_is_toml() {
    let lab = lab();
    for variant in
        [ConfigVariant::Full, ConfigVariant::NoTopology, ConfigVariant::ResolverDown, ConfigVariant::Load]
    {
        let path = lab.config(variant).expect("the configuration is written");
        let text = std::fs::read_to_string(path).expect("it can be read");
        let table: toml::Table = text.parse().expect("it is TOML");
        assert_eq!(table.contains_key("link"), variant != ConfigVariant::NoTopology);
        assert!(table["target"].as_array().is_some_and(|targets| targets.len() > 25));
    }
}

#[test]
fn proxies_leave_by_their_own_ways_and_alone_where_the_edge_says_so() {
    let mut lab = lab();
    for proxy in [Server::VnetProxy, Server::SiteProxy] {
        lab.start(proxy).expect("squid starts");
    }
    lab.proxy_only(true).expect("the switch");
    let through = |proxy: &str| {
        let options = if proxy.is_empty() { String::new() } else { format!("-x http://{proxy}:3128 ") };
        said(&lab, "host", &format!("curl -s -m 2 {options}http://echo.cdn.example/"))
    };
    assert!(
        through("10.100.1.6").contains("198.51.100.194") || through("10.100.1.6").contains("2001:db8:a1::2")
    );
    let by_the_site = through("192.168.1.55");
    assert!(by_the_site.contains("203.0.113.1") || by_the_site.contains("2001:db8:1:1::53"), "{by_the_site}");
    assert_eq!(through(""), "");
    lab.restore().expect("restore");
    assert!(said(&lab, "host", "curl -s -m 2 -4 http://echo.cdn.example/").contains("203.0.113.1"));
    assert_eq!(said(&lab, "host", "curl -s -m 2 -x http://10.100.1.6:3128 http://echo.cdn.example/"), "");
}

#[test]
fn stun_servers_tell_which_pool_a_packet_came_from() {
    let mut lab = lab();
    for server in [Server::AzureStun, Server::InternetStun] {
        lab.start(server).expect("turnserver starts");
    }
    let seen =
        |lab: &Lab, address: &str| said(lab, "host", &format!("timeout 5 turnutils_stunclient {address}"));
    for (address, source) in [
        ("198.51.100.137", "reflexive addr: 198.51.100.17:"),
        ("192.0.2.76", "reflexive addr: 203.0.113.1:"),
        ("2001:db8:a::137", "reflexive addr: 2001:db8:1:1::10:"),
    ] {
        let text = seen(&lab, address);
        assert!(text.contains(source), "{text}");
    }
    lab.primary_down().expect("the switch");
    let text = seen(&lab, "198.51.100.137");
    assert!(text.contains("reflexive addr: 198.51.100.25:"), "{text}");
}

#[test]
fn the_private_endpoints_alias_flips_to_the_public_address_and_back() {
    let mut lab = lab();
    let resolved = |lab: &Lab| said(lab, "host", "dig +short acct.blob.azure.example A");
    let private = resolved(&lab);
    assert_eq!(private, "acct.privatelink.blob.azure.example.\npe.vnet.example.\n10.100.1.4\n");
    for _ in 0..2 {
        lab.flip_private_endpoint(true).expect("the switch");
        assert_eq!(resolved(&lab), "acct.privatelink.blob.azure.example.\n198.51.100.139\n");
    }
    lab.restore().expect("restore");
    assert_eq!(resolved(&lab), private);
}

#[test]
fn the_edge_inspects_tls_while_the_switch_says_so() {
    let mut lab = lab();
    let issuer = |lab: &Lab, address: &str| {
        let script = format!(
            "openssl s_client -connect {address}:443 -servername arm.azure.example </dev/null 2>/dev/null | openssl x509 -noout -issuer"
        );
        let output = lab.exec("host", &["sh", "-c", &script]).expect("it starts");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    for _ in 0..2 {
        lab.inspect(true).expect("the switch");
    }
    for address in ["198.51.100.132", "[2001:db8:a::132]"] {
        assert!(issuer(&lab, address).contains("Example Site Inspection CA"), "{}", issuer(&lab, address));
    }
    lab.restore().expect("restore");
    assert!(issuer(&lab, "198.51.100.132").contains("Example Issuing CA"));
}

#[test]
fn the_tunnel_carries_its_prefix_over_private_peering_as_esp_and_nothing_else_does() {
    let mut lab = lab();
    let fetch = |lab: &Lab| said(lab, "host", "curl -s -m 1 http://10.101.1.4/");
    assert_eq!(fetch(&lab), "");
    lab.start_tunnel(&VNET_GATEWAY).expect("the tunnel");
    lab.start_tunnel(&VNET_GATEWAY).expect("once more");
    assert!(said(&lab, "host", "ip route get 10.101.1.4").contains("dev ipsec0"));
    let rules = "table inet seen { counter tunnel { }; chain passing { type filter hook forward priority 0; \
                 ip daddr 10.100.255.4 udp dport 4500 counter name tunnel; ip daddr 10.101.0.0/16 drop; }; }";
    assert!(lab.exec("mse1p", &["nft", rules]).expect("nft starts").status.success());
    assert_eq!(fetch(&lab), "src=10.102.0.1\n");
    let counted = said(&lab, "mse1p", "nft list counter inet seen tunnel");
    assert!(counted.contains("packets") && !counted.contains("packets 0 "), "{counted}");
    lab.withdraw_msees().expect("the switch");
    assert_eq!(fetch(&lab), "");
    lab.restore().expect("restore");
    assert_eq!(fetch(&lab), "");
}

#[test]
fn what_is_recorded_of_the_baseline_is_what_the_scenario_replays() {
    let mut lab = lab();
    let recorded = lab.record(&BY_HOPS[0]).expect("a recording");
    let kept = include_str!("../../../data/scenarios/in-the-lab-by-hops-baseline/recorded.toml");
    assert_eq!(recorded, kept);
}
