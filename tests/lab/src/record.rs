//! What independent tools see from the agent's host in one position of the switches, as a scenario of attribution holds it
//! (`tests/data/scenarios/README.md`): the shell connects, `ip route` names the next hops, `traceroute` the routers, and `vtysh` the
//! edge's table. What must come of it is written by hand beside it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::net::IpAddr;
use std::process::Output;
use std::sync::atomic::{AtomicU16, Ordering};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::lab::Lab;
use crate::plan::HOSTS;
use crate::position::Multipath;
use crate::situation::Situation;

/// One host of each network that [`Situation`] speaks of.
const RECORDED: [&str; 5] =
    ["app.vnet.example", "pe.vnet.example", "arm.azure.example", "portal.afd.example", "echo.cdn.example"];
/// Source port of the next flow: none is used twice, because the edge's NAT remembers where a flow went before.
static NEXT_PORT: AtomicU16 = AtomicU16::new(40_001);

impl Lab {
    /// Moves the switches and tells what is then seen: the `[[see]]` and `[[router]]` of a scenario, in TOML.
    ///
    /// # Errors
    /// A switch does not move, or a tool is missing or says what cannot be understood.
    pub fn record(&mut self, situation: &Situation) -> Result<String> {
        self.set(situation.position)?;
        let mut text = format!(
            "# Recorded in the lab by `closedpath-lab record`, in the position \"{}\".\n",
            situation.name
        );
        for host in HOSTS.iter().filter(|host| RECORDED.contains(&host.name)) {
            for address in host.addresses {
                let _ = write!(text, "\n[[see]]\nhost = \"{}\"\n", host.name);
                text += &self.seen(address.parse().context("an address of the plan")?)?;
            }
        }
        if self.speaks_bgp() {
            text += "\n[[router]]\ntable = [\n";
            for ((peer, path), prefixes) in self.edge_table()? {
                let _ = writeln!(text, "    {{ peer = \"{peer}\", path = [{path}], post = {prefixes:?} }},");
            }
            text += "]\n";
        }
        Ok(text)
    }

    fn seen(&self, ip: IpAddr) -> Result<String> {
        let mut text = format!("ip = \"{ip}\"\n");
        text += &self.contact(ip)?;
        writeln!(text, "route = {:?}", self.next_hops(ip)?)?;
        // Of flows that meet the same routers one tells it all.
        let flows = if self.position().multipath == Multipath::None { 1 } else { 8 };
        let distinct: BTreeSet<String> = (0..flows).map(|_| self.routers(ip)).collect::<Result<_>>()?;
        writeln!(text, "trace = {:?}", Vec::from_iter(distinct))?;
        Ok(text)
    }

    /// `from` or `contact`, as a scenario has it.
    fn contact(&self, ip: IpAddr) -> Result<String> {
        let open = format!("exec 3<>/dev/tcp/{ip}/443");
        let output = self.exec("host", &["timeout", "2", "bash", "-c", &open])?;
        if output.status.success() {
            let routes = self.exec("host", &["ip", "-j", "route", "get", &ip.to_string()])?;
            let routes: Value = serde_json::from_str(&succeeded(routes)?)?;
            let source = routes[0]["prefsrc"].as_str().context("no source address")?;
            return Ok(format!("from = \"{source}\"\n"));
        }
        let why = String::from_utf8_lossy(&output.stderr).into_owned();
        let known = [("refused", "refused"), ("unreachable", "unreachable"), ("No route", "unreachable")];
        let known = known.into_iter().find(|(words, _)| why.contains(words)).map(|(_, how)| how);
        let timed_out = output.status.code() == Some(124);
        let how = known.or(timed_out.then_some("timeout")).with_context(|| why.clone())?;
        Ok(format!("contact = \"{how}\"\n"))
    }

    /// `INTERFACE via GATEWAY` of the longest route; several where they cost the same.
    fn next_hops(&self, ip: IpAddr) -> Result<Vec<String>> {
        let family = if ip.is_ipv4() { "-4" } else { "-6" };
        let output = self.exec("host", &["ip", family, "-j", "route", "show", "match", &ip.to_string()])?;
        let routes: Value = serde_json::from_str(&succeeded(output)?)?;
        let length = |route: &Value| {
            let (_, length) = route["dst"].as_str()?.split_once('/')?;
            length.parse().ok()
        };
        let longest =
            routes.as_array().and_then(|all| all.iter().max_by_key(|route| length(route).unwrap_or(0u8)));
        let Some(route) = longest else { return Ok(vec!["unreachable".into()]) };
        let ways = route["nexthops"].as_array().cloned().unwrap_or_else(|| vec![route.clone()]);
        let way = |way: &Value| {
            let interface = way["dev"].as_str().with_context(|| format!("{way} has no interface"))?;
            Ok(way["gateway"].as_str().map_or(interface.to_owned(), |via| format!("{interface} via {via}")))
        };
        ways.iter().map(way).collect()
    }

    /// The routers of one flow before the destination, `*` for a silent one; nothing of the silence at the end.
    fn routers(&self, ip: IpAddr) -> Result<String> {
        let port = NEXT_PORT.fetch_add(1, Ordering::Relaxed);
        let (to, from) = (ip.to_string(), format!("--sport={port}"));
        let argv = ["traceroute", "-n", "-T", "-p", "443", &from, "-q", "1", "-w", "0.5", "-m", "6", &to];
        let said = succeeded(self.exec("host", &argv)?)?;
        let hops = said.lines().skip(1).filter_map(|line| line.split_whitespace().nth(1));
        let mut hops: Vec<&str> = hops.take_while(|hop| *hop != to).collect();
        while hops.last() == Some(&"*") {
            hops.pop();
        }
        Ok(hops.join(" "))
    }

    /// Prefixes by neighbour and AS path.
    fn edge_table(&self) -> Result<BTreeMap<(String, String), Vec<String>>> {
        let mut table = BTreeMap::<_, Vec<String>>::new();
        for family in ["ipv4", "ipv6"] {
            let said = self.tell("ce", &[&format!("show bgp {family} unicast json")])?;
            let said: Value = serde_json::from_str(&said)?;
            for (prefix, paths) in said["routes"].as_object().context("no routes")? {
                for path in paths.as_array().with_context(|| format!("no paths to {prefix}"))? {
                    let (peer, told) = (path["peerId"].as_str(), path["path"].as_str());
                    let (Some(peer), Some(told)) = (peer, told) else { bail!("{path} names no neighbour") };
                    let told = told.split_whitespace().collect::<Vec<_>>().join(", ");
                    table.entry((peer.to_owned(), told)).or_default().push(prefix.clone());
                }
            }
        }
        Ok(table)
    }
}

fn succeeded(output: Output) -> Result<String> {
    if !output.status.success() {
        bail!("{}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8(output.stdout)?)
}
