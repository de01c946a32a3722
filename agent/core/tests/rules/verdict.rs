//! Verdicts (DOMAIN §4.1, DESIGN §4.5): the five, their order, exceptions, canaries, and what never counts as closed.

use closedpath_core::attribution::PathClass;
use closedpath_core::catalog::Catalog;
use closedpath_core::closure::Seen as SeenAddress;
use closedpath_core::failure::{Code, Failure, Step};
use closedpath_core::findings::FindingId;
use closedpath_core::observation::Contact;
use closedpath_core::verdict::Verdict;

use crate::certificates::{Pointers, issued};
use crate::world::{Observed, World, observed, with_catalogs, world};

const LINKS: &str = r#"
[topology]
onprem = ["192.168.0.0/16"]
[[link]]
name = "ms"
edge = "er_microsoft"
hops = ["198.51.100.1"]
[[link]]
name = "isp"
edge = "internet"
hops = ["192.0.2.1"]
"#;

fn workload(name: &str, policy: &str, hosts: &[&str]) -> String {
    let mut text =
        format!("[[workload]]\nname = \"{name}\"\npolicy = \"{policy}\"\nclient_profile = \"none\"\n");
    for host in hosts {
        text +=
            &format!("[[target]]\nworkload = \"{name}\"\nhost = \"{host}\"\nport = 443\nprobe = \"tls\"\n");
    }
    text
}

fn closed(host: &str, ip: &str) -> Observed {
    observed(host, ip).hops(["198.51.100.1"]).connected()
}

fn leaking(host: &str, ip: &str) -> Observed {
    observed(host, ip).hops(["192.0.2.1"]).connected()
}

fn untold(host: &str, ip: &str) -> Observed {
    observed(host, ip).connected()
}

fn verdict(world: &World) -> Verdict {
    world.look().report.verdict
}

const ABC: [&str; 3] = ["a.example", "b.example", "c.example"];

fn three() -> World {
    world(&format!("{LINKS}{}", workload("w", "closed", &ABC))).see(closed("a.example", "203.0.113.1"))
}

#[test]
fn each_verdict_has_its_exit_status() {
    assert_eq!(Verdict::ALL.map(Verdict::exit_status), [0, 0, 3, 4, 1]);
}

#[test]
fn all_on_confirmed_closed_paths_is_closed() {
    let all = three().see(closed("b.example", "203.0.113.2")).see(closed("c.example", "203.0.113.3"));
    let seen = all.look();
    assert_eq!((seen.report.verdict, seen.workload().reasons.len()), (Verdict::Closed, 0));
}

#[test]
fn a_leak_outweighs_an_unknown_which_outweighs_a_lack() {
    let broken = || three().see(observed("b.example", "203.0.113.2"));
    assert_eq!(verdict(&broken().see(closed("c.example", "203.0.113.3"))), Verdict::ClosedButBroken);
    let unknown = broken().see(untold("c.example", "203.0.113.3")).look();
    assert_eq!(unknown.report.verdict, Verdict::Undetermined);
    assert!(
        unknown.workload().reasons.iter().any(|reason| reason.contains("b.example")),
        "the lack stands there too"
    );
    let leak = three().see(untold("b.example", "203.0.113.2")).see(leaking("c.example", "203.0.113.3"));
    assert_eq!(verdict(&leak), Verdict::NotClosed);
    assert_eq!(verdict(&broken().see(leaking("c.example", "203.0.113.3"))), Verdict::NotClosed);
}

fn one(policy: &str, more: &str) -> String {
    let text = workload("w", policy, &["a.example"]);
    let text = text.replace("client_profile", &format!("{more}\nclient_profile"));
    format!("{LINKS}{text}")
}

#[test]
fn a_probable_leak_is_a_leak() {
    let refused =
        world(&one("closed", "")).see(observed("a.example", "203.0.113.1").hops(["192.0.2.1"]).refused());
    assert_eq!(verdict(&refused), Verdict::NotClosed);
}

#[test]
fn a_single_leaking_address_of_many_is_a_leak_in_ipv6_too() {
    let seen = world(&one("closed", ""))
        .see(closed("a.example", "203.0.113.1"))
        .see(leaking("a.example", "2001:db8::1"))
        .look();
    assert_eq!(seen.report.verdict, Verdict::NotClosed);
    assert_eq!(seen.findings(FindingId::F22).len(), 1);
}

#[test]
fn a_probable_closed_path_counts_only_where_the_policy_accepts_it() {
    let tunnel = "[[tunnel]]\nname = \"t\"\nkind = \"ipsec\"\nover = \"er_microsoft\"\nouter_peer = [\"10.0.0.9\"]\nprefixes = [\"10.1.0.0/16\"]\nterminates = \"ce\"\nhops = [\"10.0.0.9\"]\n";
    let through = |accept: &str| {
        let config = format!("{accept}{tunnel}{}", one("closed", ""));
        verdict(&world(&config).see(observed("a.example", "10.1.0.4").hops(["10.0.0.9"]).connected()))
    };
    assert_eq!(through(""), Verdict::Undetermined);
    assert_eq!(through("[verdict]\naccept_probable = true\n"), Verdict::Closed);
}

#[test]
fn observed_workloads_do_not_count_unless_there_are_no_others() {
    let both = format!(
        "{LINKS}{}{}",
        workload("w", "closed", &["a.example"]),
        workload("o", "observe", &["b.example"])
    );
    let seen =
        world(&both).see(closed("a.example", "203.0.113.1")).see(leaking("b.example", "203.0.113.2")).look();
    assert_eq!(
        (seen.report.verdict, seen.report.workloads[1].verdict),
        (Verdict::Closed, Verdict::NotClosed)
    );
    let only = world(&one("observe", "")).see(leaking("a.example", "203.0.113.1"));
    assert_eq!(verdict(&only), Verdict::NotClosed);
}

#[test]
fn the_worst_workload_gives_the_overall_verdict() {
    let two = format!(
        "{LINKS}{}{}",
        workload("w", "closed", &["a.example"]),
        workload("v", "closed", &["b.example"])
    );
    let of = |other| verdict(&world(&two).see(closed("a.example", "203.0.113.1")).see(other));
    assert_eq!(of(leaking("b.example", "203.0.113.2")), Verdict::NotClosed);
    assert_eq!(of(observed("b.example", "203.0.113.2")), Verdict::ClosedButBroken);
    assert_eq!(of(untold("b.example", "203.0.113.2")), Verdict::Undetermined);
}

#[test]
fn a_canary_that_answers_binds_closed_and_watched_workloads_but_not_those_with_exceptions() {
    let of = |policy: &str, canary: Observed| {
        let config = format!("{}[[canary]]\nhost = \"203.0.113.200\"\nport = 443\n", one(policy, ""));
        verdict(&world(&config).see(closed("a.example", "203.0.113.1")).see(canary))
    };
    let canary = || observed("203.0.113.200", "203.0.113.200");
    assert_eq!(of("closed", canary()), Verdict::Closed);
    assert_eq!(of("closed", canary().connected()), Verdict::NotClosed);
    assert_eq!(of("closed", canary().refused()), Verdict::NotClosed);
    assert_eq!(of("closed-except", canary().connected()), Verdict::Closed);
    assert_eq!(of("observe", canary().connected()), Verdict::NotClosed, "as closed would be judged");
}

#[test]
fn a_datagram_that_the_destination_itself_refuses_is_answered() {
    let canary = "[[canary]]\nhost = \"203.0.113.200\"\nport = 3478\nprobe = \"stun\"\n";
    let of = |code| {
        let mut seen = observed("203.0.113.200", "203.0.113.200");
        seen.contact = Contact::Failed(Failure::new(Step::Datagram, code, "port unreachable"));
        let config = one("closed", "") + canary;
        verdict(&world(&config).see(closed("a.example", "203.0.113.1")).see(seen))
    };
    assert_eq!(of(Code::Refused), Verdict::NotClosed, "the way out is open");
    for code in [Code::Timeout, Code::Prohibited, Code::NetUnreachable] {
        assert_eq!(of(code), Verdict::Closed, "{code:?}: a router on the way, or nobody");
    }
}

#[test]
fn what_this_process_may_not_ask_is_not_known_and_no_lack() {
    let of = |code| {
        let mut seen = observed("a.example", "203.0.113.1");
        seen.contact = Contact::Failed(Failure::new(Step::Datagram, code, "ICMP echo could not be sent"));
        let seen = world(&one("closed", "").replace("probe = \"tls\"", "probe = \"icmp\"")).see(seen).look();
        (seen.report.verdict, seen.workload().reasons.join("; "))
    };
    let (verdict, reasons) = of(Code::NotPermitted);
    assert_eq!(verdict, Verdict::Undetermined, "{reasons}");
    assert!(reasons.contains("could not be looked at: ICMP echo could not be sent"), "{reasons}");
    assert!(!reasons.contains("cannot be had"), "{reasons}");
    assert_eq!(of(Code::Timeout).0, Verdict::ClosedButBroken);
    // Neither an exception nor a canary turns that into "closed".
    let unasked = |host: &str, ip: &str| {
        let mut seen = observed(host, ip);
        seen.contact = Contact::Failed(Failure::new(Step::Datagram, Code::NotPermitted, "no privilege"));
        seen
    };
    let excepted =
        one("closed-except", "allow = [\"a.example\"]").replace("probe = \"tls\"", "probe = \"icmp\"");
    assert_eq!(
        self::verdict(&world(&excepted).see(unasked("a.example", "203.0.113.1"))),
        Verdict::Undetermined
    );
    let canary = one("closed", "") + "[[canary]]\nhost = \"203.0.113.200\"\nprobe = \"icmp\"\n";
    let canary =
        world(&canary).see(closed("a.example", "203.0.113.1")).see(unasked("203.0.113.200", "203.0.113.200"));
    assert_eq!(self::verdict(&canary), Verdict::Undetermined);
}

#[test]
fn a_canary_that_is_also_a_target_is_still_a_canary() {
    let config =
        format!("{}[[canary]]\nhost = \"a.example\"\nport = 443\nprobe = \"tls\"\n", one("closed", ""));
    assert_eq!(verdict(&world(&config).see(closed("a.example", "203.0.113.1"))), Verdict::NotClosed);
}

#[test]
fn declared_exceptions_give_closed_except_and_others_a_leak() {
    let of = |allow: &str, seen| {
        verdict(&world(&one("closed-except", &format!("allow = [\"{allow}\"]"))).see(seen))
    };
    assert_eq!(of("a.example:443", leaking("a.example", "203.0.113.1")), Verdict::ClosedExcept);
    assert_eq!(of("*.example:443", leaking("a.example", "203.0.113.1")), Verdict::ClosedExcept);
    assert_eq!(of("a.example:80", leaking("a.example", "203.0.113.1")), Verdict::NotClosed);
    assert_eq!(of("b.example", closed("a.example", "203.0.113.1")), Verdict::Closed, "none used");
    let unused = of("a.example", closed("a.example", "203.0.113.1"));
    assert_eq!(unused, Verdict::Closed, "an exception that is reached on a closed path is not used");
    assert_eq!(of("a.example", observed("a.example", "203.0.113.1")), Verdict::ClosedButBroken);
    let strict =
        world(&one("closed", "allow = [\"a.example:443\"]")).see(leaking("a.example", "203.0.113.1"));
    assert_eq!(verdict(&strict), Verdict::NotClosed, "exceptions bind only closed-except");
}

#[test]
fn an_excepted_ca_host_that_is_soft_and_silent_is_closed_except() {
    let config = one("closed-except", "allow = [\"crl.example:80\"]")
        .replace("client_profile = \"none\"", "client_profile = \"windows-cryptoapi\"");
    let chain = [issued("a", "CA", Pointers { crl: &["http://crl.example/a"], ..Pointers::default() })];
    let seen = world(&config)
        .see(closed("a.example", "203.0.113.1").presents(chain))
        .see(observed("crl.example", "203.0.113.2"))
        .look();
    assert_eq!(seen.report.verdict, Verdict::ClosedExcept);
    assert!(seen.workload().reasons[0].contains("silent now"));
}

#[test]
fn a_workload_without_targets_is_undetermined_even_beside_one_that_has_them() {
    assert_eq!(verdict(&world(&format!("{LINKS}{}", workload("w", "closed", &[])))), Verdict::Undetermined);
    let ntp = "[[target]]\nworkload = \"v\"\nhost = \"192.168.1.1\"\nport = 123\nprobe = \"ntp\"\n";
    let config = format!("{}{}{ntp}", workload("w", "closed", &[]), workload("v", "closed", &[]));
    let config = format!("{}{config}", LINKS.replace("onprem", "ntp = [\"192.168.1.1\"]\nonprem"));
    let seen = world(&config).see(observed("192.168.1.1", "192.168.1.1").connected()).look();
    let verdicts: Vec<Verdict> = seen.report.workloads.iter().map(|workload| workload.verdict).collect();
    assert_eq!(verdicts, [Verdict::Undetermined, Verdict::Closed]);
}

#[test]
fn a_catalogue_with_an_unbound_placeholder_is_not_called_closed() {
    let text = "service = \"s\"\n[[source]]\nid = \"D\"\ndocument = \"d\"\ndate = \"2026-01-01\"\n[[entry]]\nfqdn = \"a.example\"\nports = [443]\nproto = \"tcp\"\npurpose = \"p\"\nneed = \"always\"\nsource = \"D\"\n[[entry]]\nfqdn = \"<region>.example\"\nports = [443]\nproto = \"tcp\"\npurpose = \"p\"\nneed = \"always\"\nsource = \"D\"\n";
    let catalog = || vec![Catalog::parse("s", text).expect("a catalogue")];
    let of = |parameters: &str| {
        let config = format!(
            "{LINKS}[[workload]]\nname = \"w\"\npolicy = \"closed\"\nclient_profile = \"none\"\ncatalogs = [\"s\"]\n{parameters}"
        );
        let world = with_catalogs(&config, catalog());
        verdict(&world.see(closed("a.example", "203.0.113.1")).see(closed("east.example", "203.0.113.2")))
    };
    assert_eq!(of(""), Verdict::Undetermined);
    assert_eq!(of("parameters = { region = \"east\" }\n"), Verdict::Closed);
    // What nobody needs may stay unbound, and is not named.
    let optional = "[[entry]]\nfqdn = \"<vault>.example\"\nports = [443]\nproto = \"tcp\"\npurpose = \"p\"\nneed = \"optional\"\nsource = \"D\"\n";
    let catalog = Catalog::parse("s", &format!("{text}{optional}")).expect("a catalogue");
    let config = format!(
        "{LINKS}[[workload]]\nname = \"w\"\npolicy = \"closed\"\nclient_profile = \"none\"\ncatalogs = [\"s\"]\n"
    );
    let seen = with_catalogs(&config, vec![catalog]).see(closed("a.example", "203.0.113.1")).look();
    let reasons = seen.workload().reasons.join("; ");
    assert!(reasons.contains("<region>.example") && !reasons.contains("<vault>.example"), "{reasons}");
}

#[test]
fn an_address_that_was_not_looked_at_is_not_called_closed() {
    let world = world(&one("closed", ""))
        .see(closed("a.example", "203.0.113.1"))
        .see(closed("a.example", "203.0.113.2"));
    let (mut picture, _) = world.picture();
    assert_eq!(world.report_on(&picture).verdict, Verdict::Closed);
    let member = picture.members.values_mut().next().expect("a member");
    member.addresses.insert("203.0.113.2".parse().expect("literal"), SeenAddress::Pending);
    assert_eq!(world.report_on(&picture).verdict, Verdict::Undetermined);
}

#[test]
fn every_way_that_meets_the_internet_is_a_leak_whatever_it_is_called() {
    let link = |edge: &str, more: &str| {
        format!(
            "[topology]\nvnet = [\"10.100.0.0/16\"]\n[[link]]\nname = \"x\"\nedge = \"{edge}\"\nhops = [\"198.51.100.9\"]\n{more}"
        )
    };
    let gsa = "[[tunnel]]\nname = \"t\"\nkind = \"gsa_remote_network\"\nover = \"internet\"\nouter_peer = [\"10.0.0.9\"]\nprefixes = []\nterminates = \"ce\"\nhops = [\"192.0.2.9\"]\n";
    let of = |links: &str, ip: &str, hop: &str| {
        let config = format!("{links}{}", workload("w", "closed", &["a.example"]));
        verdict(&world(&config).see(observed("a.example", ip).hops([hop]).connected()))
    };
    let hop = "198.51.100.9";
    for (links, ip, hop) in [
        (link("internet", ""), "203.0.113.1", hop),
        (link("internet", "peering_service = true\n"), "203.0.113.1", hop),
        (link("s2s_vpn_over_internet", ""), "10.100.0.4", hop),
        (link("er_private", ""), "203.0.113.1", hop),
        (link("internet", gsa), "203.0.113.1", "192.0.2.9"),
    ] {
        assert_eq!(of(&links, ip, hop), Verdict::NotClosed, "{links}");
    }
    assert_eq!(of(&link("er_private", ""), "10.100.0.4", hop), Verdict::Closed);
    assert_eq!(of(&link("er_microsoft", ""), "203.0.113.1", hop), Verdict::Closed);
}

#[test]
fn f24_a_direct_way_beside_the_proxy_is_told_and_leaks() {
    let proxy = "[[proxy]]\nname = \"p\"\nurl = \"http://192.168.2.4:3128\"\nexit = \"internet\"\n";
    let proxied = workload("w", "closed", &["a.example"])
        .replace("\nclient_profile", "\nproxy = \"p\"\nclient_profile");
    let seen = |direct: Observed| {
        let world = world(&format!("{LINKS}{proxy}{proxied}"));
        world.see(observed("192.168.2.4", "192.168.2.4").connected()).see(direct).look()
    };
    let id = "a.example:443/tls via p";
    let open = seen(leaking("a.example", "203.0.113.1"));
    let bypass = open.endpoint(id).bypass.clone().expect("the direct attempt");
    assert_eq!((bypass.reachable, bypass.class), (true, PathClass::InternetDirect));
    assert_eq!(open.findings(FindingId::F24).len(), 1);
    let reasons = &open.workload().reasons;
    assert!(
        reasons.iter().any(|reason| reason.contains("also connects directly, internet_direct")),
        "{reasons:?}"
    );
    assert_eq!(open.ids(), ["192.168.2.4:3128/tcp", id], "the attempt is no member");
    let shut = seen(observed("a.example", "203.0.113.1").hops(["192.0.2.1"]));
    assert_eq!(shut.endpoint(id).bypass.clone().map(|bypass| bypass.reachable), Some(false));
    let inside = seen(closed("a.example", "203.0.113.1"));
    let reasons = inside.workload().reasons.join("; ");
    assert!(!reasons.contains("connects directly"), "what is closed directly leaks nothing: {reasons}");
    assert_eq!(shut.findings(FindingId::F24).len(), 0);
}
