//! Zone files and the resolver's configuration. Pure text.
//!
//! One unbound serves the zones and recurses: its `auth-zone`s are upstream of its own cache, so TTLs count down,
//! CNAMEs are followed across zones, and names resolve also when the Internet is cut.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::net::IpAddr;
use std::path::Path;

use crate::plan::{HOSTS, LOAD_NAMES, LoadName, RESOLVER, load_name};

/// Addresses that replace those of the plan, by full name.
pub(crate) type Overrides = BTreeMap<String, Vec<IpAddr>>;

/// All zones; the root is empty, so that names of nowhere do not exist.
pub(crate) const ZONES: [&str; 10] = [
    "azure.example",
    "vnet.example",
    "afd.example",
    "cdn.example",
    "pki.example",
    "void.example",
    "site.example",
    "odd.example",
    "load.example",
    ".",
];

/// The zone that `name` is in.
pub(crate) fn zone_of(name: &str) -> Option<&'static str> {
    ZONES.into_iter().find(|zone| name.strip_suffix(zone).is_some_and(|rest| rest.ends_with('.')))
}

/// The text of one zone file.
pub(crate) fn zone(zone: &str, overrides: &Overrides) -> String {
    let mut text = format!("$ORIGIN {}.\n$TTL 300\n", zone.trim_end_matches('.'));
    text += "@ SOA ns.site.example. hostmaster.site.example. 1 3600 600 86400 30\n@ NS ns.site.example.\n";
    for host in
        HOSTS.iter().filter(|host| zone_of(host.name) == Some(zone) && !overrides.contains_key(host.name))
    {
        for address in host.addresses {
            record(&mut text, host.name, host.ttl, address);
        }
    }
    for (name, addresses) in overrides.iter().filter(|(name, _)| zone_of(name) == Some(zone)) {
        let ttl = HOSTS.iter().find(|host| host.name == name).map_or(60, |host| host.ttl);
        for address in addresses {
            record(&mut text, name, ttl, &address.to_string());
        }
    }
    match zone {
        "azure.example" => {
            let stands = |line: &&str| !overrides.keys().any(|name| name_of(line) == *name);
            text.extend(AZURE.lines().filter(stands).flat_map(|line| [line, "\n"]));
        }
        "afd.example" => text += "shop 3600 CNAME portal\n",
        "site.example" => text += "ns A 192.168.1.53\n",
        "odd.example" => odd(&mut text),
        "load.example" => load(&mut text),
        _ => {}
    }
    text
}

/// The alias that leads to the private endpoint.
pub(crate) const PRIVATE_LINK: &str = "acct.privatelink.blob.azure.example";

/// A private endpoint: three names, TTLs that fall along the chain.
const AZURE: &str = "acct.blob 300 CNAME acct.privatelink.blob
acct.privatelink.blob 60 CNAME pe.vnet.example.
gone 60 CNAME nowhere.cdn.example.
";

/// The full name that a line of [`AZURE`] is about.
fn name_of(line: &str) -> String {
    format!("{}.azure.example", line.split(' ').next().unwrap_or_default())
}

fn record(text: &mut String, name: &str, ttl: u32, address: &str) {
    let kind = if address.contains(':') { "AAAA" } else { "A" };
    let _ = writeln!(text, "{name}. {ttl} {kind} {address}");
}

/// Names with which something is wrong.
fn odd(text: &mut String) {
    *text += "loop-a CNAME loop-b\nloop-b CNAME loop-a\nnodata TXT \"no addresses here\"\n";
    *text += "wildcard TXT \"below\"\n*.wildcard 5 CNAME assets.cdn.example.\n";
    for step in 1..8 {
        let _ = writeln!(text, "long{step} {} CNAME long{}", step * 10, step + 1);
    }
    *text += "long8 CNAME assets.cdn.example.\n";
    // 100 addresses are 1,600 bytes: more than the 1,232 a UDP answer may have here.
    for last in 1..=100 {
        let _ = writeln!(text, "big A 198.18.0.{last}");
    }
}

fn load(text: &mut String) {
    for index in 0..LOAD_NAMES {
        let _ = match load_name(index) {
            LoadName::Serves(last) => writeln!(text, "n{index:03} A 198.51.100.{last}"),
            LoadName::DeadHost => writeln!(text, "n{index:03} A 192.0.2.202"),
            LoadName::NxDomain | LoadName::DnsTimeout => Ok(()),
        };
    }
}

/// The resolver's configuration: it refuses its own questions about `broken.example`, which makes them SERVFAIL for
/// others, and leaves those about `silent.example` unanswered. Zone files are `<zone>.zone` in `dir`, the root's is `root.zone`.
pub(crate) fn resolver(dir: &Path) -> String {
    let dir = dir.display();
    let mut text = format!(
        "server:
  interface: {RESOLVER}
  interface: 2001:db8:1:1::53
  interface: 127.0.0.1
  access-control: 0.0.0.0/0 allow
  access-control: ::/0 allow
  access-control: 127.0.0.0/8 refuse
  directory: \"{dir}\"
  chroot: \"\"
  username: \"\"
  pidfile: \"\"
  use-syslog: no
  logfile: \"{dir}/unbound.log\"
  module-config: \"iterator\"
  num-threads: 1
  msg-cache-size: 1m
  rrset-cache-size: 1m
  rrset-roundrobin: no
  use-caps-for-id: no
  do-not-query-localhost: no
  qname-minimisation: no
  edns-buffer-size: 1232
  max-udp-size: 1232
  local-zone: \"silent.example.\" deny
  local-zone: \"refused.example.\" refuse
"
    );
    for index in (0..LOAD_NAMES).filter(|&index| load_name(index) == LoadName::DnsTimeout) {
        let _ = writeln!(text, "  local-zone: \"n{index:03}.load.example.\" deny");
    }
    let _ = write!(
        text,
        "remote-control:
  control-enable: yes
  control-interface: \"{dir}/control\"
  control-use-cert: no
forward-zone:
  name: \"broken.example.\"
  forward-addr: 127.0.0.1@53
"
    );
    for zone in ZONES {
        let file = file_name(zone);
        let _ = write!(
            text,
            "auth-zone:\n  name: \"{zone}\"\n  zonefile: \"{file}\"\n  for-downstream: no\n  for-upstream: yes\n  fallback-enabled: no\n"
        );
    }
    text
}

/// The file of a zone.
pub(crate) fn file_name(zone: &str) -> String {
    format!("{}.zone", if zone == "." { "root" } else { zone })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_override_replaces_all_addresses_of_the_name() {
        let overrides =
            Overrides::from([("arm.azure.example".to_owned(), vec![IpAddr::from([192, 0, 2, 66])])]);
        let text = zone("azure.example", &overrides);
        let of_arm: Vec<&str> = text.lines().filter(|line| line.starts_with("arm.")).collect();
        assert_eq!(of_arm, ["arm.azure.example. 300 A 192.0.2.66"]);
    }

    #[test]
    fn an_override_replaces_an_alias() {
        let overrides = Overrides::from([(PRIVATE_LINK.to_owned(), vec![IpAddr::from([192, 0, 2, 66])])]);
        let text = zone("azure.example", &overrides);
        let alias: Vec<&str> = text.lines().filter(|line| line.starts_with("acct.privatelink")).collect();
        assert_eq!(alias, ["acct.privatelink.blob.azure.example. 60 A 192.0.2.66"]);
        assert!(text.contains("acct.blob 300 CNAME acct.privatelink.blob\n"));
    }

    #[test]
    fn every_host_is_in_a_zone() {
        assert!(HOSTS.iter().all(|host| zone_of(host.name).is_some()));
    }
}
