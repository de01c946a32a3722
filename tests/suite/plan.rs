//! `closedpath plan` and `closedpath catalog` from outside: what they print, and that a plan sends DNS queries at most.

use std::net::UdpSocket;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::Value;

use crate::lab::AGENT;
use crate::messages::Folder;

const SHIPPED: &str = include_str!("../../config/closedpath.plan.schema.json");

/// The five services that the article names, and a circuit in Tokyo; the resolver's port is filled in.
const FIVE: &str = r#"
[agent]
site = "tokyo-dc1"
[[resolver]]
name = "own"
servers = ["127.0.0.1:PORT"]
[circuit.tokyo-1]
sku = "standard"
location = "Tokyo"
route_filter = ["12076:51012", "12076:51013", "12076:5060", "12076:5070"]
[[workload]]
name = "arc"
catalogs = ["azure-arc-servers"]
parameters = { region = "japaneast" }
[[workload]]
name = "agent"
catalogs = ["azure-monitor-agent"]
parameters = { region = "japaneast" }
[[workload]]
name = "office"
catalogs = ["microsoft-365"]
parameters = { tenant = "contoso" }
[[workload]]
name = "portal"
catalogs = ["azure-portal"]
[[workload]]
name = "entra"
catalogs = ["entra-id"]
"#;

/// A resolver that counts what it is asked, and refuses it.
struct Counter {
    socket: UdpSocket,
    asked: AtomicUsize,
    over: AtomicBool,
}

impl Counter {
    fn bind() -> Self {
        let socket = UdpSocket::bind(("127.0.0.1", 0)).expect("a port");
        socket.set_read_timeout(Some(Duration::from_millis(20))).expect("a timeout");
        Self { socket, asked: AtomicUsize::new(0), over: AtomicBool::new(false) }
    }

    fn port(&self) -> u16 {
        self.socket.local_addr().expect("an address").port()
    }

    /// Counts while `work` runs, and what was sent by its end.
    fn while_running<T>(&self, work: impl FnOnce() -> T) -> (T, usize) {
        std::thread::scope(|scope| {
            let server = scope.spawn(|| self.serve());
            let done = work();
            self.over.store(true, Ordering::Release);
            server.join().expect("the resolver ends");
            (done, self.asked.load(Ordering::Acquire))
        })
    }

    fn serve(&self) {
        let mut query = [0_u8; 1500];
        loop {
            // What arrived before the end lies in the buffer, so one empty read after the end means all was counted.
            let over = self.over.load(Ordering::Acquire);
            match self.socket.recv_from(&mut query) {
                Ok((length, from)) => {
                    self.asked.fetch_add(1, Ordering::AcqRel);
                    // RFC 1035 §4.1.1: QR, and RCODE 5.
                    query[2] |= 0x80;
                    query[3] = (query[3] & 0xf0) | 5;
                    self.socket.send_to(&query[..length], from).expect("loopback takes it");
                }
                Err(_) if over => return,
                Err(_) => {}
            }
        }
    }
}

fn plan(folder: &Folder, arguments: &[&str]) -> String {
    let output = folder.run(&[&["plan", "--config", "site.toml"], arguments].concat());
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(output.status.code(), Some(0));
    String::from_utf8(output.stdout).expect("UTF-8")
}

fn json(folder: &Folder, arguments: &[&str]) -> Value {
    serde_json::from_str(&plan(folder, &[arguments, &["--format", "json"]].concat())).expect("JSON")
}

/// A folder with the five services; nobody listens at the resolver.
fn five() -> Folder {
    let folder = Folder::make();
    folder.file("site.toml", FIVE.replace("PORT", "9"));
    folder
}

fn workload<'a>(plan: &'a Value, name: &str) -> &'a Value {
    let all = plan["workloads"].as_array().expect("workloads");
    all.iter().find(|workload| workload["name"] == name).expect("it is in the plan")
}

fn need<'a>(workload: &'a Value, kind: &str) -> &'a Value {
    let all = workload["internet"].as_array().expect("needs");
    all.iter().find(|need| need["kind"] == kind).unwrap_or(&Value::Null)
}

#[test]
fn offline_sends_nothing_and_online_only_asks_the_resolver() {
    let counter = Counter::bind();
    let folder = Folder::make();
    folder.file("site.toml", FIVE.replace("PORT", &counter.port().to_string()));
    let (offline, asked) = counter.while_running(|| json(&folder, &["--workload", "arc", "--offline"]));
    assert_eq!((asked, &offline["dns"]), (0, &"offline".into()));

    let counter = Counter::bind();
    folder.file("site.toml", FIVE.replace("PORT", &counter.port().to_string()));
    let (online, asked) = counter.while_running(|| json(&folder, &["--workload", "arc"]));
    assert!(asked >= 10, "only {asked} questions were counted");
    assert_eq!(online["dns"], "resolved");
    let endpoints = online["endpoints"].as_array().expect("endpoints");
    assert!(endpoints.iter().all(|endpoint| endpoint["unresolved"] == "refused"), "{online:#}");
}

#[test]
fn each_of_the_five_services_of_the_article_keeps_its_needs_of_the_internet() {
    let plan = json(&five(), &["--offline"]);
    assert_eq!(plan["schema"], "closedpath.plan/1");
    let arc = workload(&plan, "arc");
    assert_eq!(need(arc, "content_networks")["service_tags"], serde_json::json!(["AzureFrontDoor.Frontend"]));
    assert!(arc["notes"].to_string().contains("required since April 2026"));
    let office = need(workload(&plan, "office"), "microsoft365");
    assert_eq!(office["required_sets"].as_array().expect("sets").len(), 35);
    let portal = workload(&plan, "portal");
    assert_eq!(
        need(portal, "content_networks")["service_tags"],
        serde_json::json!(["AzureFrontDoor.Frontend", "AzureFrontDoor.FirstParty"])
    );
    let entra = workload(&plan, "entra");
    assert_eq!(need(entra, "microsoft365")["required_sets"], serde_json::json!([59]));
    for name in ["arc", "agent", "office", "portal", "entra"] {
        let workload = workload(&plan, name);
        let authorities = need(workload, "certificate_authorities")["needed"].to_string();
        assert!(authorities.contains("crl3.digicert.com"), "{name}: {authorities}");
        let sentence = workload["sentence"].as_str().expect("a sentence");
        assert!(sentence.contains(&format!("{name} still needs the Internet for ")), "{sentence}");
    }
}

#[test]
fn the_table_says_it_in_words_and_what_the_data_lacks() {
    let text = plan(&five(), &["--offline", "--workload", "office"]);
    let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for said in [
        "What ExpressRoute could carry for tokyo-dc1",
        "nothing was sent, names were not resolved",
        "office still needs the Internet for 35 required Microsoft 365 sets with expressRoute=false (8, 16,",
        "Internet access that remains necessary:",
        "Cannot be told, so it may need the Internet, too:",
        "contoso.sharepoint.com:443/tls hard if 12076:5020 if 12076:5020",
        "on condition: route_filter: 12076:5020, m365_authorisation, m365_needs_premium",
        "*.svc.ms (hard): a wildcard of which no name is known; by name: EL6 m365_er_no",
        "Microsoft 365 endpoints 2024073100 are",
    ] {
        assert!(flat.contains(said), "\"{said}\" is missing in:\n{text}");
    }
    assert!(!text.contains("CLOSED"), "a plan is no verdict");
}

#[test]
fn csv_and_markdown_have_every_destination() {
    let folder = five();
    let plan_of = |format| plan(&folder, &["--offline", "--workload", "arc", "--format", format]);
    let json: Value = serde_json::from_str(&plan_of("json")).expect("JSON");
    let count = |key: &str| json[key].as_array().expect(key).len();
    let csv = plan_of("csv");
    assert_eq!(csv.lines().count(), 1 + count("endpoints") + count("patterns"));
    assert!(csv.contains(
        "login.microsoftonline.com:443/tls,login.microsoftonline.com,443,tls,arc,hard,,conditional,EL7,"
    ));
    let markdown = plan_of("markdown");
    assert_eq!(markdown.matches(":443/tls |").count(), count("endpoints") - 1, "one is HTTP");
    assert!(markdown.contains("required service tags: AzureFrontDoor.Frontend"), "{markdown}");
}

#[test]
fn a_plan_goes_to_a_file_and_wrong_usage_ends_with_status_2() {
    let folder = five();
    assert_eq!(plan(&folder, &["--offline", "--output", "plan.txt"]), "");
    let written = std::fs::read_to_string(folder.path().join("plan.txt")).expect("it was written");
    assert!(written.starts_with("What ExpressRoute could carry"));
    let refused = folder.refused(&["plan", "--config", "site.toml", "--offline", "--workload", "sap"]);
    assert_eq!(
        refused,
        "closedpath: no workload is named \"sap\"; the configuration has: arc, agent, office, portal, entra\n"
    );
    let refused = folder.refused(&["plan", "--config", "site.toml", "--offline", "--output", "no/where"]);
    assert!(refused.starts_with("closedpath: cannot write the plan to no/where: "), "{refused}");
    assert!(folder.refused(&["plan", "--format", "html"]).contains("invalid value 'html'"));
}

#[test]
fn without_a_configuration_every_built_in_catalogue_is_planned() {
    let folder = Folder::make();
    let output = folder.run(&["plan", "--offline", "--format", "json"]);
    let plan: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(plan["workloads"][0]["catalogs"].as_array().expect("catalogues").len(), 14);
}

#[test]
fn the_shipped_schema_of_the_plan_is_the_one_the_agent_prints() {
    let output = Command::new(AGENT).args(["config", "schema", "--plan"]).output().expect("the agent starts");
    let printed = String::from_utf8(output.stdout).expect("JSON is UTF-8");
    assert_eq!(
        printed, SHIPPED,
        "write it anew: closedpath config schema --plan > config/closedpath.plan.schema.json"
    );
}

const CATALOGUE: &str = r#"service = "backup"
[[source]]
id = "OWN"
document = "our own list"
date = "2026-11-01"
[[entry]]
fqdn = "<vault-name>.backup.example"
ports = [443]
proto = "tcp"
purpose = "vault"
need = "always"
source = "OWN"
[[entry]]
pattern = "*.queue.example"
ports = [443]
proto = "tcp"
purpose = "queue"
need = "feature(queue)"
source = "OWN"
"#;

#[test]
fn a_sound_catalogue_is_told_what_its_workloads_have_to_give() {
    let folder = Folder::make();
    folder.file("own.toml", CATALOGUE);
    let said = |arguments: &[&str]| String::from_utf8(folder.run(arguments).stdout).expect("UTF-8");
    assert_eq!(
        said(&["catalog", "check", "own.toml"]),
        "own.toml is good: backup, 2 destinations, 1 sources\n\
         workloads have to give a value for <vault-name> in parameters\n\
         no name is known for *.queue.example: until a workload names some, it is skipped\n"
    );
    folder.file("same.toml", CATALOGUE.replace("\"backup\"", "\"entra-id\""));
    assert!(
        said(&["catalog", "check", "same.toml"])
            .contains("note: entra-id is built in, too: data.catalogs takes it only under another name\n")
    );
}

#[test]
fn what_is_wrong_in_a_catalogue_is_said_with_its_place() {
    let folder = Folder::make();
    for (name, text, said) in [
        (
            "unknown.toml",
            CATALOGUE.replace("purpose = \"vault\"", "purpos = \"vault\""),
            "unknown.toml:10:1: unknown field `purpos`",
        ),
        (
            "wild.toml",
            CATALOGUE.replace("<vault-name>", "*"),
            "wild.toml:7:8: this `fqdn` has a wildcard\n    fqdn = \"*.backup.example\"\n           ^^^^^^^^^^^^^^^^^^\nhelp: write it as `pattern`",
        ),
        (
            "source.toml",
            CATALOGUE.replacen("source = \"OWN\"", "source = \"OTHER\"", 1),
            "source.toml:12:10: source \"OTHER\" is not declared",
        ),
        (
            "need.toml",
            CATALOGUE.replace("feature(queue)", "sometimes"),
            "help: known: always, install, feature(NAME), optional",
        ),
    ] {
        folder.file(name, text);
        let refused = folder.refused(&["catalog", "check", name]);
        assert!(refused.contains(said), "{name}: {refused}");
    }
    let missing = folder.refused(&["catalog", "check", "nosuch.toml"]);
    assert!(
        missing.starts_with("closedpath: cannot read the catalogue nosuch.toml: No such file"),
        "{missing}"
    );
    folder.file("latin1.toml", b"service = \"\xe9\"");
    let binary = folder.refused(&["catalog", "check", "latin1.toml"]);
    assert_eq!(binary, "closedpath: the catalogue latin1.toml is not UTF-8 text\n");
}

#[test]
fn a_catalogue_of_ones_own_is_used_wherever_the_built_in_ones_are() {
    let folder = Folder::make();
    folder.file("own.toml", CATALOGUE);
    let workload = "[[workload]]\nname = \"w\"\ncatalogs = [\"backup\", \"azure-portal\"]\nparameters = { vault-name = \"v\" }\n";
    folder.file("site.toml", format!("[data]\ncatalogs = [\"own.toml\"]\n{workload}"));
    let said = |arguments: &[&str]| {
        let output = folder.run(arguments);
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    assert!(said(&["config", "check", "site.toml"]).starts_with("site.toml is good: 1 workload, "));
    let planned = plan(&folder, &["--offline", "--format", "csv"]);
    assert!(planned.contains("v.backup.example") && planned.contains("portal.azure.com"), "{planned}");
    assert!(said(&["egress", "--config", "site.toml"]).contains("v.backup.example"));
    assert!(said(&["catalog", "list", "--config", "site.toml"]).contains("\nbackup "));
    assert!(said(&["catalog", "show", "backup", "--config", "site.toml"]).contains("*.queue.example"));
    assert!(!said(&["catalog", "list"]).contains("backup"));
}

#[test]
fn a_catalogue_of_ones_own_that_cannot_be_used_is_refused_with_its_place() {
    let folder = Folder::make();
    let site = |files: &str, catalog: &str| {
        let workload = format!("[[workload]]\nname = \"w\"\ncatalogs = [\"{catalog}\"]\n");
        folder.file("site.toml", format!("[data]\ncatalogs = {files}\n{workload}"));
        folder.refused(&["plan", "--offline", "--config", "site.toml"])
    };
    folder.file("same.toml", CATALOGUE.replace("\"backup\"", "\"entra-id\""));
    assert_eq!(
        site("[\"same.toml\"]", "entra-id"),
        "closedpath: same.toml:1:11: there is another catalogue \"entra-id\", built in or in another file\n    \
         service = \"entra-id\"\n              ^^^^^^^^^^\nhelp: give this one a name of its own\n"
    );
    folder.file("own.toml", CATALOGUE);
    let twice = site("[\"own.toml\", \"own.toml\"]", "backup");
    assert!(twice.starts_with("closedpath: own.toml:1:11: there is another catalogue \"backup\""), "{twice}");
    assert_eq!(
        site("[\"nosuch.toml\"]", "backup"),
        "closedpath: the catalogue nosuch.toml of data.catalogs cannot be read: No such file or directory (os error 2); \
         check the path, or remove it from the list\n"
    );
    let slip = site("[\"own.toml\"]", "backups");
    assert!(
        slip.starts_with("closedpath: site.toml:5:13: the catalogue \"backups\" does not exist"),
        "{slip}"
    );
    assert!(slip.contains("did you mean \"backup\"?"), "{slip}");
}

#[test]
fn every_catalogue_that_ships_is_sound_listed_and_shown() {
    let folder = Folder::make();
    let list = String::from_utf8(folder.run(&["catalog", "list"]).stdout).expect("UTF-8");
    let names: Vec<&str> = list.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!(names.len(), 14, "{list}");
    for name in names {
        let file = format!("{}/config/catalogs/{name}.toml", env!("CARGO_MANIFEST_DIR"));
        let output = folder.run(&["catalog", "check", &file]);
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        let shown = String::from_utf8(folder.run(&["catalog", "show", name]).stdout).expect("UTF-8");
        assert!(shown.starts_with("source  "), "{shown}");
    }
}
