//! The 19 vectors of DOMAIN §2.3 on the embedded tables: what tags and Microsoft 365 sets are found, and what follows.

use closedpath_core::config::Sku;
use closedpath_core::eligibility::owner;
use closedpath_core::tables::{AsnTable, DataFile};

use super::world::{FILTER, World, short, standard, tables, tokyo};

/// An operator's table with two third parties in it; the embedded one knows only Microsoft.
const ASN: &str = include_str!("../../../../tests/data/asn.tsv");

/// The circuit that is asked about, as DOMAIN words it.
#[derive(Debug, Clone, Copy)]
enum Given {
    /// Standard, not authorised for Microsoft 365.
    Standard,
    /// The same without Entra ID in its filter.
    Without5060,
    /// Premium, authorised, with the communities of Microsoft 365.
    Authorised,
    /// Premium with West US.
    Premium51006,
}
use Given::{Authorised, Premium51006, Standard, Without5060};

/// A row of DOMAIN's table, for one address.
struct Vector {
    row: u8,
    name: Option<&'static str>,
    ip: &'static str,
    /// All of them.
    tags: &'static [&'static str],
    /// Those of the name; those of the address without one.
    m365: &'static [u32],
    /// For each circuit, what is expected.
    expected: &'static [(Given, &'static str)],
}

const FRONTEND: &str = "AzureFrontDoor.Frontend";
const FIRST_PARTY: &str = "AzureFrontDoor.FirstParty";
const CLOUD: &str = "AzureCloud";
const ENTRA: &str = "AzureActiveDirectory";
const ENTRA_ENDPOINT: &str = "AzureActiveDirectory.ServiceEndpoint";
const JAPAN_EAST: &[&str] = &[CLOUD, "AzureCloud.japaneast"];
const ENTRA_WEST: &[&str] = &[ENTRA, ENTRA_ENDPOINT, CLOUD, "AzureCloud.japanwest"];

const UNSUPPORTED: &[(Given, &str)] = &[(Standard, "not_eligible(unsupported) by EL8")];
const CLOSED_365: &[(Given, &str)] = &[(Standard, "not_eligible(m365_not_authorised) by EL7")];
const EXCHANGE: &[(Given, &str)] =
    &[(Standard, "not_eligible(m365_not_authorised) by EL7"), (Authorised, "eligible(5010) by EL7")];
const NO_365: &[(Given, &str)] =
    &[(Standard, "not_eligible(m365_er_no) by EL6"), (Authorised, "not_eligible(m365_er_no) by EL6")];
const OVER_5060: &[(Given, &str)] = &[(Standard, "eligible(5060) by EL7")];
const THIRD_PARTY: &[(Given, &str)] = &[(Standard, "not_eligible(third_party) by EL13")];

const fn row(
    row: u8,
    name: Option<&'static str>,
    ip: &'static str,
    tags: &'static [&'static str],
    m365: &'static [u32],
    expected: &'static [(Given, &'static str)],
) -> Vector {
    Vector { row, name, ip, tags, m365, expected }
}

// Sets 2 and 12 list the addresses of 1 and 11 for other ports.
const VECTORS: &[Vector] = &[
    row(1, None, "13.107.246.10", &[FRONTEND], &[], UNSUPPORTED),
    row(1, None, "13.107.213.10", &[FRONTEND], &[], UNSUPPORTED),
    row(1, None, "150.171.109.10", &[FRONTEND], &[], UNSUPPORTED),
    row(1, None, "2620:1ec:bdf::10", &[FRONTEND], &[], UNSUPPORTED),
    row(
        2,
        None,
        "20.43.64.88",
        &[CLOUD, "AzureCloud.japaneast", FRONTEND],
        &[],
        &[(Standard, "conditional(conflict_unsupported_vs_regional) by EL8")],
    ),
    row(3, None, "13.107.6.152", &[FIRST_PARTY], &[1, 2], EXCHANGE),
    row(3, None, "204.79.197.215", &[FIRST_PARTY], &[1, 2], EXCHANGE),
    row(
        3,
        None,
        "13.107.136.8",
        &[FIRST_PARTY],
        &[31],
        &[(Standard, "not_eligible(m365_not_authorised) by EL7"), (Authorised, "eligible(5020) by EL7")],
    ),
    row(4, None, "13.107.4.50", &[FIRST_PARTY], &[], UNSUPPORTED),
    row(4, None, "13.107.42.16", &[FIRST_PARTY], &[], UNSUPPORTED),
    row(5, None, "52.98.0.1", &[], &[1, 2], CLOSED_365),
    row(5, None, "40.96.0.1", &[], &[1, 2], CLOSED_365),
    row(6, None, "52.112.74.1", JAPAN_EAST, &[11, 12], CLOSED_365),
    row(7, None, "20.190.141.1", ENTRA_WEST, &[56], OVER_5060),
    row(8, None, "20.190.143.129", &[ENTRA, ENTRA_ENDPOINT, CLOUD], &[56], OVER_5060),
    row(
        9,
        None,
        "13.78.109.96",
        &[CLOUD, "AzureCloud.japaneast", "AzureResourceManager", "AzureResourceManager.JapanEast"],
        &[],
        &[(Standard, "eligible(51012) by EL9")],
    ),
    row(10, None, "23.102.64.1", JAPAN_EAST, &[], &[(Standard, "eligible(51012) by EL9")]),
    row(
        11,
        None,
        "40.126.12.1",
        &[ENTRA, ENTRA_ENDPOINT, CLOUD, "AzureCloud.southeastasia"],
        &[56],
        &[(Without5060, "conditional(route_filter: 12076:5060) by EL7")],
    ),
    row(
        12,
        None,
        "4.150.254.1",
        &[CLOUD, "AzureCloud.westus"],
        &[],
        &[(Standard, "not_eligible(sku_scope) by EL9"), (Premium51006, "eligible(51006) by EL9")],
    ),
    row(13, None, "150.171.19.1", &[], &[], &[(Standard, "not_eligible(gsa_edge) by EL12")]),
    row(14, Some("graph.microsoft.com"), "20.190.141.1", ENTRA_WEST, &[56], OVER_5060),
    row(15, Some("outlook.cloud.microsoft"), "52.98.0.1", &[], &[1], CLOSED_365),
    row(16, Some("aadcdn.msftauth.net"), "13.107.246.10", &[FRONTEND], &[59], NO_365),
    row(16, Some("aadcdn.msftauth.net"), "192.229.221.95", &[], &[59], NO_365),
    row(17, Some("device.contoso.microsoftonline.com"), "20.190.141.1", ENTRA_WEST, &[59], NO_365),
    row(18, None, "192.229.221.95", &[], &[], THIRD_PARTY),
    row(18, None, "8.8.8.8", &[], &[], THIRD_PARTY),
    row(19, None, "168.63.129.16", &[], &[], &[(Standard, "not_eligible(azure_platform_vip) by EL4")]),
];

#[test]
fn the_19_vectors_hold_on_the_embedded_tables() {
    let mut tables = tables();
    let file = DataFile { name: "asn.tsv", modified: None, text: ASN };
    tables.asn = Some(AsnTable::parse(&file).expect("the extract parses"));
    let mut world = World { topology: standard(), tables, routes: None };
    let mut rows: Vec<u8> = VECTORS.iter().map(|vector| vector.row).collect();
    rows.dedup();
    assert_eq!(rows, (1..=19).collect::<Vec<u8>>());
    for Vector { row, name, ip, tags, m365, expected } in VECTORS {
        let owner = owner(ip.parse().expect("an address"), *name, &world.tables);
        assert_eq!(owner.service_tags, *tags, "row {row}: {ip}");
        assert_eq!(owner.m365_sets, *m365, "row {row}: {ip}");
        for (given, expected) in *expected {
            world.topology = match given {
                Standard => standard(),
                Without5060 => tokyo(Sku::Standard, &[51012, 51013, 5070], false),
                Authorised => tokyo(Sku::Premium, &[FILTER, &[5010, 5020, 5030, 5100]].concat(), true),
                Premium51006 => tokyo(Sku::Premium, &[51006], false),
            };
            let answer = world.ask(*name, ip);
            assert_eq!(short(&answer), *expected, "row {row}: {name:?} {ip}, {given:?}: {answer:?}");
        }
    }
}

#[test]
fn without_an_operators_table_of_systems_a_third_party_is_unknown_and_never_microsofts() {
    let world = World { topology: standard(), tables: tables(), routes: None };
    for ip in ["192.229.221.95", "8.8.8.8"] {
        assert_eq!(short(&world.ask(None, ip)), "unknown(no_origin_as) by EL14", "{ip}");
    }
}

#[test]
fn row_17_reports_both_facts() {
    let world = World { topology: standard(), tables: tables(), routes: None };
    let answer = world.ask(Some("device.contoso.microsoftonline.com"), "20.190.141.1");
    for fact in [
        "Microsoft 365 set 59 by *.microsoftonline.com: ExpressRoute no",
        "address in Microsoft 365 set 56 (20.190.128.0/18), 12076:5060",
    ] {
        assert!(answer.facts.iter().any(|told| told == fact), "{fact}: {:?}", answer.facts);
    }
}
