//! `closedpath data`: files carried in by hand or fetched from a mirror, and what is in force after good and bad ones.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::lab::AGENT;

const EXTRACT: &[u8] = include_bytes!("../data/ServiceTags_Public_20251110.extract.json");
const TAGS: &str = r#"{"changeNumber": NUMBER, "cloud": "Public", "values": [
  {"name": "AzureCloud", "properties": {"addressPrefixes": ["203.0.113.0/24"]}}]}"#;

/// A site: a configuration whose state is its own.
struct Site(PathBuf);

impl Site {
    fn make() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(1);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("cpd{}x{number}", std::process::id()));
        fs::create_dir(&path).expect("a new directory");
        let site = Self(path);
        site.file("c.toml", "[agent]\nstate_dir = \"state\"\n");
        site
    }

    fn file(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.0.join(name), content).expect("a file in an own directory");
    }

    /// A file of service tags with one version.
    fn tags(&self, name: &str, version: u32) {
        self.file(name, TAGS.replace("NUMBER", &version.to_string()));
    }

    /// The exit status, and all that was said, without the folder's name.
    fn run(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let mut command = Command::new(AGENT);
        let with = if arguments.contains(&"pack") { &[][..] } else { &["--config", "c.toml"] };
        let output = command.arg("data").args(arguments).args(with).current_dir(&self.0).output();
        let output = output.expect("the program starts");
        let said =
            [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).expect("UTF-8")).concat();
        (output.status.code(), said.replace(&format!("{}/", self.0.display()), ""))
    }

    fn said(&self, arguments: &[&str]) -> String {
        let (status, said) = self.run(arguments);
        assert_eq!(status, Some(0), "{said}");
        said
    }

    /// The row of the service tags in `data status`.
    fn in_force(&self) -> String {
        let said = self.said(&["status"]);
        let row = said.lines().find(|line| line.starts_with("Azure service tags"));
        row.expect("service tags are always in force")
            .split_whitespace()
            .skip(4)
            .take(2)
            .collect::<Vec<_>>()
            .join(" ")
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        // What is left is below the temporary directory and harms nobody.
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn without_any_file_the_embedded_data_is_in_force_and_its_age_is_told() {
    let site = Site::make();
    let said = site.said(&["status"]);
    assert_eq!(site.in_force(), "376 2025-11-10");
    assert!(
        said.contains(
            "\nSTALE  Azure service tags (Public) is older than 45 days: what rests on it is unknown"
        ),
        "{said}"
    );
    assert!(!site.0.join("state").exists(), "looking changes nothing");
}

#[test]
fn an_imported_file_is_in_force_and_the_one_before_comes_back_when_it_is_damaged() {
    let site = Site::make();
    site.tags("ServiceTags_Public_20990101.json", 401);
    site.tags("ServiceTags_Public_20990108.json", 402);
    let said = site.said(&["import", "ServiceTags_Public_20990101.json"]);
    assert_eq!(
        said,
        "ServiceTags_Public_20990101.json: Azure service tags (Public) 401 of 2099-01-01: 1 tags, 1 prefixes\n\
         kept as state/data/service-tags.data\nin force from the next check on\n"
    );
    assert_eq!(site.in_force(), "401 2099-01-01");
    site.said(&["import", "ServiceTags_Public_20990108.json"]);
    assert_eq!(site.in_force(), "402 2099-01-08");
    let current = site.0.join("state/data/service-tags.data");
    let mut bytes = fs::read(&current).expect("it is kept");
    *bytes.last_mut().expect("it is not empty") ^= 1;
    fs::write(&current, bytes).expect("it can be damaged");
    assert_eq!(site.in_force(), "401 2099-01-01");
    // A damaged file does not become the previous one.
    site.tags("ServiceTags_Public_20990115.json", 403);
    site.said(&["import", "ServiceTags_Public_20990115.json"]);
    fs::remove_file(&current).expect("it is there");
    assert_eq!(site.in_force(), "401 2099-01-01");
}

#[test]
fn a_bad_file_says_where_and_changes_nothing() {
    let site = Site::make();
    site.tags("ServiceTags_Public_20990101.json", 401);
    site.said(&["import", "ServiceTags_Public_20990101.json"]);
    for (name, content, why) in [
        ("cut.json", &TAGS.as_bytes()[..90], "cut.json: expected value at line 1 column 18"),
        ("page.json", b"<html>", "page.json: it is a web page: a sign-in or an error instead of the file"),
        (
            "e.json",
            br#"{"values": [{"name": "A", "properties": {"addressPrefixes": []}}]}"#,
            "e.json: there is nothing in it",
        ),
        (
            "v.json",
            br#"{"instance": "Worldwide", "latest": "2018063000"}"#,
            "v.json: it is the answer of the Microsoft 365 version service, not the endpoints",
        ),
        (
            "a.tsv",
            b"1.0.0.0\t1.0.0.255\t1\tUS\tX\n2.0.0.0\tx",
            "a.tsv: line 2: not start, end, AS number, name",
        ),
        ("b.gz", b"\x1f\x8b\x08\x00", "b.gz: the gzip file is damaged after 0 bytes of content: "),
        ("n.txt", b"hello", "n.txt: neither service tags, nor "),
        ("b.txt", b"0\xff", "b.txt: it is not UTF-8 text (byte 1)"),
    ] {
        site.file(name, content);
        let (status, said) = site.run(&["import", name]);
        assert_eq!(status, Some(2), "{said}");
        assert!(said.starts_with(&format!("closedpath: nothing was changed: {why}")), "{said}");
    }
    assert_eq!(site.in_force(), "401 2099-01-01");
}

#[test]
fn older_files_and_files_beside_a_configured_one_are_kept_but_not_in_force_and_that_is_said() {
    let site = Site::make();
    site.tags("ServiceTags_Public_20200101.json", 1);
    let said = site.said(&["import", "ServiceTags_Public_20200101.json"]);
    assert!(said.ends_with("not in force: the embedded data is newer; import a newer file\n"), "{said}");
    assert_eq!(site.in_force(), "376 2025-11-10");
    site.file(
        "c.toml",
        "[agent]\nstate_dir = \"state\"\n[data]\nservice_tags = \"ServiceTags_Public_20200101.json\"\n",
    );
    assert_eq!(site.in_force(), "1 2020-01-01", "[data] always wins");
    site.tags("ServiceTags_Public_20990101.json", 401);
    let said = site.said(&["import", "--dry-run", "ServiceTags_Public_20990101.json"]);
    assert!(said.ends_with("nothing was changed (--dry-run)\n"), "{said}");
    let said = site.said(&["import", "ServiceTags_Public_20990101.json"]);
    assert!(said.contains("not in force: data.service_tags of the configuration names "), "{said}");
}

#[test]
fn every_form_of_a_table_of_autonomous_systems_and_of_text_is_taken() {
    let site = Site::make();
    let tsv = include_bytes!("../data/asn.tsv");
    let mut gz = flate2_of(tsv);
    site.file("asn.tsv.gz", &gz);
    gz.truncate(gz.len() - 12);
    let wide: Vec<u8> = "\u{feff}[{\"BgpCommunities\": [{\"CommunityValue\": \"12076:51012\", \"CommunityPrefixes\": [\"203.0.113.0/24\"]}]}]"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    site.file("powershell.json", wide);
    site.file("asn.mmdb", include_bytes!("../data/asn.mmdb"));
    site.file("ms.csv", "Prefix,Type\r\n203.0.113.0/24, MSFT Public IP Address Block\r\n");
    site.file(
        "endpoints_Worldwide_2024073100.json",
        include_bytes!("../data/endpoints_Worldwide_2024073100.extract.json"),
    );
    for (file, contents) in [
        ("asn.tsv.gz", "address to AS of "),
        ("asn.mmdb", "address to AS closedpath-Test-ASN of "),
        ("powershell.json", "prefixes of BGP communities of "),
        ("ms.csv", "Microsoft's public IP space of "),
        (
            "endpoints_Worldwide_2024073100.json",
            "Microsoft 365 endpoints 2024073100 of 2024-07-31: 11 endpoint sets",
        ),
    ] {
        let said = site.said(&["import", file]);
        assert!(said.starts_with(&format!("{file}: {contents}")), "{said}");
    }
    assert!(site.said(&["import", "asn.mmdb"]).contains(": 3 address ranges\n"));
    site.file("cut.gz", gz);
    assert_eq!(site.run(&["import", "cut.gz"]).0, Some(2));
}

#[test]
fn packing_the_same_files_again_gives_the_same_bytes() {
    let site = Site::make();
    site.file("ServiceTags_Public_20251110.json", EXTRACT);
    site.file("asn.tsv", include_bytes!("../data/asn.tsv"));
    let pack = |output: &str| {
        site.said(&[
            "pack",
            "--service-tags",
            "ServiceTags_Public_20251110.json",
            "--asn",
            "asn.tsv",
            "--output",
            output,
        ]);
        fs::read(site.0.join(output)).expect("it is written")
    };
    assert_eq!(pack("one.bin"), pack("two.bin"));
}

#[test]
fn a_mirror_is_asked_once_for_each_file_and_one_that_fails_does_not_stop_the_others() {
    let site = Site::make();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let server = std::thread::spawn(move || {
        let mut asked = Vec::new();
        for _ in 0..2 {
            let (mut stream, _) = listener.accept().expect("a connection");
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                stream.read_exact(&mut byte).expect("a request");
                head.push(byte[0]);
            }
            let head = String::from_utf8(head).expect("UTF-8");
            let body = TAGS.replace("NUMBER", "500");
            let answer = if head.contains("service-tags") {
                format!(
                    "200 OK\r\nLast-Modified: Thu, 01 Jan 2099 00:00:00 GMT\r\nContent-Length: {}\r\n\r\n{body}",
                    body.len()
                )
            } else {
                "503 Service Unavailable\r\nContent-Length: 0\r\n\r\n".to_owned()
            };
            stream.write_all(format!("HTTP/1.1 {answer}").as_bytes()).expect("it listens");
            asked.push(head.lines().next().unwrap_or_default().to_owned());
        }
        asked
    });
    let from = format!("http://127.0.0.1:{port}/data/");
    let (status, said) = site.run(&["update", "--from", &from]);
    assert_eq!(status, Some(2), "{said}");
    assert_eq!(
        said,
        format!(
            "service-tags: Azure service tags (Public) 500 of 2099-01-01: 1 tags, 1 prefixes; in force from the next check on\n\
             m365: FAILED, nothing was changed: {from}m365.json: the server answers 503\n"
        )
    );
    assert_eq!(
        server.join().expect("it ends"),
        ["GET /data/service-tags.json HTTP/1.1", "GET /data/m365.json HTTP/1.1"]
    );
    assert_eq!(site.in_force(), "500 2099-01-01");
}

#[test]
fn diff_names_the_endpoints_of_the_configuration_that_change() {
    let site = Site::make();
    let file = |region: &str| {
        format!(
            r#"{{"changeNumber": 1, "values": [{{"name": "AzureCloud.{region}", "properties": {{"region": "{region}", "addressPrefixes": ["203.0.113.0/24"]}}}}]}}"#
        )
    };
    site.file("old.json", file("japaneast"));
    site.file("new.json", file("japanwest"));
    site.file(
        "c.toml",
        "[agent]\nstate_dir = \"state\"\n[[target]]\nhost = \"203.0.113.7\"\nport = 443\nprobe = \"tcp\"\n",
    );
    let said = site.said(&["diff", "old.json", "new.json"]);
    assert!(said.contains("tags: 1 added, 1 removed, 0 changed\nprefixes: 0 added, 0 removed\n"), "{said}");
    assert!(said.contains("  203.0.113.7\n    region: japaneast -> japanwest\n"), "{said}");
}

fn flate2_of(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).expect("it goes to memory");
    encoder.finish().expect("it goes to memory")
}
