//! Bad input to the real program: each time one clear sentence that names the place and the remedy, and the right exit status.

mod network;
mod words;

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::lab::AGENT;

/// A directory of its own, which goes with the test.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn make() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(1);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("cpm{}x{number}", std::process::id()));
        fs::create_dir(&path).expect("a new directory");
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, content).expect("a file in an own directory");
        path
    }

    /// Runs the program here, so that messages show short names.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        Command::new(AGENT).args(arguments).current_dir(&self.0).output().expect("the program starts")
    }

    /// Runs the program, which must end with status 2 and print nothing but a message; gives the message.
    pub(crate) fn refused(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let said = String::from_utf8(output.stderr).expect("UTF-8");
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert_eq!(String::from_utf8_lossy(&output.stdout), "");
        said.replace(&format!("{}/", self.0.display()), "")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left is below the temporary directory and harms nobody.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A workload without targets: nothing leaves the machine but a question to the resolver.
const QUIET: &str = "[[workload]]\nname = \"arc\"\npolicy = \"observe\"\n[[resolver]]\nname = \"own\"\nservers = [\"127.0.0.1\"]\n";

#[test]
fn a_configuration_that_cannot_be_read_is_named_with_the_cause() {
    let folder = Folder::make();
    fs::create_dir(folder.0.join("folder.toml")).expect("a directory");
    folder.file("latin1.toml", b"[agent]\nsite = \"\xe9\"\n");
    for command in [&["check", "--config"][..], &["run", "--config"], &["config", "check"]] {
        let of = |file| folder.refused(&[command, &[file]].concat());
        assert_eq!(
            of("nosuch.toml"),
            "closedpath: cannot read the configuration nosuch.toml: No such file or directory (os error 2); check the path and the permissions\n"
        );
        assert_eq!(
            of("folder.toml"),
            "closedpath: cannot read the configuration folder.toml: Is a directory (os error 21); check the path and the permissions\n"
        );
        assert_eq!(
            of("latin1.toml"),
            "closedpath: the configuration latin1.toml is not UTF-8 text; save it as UTF-8, or name the right file\n"
        );
    }
}

#[test]
fn what_is_wrong_in_a_configuration_is_said_once_with_line_column_and_remedy() {
    let folder = Folder::make();
    let link = "[[link]]\nname = \"b\"\nedge = \"er_microsoft\"\ncircuit = \"t\"\nmsee = [\"203.0.113.2\"]\n";
    let circuit = "[circuit.t]\nsku = \"standard\"\nlocation = \"Tokyo\"\n";
    let hops = "[[link]]\nname = \"a\"\nedge = \"internet\"\nhops = [\"203.0.113.0/24\"]\n";
    for (text, said) in [
        (
            "[probe]\nintervall = \"5s\"\n".to_owned(),
            "2:1: unknown key `intervall` in [probe]
    intervall = \"5s\"
    ^^^^^^^^^
help: did you mean \"interval\"? (known: concurrency, interface, interval, mark, source, timeout, trace_interval)",
        ),
        (
            "[http]\nlisten = 9806\n".to_owned(),
            "2:10: expected a list for `listen`, found one value
    listen = 9806
             ^^^^
help: put it in brackets: listen = [ … ]",
        ),
        (
            "[probe]\nconcurrency = \"many\"\n".to_owned(),
            "2:15: expected a whole number from 1 to 65536, found \"many\"
    concurrency = \"many\"
                  ^^^^^^
help: write the number without quotes",
        ),
        (
            "[probe]\ninterval = \"5 parsecs\"\n".to_owned(),
            "2:12: expected a duration such as \"5s\" or \"1m 30s\", found \"5 parsecs\"
    interval = \"5 parsecs\"
               ^^^^^^^^^^^
help: units: ms, s, m, h, days",
        ),
        (
            format!("{link}[circuit.tt]\nsku = \"standard\"\nlocation = \"Tokyo\"\n"),
            "4:11: the circuit \"t\" does not exist
    circuit = \"t\"
              ^^^
help: did you mean \"tt\"? (known: tt)",
        ),
        (
            format!("{QUIET}[[target]]\nworkload = \"ark\"\nhost = \"a.example\"\n"),
            "8:12: the workload \"ark\" does not exist
    workload = \"ark\"
               ^^^^^
help: did you mean \"arc\"? (known: arc)",
        ),
        (
            format!("[[proxy]]\nname = \"squid\"\nurl = \"http://10.100.2.4:3128\"\nexit = \"internet\"\n{QUIET}[[workload]]\nname = \"b\"\npolicy = \"closed\"\nproxy = \"squit\"\n"),
            "14:9: the proxy \"squit\" does not exist
    proxy = \"squit\"
            ^^^^^^^
help: did you mean \"squid\"? (known: squid)",
        ),
        (
            format!("{hops}{link}{circuit}"),
            "9:9: 203.0.113.2/32 as a hop would prove both the link \"a\" (by 203.0.113.0/24) and the link \"b\"
    msee = [\"203.0.113.2\"]
            ^^^^^^^^^^^^^
help: it must belong to one of them only; if both really share it, remove it from both: it proves neither",
        ),
        (
            format!("{link}encryption = {{ macsec = \"declared\" }}\n{circuit}"),
            "6:25: MACsec on the circuit \"t\", which is not ExpressRoute Direct
    encryption = { macsec = \"declared\" }
                            ^^^^^^^^^^
help: a provider's circuit cannot have it: write macsec = \"none\", or direct = true if the ports are yours",
        ),
    ] {
        folder.file("c.toml", &text);
        for command in [&["config", "check"][..], &["check", "--config"], &["run", "--config"]] {
            assert_eq!(
                folder.refused(&[command, &["c.toml"]].concat()),
                format!("closedpath: c.toml:{said}\n"),
                "{text}"
            );
        }
    }
}

#[test]
fn an_unknown_workload_on_the_command_line_is_answered_with_those_there_are() {
    let folder = Folder::make();
    folder.file("c.toml", QUIET);
    assert_eq!(
        folder.refused(&["check", "--config", "c.toml", "--workload", "arcc"]),
        "closedpath: no workload is named \"arcc\"; the configuration has: arc\n"
    );
    assert_eq!(
        folder.refused(&["catalog", "show", "entra"]),
        "closedpath: no catalogue is named \"entra\"; `closedpath catalog list` names them\n"
    );
}

#[test]
fn trust_anchors_that_cannot_be_used_are_named_by_every_command_that_needs_them() {
    let folder = Folder::make();
    folder.file("text.pem", "no certificate here\n");
    for (file, said) in [
        (
            "text.pem",
            "no certificate in text.pem; `trust_anchors` needs PEM files with `-----BEGIN CERTIFICATE-----`",
        ),
        (
            "missing.pem",
            "cannot read the trust anchors in missing.pem: No such file or directory (os error 2); check the path and the permissions, or remove it from `trust_anchors`",
        ),
    ] {
        let http = "[http]\nlisten = [\"127.0.0.1:0\"]\n";
        folder.file("c.toml", format!("[agent]\ntrust_anchors = [\"{file}\"]\n{http}{QUIET}"));
        for command in [&["config", "check"][..], &["check", "--config"], &["run", "--config"]] {
            let text = folder.refused(&[command, &["c.toml"]].concat());
            let last = text.lines().last().expect("a message");
            assert_eq!(last, format!("closedpath: {said}"));
        }
    }
}

#[test]
fn a_broken_data_file_is_refused_with_its_key_its_name_and_the_place() {
    let folder = Folder::make();
    folder.file("tags.json", "{\"values\": 3}");
    folder.file("asn.tsv", "1.0.0.0\t1.0.0.255\t13335\tUS\tCLOUDFLARENET\nnonsense\n");
    folder.file("m365.json", "[]]");
    for (key, file, why) in [
        (
            "service_tags",
            "tags.json",
            "tags.json: invalid type: integer `3`, expected a sequence at line 1 column 12",
        ),
        ("asn", "asn.tsv", "asn.tsv: line 2: not start, end, AS number, name"),
        ("m365", "m365.json", "m365.json: trailing characters at line 1 column 3"),
        ("m365", "none.json", "none.json: No such file or directory (os error 2)"),
    ] {
        folder.file("c.toml", format!("[data]\n{key} = \"{file}\"\n{QUIET}"));
        assert_eq!(
            folder.refused(&["check", "--config", "c.toml"]),
            format!(
                "closedpath: the data file of data.{key} cannot be used: {why}; get the file again, or remove the key\n"
            )
        );
    }
}

#[test]
fn a_port_in_use_ends_run_with_the_port_in_the_message() {
    let folder = Folder::make();
    let held = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = held.local_addr().expect("an address").port();
    folder.file("c.toml", format!("[http]\nlisten = [\"127.0.0.1:{port}\"]\n{QUIET}"));
    assert_eq!(
        folder.refused(&["run", "--config", "c.toml"]),
        format!(
            "closedpath: cannot listen on 127.0.0.1:{port}: another program has this port; end it, or choose another port; see http.listen\n"
        )
    );
    folder.file("c.toml", format!("[http]\nlisten = [\"192.0.2.1:{port}\"]\n{QUIET}"));
    assert_eq!(
        folder.refused(&["run", "--config", "c.toml"]),
        format!(
            "closedpath: cannot listen on 192.0.2.1:{port}: this host does not have that address; name one of its own, or 127.0.0.1; see http.listen\n"
        )
    );
}

#[test]
fn a_web_config_is_refused_rather_than_ignored() {
    let folder = Folder::make();
    folder.file("c.toml", format!("[http]\nlisten = [\"127.0.0.1:0\"]\nweb_config = \"web.yml\"\n{QUIET}"));
    for command in [&["run", "--config"][..], &["config", "check"]] {
        assert_eq!(
            folder.refused(&[command, &["c.toml"]].concat()),
            "closedpath: http.web_config (TLS and basic authentication) is not supported by this version; remove it, listen on 127.0.0.1 and put a reverse proxy in front\n"
        );
    }
}

#[test]
fn a_report_that_cannot_be_written_is_refused_before_the_round() {
    let folder = Folder::make();
    folder.file("c.toml", QUIET);
    assert_eq!(
        folder.refused(&["check", "--config", "c.toml", "--output", "none/report.json"]),
        "closedpath: cannot write the report to none/report.json: No such file or directory (os error 2)\n"
    );
    assert_eq!(
        folder.refused(&["check", "--config", "c.toml", "--output", "."]),
        "closedpath: cannot write the report to .: Is a directory (os error 21)\n"
    );
}

#[test]
fn a_report_replaces_the_longer_one_that_was_there() {
    let folder = Folder::make();
    folder.file("c.toml", QUIET);
    let report = folder.file("report.json", "x".repeat(1 << 20));
    let done = folder.run(&["check", "--config", "c.toml", "--format", "json", "--output", "report.json"]);
    assert_eq!((done.status.code(), done.stdout.len(), done.stderr.len()), (Some(0), 0, 0), "{done:?}");
    let text = fs::read_to_string(report).expect("the report");
    let report: serde_json::Value =
        serde_json::from_str(&text).expect("one JSON document and nothing behind it");
    assert_eq!(report["schema"], "closedpath.report/1");
}

#[test]
fn a_reader_that_goes_away_is_no_error_and_a_full_disk_is_one() {
    let folder = Folder::make();
    folder.file("c.toml", QUIET);
    for arguments in [&["config", "schema"][..], &["check", "--config", "c.toml"]] {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let done = into(&folder.0, arguments, writer.into());
        assert_eq!((done.status.code(), String::from_utf8_lossy(&done.stderr).as_ref()), (Some(0), ""));
    }
    let full = fs::File::options().write(true).open("/dev/full").expect("/dev/full");
    let done = into(&folder.0, &["config", "example"], full.into());
    assert_eq!(done.status.code(), Some(2));
    assert_eq!(
        String::from_utf8_lossy(&done.stderr),
        "closedpath: cannot write to standard output: No space left on device (os error 28)\n"
    );
}

fn into(folder: &Path, arguments: &[&str], stdout: Stdio) -> Output {
    let mut command = Command::new(AGENT);
    command.args(arguments).current_dir(folder).stdout(stdout).stderr(Stdio::piped());
    command.spawn().expect("the program starts").wait_with_output().expect("it ends")
}

#[test]
fn the_example_and_the_catalogues_that_the_program_prints_are_what_it_accepts() {
    let folder = Folder::make();
    let example = folder.run(&["config", "example"]);
    folder.file("c.toml", &example.stdout);
    let good = folder.run(&["config", "check", "c.toml"]);
    assert_eq!(
        (good.status.code(), String::from_utf8_lossy(&good.stdout).as_ref()),
        (Some(0), "c.toml is good: 0 workloads, 0 targets, 0 links, 1 resolver\n"),
        "{}",
        String::from_utf8_lossy(&good.stderr)
    );
    let end = b"[[link]]\nname = \"er\"\nedge = \"er_private\"\nmsee = [\"172.16.0.1\"]\n";
    folder.file("hinted.toml", end);
    let hinted = folder.run(&["config", "check", "hinted.toml"]);
    let said = String::from_utf8_lossy(&hinted.stdout).into_owned();
    assert_eq!(hinted.status.code(), Some(0), "a hint is no error");
    assert!(said.contains("\nhint: link \"er\": msee 172.16.0.1 is the first usable address"), "{said}");
    let schema = folder.run(&["config", "schema"]);
    let schema: serde_json::Value = serde_json::from_slice(&schema.stdout).expect("JSON");
    assert_eq!(schema["additionalProperties"], false);
    let list = folder.run(&["catalog", "list"]);
    let list = String::from_utf8(list.stdout).expect("UTF-8");
    assert!(list.lines().count() >= 9, "{list}");
    for line in list.lines() {
        let name = line.split_whitespace().next().expect("a name");
        let shown = folder.run(&["catalog", "show", name]);
        let text = String::from_utf8(shown.stdout).expect("UTF-8");
        assert!(shown.status.success() && text.starts_with("source  "), "{name}: {text}");
    }
}
