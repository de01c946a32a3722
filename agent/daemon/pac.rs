//! Asks PAC scripts where each endpoint goes, before a round (E9).
//!
//! In: the roots, the scripts as the files hold them now, the resolvers. Out: every script's answers; what fails is an
//! answer in words, and the endpoint's path is then unknown.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use closedpath_core::closure::{PacAnswers, Roots};
use closedpath_core::config::Plan;
use closedpath_core::target::{EndpointKey, Probe};
use closedpath_net::Resolvers;
use closedpath_net::pac::{LARGEST, Pac};
use tokio::runtime::Handle;

/// The roots as the scripts of the workloads lead them; `own` is this host's address.
pub async fn routed(plan: &Plan, roots: Roots, resolvers: Arc<Resolvers>, own: Ipv4Addr) -> Roots {
    let mut scripts: BTreeMap<PathBuf, BTreeSet<EndpointKey>> = BTreeMap::new();
    let mut asked = Vec::new();
    for (workload, key) in roots.to_ask(plan) {
        let Some(file) = &workload.pac else { continue };
        scripts.entry(file.clone()).or_default().insert(key.clone());
        asked.push((file.clone(), workload.name.clone(), key.clone()));
    }
    let mut results = BTreeMap::new();
    for (file, keys) in scripts {
        let (resolvers, handle, of) = (Arc::clone(&resolvers), Handle::current(), file.clone());
        let failed: Vec<EndpointKey> = keys.iter().cloned().collect();
        // A script may take its second: no other task waits for it.
        let task = tokio::task::spawn_blocking(move || ask(&of, keys, own, resolvers, handle));
        let answers = task.await.unwrap_or_else(|_| {
            failed.into_iter().map(|key| (key, Err("the PAC engine ended".to_string()))).collect()
        });
        results.insert(file, answers);
    }
    let of = |(file, workload, key): (PathBuf, String, EndpointKey)| {
        let result = results.get(&file)?.get(&key)?.clone();
        Some(((workload, key), result))
    };
    let answers: PacAnswers = asked.into_iter().filter_map(of).collect();
    roots.routed(plan, &answers)
}

/// What one script says of these.
fn ask(
    file: &Path,
    keys: BTreeSet<EndpointKey>,
    own: Ipv4Addr,
    resolvers: Arc<Resolvers>,
    handle: Handle,
) -> BTreeMap<EndpointKey, Result<String, String>> {
    let resolve = move |name: &str| {
        let seen = handle.block_on(resolvers.observe(name));
        seen.addresses().into_iter().find_map(|ip| match ip {
            IpAddr::V4(ip) => Some(ip),
            IpAddr::V6(_) => None,
        })
    };
    let script = read(file).and_then(|text| Pac::load(&text, own, resolve));
    let answer = |key: EndpointKey| {
        let result = match &script {
            Ok(pac) => pac.ask(&url(&key), &key.host),
            Err(why) => Err(why.clone()),
        };
        (key, result)
    };
    keys.into_iter().map(answer).collect()
}

fn read(file: &Path) -> Result<String, String> {
    use std::io::Read;
    let unreadable =
        |error: std::io::Error| format!("the PAC script {} cannot be read: {error}", file.display());
    let mut bytes = Vec::new();
    // One byte more than may be, so that too much is seen.
    let most = u64::try_from(LARGEST).unwrap_or(u64::MAX).saturating_add(1);
    std::fs::File::open(file).map_err(unreadable)?.take(most).read_to_end(&mut bytes).map_err(unreadable)?;
    String::from_utf8(bytes).map_err(|_| format!("the PAC script {} is not UTF-8 text", file.display()))
}

/// The URL as browsers give it to scripts: of https no more than the host.
fn url(key: &EndpointKey) -> String {
    let scheme = if key.probe == Probe::Http { "http" } else { "https" };
    let host = if key.host.contains(':') { format!("[{}]", key.host) } else { key.host.clone() };
    let usual = if scheme == "http" { 80 } else { 443 };
    match key.port == usual {
        true => format!("{scheme}://{host}/"),
        false => format!("{scheme}://{host}:{}/", key.port),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use closedpath_core::closure::roots;
    use closedpath_core::config::parse;

    use super::*;

    /// The identifiers of the targets as a script with this text leads them.
    fn led(test: &str, script: Option<&str>) -> Vec<String> {
        let file = std::env::temp_dir().join(format!("closedpath-pac-{}-{test}.pac", std::process::id()));
        if let Some(script) = script {
            std::fs::write(&file, script).expect("a writable folder");
        }
        let text = format!(
            "[[proxy]]\nname = \"squid\"\nurl = \"http://192.0.2.1:3128\"\n[[workload]]\nname = \"w\"\npac = \"{}\"\n\
             [[target]]\nhost = \"a.example\"\n[[target]]\nhost = \"b.example\"\nprobe = \"http\"\nport = 8080\n\
             [[target]]\nhost = \"192.0.2.9\"\nprobe = \"ntp\"\n",
            file.display()
        );
        let plan = parse("t.toml", &text, &[]).expect("it is right");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let led = runtime.block_on(async {
            let resolvers = Arc::new(Resolvers::new(&[], Duration::from_secs(1)).expect("resolvers"));
            routed(&plan, roots(&plan, &[], &[]), resolvers, Ipv4Addr::LOCALHOST).await
        });
        if script.is_some() {
            std::fs::remove_file(&file).expect("written before");
        }
        led.roots.iter().map(|root| root.key.to_string()).collect()
    }

    #[test]
    fn scripts_get_the_url_as_browsers_write_it_and_lead_tcp_targets_alone() {
        let script = "function FindProxyForURL(url, host) {\n\
                      if (url === 'https://a.example/' && host === 'a.example') return 'PROXY 192.0.2.1:3128';\n\
                      if (url === 'http://b.example:8080/') return 'DIRECT';\n}\n";
        assert_eq!(
            led("url", Some(script)),
            ["a.example:443/tls via squid", "b.example:8080/http", "192.0.2.9:123/ntp", "192.0.2.1:3128/tcp"]
        );
    }

    #[test]
    fn a_script_that_is_missing_or_broken_leads_nowhere_known() {
        for (test, script) in [("missing", None), ("broken", Some("function ("))] {
            assert_eq!(
                led(test, script),
                ["a.example:443/tls via PAC error", "b.example:8080/http via PAC error", "192.0.2.9:123/ntp"]
            );
        }
    }
}
