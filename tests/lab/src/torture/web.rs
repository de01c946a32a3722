//! The configuration of the one nginx: CA hosts by name, TLS hosts by name, and a trap on forbidden addresses. Pure text.

use std::fmt::Write;
use std::path::Path;

/// A web server of one name.
#[derive(Debug, Clone, Default)]
pub struct Place {
    /// Its name.
    pub host: String,
    /// `listen` lines: addresses, ports, `ssl`.
    pub listens: Vec<String>,
    /// Files with chain and key, for TLS.
    pub certificate: Option<(String, String)>,
    /// Other directives of its server block.
    pub directives: String,
    /// Locations: path, and directives in it.
    pub locations: Vec<(String, String)>,
}

/// nginx's whole configuration. `trap` is the answer on addresses that nobody may be led to; who comes is in `trap.log`.
pub fn page(dir: &Path, places: &[Place], trap: &str) -> String {
    let shown = dir.display();
    let mut text = format!(
        "user root root;\ndaemon off;\nmaster_process off;\npid {shown}/nginx.pid;\nerror_log {shown}/nginx.error.log warn;
events {{ worker_connections 4096; }}
http {{
  access_log {shown}/access.log;
  server_names_hash_bucket_size 256;
  server_names_hash_max_size 8192;
  merge_slashes off;
  server_tokens off;
  types {{ application/pkix-crl crl; application/pkix-cert cer; application/pkcs7-mime p7c; application/ocsp-response ors; text/html html; }}
  default_type application/octet-stream;
"
    );
    for kind in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"] {
        let _ = writeln!(text, "  {kind}_temp_path {shown}/{kind};");
    }
    let forbidden = ["127.0.0.1", "[::1]", "169.254.169.254", "168.63.129.16", "10.9.9.9"];
    let _ = writeln!(text, "  server {{\n    access_log {shown}/trap.log;");
    for address in forbidden {
        let _ = writeln!(text, "    listen {address}:80;");
    }
    let _ = writeln!(text, "    location / {{ {trap} }}\n  }}");
    for place in places {
        let _ = writeln!(text, "  server {{\n    server_name {};", place.host);
        for listen in &place.listens {
            let _ = writeln!(text, "    listen {listen};");
        }
        if let Some((chain, key)) = &place.certificate {
            let _ = writeln!(text, "    ssl_certificate {chain};\n    ssl_certificate_key {key};");
        }
        text += &place.directives;
        for (path, directives) in &place.locations {
            let _ = writeln!(text, "    location {path} {{ {directives} }}");
        }
        text += "  }\n";
    }
    text + "}\n"
}
