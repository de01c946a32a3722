//! D1 to D7 and D9, and the figure of EL11: what the data itself says, counted over all of its prefixes.

use std::collections::BTreeSet;

use closedpath_core::tables::Tag;
use ipnet::IpNet;

use super::space::{Space, size};
use super::world::{m365, net, nets, tables, tags, v4};

/// DOMAIN says it of IPv4; it holds for IPv6 too.
#[test]
fn d1_there_are_71_regional_tags_and_no_address_is_in_two_of_them() {
    let tables = tables();
    let regions: Vec<&Tag> = tags(&tables).tags().iter().filter(|tag| tag.is_region()).collect();
    assert_eq!(regions.len(), 71);
    let spelled: BTreeSet<&str> = regions.iter().map(|tag| tag.region.as_str()).collect();
    assert_eq!(spelled.len(), 71, "each has its own region");
    for family in [true, false] {
        let of = |wanted: &dyn Fn(&Tag) -> bool| {
            let nets = nets(&tables, wanted).into_iter().filter(|net| net.addr().is_ipv4() == family);
            Space::new(nets).size()
        };
        let apart: u128 = regions.iter().map(|region| of(&|tag| tag.name == region.name)).sum();
        assert!(apart > 0);
        assert_eq!(apart, of(&Tag::is_region), "an address in two regions is counted twice");
    }
}

/// The two /29 outside regions are in `AzureCloud` without a region. That none was regional in 2019 cannot be computed here:
/// that file is not embedded.
#[test]
fn d2_of_front_doors_90_prefixes_66_little_ones_are_regional_and_24_edges_are_not() {
    let tables = tables();
    let front = v4(&tables, |tag| tag.name == "AzureFrontDoor.Frontend");
    assert_eq!(front.len(), 90);
    assert_eq!(Space::new(front.iter().copied()).size(), 9_236);
    let regional = Space::new(v4(&tables, Tag::is_region));
    let (inside, outside): (Vec<IpNet>, Vec<IpNet>) =
        front.into_iter().partition(|net| regional.touches(*net));
    assert!(inside.iter().all(|net| regional.contains(*net)), "none is half inside");
    assert_eq!(lengths(&inside), [(29, 63), (30, 3)]);
    assert_eq!(Space::new(inside).size(), 516);
    assert_eq!(lengths(&outside), [(22, 2), (23, 6), (24, 14), (29, 2)]);
    let cloud = Space::new(v4(&tables, Tag::is_whole_cloud));
    let global: Vec<IpNet> = outside.into_iter().filter(|net| cloud.touches(*net)).collect();
    assert_eq!(global, ["20.72.18.240/29", "51.105.80.96/29"].map(net));
}

#[test]
fn d3_first_party_front_door_is_outside_azure_cloud_and_holds_microsoft_365_optimize_addresses() {
    let tables = tables();
    let first = v4(&tables, |tag| tag.name == "AzureFrontDoor.FirstParty");
    assert_eq!(first.len(), 42);
    let azure = Space::new(v4(&tables, |tag| tag.is_region() || tag.is_whole_cloud()));
    assert!(!first.iter().any(|net| azure.touches(*net)));
    let first = Space::new(first);
    let mut optimize: Vec<IpNet> = m365(&tables)
        .prefixes()
        .filter_map(|(net, mut sets)| sets.any(|set| set.category == "Optimize").then_some(net))
        .filter(|net| net.addr().is_ipv4() && first.touches(*net))
        .collect();
    assert!(optimize.iter().all(|net| first.contains(*net)));
    optimize.sort_unstable();
    let mut expected = [
        "13.107.6.152/31",
        "13.107.18.10/31",
        "13.107.128.0/22",
        "13.107.136.0/22",
        "131.253.33.215/32",
        "150.171.32.0/22",
        "150.171.40.0/22",
        "204.79.197.215/32",
    ]
    .map(net);
    expected.sort_unstable();
    assert_eq!(optimize, expected);
}

#[test]
fn d4_most_of_teams_and_much_of_mail_and_office_lies_in_regional_tags() {
    let tables = tables();
    let regional = Space::new(v4(&tables, Tag::is_region));
    // Range, an id of Microsoft 365 that has it, tenths of a percent, and the same as addresses.
    for (range, id, per_mille, addresses) in [
        ("52.112.0.0/14", 11, 836, 219_136),
        ("52.122.0.0/15", 11, 844, 110_592),
        ("40.107.0.0/16", 9, 406, 26_624),
        ("52.108.0.0/14", 46, 435, 113_920),
        ("52.100.0.0/14", 9, 421, 110_336),
    ] {
        let range = net(range);
        let mut known = m365(&tables).prefixes().filter(|(net, _)| *net == range);
        let (_, mut sets) = known.next().expect("a prefix of Microsoft 365");
        assert!(sets.any(|set| set.id == id && set.express_route), "{range}");
        assert_eq!(regional.share_of(range), addresses, "{range}");
        assert_eq!(rounded_per_mille(addresses, size(range)), per_mille, "{range}");
    }
}

/// DOMAIN says of the rest that it is in `AzureCloud` without a region. That holds but for 20.190.172.0/24, which only
/// `AzureActiveDirectory` has.
#[test]
fn d5_entra_is_regional_to_96_percent_and_the_rest_has_no_region() {
    let tables = tables();
    let regional = Space::new(v4(&tables, Tag::is_region));
    let cloud = Space::new(v4(&tables, Tag::is_whole_cloud));
    let entra = Space::new(v4(&tables, |tag| tag.name == "AzureActiveDirectory"));
    // In regions, then in `AzureCloud` without one.
    for (range, in_regions, global) in
        [("20.190.128.0/18", 15_744, 16_128 - 15_744), ("40.126.0.0/18", 15_744, 16_384 - 15_744)]
    {
        let range = net(range);
        assert!(entra.contains(range), "{range}");
        assert_eq!(regional.share_of(range), in_regions, "{range}");
        assert_eq!(rounded_per_mille(in_regions, size(range)), 961, "{range}");
        assert_eq!(cloud.share_of(range) - in_regions, global, "{range}");
    }
    let of = |region: &str| Space::new(v4(&tables, |tag| tag.name == format!("AzureCloud.{region}")));
    assert!(of("japanwest").contains(net("20.190.141.0/25")));
    assert!(of("japaneast").contains(net("20.190.141.128/25")));
    assert!(of("japaneast").contains(net("20.190.166.0/24")));
    for global in
        ["20.190.143.128/25", "20.190.170.0/24", "40.126.15.128/25", "40.126.42.0/24", "40.126.44.0/24"]
    {
        assert!(cloud.contains(net(global)) && !regional.touches(net(global)), "{global}");
    }
    let alone = tags(&tables).of([20, 190, 172, 1].into());
    assert_eq!(
        alone.iter().map(|found| found.tag.name.as_str()).collect::<Vec<_>>(),
        ["AzureActiveDirectory"]
    );
    assert!(!cloud.touches(net("20.190.172.0/24")));
}

#[test]
fn d6_the_edges_of_global_secure_access_and_of_other_cdns_are_in_no_tag() {
    let tables = tables();
    let tagged = Space::new(v4(&tables, |_| true));
    for edge in [
        "150.171.15.0/24",
        "150.171.18.0/24",
        "150.171.19.0/24",
        "150.171.20.0/24",
        "13.107.232.0/24",
        "13.107.233.0/24",
    ] {
        assert_eq!(tables.networks.gsa_edge(net(edge).addr()), Some(net(edge)));
        assert!(!tagged.touches(net(edge)), "{edge}");
    }
    let wide = net("151.206.0.0/16");
    assert_eq!(tables.networks.gsa_edge(wide.addr()), Some(wide));
    let regional = Space::new(v4(&tables, Tag::is_region));
    assert_eq!((regional.share_of(wide), tagged.share_of(wide)), (65_536 / 4, 65_536 / 4));
    // crl3.digicert.com.
    assert!(!tagged.touches(net("192.229.221.95/32")));
}

#[test]
fn d7_29_of_the_71_tag_regions_have_no_documented_community_and_42_have_one_of_their_own() {
    let tables = tables();
    let regions = tags(&tables).tags().iter().filter(|tag| tag.is_region());
    let spelled: BTreeSet<&str> = regions.map(|tag| tag.region.as_str()).collect();
    let community = |region: &str| tables.communities.of_region(tables.regions.own_name(region));
    let without: Vec<&str> = spelled.iter().copied().filter(|region| community(region).is_none()).collect();
    let expected = [
        "austriaeast",
        "belgiumcentral",
        "brazilne",
        "brazilse",
        "centraluseuap",
        "chilec",
        "eastus2euap",
        "indonesiacentral",
        "israelcentral",
        "israelnorthwest",
        "italynorth",
        "jioindiacentral",
        "jioindiawest",
        "malaysiasouth",
        "malaysiawest",
        "mexicocentral",
        "northeurope2",
        "polandcentral",
        "qatarcentral",
        "southcentralus2",
        "southeastus",
        "southeastus3",
        "spaincentral",
        "swedencentral",
        "swedensouth",
        "taiwannorth",
        "taiwannorthwest",
        "usstagec",
        "usstagee",
    ];
    assert_eq!(expected.len(), 29);
    assert_eq!(without, expected);
    let with: BTreeSet<_> = spelled.iter().filter_map(|region| community(region)).collect();
    assert_eq!(with.len(), 42, "no two regions share one");
    // The spellings of service tags that have a community only by the table of names.
    for (tag, value) in [
        ("centralfrance", 51030),
        ("southfrance", 51031),
        ("switzerlandn", 51038),
        ("switzerlandw", 51039),
        ("germanyn", 51040),
        ("germanywc", 51041),
        ("norwaye", 51042),
        ("norwayw", 51043),
    ] {
        assert!(spelled.contains(tag) && tables.communities.of_region(tag).is_none(), "{tag}");
        assert_eq!(community(tag).map(|community| community.0), Some(value), "{tag}");
    }
}

/// A documented statement, but the data bears it out: the whole tag has addresses that none of its regional tags has.
#[test]
fn d9_the_regional_tags_of_arc_lack_addresses_that_the_whole_tag_has() {
    const ARC: &str = "AzureArcInfrastructure";
    let tables = tables();
    assert_eq!(tags(&tables).tags().iter().filter(|tag| tag.service() == ARC).count(), 1 + 69);
    let whole = nets(&tables, |tag| tag.name == ARC);
    let parts = Space::new(nets(&tables, |tag| tag.service() == ARC && tag.name != ARC));
    let (lacking4, lacking6): (Vec<IpNet>, Vec<IpNet>) =
        whole.iter().filter(|net| !parts.touches(**net)).partition(|net| net.addr().is_ipv4());
    assert_eq!((whole.len(), lacking4.len(), lacking6.len()), (471, 19, 9));
    assert_eq!(Space::new(lacking4).size(), 46);
    assert!(lacking6.contains(&net("2603:1020:1602:2::20/124")));
    let whole = Space::new(whole);
    let more = nets(&tables, |tag| tag.service() == ARC).into_iter().find(|net| !whole.contains(*net));
    assert_eq!(more, None, "the regional ones have nothing of their own");
}

#[test]
fn el11_260_ipv4_prefixes_of_azure_cloud_have_no_region() {
    let tables = tables();
    let regional = Space::new(v4(&tables, Tag::is_region));
    let cloud = v4(&tables, Tag::is_whole_cloud);
    let all = Space::new(cloud.iter().copied());
    assert_eq!(cloud.iter().filter(|net| !regional.touches(**net)).count(), 260);
    let outside = v4(&tables, Tag::is_region).into_iter().find(|net| !all.contains(*net));
    assert_eq!(outside, None, "every region is in AzureCloud");
}

/// Prefix lengths with how many prefixes have them.
fn lengths(nets: &[IpNet]) -> Vec<(u8, usize)> {
    let mut counts = std::collections::BTreeMap::new();
    nets.iter().for_each(|net| *counts.entry(net.prefix_len()).or_default() += 1);
    counts.into_iter().collect()
}

fn rounded_per_mille(part: u128, whole: u128) -> u128 {
    (part * 1000 + whole / 2) / whole
}
