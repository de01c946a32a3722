//! Puts all cases on the stage, runs the agent once, and keeps its report.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Stdio;

use closedpath_lab::torture::{Leaf, Place, Stage, page, resign};
use serde_json::Value;

use super::case::{Case, Route};
use super::world::World;
use super::odd;
use crate::lab::AGENT;

/// The host of CRLs and certificates over https.
const SECURE: &str = "secure.torture.example";

/// What came out.
pub struct Outcome {
    pub report: Value,
    /// Requests that reached an address nobody may be led to.
    pub trapped: String,
}

/// Runs all of them.
pub fn run(mut cases: Vec<Case>) -> Outcome {
    closedpath_lab::enter().expect("root, or a kernel that allows user namespaces");
    for (number, case) in cases.iter_mut().enumerate() {
        case.serial = format!("{:08X}", 0x5a00_0000 + number);
    }
    let mut stage = Stage::raise().expect("a namespace; tests/install installs what it needs");
    let dir = stage.dir().to_owned();
    odd::start(&stage);
    let world = World::make(&dir.join("workshop"), &cases);
    let mut places = shared(&world, &dir);
    for case in &cases {
        issue(&world, case);
        places.extend(targets(&world, case));
        places.extend(ca_hosts(&world, case, &dir));
    }
    let records: String = cases.iter().flat_map(records).collect();
    stage.start_dns(&records).expect("unbound");
    responders(&mut stage, &world);
    let configuration = dir.join("nginx.conf");
    fs::write(&configuration, page(&dir, &places, "return 200 trapped;")).expect("a file");
    let (at, log) = (configuration.display().to_string(), dir.join("nginx.start.log").display().to_string());
    stage
        .start(&["nginx", "-e", &log, "-p", &dir.display().to_string(), "-c", &at], &["203.0.113.10:443"])
        .expect("nginx");
    let report = check(&stage, &world, &cases);
    let trapped = fs::read_to_string(dir.join("trap.log")).unwrap_or_default();
    if let Some(keep) = std::env::var_os("TORTURE_REPORT") {
        fs::write(keep, format!("{report:#}")).expect("a file");
    }
    Outcome { report, trapped }
}

fn check(stage: &Stage, world: &World, cases: &[Case]) -> Value {
    let file = |name: &str| world.shop.file(name).display().to_string();
    let mut text = format!(
        "[agent]\nsite = \"torture\"\nstate_dir = {:?}\ntrust_anchors = [{:?}, {:?}]\ninspection_ca = {:?}\n
[probe]\ntimeout = \"2s\"\n
[[resolver]]\nname = \"torture\"\nservers = [\"203.0.113.53\"]\n
[[workload]]\nname = \"torture\"\npolicy = \"closed\"\nclient_profile = \"curl-schannel\"\n",
        stage.dir().join("state"),
        file("root.pem"),
        file("second.pem"),
        file("inspector.pem"),
    );
    for case in cases {
        let _ = write!(text, "\n[[target]]\nworkload = \"torture\"\nhost = \"{}\"\nport = 443\nprobe = \"tls\"\n", case.host());
    }
    let configuration = stage.dir().join("agent.toml");
    fs::write(&configuration, text).expect("a file");
    let mut agent = stage.agent(AGENT).expect("a command");
    agent.args(["check", "--format", "json", "--config"]).arg(&configuration).stdin(Stdio::null());
    let output = agent.output().expect("the agent starts");
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)))
}

/// The leaf's certificate, as `HOST.leaf.pem`.
fn issue(world: &World, case: &Case) {
    let file = format!("{}.leaf", case.host());
    let names = case.names.clone().unwrap_or_else(|| format!("DNS:{}", case.host()));
    let mut extensions = format!("basicConstraints = CA:FALSE\nsubjectAltName = {names}\n{}", case.extensions);
    let mut sections = String::new();
    for (number, (names, reasons)) in case.points.iter().enumerate() {
        let reasons = reasons.map(|reasons| format!("reasons = {reasons}\n")).unwrap_or_default();
        let _ = write!(sections, "[p{number}]\nfullname = {}\n{reasons}", case.fill(names));
    }
    if !case.points.is_empty() {
        let points: Vec<String> = (0..case.points.len()).map(|number| format!("p{number}")).collect();
        let _ = writeln!(extensions, "crlDistributionPoints = {}", points.join(","));
    }
    if !case.access.is_empty() {
        let _ = writeln!(extensions, "authorityInfoAccess = {}", case.fill(&case.access.join(",")));
    }
    let leaf = Leaf {
        file: file.clone(),
        subject: format!("leaf {}", case.serial),
        serial: case.serial.clone(),
        extensions: case.fill(&extensions) + &sections,
        days: case.days,
        request: case.request.to_owned(),
        arguments: case.arguments.split_whitespace().map(str::to_owned).collect(),
    };
    let authority = world.authority(case.issuer);
    authority.issue(&leaf).unwrap_or_else(|error| panic!("{}: {error:#}", case.name));
    if let Some(octets) = &case.odd_serial {
        let odd = resign(&world.der(&file), octets, authority).expect("a certificate");
        world.shop.write(&format!("{file}.der"), &odd).expect("a file");
        let pem = pem(&odd);
        world.shop.write(&format!("{file}.pem"), pem.as_bytes()).expect("a file");
    }
}

fn pem(der: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::from("-----BEGIN CERTIFICATE-----\n");
    for line in der.chunks(48) {
        for group in line.chunks(3) {
            let mut bits = 0;
            for index in 0..3 {
                bits = bits << 8 | usize::from(group.get(index).copied().unwrap_or(0));
            }
            for index in 0..4 {
                let digit = DIGITS[bits >> (18 - 6 * index) & 63] as char;
                text.push(if index <= group.len() { digit } else { '=' });
            }
        }
        text.push('\n');
    }
    text + "-----END CERTIFICATE-----\n"
}

/// The chain's file, from the certificates' names; `leaf` is the case's own.
fn chain(world: &World, case: &Case, present: &[&str], number: usize) -> String {
    let name = |name: &&str| if *name == "leaf" { format!("{}.leaf", case.host()) } else { (*name).to_owned() };
    let pem: Vec<u8> =
        present.iter().flat_map(|one| world.shop.read(&format!("{}.pem", name(one))).expect("a certificate")).collect();
    let file = format!("{}.{number}.chain", case.host());
    world.shop.write(&file, &pem).expect("a file");
    world.shop.file(&file).display().to_string()
}

fn targets(world: &World, case: &Case) -> Vec<Place> {
    if case.served_elsewhere {
        return Vec::new();
    }
    let key = world.shop.file(&format!("{}.key", case.request)).display().to_string();
    let mut directives = String::new();
    if let Some(make) = &case.staple {
        let file = format!("{}.staple", case.host());
        world.shop.write(&file, &make(world, case)).expect("a file");
        let file = world.shop.file(&file);
        directives = format!("    ssl_stapling on;\n    ssl_stapling_file {};\n", file.display());
    }
    let place = |number: usize, listens: &[&str], present: &[&str]| Place {
        host: case.host(),
        listens: listens.iter().map(|at| format!("{at} ssl")).collect(),
        certificate: Some((chain(world, case, present, number), key.clone())),
        directives: directives.clone(),
        locations: Vec::new(),
    };
    if case.at.is_empty() {
        return vec![place(0, &["203.0.113.10:443", "[2001:db8::10]:443"], &case.present)];
    }
    let own = case.at.iter().enumerate();
    own.map(|(number, (at, present))| place(number, &[&format!("{at}:443")], present)).collect()
}

/// The web servers of a case's CA hosts; bodies become files.
fn ca_hosts(world: &World, case: &Case, dir: &Path) -> Vec<Place> {
    let mut labels: Vec<&str> = case.routes.iter().map(|(label, ..)| *label).collect();
    labels.dedup();
    let host = |label: &str| {
        let root = dir.join("www").join(case.host()).join(label);
        fs::create_dir_all(&root).expect("a folder");
        let of_label = case.routes.iter().filter(|(of, ..)| *of == label);
        let locations = of_label.enumerate().map(|(number, (_, path, route))| match route {
            Route::Nginx(directives) if *path == "/" => ("/".to_owned(), case.fill(directives)),
            Route::Nginx(directives) => (format!("= \"{path}\""), case.fill(directives)),
            Route::Body(make) => {
                let ending = if *path == "/" { "ors" } else { path.rsplit('.').next().unwrap_or("bin") };
                let file = format!("{number}.{ending}");
                fs::write(root.join(&file), make(world, case)).expect("a file");
                // A file is an answer to GET alone, unless the refusal of POST is taken for a GET.
                let serve = format!("root {}; try_files /{file} =404; error_page 405 =200 /{file};", root.display());
                if *path == "/" { ("/".to_owned(), serve) } else { (format!("= \"{path}\""), serve) }
            }
        });
        Place {
            host: format!("{label}.{}", case.host()),
            listens: vec!["203.0.113.10:80".into(), "[2001:db8::10]:80".into()],
            locations: locations.collect(),
            ..Place::default()
        }
    };
    labels.into_iter().map(host).collect()
}

/// What the authorities publish, over http and over https.
fn shared(world: &World, dir: &Path) -> Vec<Place> {
    let root = dir.join("www/pub");
    fs::create_dir_all(&root).expect("a folder");
    for (path, body) in &world.published {
        fs::write(root.join(path.trim_start_matches('/')), body).expect("a file");
    }
    let leaf = Leaf {
        file: SECURE.into(),
        subject: SECURE.into(),
        serial: "5AFFFFFF".into(),
        extensions: format!("subjectAltName = DNS:{SECURE}\n"),
        days: (-2, 60),
        request: "leaf".into(),
        arguments: Vec::new(),
    };
    let mut pem = world.authority("issuing").issue(&leaf).expect("a certificate");
    pem.extend(world.shop.read("issuing.pem").expect("a certificate"));
    world.shop.write("secure.chain", &pem).expect("a file");
    let file = |name: &str| world.shop.file(name).display().to_string();
    let place = |host: &str, listens: &str, certificate| Place {
        host: host.into(),
        listens: vec![listens.into()],
        certificate,
        directives: format!("    root {};\n", root.display()),
        locations: Vec::new(),
    };
    vec![
        // The server for names that nobody else claims.
        place("pub.torture.example", "203.0.113.10:80", None),
        place(SECURE, "203.0.113.10:443 ssl", Some((file("secure.chain"), file("leaf.key")))),
    ]
}

/// `openssl ocsp` and a server that demands a client certificate.
fn responders(stage: &mut Stage, world: &World) {
    let file = |name: &str| world.shop.file(name).display().to_string();
    let (index, ca) = (file("issuing.ocsp.index"), file("issuing.pem"));
    for (port, signer) in [
        ("8001", "issuing"),
        ("8002", "delegate"),
        ("8003", "delegate-without-eku"),
        ("8004", "delegate-expired"),
        ("8005", "delegate-of-stranger"),
        ("8006", "delegate-checked"),
    ] {
        let (pem, key) = (file(&format!("{signer}.pem")), file(&format!("{signer}.key")));
        let words = ["openssl", "ocsp", "-port", port, "-index", &index, "-CA", &ca, "-rsigner", &pem, "-rkey", &key];
        let words = [&words[..], &["-ndays", "7", "-ignore_err"]].concat();
        stage.start(&words, &[&format!("127.0.0.1:{port}")]).expect("openssl ocsp");
    }
    let (leaf, key, root) = (file("secure.chain"), file("leaf.key"), file("root.pem"));
    let words = ["openssl", "s_server", "-accept", "203.0.113.20:443", "-tls1_3", "-Verify", "2", "-quiet", "-www"];
    let words = [&words[..], &["-verify_return_error", "-CAfile", &root, "-cert", &leaf, "-cert_chain", &leaf, "-key", &key]].concat();
    stage.start(&words, &["203.0.113.20:443"]).expect("openssl s_server");
}

/// The zone's lines. A name that has one has no share in the wildcard, nor has what is below it.
fn records(case: &Case) -> Vec<String> {
    let mut lines = Vec::new();
    for (label, address) in &case.records {
        let kind = if address.contains(':') { "AAAA" } else { "A" };
        let dot = if label.is_empty() { "" } else { "." };
        lines.push(format!("{label}{dot}{}. {kind} {address}\n", case.host()));
    }
    if !case.records.is_empty() {
        let has = |label: &str| case.records.iter().any(|(of, _)| *of == label);
        for label in ["", "crl", "ocsp", "aia"].into_iter().filter(|label| !has(label)) {
            let dot = if label.is_empty() { "" } else { "." };
            lines.push(format!("{label}{dot}{}. A 203.0.113.10\n", case.host()));
        }
    }
    lines
}
