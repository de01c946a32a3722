//! The vectors of DOMAIN §2.3 on real data of 2025-11-10 and 2024-07-31, and what lies between them.

use std::time::{Duration, SystemTime};

use super::super::{Eligibility, Outcome, Peering, Question, ReceivedRoute, Rule, owner};
use super::{decide, judge};
use crate::config::{Circuit, Edge, Sku, Terminates, Topology, Tunnel, TunnelKind};
use crate::tables::{Announced, AsnTable, Community, DataFile, ServiceTags, Tables};

const TAGS: &str = include_str!("../../../../../tests/data/ServiceTags_Public_20251110.extract.json");
const ASN: &str = include_str!("../../../../../tests/data/asn.tsv");
/// A Standard circuit in Tokyo with both Japanese regions, Entra ID and Resource Manager; Microsoft 365 not authorised.
const FILTER: &[u16] = &[51012, 51013, 5060, 5070];

fn tables() -> Tables {
    let mut tables = Tables::documents().expect("the built-in tables parse");
    let file = |name, text| DataFile { name, modified: None, text };
    let tags = ServiceTags::parse(&file("ServiceTags_Public_20251110.extract.json", TAGS));
    tables.service_tags = Some(tags.expect("the extract parses"));
    tables.asn = Some(AsnTable::parse(&file("asn.tsv", ASN)).expect("the extract parses"));
    tables
}

fn circuit(sku: Sku, filter: &[u16], m365_authorised: bool) -> Circuit {
    let route_filter = filter.iter().map(|&value| Community(value).to_string()).collect();
    Circuit { sku, location: "Tokyo".into(), direct: false, route_filter, m365_authorised }
}

fn topology(circuits: impl IntoIterator<Item = Circuit>) -> Topology {
    let circuits = circuits.into_iter().enumerate().map(|(i, c)| (format!("c{i}"), c)).collect();
    Topology { circuits, ..Topology::default() }
}

fn standard() -> Topology {
    topology([circuit(Sku::Standard, FILTER, false)])
}

/// A week after the tags were published.
fn now() -> SystemTime {
    humantime::parse_rfc3339("2025-11-17T00:00:00Z").expect("a date")
}

fn ask(topology: &Topology, tables: &Tables, name: Option<&str>, ip: &str) -> Eligibility {
    let ip = ip.parse().expect("an address");
    judge(&Question { name, cname: &[], ip, topology, tables, routes: None, now: now() })
}

/// `result(reason)`, with the community where it is eligible.
fn short(answer: &Eligibility) -> String {
    let result = crate::failure::label(&answer.result);
    match (&answer.community, answer.result) {
        (Some(community), Outcome::Eligible) => format!("{result}({})", &community["12076:".len()..]),
        _ => format!("{result}({})", answer.reason),
    }
}

#[test]
fn the_vectors_of_the_specification_hold() {
    let without_5060 = topology([circuit(Sku::Standard, &[51012, 51013, 5070], false)]);
    let authorised = topology([circuit(Sku::Premium, &[51012, 5010, 5020, 5030, 5100], true)]);
    let premium = topology([circuit(Sku::Premium, &[51006], false)]);
    let standard = standard();
    let vectors: &[(&Topology, Option<&str>, &str, &str, &str)] = &[
        (&standard, None, "13.107.246.10", "not_eligible(unsupported)", "EL8"),
        (&standard, None, "13.107.213.10", "not_eligible(unsupported)", "EL8"),
        (&standard, None, "150.171.109.10", "not_eligible(unsupported)", "EL8"),
        (&standard, None, "2620:1ec:bdf::10", "not_eligible(unsupported)", "EL8"),
        (&standard, None, "20.43.64.88", "conditional(conflict_unsupported_vs_regional)", "EL8"),
        (&standard, None, "13.107.6.152", "not_eligible(m365_not_authorised)", "EL7"),
        (&standard, None, "204.79.197.215", "not_eligible(m365_not_authorised)", "EL7"),
        (&standard, None, "13.107.136.8", "not_eligible(m365_not_authorised)", "EL7"),
        (&authorised, None, "13.107.6.152", "eligible(5010)", "EL7"),
        (&authorised, None, "204.79.197.215", "eligible(5010)", "EL7"),
        (&authorised, None, "13.107.136.8", "eligible(5020)", "EL7"),
        (&standard, None, "13.107.4.50", "not_eligible(unsupported)", "EL8"),
        (&standard, None, "13.107.42.16", "not_eligible(unsupported)", "EL8"),
        (&standard, None, "52.98.0.1", "not_eligible(m365_not_authorised)", "EL7"),
        (&standard, None, "40.96.0.1", "not_eligible(m365_not_authorised)", "EL7"),
        (&standard, None, "52.112.74.1", "not_eligible(m365_not_authorised)", "EL7"),
        (&authorised, None, "52.112.74.1", "eligible(5030)", "EL7"),
        (&standard, None, "20.190.141.1", "eligible(5060)", "EL7"),
        (&standard, None, "20.190.143.129", "eligible(5060)", "EL7"),
        (&standard, None, "13.78.109.96", "eligible(51012)", "EL9"),
        (&standard, None, "23.102.64.1", "eligible(51012)", "EL9"),
        (&without_5060, None, "40.126.12.1", "conditional(route_filter: 12076:5060)", "EL7"),
        (&standard, None, "4.150.254.1", "not_eligible(sku_scope)", "EL9"),
        (&premium, None, "4.150.254.1", "eligible(51006)", "EL9"),
        (&standard, None, "150.171.19.1", "not_eligible(gsa_edge)", "EL12"),
        (&standard, Some("graph.microsoft.com"), "20.190.141.1", "eligible(5060)", "EL7"),
        (&standard, Some("outlook.cloud.microsoft"), "52.98.0.1", "not_eligible(m365_not_authorised)", "EL7"),
        (&standard, Some("aadcdn.msftauth.net"), "13.107.246.10", "not_eligible(m365_er_no)", "EL6"),
        (&standard, Some("aadcdn.msftauth.net"), "192.229.221.95", "not_eligible(m365_er_no)", "EL6"),
        (
            &standard,
            Some("device.contoso.microsoftonline.com"),
            "20.190.141.1",
            "not_eligible(m365_er_no)",
            "EL6",
        ),
        (&standard, None, "192.229.221.95", "not_eligible(third_party)", "EL13"),
        (&standard, None, "8.8.8.8", "not_eligible(third_party)", "EL13"),
        (&standard, None, "168.63.129.16", "not_eligible(azure_platform_vip)", "EL4"),
    ];
    let tables = tables();
    for (topology, name, ip, expected, rule) in vectors {
        let answer = ask(topology, &tables, *name, ip);
        assert_eq!(
            (short(&answer).as_str(), crate::failure::label(&answer.rule).as_str()),
            (*expected, *rule),
            "{name:?} {ip}: {answer:?}"
        );
    }
}

#[test]
fn both_facts_are_reported_where_name_and_address_disagree() {
    let answer = ask(&standard(), &tables(), Some("device.contoso.microsoftonline.com"), "20.190.141.1");
    let says = |text: &str| answer.facts.iter().any(|fact| fact == text);
    assert!(says("Microsoft 365 set 59 by *.microsoftonline.com: ExpressRoute no"), "{:?}", answer.facts);
    assert!(says("address in Microsoft 365 set 56 (20.190.128.0/18), 12076:5060"), "{:?}", answer.facts);
    assert!(says("service tag AzureCloud.japanwest (20.190.141.0/25)"), "{:?}", answer.facts);
    assert!(
        answer.facts.iter().any(|fact| fact.starts_with("data: Azure service tags (Public) 376, ")
            && fact.contains("Microsoft 365 endpoints 2024073100")),
        "{:?}",
        answer.facts
    );
}

#[test]
fn addresses_that_are_no_destination_are_refused_and_documentation_ranges_are_not() {
    let (tables, topology) = (tables(), standard());
    for ip in [
        "127.0.0.1",
        "0.0.0.0",
        "0.1.2.3",
        "169.254.169.254",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1",
        "ff02::1",
        "100::1",
        "::ffff:127.0.0.1",
    ] {
        let answer = ask(&topology, &tables, None, ip);
        assert_eq!(short(&answer), "not_eligible(address_not_routable)", "{ip}");
    }
    for ip in ["192.0.2.1", "198.51.100.1", "203.0.113.1", "198.18.0.1", "2001:db8::1"] {
        let answer = ask(&topology, &tables, None, ip);
        assert_eq!((answer.rule, answer.reason.as_str()), (Rule::El14, "no_origin_as"), "{ip}");
    }
}

#[test]
fn declared_prefixes_decide_before_anything_else_and_the_longest_one_wins() {
    let prefix = |text: &str| text.parse().expect("a prefix");
    let mut topology = standard();
    topology.onprem = vec![prefix("10.0.0.0/8"), prefix("20.190.141.0/24")];
    topology.vnet = vec![prefix("10.100.0.0/16"), prefix("23.102.64.0/24"), prefix("20.190.141.0/24")];
    topology.tunnels = vec![Tunnel {
        name: "vpn-azure".into(),
        kind: TunnelKind::Ipsec,
        over: Edge::ErPrivate,
        outer_peer: vec![],
        prefixes: vec![prefix("10.101.0.0/16")],
        terminates: Terminates::Ce,
        hops: vec![],
        interface: None,
    }];
    let vpn_azure = topology.tunnels[0].clone();
    for (kind, over, net) in [
        (TunnelKind::Ipsec, Edge::Internet, "172.20.0.0/16"),
        (TunnelKind::GsaRemoteNetwork, Edge::ErPrivate, "172.21.0.0/16"),
    ] {
        topology.tunnels.push(Tunnel { kind, over, prefixes: vec![prefix(net)], ..vpn_azure.clone() });
    }
    let tables = tables();
    let of = |ip: &str| {
        let answer = ask(&topology, &tables, None, ip);
        (answer.result, answer.rule, answer.peering, answer.reason)
    };
    let private = |reason: &str| (Outcome::Eligible, Rule::El1, Some(Peering::Private), reason.to_owned());
    assert_eq!(of("10.100.0.4"), private("vnet"));
    assert_eq!(of("10.101.0.4"), private("tunnel"));
    assert_eq!(of("23.102.64.1"), private("vnet"));
    assert_eq!(of("20.190.141.1"), private("vnet"));
    assert_eq!(of("10.1.0.1"), (Outcome::Internal, Rule::El2, None, "onprem".to_owned()));
    // Only IPsec over private peering ends in a virtual network: what other tunnels carry is not declared to be private.
    for ip in ["192.168.0.1", "172.31.0.1", "100.64.0.1", "fd00::1", "fec0::1", "172.20.0.1", "172.21.0.1"] {
        assert_eq!(of(ip), (Outcome::Unknown, Rule::El3, None, "undeclared_private".to_owned()), "{ip}");
    }
}

#[test]
fn a_storage_account_is_not_microsoft_365_although_a_set_lists_all_of_them() {
    let tables = tables();
    let name = Some("acct.blob.core.windows.net");
    let answer = ask(&standard(), &tables, name, "13.73.8.16");
    assert_eq!(short(&answer), "eligible(51012)");
    let set = "Microsoft 365 set 67 by *.blob.core.windows.net: ExpressRoute no";
    assert!(answer.facts.iter().any(|fact| fact == set), "{:?}", answer.facts);
    let storage_only = topology([circuit(Sku::Standard, &[52012], false)]);
    assert_eq!(short(&ask(&storage_only, &tables, name, "13.73.8.16")), "eligible(52012)");
    assert_eq!(
        short(&ask(&storage_only, &tables, name, "23.102.64.1")),
        "conditional(route_filter: 12076:51012)"
    );
}

#[test]
fn an_alias_tells_where_the_name_does_not() {
    let (tables, topology) = (tables(), standard());
    let with = |cname: &str, ip: &str| {
        let cname = [cname.to_owned()];
        let ip = ip.parse().expect("an address");
        let name = Some("www.contoso.example");
        short(&judge(&Question {
            name,
            cname: &cname,
            ip,
            topology: &topology,
            tables: &tables,
            routes: None,
            now: now(),
        }))
    };
    assert_eq!(with("contoso.azurefd.net", "8.8.8.8"), "not_eligible(unsupported)");
    assert_eq!(
        with("contoso.azureedge.net.", "23.102.64.1"),
        "conditional(conflict_unsupported_vs_regional)"
    );
    assert_eq!(with("aadcdn.msftauth.net", "8.8.8.8"), "not_eligible(m365_er_no)");
    assert_eq!(with("notazurefd.net", "8.8.8.8"), "not_eligible(third_party)");
    assert_eq!(with("x.trafficmanager.net", "23.102.64.1"), "eligible(51012)");
    let facts = ask(&topology, &tables, Some("acct.blob.core.windows.net"), "8.8.8.8").facts;
    let named = "Microsoft 365 set 67 by *.blob.core.windows.net: ExpressRoute no";
    assert!(facts.iter().any(|fact| fact == named), "{facts:?}");
}

#[test]
fn a_microsoft_365_name_outside_its_addresses_is_conditional() {
    let answer = ask(&standard(), &tables(), Some("login.microsoftonline.com"), "23.102.64.1");
    assert_eq!((short(&answer).as_str(), answer.rule), ("conditional(address_outside_set)", Rule::El7));
}

#[test]
fn an_authorised_circuit_needs_the_community_in_its_own_filter_and_premium() {
    let tables = tables();
    let elsewhere = topology([circuit(Sku::Premium, &[51012], true), circuit(Sku::Premium, &[5010], false)]);
    assert_eq!(short(&ask(&elsewhere, &tables, None, "52.98.0.1")), "conditional(route_filter: 12076:5010)");
    let small = topology([circuit(Sku::Standard, &[5010], true)]);
    let answer = ask(&small, &tables, None, "52.98.0.1");
    assert_eq!(short(&answer), "eligible(5010)");
    let needs_premium = "m365_needs_premium".to_owned();
    assert!(answer.conditions.contains(&needs_premium));
    let premium = topology([circuit(Sku::Premium, &[5010], true)]);
    let answer = ask(&premium, &tables, None, "52.98.0.1");
    assert_eq!(
        (short(&answer).as_str(), answer.conditions.contains(&needs_premium)),
        ("eligible(5010)", false)
    );
}

#[test]
fn scope_and_filter_must_be_of_the_same_circuit() {
    let tables = tables();
    let split = topology([circuit(Sku::Standard, &[51006], false), circuit(Sku::Premium, &[51012], false)]);
    assert_eq!(short(&ask(&split, &tables, None, "4.150.254.1")), "conditional(route_filter: 12076:51006)");
    let local = topology([circuit(Sku::Local, FILTER, false)]);
    assert_eq!(short(&ask(&local, &tables, None, "23.102.64.1")), "eligible(51012)");
    let mut nowhere = circuit(Sku::Standard, FILTER, false);
    nowhere.location = "Atlantis".into();
    assert_eq!(
        short(&ask(&topology([nowhere]), &tables, None, "23.102.64.1")),
        "conditional(sku_scope_unknown)"
    );
}

#[test]
fn regions_without_a_documented_community_are_conditional_and_other_spellings_are_understood() {
    let tables = tables();
    let mut stockholm = circuit(Sku::Standard, &[51030], false);
    stockholm.location = "Stockholm".into();
    let europe = topology([stockholm]);
    assert_eq!(short(&ask(&europe, &tables, None, "4.165.0.1")), "conditional(no_documented_community)");
    assert_eq!(short(&ask(&europe, &tables, None, "4.176.0.1")), "eligible(51030)");
    assert_eq!(short(&ask(&standard(), &tables, None, "4.165.0.1")), "not_eligible(sku_scope)");
}

#[test]
fn tags_without_a_region_go_by_service_community_or_stay_unknown_or_are_not_reachable() {
    let tables = tables();
    let of = |ip: &str| {
        let answer = ask(&standard(), &tables, None, ip);
        (short(&answer), answer.rule)
    };
    // AzureResourceManager, AzureAdvancedThreatProtection, Storage and AzureActiveDirectory in AzureCloud without a region;
    // ActionGroup.NorthCentralUS is not in AzureCloud at all.
    assert_eq!(of("9.205.40.0"), ("eligible(5070)".into(), Rule::El10));
    assert_eq!(of("9.205.32.24"), ("conditional(route_filter: 12076:5220)".into(), Rule::El10));
    assert_eq!(of("13.87.32.3"), ("unknown(global_only)".into(), Rule::El11));
    assert_eq!(of("13.87.32.18"), ("eligible(5060)".into(), Rule::El10));
    assert_eq!(of("104.47.240.167"), ("not_eligible(service_tag_only)".into(), Rule::El10));
    assert_eq!(of("65.54.0.1"), ("not_eligible(microsoft_not_azure)".into(), Rule::El12));
    assert_eq!(of("13.107.232.1"), ("not_eligible(gsa_edge)".into(), Rule::El12));
}

#[test]
fn a_premium_circuit_without_the_community_does_not_lift_the_condition_of_a_standard_one() {
    let tables = tables();
    let asked = |circuits: [Circuit; 2]| ask(&topology(circuits), &tables, None, "20.190.141.1").conditions;
    let with = |sku| circuit(sku, &[5060], false);
    let without = |sku| circuit(sku, &[51012], false);
    let condition = "global_community_on_standard".to_string();
    assert!(asked([with(Sku::Standard), without(Sku::Premium)]).contains(&condition));
    assert!(!asked([with(Sku::Standard), with(Sku::Premium)]).contains(&condition));
    assert!(!asked([without(Sku::Standard), without(Sku::Premium)]).contains(&condition), "Premium could");
}

#[test]
fn microsoft_peering_has_conditions() {
    let (tables, topology) = (tables(), standard());
    let entra = ask(&topology, &tables, None, "20.190.141.1");
    assert_eq!(
        entra.conditions,
        [
            "global_community_on_standard",
            "snat_to_validated_public_prefixes",
            "at_most_200_prefixes_per_session",
            "prefixes_not_announced_to_internet"
        ]
    );
    assert_eq!((entra.routable, entra.supported), (Some(true), Some(true)));
    let region = ask(&topology, &tables, None, "23.102.64.1");
    assert_eq!(region.conditions.len(), 3);
    assert!(ask(&topology, &tables, None, "8.8.8.8").conditions.is_empty());
}

#[test]
fn a_received_route_decides_before_the_tags() {
    let (tables, topology) = (tables(), standard());
    let with = |ip: &str, prefix: &str, communities: &[u16]| {
        let communities = communities.iter().copied().map(Community).collect();
        let routes = [ReceivedRoute { prefix: prefix.parse().expect("a prefix"), communities }];
        let ip = ip.parse().expect("an address");
        let (topology, tables) = (&topology, &tables);
        judge(&Question { name: None, cname: &[], ip, topology, tables, routes: Some(&routes), now: now() })
    };
    let global = with("13.87.32.3", "13.87.32.0/24", &[51012]);
    assert_eq!((short(&global).as_str(), global.rule), ("eligible(51012)", Rule::El5));
    let other = with("23.102.64.1", "23.102.64.0/19", &[51006]);
    assert_eq!(short(&other), "conditional(route_filter: 12076:51006)");
    let conflict = with("20.43.64.88", "20.43.64.0/19", &[51012]);
    assert_eq!(short(&conflict), "conditional(conflict_unsupported_vs_route)");
    assert_eq!((conflict.routable, conflict.supported), (Some(true), Some(false)));
    assert_eq!(with("23.102.64.1", "20.0.0.0/16", &[51006]).rule, Rule::El9);
    assert_eq!(with("52.98.0.1", "52.96.0.0/14", &[5010]).rule, Rule::El7);
}

#[test]
fn an_export_of_communities_says_what_is_announced_unless_it_is_old() {
    let topology = standard();
    let mut tables = tables();
    let text = r#"[{"BgpCommunities": [{"CommunityValue": "12076:51012", "CommunityPrefixes": ["203.0.113.0/24"]},
        {"CommunityValue": "12076:51006", "CommunityPrefixes": ["198.51.100.0/24"]}]}]"#;
    let file = DataFile { name: "communities_20251101.json", modified: None, text };
    tables.announced = Some(Announced::parse(&file).expect("it parses"));
    let listed = ask(&topology, &tables, None, "203.0.113.9");
    assert_eq!((short(&listed).as_str(), listed.rule), ("eligible(51012)", Rule::El5));
    let fact = "203.0.113.0/24 is listed in the export of communities (communities_20251101.json)";
    assert!(listed.facts.iter().any(|known| known == fact), "{:?}", listed.facts);
    assert_eq!(
        short(&ask(&topology, &tables, None, "198.51.100.9")),
        "conditional(route_filter: 12076:51006)"
    );
    // Set 1 is not authorised on this circuit, whatever is announced.
    assert_eq!(ask(&topology, &tables, None, "52.98.0.1").rule, Rule::El7);
    tables.limits.service_tags_stale = Duration::from_secs(15 * 86_400);
    assert_ne!(ask(&topology, &tables, None, "203.0.113.9").rule, Rule::El5);
}

#[test]
fn missing_and_old_data_make_it_unknown_not_wrong() {
    let topology = standard();
    let mut tables = tables();
    let ip = "23.102.64.1".parse().expect("an address");
    let later = |tables: &Tables, days: u64| {
        let now = now() + Duration::from_secs(days * 86_400);
        judge(&Question { name: None, cname: &[], ip, topology: &topology, tables, routes: None, now })
    };
    assert_eq!(short(&later(&tables, 38)), "eligible(51012)");
    let stale = later(&tables, 39);
    assert_eq!((short(&stale).as_str(), stale.rule), ("unknown(stale_data)", Rule::El14));
    assert!(stale.facts.iter().any(|fact| fact == "Azure service tags (Public) 376 is 46 days old"));
    assert!(stale.facts.iter().any(|fact| fact == "by it: eligible (EL9, region_community)"));
    let dated = tables.service_tags.as_mut().map(|table| &mut table.data_set.date);
    let date = dated.and_then(Option::take).expect("a date");
    assert_eq!(short(&later(&tables, 0)), "unknown(stale_data)", "data of unknown age may be old");
    tables.service_tags.as_mut().expect("tags").data_set.date = Some(date);

    tables.m365 = None;
    assert_eq!(short(&ask(&topology, &tables, None, "52.112.74.1")), "unknown(no_data)");
    assert_eq!(short(&ask(&topology, &tables, None, "8.8.8.8")), "not_eligible(third_party)");
    tables.asn = None;
    assert_eq!(short(&ask(&topology, &tables, None, "8.8.8.8")), "unknown(no_data)");
    tables.service_tags = None;
    assert_eq!(
        short(&ask(&topology, &tables, Some("graph.microsoft.com"), "20.190.141.1")),
        "unknown(no_data)"
    );
    assert_eq!(short(&ask(&topology, &tables, None, "192.168.0.1")), "unknown(undeclared_private)");
}

#[test]
fn without_a_declared_circuit_it_says_so_and_does_not_blame_a_filter() {
    let (tables, none) = (tables(), Topology::default());
    assert_eq!(short(&ask(&none, &tables, None, "23.102.64.1")), "conditional(no_circuit: 12076:51012)");
    assert_eq!(short(&ask(&none, &tables, None, "20.190.141.1")), "conditional(no_circuit: 12076:5060)");
    assert_eq!(short(&ask(&none, &tables, None, "52.98.0.1")), "not_eligible(m365_not_authorised)");
}

#[test]
fn a_nat64_address_is_judged_by_the_address_it_carries() {
    let answer = ask(&standard(), &tables(), None, "64:ff9b::23.102.64.1");
    assert_eq!(short(&answer), "eligible(51012)");
    assert!(answer.facts.iter().any(|fact| fact == "judged by 23.102.64.1, which the NAT64 address carries"));
    let (topology, tables) = (standard(), tables());
    let ip = "64:ff9b::23.102.64.1".parse().expect("an address");
    let (topology, tables) = (&topology, &tables);
    let short_of =
        decide(&Question { name: None, cname: &[], ip, topology, tables, routes: None, now: now() });
    assert_eq!(short(&short_of), "eligible(51012)", "without the words, the same");
}

#[test]
fn an_edge_of_global_secure_access_in_a_region_keeps_what_its_region_would_give() {
    let answer = ask(&topology([circuit(Sku::Premium, &[51013], false)]), &tables(), None, "151.206.64.1");
    assert_eq!((short(&answer).as_str(), answer.rule), ("conditional(conflict_gsa_vs_regional)", Rule::El12));
    assert_eq!(answer.peering, Some(Peering::Microsoft), "what could carry it, if anything");
    assert_eq!(answer.peering, Some(Peering::Microsoft));
    let region = answer.community.as_deref();
    assert_eq!(region, Some("12076:51013"), "{:?}", answer.facts);
}

#[test]
fn data_stands_behind_what_data_decided_only() {
    let prefix = |text: &str| text.parse().expect("a prefix");
    let mut topology = standard();
    (topology.onprem, topology.vnet) = (vec![prefix("192.168.0.0/16")], vec![prefix("10.100.0.0/16")]);
    let tables = tables();
    let told = |ip| ask(&topology, &tables, None, ip).facts.iter().any(|fact| fact.starts_with("data: "));
    assert_eq!(["192.168.1.1", "10.100.0.4", "23.102.64.1", "8.8.8.8"].map(told), [false, false, true, true]);
}

#[test]
fn owners_are_named_from_the_tables() {
    let tables = tables();
    let of = |ip: &str, name| owner(ip.parse().expect("an address"), name, &tables);
    let entra = of("20.190.141.1", Some("device.contoso.microsoftonline.com"));
    assert_eq!(entra.asn, Some(8075));
    assert_eq!(entra.region.as_deref(), Some("japanwest"));
    assert_eq!(entra.m365_sets, [59]);
    assert!(entra.service_tags.iter().any(|tag| tag == "AzureActiveDirectory"));
    assert_eq!(of("20.190.141.1", None).m365_sets, [56]);
    assert_eq!(of("4.176.0.1", None).region.as_deref(), Some("francecentral"));
    assert_eq!(of("8.8.8.8", None).org.as_deref(), Some("GOOGLE"));
}

#[test]
fn answers_are_written_as_the_report_has_them() {
    let answer = ask(&standard(), &tables(), None, "23.102.64.1");
    let json = serde_json::to_value(&answer).expect("it serialises");
    assert_eq!(json["result"], "eligible");
    assert_eq!(json["rule"], "EL9");
    assert_eq!(json["peering"], "microsoft");
    assert_eq!(json["community"], "12076:51012");
    assert_eq!(serde_json::from_value::<Eligibility>(json).expect("it reads back"), answer);
}
