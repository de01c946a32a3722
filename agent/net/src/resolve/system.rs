//! The operating system's own resolution: the servers in `/etc/resolv.conf` (`resolv.conf(5)`) and the names in
//! `/etc/hosts` (`hosts(5)`), read again whenever a file changes.
//!
//! In: the two files. Out: server addresses, addresses of a name. The search list is not used: names are complete.

use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV6};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

/// The DNS port (RFC 1035 §4.2).
const PORT: u16 = 53;

/// A file that is parsed again when it changes.
#[derive(Debug)]
pub(super) struct Watched<T> {
    path: PathBuf,
    parse: fn(&str) -> T,
    last: Mutex<Option<(Stamp, Arc<T>)>>,
}

type Stamp = (Option<SystemTime>, u64);

impl<T> Watched<T> {
    /// Watches `path`.
    pub fn new(path: impl Into<PathBuf>, parse: fn(&str) -> T) -> Self {
        Self { path: path.into(), parse, last: Mutex::new(None) }
    }

    /// What the file says now; a missing file is an empty one.
    pub fn now(&self) -> io::Result<Arc<T>> {
        let stamp = fs::metadata(&self.path).map_or((None, 0), |data| (data.modified().ok(), data.len()));
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, value)) = last.as_ref().filter(|(at, _)| *at == stamp) {
            return Ok(Arc::clone(value));
        }
        let text = match fs::read(&self.path) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error),
        };
        let value = Arc::new((self.parse)(&text));
        *last = Some((stamp, Arc::clone(&value)));
        Ok(value)
    }
}

/// The name servers of a `resolv.conf`; the local machine where it names none, as `resolv.conf(5)` says.
pub(super) fn parse_resolv_conf(text: &str) -> Vec<SocketAddr> {
    let mut servers = Vec::new();
    for line in text.lines() {
        let mut words = line.split_whitespace();
        if words.next() != Some("nameserver") {
            continue;
        }
        if let Some(server) = words.next().and_then(parse_server) {
            servers.push(server);
        }
    }
    if servers.is_empty() {
        servers.push((Ipv4Addr::LOCALHOST, PORT).into());
    }
    servers
}

/// Every address that a `hosts` file gives for a name, in its order.
pub(super) type Hosts = Vec<(String, IpAddr)>;

/// Names in lower case, one entry for each name of a line.
pub(super) fn parse_hosts(text: &str) -> Hosts {
    let mut hosts = Hosts::new();
    for line in text.lines() {
        let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
        let Some(ip) = words.next().and_then(|word| word.parse().ok()) else { continue };
        hosts.extend(words.map(|name| (name.trim_end_matches('.').to_ascii_lowercase(), ip)));
    }
    hosts
}

/// An address, for link-local IPv6 with its scope as a number (`fe80::1%2`) or an interface name.
fn parse_server(word: &str) -> Option<SocketAddr> {
    if let Ok(ip) = word.parse::<IpAddr>() {
        return Some((ip, PORT).into());
    }
    let (ip, scope) = word.split_once('%')?;
    let index = scope.parse().ok().or_else(|| {
        let index = fs::read_to_string(format!("/sys/class/net/{scope}/ifindex")).ok()?;
        index.trim().parse().ok()
    })?;
    Some(SocketAddrV6::new(ip.parse().ok()?, PORT, 0, index).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_servers_are_read_in_order_and_everything_else_is_passed_over() {
        let text = "# nameserver 192.0.2.1\nsearch corp.example\nnameserver 192.0.2.53\nnameserver 2001:db8::53\nnameserver fe80::1%7 # x\nnameserver none\noptions edns0\n";
        let servers: Vec<String> = parse_resolv_conf(text).iter().map(ToString::to_string).collect();
        assert_eq!(servers, ["192.0.2.53:53", "[2001:db8::53]:53", "[fe80::1%7]:53"]);
    }

    #[test]
    fn without_a_name_server_it_is_the_local_machine() {
        assert_eq!(parse_resolv_conf(""), ["127.0.0.1:53".parse().unwrap()]);
    }

    #[test]
    fn hosts_give_every_name_of_a_line_in_lower_case() {
        let hosts =
            parse_hosts("127.0.0.1 localhost # me\n\n203.0.113.5\tAcct.Blob.example acct\nbad line\n");
        let texts: Vec<String> = hosts.iter().map(|(name, ip)| format!("{name}={ip}")).collect();
        assert_eq!(texts, ["localhost=127.0.0.1", "acct.blob.example=203.0.113.5", "acct=203.0.113.5"]);
    }

    #[test]
    fn a_changed_file_is_read_again_and_a_missing_one_is_empty() {
        let path = std::env::temp_dir().join(format!("closedpath-hosts-{}", std::process::id()));
        let watched = Watched::new(&path, parse_hosts);
        assert!(watched.now().unwrap().is_empty());
        fs::write(&path, "203.0.113.5 a.example\n").unwrap();
        assert_eq!(watched.now().unwrap().len(), 1);
        fs::write(&path, "203.0.113.5 a.example b.example\n").unwrap();
        assert_eq!(watched.now().unwrap().len(), 2);
        fs::remove_file(&path).unwrap();
        assert!(watched.now().unwrap().is_empty());
    }
}
