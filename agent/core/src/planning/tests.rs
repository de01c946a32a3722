//! What `plan` must say of the five services that the article names (DOMAIN §5.1 to §5.5), and of single names and addresses.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use super::{
    Input, Names, NeedKind, PlanReport, PlannedEndpoint, PlannedWorkload, PrivateZones, hosts, plan,
};
use crate::catalog::{Catalog, builtin};
use crate::config::{Circuit, ClientProfile, Plan, Policy, Sku, Target, Workload};
use crate::eligibility::{Outcome, Peering, Rule};
use crate::observation::{Answer, Cname, DnsObservation, DnsStatus, DnsView};
use crate::tables::{AsnTable, DataFile, ServiceTags, Tables};
use crate::target::{EndpointKey, Probe, Requirement};

const TAGS: &str = include_str!("../../../../tests/data/ServiceTags_Public_20251110.extract.json");
const ASN: &str = include_str!("../../../../tests/data/asn.tsv");

struct World {
    plan: Plan,
    catalogs: Vec<Catalog>,
    tables: Tables,
    zones: PrivateZones,
    names: Option<Names>,
    now: SystemTime,
}

impl World {
    /// One workload with these catalogues; a Standard circuit in Tokyo with Japan, Entra ID and Resource Manager.
    fn new(catalogs: &[&str], parameters: &[(&str, &str)]) -> Self {
        let workload = Workload {
            name: "w".into(),
            policy: Policy::Closed,
            allow: Vec::new(),
            catalogs: catalogs.iter().map(|&name| name.to_owned()).collect(),
            client_profile: ClientProfile::Unknown,
            proxy: None,
            pac: None,
            parameters: parameters.iter().map(|&(k, v)| (k.to_owned(), v.to_owned())).collect(),
        };
        let mut plan = Plan { workloads: vec![workload], ..Plan::default() };
        let filter = ["12076:51012", "12076:51013", "12076:5060", "12076:5070"];
        let circuit = Circuit {
            sku: Sku::Standard,
            location: "Tokyo".into(),
            direct: false,
            route_filter: filter.map(str::to_owned).to_vec(),
            m365_authorised: false,
        };
        plan.topology.circuits.insert("tokyo-1".into(), circuit);
        Self {
            plan,
            catalogs: builtin().expect("the built-in catalogues parse"),
            tables: bare(),
            zones: PrivateZones::builtin().expect("the built-in zones parse"),
            names: None,
            now: humantime::parse_rfc3339("2025-11-17T00:00:00Z").expect("a date"),
        }
    }

    fn with_data(mut self) -> Self {
        let file = |name, text| DataFile { name, modified: None, text };
        let tags = ServiceTags::parse(&file("ServiceTags_Public_20251110.json", TAGS));
        self.tables.service_tags = Some(tags.expect("the extract parses"));
        self.tables.asn = Some(AsnTable::parse(&file("asn.tsv", ASN)).expect("the extract parses"));
        self
    }

    fn target(mut self, host: &str) -> Self {
        let endpoint = EndpointKey::new(host, 443, Probe::Tls);
        self.plan.targets.push(Target { workload: "w".into(), endpoint, expect_path: None });
        self
    }

    /// A name with aliases and addresses.
    fn resolves(mut self, name: &str, cname: &[&str], ips: &[&str]) -> Self {
        let view = DnsView {
            resolver: "onprem".into(),
            server: None,
            status: if ips.is_empty() { DnsStatus::Nxdomain } else { DnsStatus::Ok },
            cname: cname
                .iter()
                .map(|&target| Cname { name: name.to_owned(), target: target.to_owned(), ttl: 60 })
                .collect(),
            answers: ips.iter().map(|ip| Answer { ip: ip.parse().expect("literal"), ttl: 60 }).collect(),
            incomplete: false,
            text: String::new(),
            took: Duration::ZERO,
        };
        let observed = DnsObservation { name: name.to_owned(), views: vec![view] };
        self.names.get_or_insert_with(BTreeMap::new).insert(name.to_owned(), observed);
        self
    }

    fn plan(&self) -> PlanReport {
        plan(&Input {
            plan: &self.plan,
            catalogs: &self.catalogs,
            tables: &self.tables,
            zones: &self.zones,
            names: self.names.as_ref(),
            now: self.now,
            version: "0.0.0",
        })
    }
}

/// Without service tags and autonomous systems, whatever is embedded.
fn bare() -> Tables {
    let tables = Tables::builtin().expect("the built-in tables parse");
    Tables { service_tags: None, asn: None, ..tables }
}

fn only(report: &PlanReport) -> &PlannedWorkload {
    assert_eq!(report.workloads.len(), 1);
    &report.workloads[0]
}

fn at<'a>(report: &'a PlanReport, host: &str) -> &'a PlannedEndpoint {
    let found = report.endpoints.iter().find(|endpoint| endpoint.host == host);
    found.unwrap_or_else(|| panic!("{host} is not in the plan"))
}

fn need(workload: &PlannedWorkload, kind: NeedKind) -> Option<&super::InternetNeed> {
    workload.internet.iter().find(|need| need.kind == kind)
}

/// The names that it cannot be told of, needed ones only.
fn not_told(workload: &PlannedWorkload) -> Vec<&str> {
    workload.not_told.iter().flat_map(|group| &group.needed).map(String::as_str).collect()
}

#[test]
fn arc_needs_front_door_since_april_2026_and_two_suffixes_can_be_private() {
    let report = World::new(&["azure-arc-servers"], &[("region", "japaneast")]).plan();
    let arc = only(&report);
    let content = need(arc, NeedKind::ContentNetworks).expect("Front Door is needed");
    assert_eq!(content.service_tags, ["AzureFrontDoor.Frontend"]);
    assert!(content.is_needed());
    assert!(arc.notes.iter().any(|note| note.contains("required since April 2026")), "{:?}", arc.notes);
    assert!(arc.sentence.contains("still needs the Internet for Azure Front Door"), "{}", arc.sentence);
    assert_eq!(
        arc.private_endpoints,
        [
            "agentserviceapi.guestconfiguration.azure.com (zone privatelink.guestconfiguration.azure.com)",
            "gbl.his.arc.azure.com (zone privatelink.his.arc.azure.com)",
        ]
    );
    assert_eq!(
        not_told(arc),
        [
            "*.guestnotificationservice.azure.com",
            "azgn*.servicebus.windows.net",
            "guestnotificationservice.azure.com",
            "pas.windows.net",
        ]
    );
    let login = at(&report, "login.microsoftonline.com");
    assert_eq!(login.declared.result, Outcome::Conditional);
    assert_eq!(
        (login.declared.community.as_deref(), login.declared.conditions.len()),
        (Some("12076:5060"), 0)
    );
}

#[test]
fn microsoft_365_needs_the_internet_for_35_required_sets_even_when_approved() {
    let report = World::new(&["microsoft-365"], &[("tenant", "contoso")]).plan();
    let m365 = only(&report);
    let kept = need(m365, NeedKind::Microsoft365).expect("sets are kept off");
    assert_eq!(
        kept.required_sets,
        [
            8, 16, 17, 27, 35, 36, 37, 39, 47, 49, 51, 53, 59, 66, 69, 70, 71, 73, 79, 83, 84, 86, 89, 91,
            92, 125, 127, 147, 153, 156, 158, 159, 160, 180, 184
        ]
    );
    assert_eq!(kept.required_sets.len(), 35);
    // 23 optional sets less 67, whose only name is the platform of all storage accounts (EL6).
    assert_eq!(kept.optional_sets.len(), 22);
    assert!(m365.sentence.contains("35 required Microsoft 365 sets with expressRoute=false (8, 16,"));
    // What may use ExpressRoute is a matter of approval, and not among the remaining needs.
    let mail = at(&report, "outlook.office365.com");
    assert_eq!((mail.declared.result, mail.declared.rule), (Outcome::Conditional, Rule::El7));
    assert_eq!(mail.declared.community.as_deref(), Some("12076:5010"));
    assert_eq!(
        mail.declared.conditions,
        ["route_filter: 12076:5010", "m365_authorisation", "m365_needs_premium"]
    );
    assert!(mail.approved.conditions.is_empty(), "{:?}", mail.approved);
    let all: Vec<&String> = kept.needed.iter().chain(&kept.optional).collect();
    assert!(
        !all.iter().any(|name| ["outlook.office365.com", "contoso.sharepoint.com"].contains(&name.as_str()))
    );
    assert_eq!(not_told(m365), ["<teams-media-address>"]);
}

#[test]
fn the_portal_needs_front_door_and_the_content_network_of_the_sign_in() {
    let report = World::new(&["azure-portal"], &[]).plan();
    let portal = only(&report);
    let content = need(portal, NeedKind::ContentNetworks).expect("Front Door is needed");
    assert_eq!(content.service_tags, ["AzureFrontDoor.Frontend", "AzureFrontDoor.FirstParty"]);
    assert_eq!(need(portal, NeedKind::Microsoft365).expect("sign-in").required_sets, [59]);
    assert!(not_told(portal).contains(&"portal.azure.com"), "{:?}", not_told(portal));
    assert!(portal.private_endpoints.is_empty(), "{:?}", portal.private_endpoints);
}

#[test]
fn interactive_sign_in_to_entra_needs_set_59_and_tokens_do_not() {
    let report = World::new(&["entra-id"], &[]).plan();
    let entra = only(&report);
    let kept = need(entra, NeedKind::Microsoft365).expect("sign-in pages");
    assert_eq!(kept.required_sets, [59]);
    assert!(kept.needed.contains(&"aadcdn.msftauth.net".to_owned()));
    assert!(kept.needed.contains(&"*.microsoftonline.com".to_owned()), "by its own name, not by its samples");
    assert!(!kept.needed.contains(&"login.microsoftonline.com".to_owned()));
    assert!(need(entra, NeedKind::ContentNetworks).is_none());
    assert!(not_told(entra).is_empty());
}

#[test]
fn the_monitor_agent_needs_certificate_authorities_and_its_own_endpoints_can_be_private() {
    let report = World::new(&["azure-monitor-agent"], &[("region", "japaneast")]).plan();
    let ama = only(&report);
    let kinds: Vec<NeedKind> = ama.internet.iter().map(|need| need.kind).collect();
    assert_eq!(kinds, [NeedKind::CertificateAuthorities]);
    assert_eq!(
        ama.private_endpoints,
        [
            "<dce>.<region>.ingest.monitor.azure.com (zone privatelink.monitor.azure.com)",
            "<workspace-id>.ods.opinsights.azure.com (zone privatelink.ods.opinsights.azure.com)",
            "japaneast.handler.control.monitor.azure.com (zone privatelink.monitor.azure.com)",
        ]
    );
    assert_eq!(
        not_told(ama),
        ["global.handler.control.monitor.azure.com", "<workspace-id>.ods.opinsights.azure.com"]
    );
    assert!(ama.notes.iter().any(|note| note.contains("token comes through the Arc agent")));
}

#[test]
fn certificate_authorities_are_needed_by_clients_that_check_and_only_by_them() {
    let mut world = World::new(&["azure-monitor-agent"], &[]);
    let of = |world: &World| need(only(&world.plan()), NeedKind::CertificateAuthorities).cloned();
    let needed = of(&world).expect("there are TLS destinations");
    for host in ["crl3.digicert.com", "ocsp.digicert.com", "oneocsp.microsoft.com", "www.microsoft.com"] {
        assert!(needed.needed.contains(&host.to_owned()), "{host}");
    }
    world.plan.workloads[0].client_profile = ClientProfile::Go;
    let unchecked = of(&world).expect("it is still told");
    assert!(!unchecked.is_needed() && unchecked.optional == needed.needed);
    world.plan.workloads[0].catalogs.clear();
    assert!(of(&world).is_none(), "no destination, no certificate");
}

#[test]
fn an_address_is_told_by_peering_community_and_condition() {
    let world = World::new(&[], &[])
        .with_data()
        .target("a.japaneast.example")
        .target("b.westus.example")
        .target("c.vnet.example")
        .target("d.third.example")
        .target("e.nowhere.example")
        .target("f.gsa.example")
        .target("10.9.9.9")
        .resolves("a.japaneast.example", &[], &["13.78.0.1"])
        .resolves("b.westus.example", &[], &["4.150.254.1"])
        .resolves("c.vnet.example", &[], &["10.100.0.4"])
        .resolves("d.third.example", &[], &["13.78.0.1", "8.8.8.8"])
        .resolves("e.nowhere.example", &[], &[])
        .resolves("f.gsa.example", &[], &["150.171.19.1"]);
    let mut world = world;
    world.plan.topology.vnet = vec!["10.100.0.0/16".parse().expect("literal")];
    let report = world.plan();
    let told = |host: &str| {
        let (now, then) = (&at(&report, host).declared, &at(&report, host).approved);
        (now.result, now.reason.clone(), then.result, then.community.clone())
    };
    let reason = str::to_owned;
    let community = |text: &str| Some(text.to_owned());
    assert_eq!(
        told("a.japaneast.example"),
        (Outcome::Eligible, reason("region_community"), Outcome::Eligible, community("12076:51012"))
    );
    assert_eq!(
        told("b.westus.example"),
        (Outcome::NotEligible, reason("sku_scope"), Outcome::Eligible, community("12076:51006"))
    );
    assert_eq!(told("c.vnet.example"), (Outcome::Eligible, reason("vnet"), Outcome::Eligible, None));
    assert_eq!(at(&report, "c.vnet.example").declared.peering, Some(Peering::Private));
    // A client may get either address: the worse one counts.
    assert_eq!(
        told("d.third.example"),
        (Outcome::NotEligible, reason("third_party"), Outcome::NotEligible, None)
    );
    assert_eq!(at(&report, "d.third.example").addresses.len(), 2);
    assert_eq!(told("e.nowhere.example"), (Outcome::Unknown, reason("no_address"), Outcome::Unknown, None));
    assert_eq!(at(&report, "e.nowhere.example").unresolved.as_deref(), Some("nxdomain"));
    assert_eq!(told("10.9.9.9"), (Outcome::Unknown, reason("undeclared_private"), Outcome::Unknown, None));
    let w = only(&report);
    assert_eq!((w.eligible, w.conditional, w.not_eligible, w.unknown), (2, 0, 3, 2));
    assert_eq!(need(w, NeedKind::ThirdParty).expect("8.8.8.8").needed, ["d.third.example"]);
    assert_eq!(need(w, NeedKind::MicrosoftNotAzure).expect("the edge").needed, ["f.gsa.example"]);
    assert_eq!(not_told(w), ["e.nowhere.example", "10.9.9.9"]);
    assert!(w.sentence.contains("Of 2 needed names it cannot be told."), "{}", w.sentence);
}

#[test]
fn front_door_is_told_by_address_by_alias_and_where_regions_conflict_not_at_all() {
    let report = World::new(&[], &[])
        .with_data()
        .target("edge.example")
        .target("alias.example")
        .target("conflict.example")
        .resolves("edge.example", &[], &["13.107.213.10"])
        .resolves("alias.example", &["x.azurefd.net"], &["13.78.0.1"])
        .resolves("conflict.example", &[], &["20.43.64.88"])
        .plan();
    let w = only(&report);
    assert_eq!(need(w, NeedKind::ContentNetworks).expect("an edge").needed, ["edge.example"]);
    let reasons: Vec<(&str, Vec<String>)> =
        w.not_told.iter().map(|group| (group.reason.as_str(), group.needed.clone())).collect();
    assert_eq!(
        reasons,
        [(
            "conflict_unsupported_vs_regional",
            vec!["alias.example".to_owned(), "conflict.example".to_owned()]
        )]
    );
}

#[test]
fn without_data_an_address_is_judged_by_name_or_not_at_all_and_old_data_is_said() {
    let world = World::new(&[], &[])
        .target("aadcdn.msftauth.net")
        .target("login.microsoftonline.com")
        .target("outlook.office365.com")
        .target("app.example")
        .resolves("aadcdn.msftauth.net", &[], &["13.107.213.10"])
        .resolves("login.microsoftonline.com", &[], &["20.190.141.1"])
        .resolves("outlook.office365.com", &[], &["192.0.2.1"])
        .resolves("app.example", &[], &["13.78.0.1"]);
    let report = world.plan();
    let told = |host: &str| (at(&report, host).declared.result, at(&report, host).declared.reason.as_str());
    assert_eq!(told("aadcdn.msftauth.net"), (Outcome::NotEligible, "m365_er_no"));
    assert_eq!(told("login.microsoftonline.com"), (Outcome::Conditional, "address_in_set: 12076:5060"));
    assert_eq!(told("outlook.office365.com"), (Outcome::Conditional, "address_outside_set"));
    assert_eq!(told("app.example"), (Outcome::Unknown, "no_data"));
    assert!(not_told(only(&report)).contains(&"outlook.office365.com"));
    let gaps = report.data_gaps.join("\n");
    assert!(
        gaps.contains("no Azure service tags") && gaps.contains("no table of autonomous systems"),
        "{gaps}"
    );
    assert!(gaps.contains("Microsoft 365 endpoints 2024073100 are 474 days old"), "{gaps}");

    let mut fresh = World::new(&[], &[]).with_data();
    fresh.now = humantime::parse_rfc3339("2025-11-12T00:00:00Z").expect("a date");
    assert_eq!(fresh.plan().data_gaps.len(), 1, "only Microsoft 365 is old");
    fresh.now = humantime::parse_rfc3339("2025-12-01T00:00:00Z").expect("a date");
    assert!(fresh.plan().data_gaps[0].contains("21 days old, and Microsoft changes them weekly"));
    fresh.now = humantime::parse_rfc3339("2026-01-31T00:00:00Z").expect("a date");
    assert!(fresh.plan().data_gaps[0].contains("82 days old: they decide nothing any more (EL14)"));
}

#[test]
fn a_hint_is_a_condition_until_an_address_says_otherwise() {
    let offline = World::new(&["azure-arc-servers"], &[]).with_data();
    let report = offline.plan();
    let told = |report: &PlanReport| {
        let endpoint = at(report, "management.azure.com");
        (endpoint.declared.result, endpoint.declared.reason.clone())
    };
    assert_eq!(told(&report), (Outcome::Conditional, "address_in_service: 12076:5070".to_owned()));
    let elsewhere = offline.resolves("management.azure.com", &[], &["8.8.8.8"]).plan();
    assert_eq!(told(&elsewhere), (Outcome::NotEligible, "third_party".to_owned()));
}

#[test]
fn private_endpoints_are_offered_for_what_can_be_the_operators_own() {
    let report = World::new(&["container-registry", "azure-arc-servers"], &[("registry", "corp")])
        .target("acct.blob.core.windows.net")
        .plan();
    let link = |host: &str| at(&report, host).private_link.clone();
    let target = link("acct.blob.core.windows.net").expect("a storage account");
    assert_eq!((target.zone.as_str(), target.if_yours), ("privatelink.blob.core.windows.net", true));
    let registry = link("corp.azurecr.io").expect("the catalogue says so");
    assert_eq!((registry.zone.as_str(), registry.if_yours), ("privatelink.azurecr.io", false));
    assert_eq!(link("management.azure.com").map(|link| link.if_yours), Some(false));
    assert_eq!(link("login.microsoftonline.com"), None);
    // What is only perhaps the operator's stays among what cannot be told.
    assert!(not_told(only(&report)).contains(&"acct.blob.core.windows.net"));
}

#[test]
fn a_workload_of_which_nothing_bad_is_known_is_not_called_closed() {
    let mut world = World::new(&[], &[]).with_data().target("10.100.0.4");
    world.plan.topology.vnet = vec!["10.100.0.0/16".parse().expect("literal")];
    world.plan.workloads[0].client_profile = ClientProfile::Go;
    let report = world.plan();
    assert_eq!(
        only(&report).sentence,
        "By data alone w needs no Internet; whether that is true only `closedpath check` shows."
    );
    world.plan.targets.clear();
    assert_eq!(
        only(&world.plan()).sentence,
        "w names no destination that could be judged: nothing can be said."
    );
    let mut depends = World::new(&[], &[]).target("login.microsoftonline.com");
    depends.plan.workloads[0].client_profile = ClientProfile::Go;
    assert_eq!(
        only(&depends.plan()).sentence,
        "No certain need of the Internet is known for w; that does not mean that it has none. For 1 destination it depends on addresses that are not known here."
    );
    let unknown = World::new(&[], &[]).target("203.0.113.7");
    let report = unknown.plan();
    assert!(only(&report).sentence.contains("Of 1 needed name it cannot be told."));
}

#[test]
fn names_are_asked_for_once_and_addresses_never() {
    let world = World::new(&["azure-arc-servers", "azure-monitor-agent"], &[]).target("192.0.2.1");
    let names = hosts(&world.plan, &world.catalogs);
    assert_eq!(names.iter().filter(|name| *name == "management.azure.com").count(), 1);
    assert!(
        names.iter().all(|name| name.parse::<IpAddr>().is_err() && !name.contains(['*', '<'])),
        "{names:?}"
    );
}

#[test]
fn the_most_needy_workload_tells_the_requirement_and_each_is_grouped_by_its_own() {
    let mut world = World::new(&["entra-id"], &[]);
    let mut other = world.plan.workloads[0].clone();
    (other.name, other.catalogs) = ("o".into(), vec!["microsoft-365".into()]);
    world.plan.workloads.push(other);
    let report = world.plan();
    let digicert = at(&report, "crl3.digicert.com");
    assert_eq!(digicert.requirement, Requirement::Hard);
    let of = |index: usize| need(&report.workloads[index], NeedKind::Microsoft365).expect("kept off").clone();
    assert!(of(0).optional.contains(&"crl3.digicert.com".to_owned()));
    assert!(of(1).needed.contains(&"crl3.digicert.com".to_owned()));
}

#[test]
fn what_is_written_can_be_read_back_and_the_schema_knows_every_key() {
    let report = World::new(&["azure-arc-servers"], &[]).target("192.0.2.1").plan();
    let text = serde_json::to_string(&report).expect("it serialises");
    let read: PlanReport = serde_json::from_str(&text).expect("it reads");
    assert_eq!(read, report);
    let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let schema = super::schema();
    for key in value.as_object().expect("an object").keys() {
        assert!(schema["properties"][key].is_object(), "{key}");
    }
    assert_eq!(value["schema"], "closedpath.plan/1");
}
