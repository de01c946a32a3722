//! Configuration files of the web servers, one per node. Pure text.

use std::fmt::Write;
use std::net::IpAddr;
use std::path::Path;

use crate::pki::Pki;
use crate::plan::{Certificate, HOSTS, Host, LOAD_NAMES, LoadName, load_name, node_of};

/// The configuration of the web server on `node`. `dir` takes its logs and temporary files.
pub(crate) fn config(node: &str, dir: &Path, pki: &Pki) -> String {
    let shown = dir.display();
    let mut text = format!(
        "user root root;\ndaemon off;\nmaster_process off;\npid {shown}/{node}.pid;\nerror_log {shown}/{node}.error.log warn;
events {{ worker_connections 2048; }}
http {{
  log_format lab '$msec $remote_addr $server_addr:$server_port $host \"$request\" $status \"$ssl_server_name\"';
  access_log {shown}/{node}.access.log lab;
  server_tokens off;
  types {{ application/pkix-crl crl; application/pkix-cert cer; }}
  default_type text/plain;
  ssl_session_cache shared:s:1m;
"
    );
    for kind in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"] {
        let _ = writeln!(text, "  {kind}_temp_path {shown}/{node}.{kind};");
    }
    for host in HOSTS.iter().filter(|host| host.certificate != Certificate::ClientCertificate) {
        server(&mut text, node, host, pki);
    }
    if node == "azure" {
        load_server(&mut text, pki);
    }
    text + "}\n"
}

/// The configuration of what inspects TLS on the edge: whatever the name, it shows the certificate that has all of them.
pub(crate) fn inspector(dir: &Path, pki: &Pki) -> String {
    let mut text = format!(
        "user root root;\ndaemon off;\nmaster_process off;\npid {0}/inspector.pid;\nevents {{}}\nhttp {{\n  access_log off;\n",
        dir.display()
    );
    for kind in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"] {
        let _ = writeln!(text, "  {kind}_temp_path {}/inspector.{kind};", dir.display());
    }
    text += "  server {\n    listen 0.0.0.0:8443 ssl;\n    listen [::]:8443 ssl ipv6only=on;\n";
    certificate(&mut text, "inspected", pki);
    text + "    location / { return 200 \"inspected\\n\"; }\n  }\n}\n"
}

fn server(text: &mut String, node: &str, host: &Host, pki: &Pki) {
    let addresses: Vec<IpAddr> = host.addresses.iter().filter_map(|address| address.parse().ok()).collect();
    let here: Vec<String> =
        addresses.iter().filter(|address| node_of(**address) == Some(node)).map(listen_address).collect();
    if here.is_empty() || node == "void" {
        return;
    }
    let _ = writeln!(text, "  server {{\n    server_name {};", host.name);
    for address in &here {
        let _ = writeln!(text, "    listen {address}:80;");
        let _ = match host.certificate {
            Certificate::None => Ok(()),
            Certificate::PlainHttp => writeln!(text, "    listen {address}:443;"),
            // A TLS hello is not a PROXY header: nginx closes without a word.
            Certificate::HangsUp => writeln!(text, "    listen {address}:443 proxy_protocol;"),
            _ => writeln!(text, "    listen {address}:443 ssl;"),
        };
    }
    if host.shows_certificate() {
        certificate(text, host.name, pki);
        let protocols = if host.certificate == Certificate::Tls12 { "TLSv1.2" } else { "TLSv1.2 TLSv1.3" };
        let _ = writeln!(text, "    ssl_protocols {protocols};");
    }
    if host.certificate == Certificate::Stapled {
        let file = pki.file("staple.der");
        let _ = writeln!(text, "    ssl_stapling on;\n    ssl_stapling_file {};", file.display());
    }
    *text += &locations(host.name, pki);
    *text += "  }\n";
}

fn certificate(text: &mut String, name: &str, pki: &Pki) {
    let (chain, key) = (pki.chain(name), pki.key(name));
    let _ = writeln!(
        text,
        "    ssl_certificate {};\n    ssl_certificate_key {};",
        chain.display(),
        key.display()
    );
}

/// What is served: the CA's files and responders, elsewhere the address that the request came from.
fn locations(name: &str, pki: &Pki) -> String {
    let www = pki.www().display().to_string();
    match name {
        "crl.pki.example" => format!(
            "    root {www};\n    location = /moved.crl {{ return 302 http://cdn-crl.pki.example/issuing.crl; }}\n"
        ),
        "cdn-crl.pki.example" | "aia.pki.example" => format!("    root {www};\n"),
        // GET carries the request in the path (RFC 6960 appendix A.1): slashes must not be merged.
        "ocsp.pki.example" => [("issuing", 8001), ("root", 8002)]
            .iter()
            .map(|(path, port)| {
                format!(
                    "    location = /{path} {{ proxy_pass http://127.0.0.1:{port}/; }}
    location /{path}/ {{ proxy_pass http://127.0.0.1:{port}/; }}\n"
                )
            })
            .chain(["    merge_slashes off;\n".to_owned()])
            .collect(),
        _ => "    location / { return 200 \"src=$remote_addr\\n\"; }\n".to_owned(),
    }
}

fn load_server(text: &mut String, pki: &Pki) {
    let mut lasts: Vec<u8> = (0..LOAD_NAMES)
        .filter_map(|index| match load_name(index) {
            LoadName::Serves(last) => Some(last),
            LoadName::DeadHost | LoadName::NxDomain | LoadName::DnsTimeout => None,
        })
        .collect();
    lasts.sort_unstable();
    lasts.dedup();
    *text += "  server {\n    server_name *.load.example;\n";
    for last in lasts {
        let _ = writeln!(text, "    listen 198.51.100.{last}:443 ssl;");
    }
    certificate(text, "load.example", pki);
    *text += "    location / { return 200 \"src=$remote_addr\\n\"; }\n  }\n";
}

fn listen_address(address: &IpAddr) -> String {
    match address {
        IpAddr::V4(v4) => v4.to_string(),
        IpAddr::V6(v6) => format!("[{v6}]"),
    }
}
