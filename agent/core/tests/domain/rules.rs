//! What the rules make of D2 to D9, over every prefix that a statement is about and not only over a sample of each.

use closedpath_core::catalog;
use closedpath_core::config::Sku;
use closedpath_core::eligibility::{Outcome, ReceivedRoute, Rule};
use closedpath_core::tables::{Community, Tag};
use ipnet::IpNet;

use super::space::Space;
use super::world::{World, m365, net, short, standard, tables, tokyo, v4};

fn world() -> World {
    World { topology: standard(), tables: tables(), routes: None }
}

#[test]
fn d2_front_door_is_judged_by_address_and_never_eligible() {
    let world = world();
    let regional = Space::new(v4(&world.tables, Tag::is_region));
    for net in v4(&world.tables, |tag| tag.name == "AzureFrontDoor.Frontend") {
        let expected = match regional.contains(net) {
            true => "conditional(conflict_unsupported_vs_regional) by EL8",
            false => "not_eligible(unsupported) by EL8",
        };
        assert_eq!(short(&world.ask(None, &net.network().to_string())), expected, "{net}");
    }
}

#[test]
fn d3_microsoft_365_comes_before_front_door() {
    let mut world = world();
    world.topology = tokyo(Sku::Premium, &[5010, 5020], true);
    for (ip, community) in [
        ("13.107.6.152", 5010),
        ("13.107.18.10", 5010),
        ("13.107.128.0", 5010),
        ("150.171.32.0", 5010),
        ("131.253.33.215", 5010),
        ("204.79.197.215", 5010),
        ("13.107.136.0", 5020),
        ("150.171.40.0", 5020),
    ] {
        assert_eq!(short(&world.ask(None, ip)), format!("eligible({community}) by EL7"), "{ip}");
    }
}

#[test]
fn d3_the_rest_of_first_party_front_door_is_unsupported() {
    let world = world();
    for net in v4(&world.tables, |tag| tag.name == "AzureFrontDoor.FirstParty") {
        let answer = short(&world.ask(None, &net.network().to_string()));
        let expected = ["not_eligible(m365_not_authorised) by EL7", "not_eligible(unsupported) by EL8"];
        assert!(expected.contains(&answer.as_str()), "{net}: {answer}");
    }
}

#[test]
fn d4_no_address_of_teams_or_mail_is_eligible_by_its_region() {
    let mut world = world();
    // Every region that has a community, and no Microsoft 365.
    let regions = world.tables.service_tags.iter().flat_map(|tags| tags.tags()).filter(|tag| tag.is_region());
    let communities = regions
        .filter_map(|tag| world.tables.communities.of_region(world.tables.regions.own_name(&tag.region)));
    let filter: Vec<u16> = communities.map(|community| community.0).collect();
    world.topology = tokyo(Sku::Premium, &filter, false);
    let office: Vec<IpNet> =
        ["52.112.0.0/14", "52.122.0.0/15", "40.107.0.0/16", "52.108.0.0/14", "52.100.0.0/14"]
            .map(net)
            .to_vec();
    let inside: Vec<IpNet> = v4(&world.tables, Tag::is_region)
        .into_iter()
        .filter(|net| office.iter().any(|range| range.contains(net)))
        .collect();
    assert!(inside.len() > 500, "{}", inside.len());
    for net in inside {
        let answer = world.ask(None, &net.network().to_string());
        assert_eq!(short(&answer), "not_eligible(m365_not_authorised) by EL7", "{net}");
    }
}

#[test]
fn d5_entra_goes_by_5060_in_every_region_and_in_none() {
    let mut world = world();
    world.topology = tokyo(Sku::Standard, &[5060], false);
    let ranges = [net("20.190.128.0/18"), net("40.126.0.0/18")];
    assert!(ranges.iter().all(|range| m365(&world.tables).prefixes().any(|(net, _)| net == *range)));
    let inside = v4(&world.tables, |_| true).into_iter().filter(|net| ranges.iter().any(|r| r.contains(net)));
    let mut seen = 0;
    for net in inside {
        assert_eq!(short(&world.ask(None, &net.network().to_string())), "eligible(5060) by EL7", "{net}");
        seen += 1;
    }
    assert!(seen > 100, "{seen}");
}

/// EL9 comes before EL12, so the regional quarter of 151.206.0.0/16 is judged as its region; but what the region would carry is
/// only conditional: a remote network that reaches its edge through an MSEE would contradict P8b.
#[test]
fn d6_the_edge_of_global_secure_access_is_not_eligible_where_no_region_has_it() {
    let world = world();
    let quarter: Vec<IpNet> = v4(&world.tables, Tag::is_region)
        .into_iter()
        .filter(|regional| net("151.206.0.0/16").contains(regional))
        .collect();
    let regional = Space::new(quarter.iter().copied());
    let wide = net("151.206.0.0/16").subnets(24).expect("longer than the prefix");
    let edges =
        ["150.171.15.0/24", "150.171.18.0/24", "150.171.20.0/24", "13.107.232.0/24", "13.107.233.0/24"];
    let outside = edges.map(net).into_iter().chain(wide.filter(|net| !regional.touches(*net)));
    for net in outside {
        let answer = world.ask(None, &net.network().to_string());
        assert_eq!(short(&answer), "not_eligible(gsa_edge) by EL12", "{net}");
    }
    let japan = ["151.206.64.0/24", "151.206.65.0/24", "151.206.141.0/24"].map(net);
    for net in quarter {
        let answer = world.ask(None, &net.network().to_string());
        let expected: &[&str] = match japan.contains(&net) {
            true => &["conditional(conflict_gsa_vs_regional) by EL12"],
            // Of the region in Brazil neither the geography nor a community is documented.
            false => &["not_eligible(sku_scope) by EL9", "conditional(no_documented_community) by EL9"],
        };
        assert!(expected.contains(&short(&answer).as_str()), "{net}: {answer:?}");
    }
    // A circuit of Premium reaches them all: still nothing is eligible.
    let mut world = world;
    world.topology = tokyo(Sku::Premium, &[51012, 51013, 51004, 51002], false);
    for ip in ["151.206.83.1", "151.206.71.1", "151.206.141.1"] {
        assert_eq!(short(&world.ask(None, ip)), "conditional(conflict_gsa_vs_regional) by EL12", "{ip}");
    }
    assert_eq!(short(&world.ask(None, "151.206.128.1")), "conditional(no_documented_community) by EL9");
}

#[test]
fn d7_a_region_without_a_documented_community_is_conditional_however_large_the_circuit() {
    let mut world = world();
    world.topology = tokyo(Sku::Premium, &[51012], false);
    for region in ["swedencentral", "brazilse", "israelcentral", "usstagee"] {
        let name = format!("AzureCloud.{region}");
        let found = v4(&world.tables, |tag| tag.name == name).into_iter().find_map(|net| {
            let answer = world.ask(None, &net.network().to_string());
            (answer.rule == Rule::El9).then_some(answer)
        });
        let answer = found.expect("a region has addresses of its own");
        assert_eq!(short(&answer), "conditional(no_documented_community) by EL9", "{region}");
    }
}

/// D8 is documented and not in the data: addresses of data collection endpoints may be in no tag. What follows is that a missing
/// tag alone says neither "third party" nor "not Azure" of them: the answer is unknown until a received route decides.
#[test]
fn d8_an_address_in_no_tag_is_not_called_a_third_partys_and_a_received_route_decides() {
    let name = Some("logs-a1b2.japaneast-1.ingest.monitor.azure.com");
    // In no tag, announced by Microsoft; in `AzureCloud` alone.
    let (untagged, global) = ("65.54.0.1", "13.87.32.3");
    let mut world = world();
    assert!(!Space::new(v4(&world.tables, |_| true)).touches(net("65.54.0.1/32")));
    assert_eq!(short(&world.ask(name, global)), "unknown(global_only) by EL11");
    assert_eq!(short(&world.ask(name, untagged)), "unknown(untagged_azure_service) by EL12");
    assert_eq!(short(&world.ask(None, untagged)), "not_eligible(microsoft_not_azure) by EL12");
    assert_eq!(
        short(&world.ask(Some("www.contoso.example"), untagged)),
        "not_eligible(microsoft_not_azure) by EL12"
    );
    // Microsoft's address it must be: a name alone makes nothing Microsoft's.
    assert_eq!(short(&world.ask(name, "150.171.19.1")), "not_eligible(gsa_edge) by EL12");
    assert_ne!(world.ask(name, "192.229.221.95").result, Outcome::Eligible);
    let routes = ["65.54.0.0/24", "13.87.32.0/24"]
        .map(|prefix| ReceivedRoute { prefix: net(prefix), communities: vec![Community(51012)] });
    world.routes = Some(routes.to_vec());
    for ip in [untagged, global] {
        assert_eq!(short(&world.ask(name, ip)), "eligible(51012) by EL5", "{ip}");
    }
    world.routes = None;
    world.tables.asn = None;
    let answer = world.ask(name, untagged);
    assert_eq!((answer.result, answer.reason.as_str()), (Outcome::Unknown, "no_data"));
}

/// EL6 by the most specific pattern, for names of other services. `*.microsoft.com` (sets 50 and 78) owns what no narrower pattern
/// owns, as §2.1 says; no other wildcard of Microsoft 365 reaches Arc's, Monitor's or the portal's own names.
#[test]
fn el6_takes_names_of_other_services_only_where_microsofts_own_data_lists_them() {
    let world = world();
    // Addresses of Japan East and of Entra ID, all in the route filter.
    let (regional, entra) = ("23.102.64.1", "20.190.141.1");
    for name in [
        "gbl.his.arc.azure.com",
        "agentserviceapi.guestconfiguration.azure.com",
        "guestnotificationservice.azure.com",
        "azgn1.servicebus.windows.net",
        "logs-a1b2.japaneast-1.ingest.monitor.azure.com",
        "global.handler.control.monitor.azure.com",
        "0f-1.ods.opinsights.azure.com",
        "portal.azure.com",
        "contoso.blob.core.windows.net",
        "pas.windows.net",
        // `*.x` is not x itself (W2).
        "microsoft.com",
    ] {
        assert_eq!(short(&world.ask(Some(name), regional)), "eligible(51012) by EL9", "{name}");
    }
    // Set 75 lists it by name, 125 and 84 the CA hosts, 50 and 78 whatever else is below microsoft.com.
    for name in [
        "dc.services.visualstudio.com",
        "www.microsoft.com",
        "mscrl.microsoft.com",
        "oneocsp.microsoft.com",
        "packages.microsoft.com",
        "dls.microsoft.com",
    ] {
        assert_eq!(short(&world.ask(Some(name), regional)), "not_eligible(m365_er_no) by EL6", "{name}");
    }
    // Like device.contoso.microsoftonline.com in §2.3: both facts are reported.
    let login = world.ask(Some("japaneast.login.microsoft.com"), entra);
    assert_eq!(short(&login), "not_eligible(m365_er_no) by EL6");
    assert!(
        login.facts.iter().any(|fact| fact.contains("set 56") && fact.contains("12076:5060")),
        "{login:?}"
    );
    assert_eq!(short(&world.ask(Some("login.microsoftonline.com"), entra)), "eligible(5060) by EL7");
}

/// What follows from D9: the catalogue of Arc asks for the whole tag, never for a regional one.
#[test]
fn d9_the_catalogues_of_arc_want_the_whole_tag() {
    let catalogs = catalog::builtin().expect("the built-in catalogues parse");
    let arc = catalogs.iter().find(|catalog| catalog.service == "azure-arc-servers").expect("it is built in");
    let wanted: Vec<&String> =
        arc.service_tags.iter().filter(|tag| tag.starts_with("AzureArcInfrastructure")).collect();
    assert_eq!(wanted, ["AzureArcInfrastructure"]);
}
