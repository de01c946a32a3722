//! The switches: each changes one thing, may be used again without effect, and waits for its own commands only.

use std::net::IpAddr;

use anyhow::{Context, Result, bail};

use crate::lab::Lab;
use crate::plan::{HOSTS, NODES};
use crate::position::{BASELINE, DefaultRoute, Internet, Multipath, Position};
use crate::server::Server;
use crate::tools::command;
use crate::wiring;
use crate::zones::{PRIVATE_LINK, zone_of};

impl Lab {
    /// How the switches stand.
    pub fn position(&self) -> Position {
        self.position
    }

    /// Moves all switches at once: routes that are not in the new position go, new ones come.
    ///
    /// # Errors
    /// A route could not be changed.
    pub fn set(&mut self, position: Position) -> Result<()> {
        let (old, new) = (self.position.routes(), position.routes());
        for node in NODES.iter().map(|node| node.name) {
            let batch = wiring::routes(node, "del", old.iter().filter(|route| !new.contains(route)))
                + &wiring::routes(node, "add", new.iter().filter(|route| !old.contains(route)));
            if !batch.is_empty() {
                self.node(node)?.feed(&["ip", "-batch", "-"], &batch)?;
            }
            let filter = position.filter(node);
            if filter != self.position.filter(node) {
                self.node(node)?.feed(&["nft", "-f", "-"], &wiring::switched(&filter))?;
            }
        }
        self.announce(self.position, position)?;
        self.position = position;
        Ok(())
    }

    /// Both MSEEs withdraw their routes: the Azure region is reached over the Internet, the VNet not at all.
    ///
    /// # Errors
    /// As [`Lab::set`].
    pub fn withdraw_msees(&mut self) -> Result<()> {
        self.set(Position { msees: false, ..self.position })
    }

    /// They advertise them again.
    ///
    /// # Errors
    /// As [`Lab::set`].
    pub fn restore_msees(&mut self) -> Result<()> {
        self.set(Position { msees: true, ..self.position })
    }

    /// The primary MSEEs withdraw theirs; the secondary ones take over.
    ///
    /// # Errors
    /// As [`Lab::set`].
    pub fn primary_down(&mut self) -> Result<()> {
        self.set(Position { primary: false, ..self.position })
    }

    /// The primary ones come back.
    ///
    /// # Errors
    /// As [`Lab::set`].
    pub fn primary_up(&mut self) -> Result<()> {
        self.set(Position { primary: true, ..self.position })
    }

    /// No route to the Internet any more; "network unreachable" at once.
    ///
    /// # Errors
    /// As [`Lab::set`].
    pub fn cut_internet(&mut self) -> Result<()> {
        self.set(Position { internet: Internet::NoRoute, ..self.position })
    }

    /// What goes to the Internet is dropped without a word, as by a firewall.
    ///
    /// # Errors
    /// As [`Lab::set`].
    pub fn drop_internet(&mut self) -> Result<()> {
        self.set(Position { internet: Internet::Dropped, ..self.position })
    }

    /// The Internet is back.
    ///
    /// # Errors
    /// As [`Lab::set`].
    pub fn restore_internet(&mut self) -> Result<()> {
        self.set(Position { internet: Internet::Open, ..self.position })
    }

    /// Where the default route leads.
    ///
    /// # Errors
    /// As [`Lab::set`].
    pub fn set_default_route(&mut self, default_route: DefaultRoute) -> Result<()> {
        self.set(Position { default_route, ..self.position })
    }

    /// Microsoft peering loses IPv6 (`true`) or carries it again.
    ///
    /// # Errors
    /// As [`Lab::set`].
    pub fn ipv6_leak(&mut self, leak: bool) -> Result<()> {
        self.set(Position { ipv6_leak: leak, ..self.position })
    }

    /// Spreads what goes to the Azure region over Microsoft peering and the Internet, or no longer.
    ///
    /// # Errors
    /// As [`Lab::set`].
    pub fn spread(&mut self, multipath: Multipath) -> Result<()> {
        self.set(Position { multipath, ..self.position })
    }

    /// The link to a provider of Azure Peering Service comes up (`true`): it carries Front Door, and the Azure region
    /// where ExpressRoute does not.
    ///
    /// # Errors
    /// As [`Lab::set`].
    pub fn peering_service(&mut self, up: bool) -> Result<()> {
        self.set(Position { peering_service: up, ..self.position })
    }

    /// The MSEEs no longer tell whose packets they dropped when their time was over (`true`), or do again.
    ///
    /// # Errors
    /// As [`Lab::set`].
    pub fn silent_msees(&mut self, silent: bool) -> Result<()> {
        self.set(Position { silent_msees: silent, ..self.position })
    }

    /// The edge lets the agent's host no longer out to the Internet, only the proxies (`true`), or again.
    ///
    /// # Errors
    /// As [`Lab::set`].
    pub fn proxy_only(&mut self, only: bool) -> Result<()> {
        self.set(Position { proxy_only: only, ..self.position })
    }

    /// The edge takes every connection to port 443 for itself and shows certificates of its own CA ([`Lab::inspection_ca`]),
    /// or no longer.
    ///
    /// # Errors
    /// As [`Lab::set`] and [`Lab::start`].
    pub fn inspect(&mut self, on: bool) -> Result<()> {
        if on {
            self.start(Server::Inspector)?;
        } else {
            self.stop(Server::Inspector)?;
        }
        self.set(Position { inspection: on, ..self.position })
    }

    /// All switches and all records back to the baseline, all servers of a new lab started and no others, no tunnel, no ICMP limits.
    ///
    /// # Errors
    /// As the single switches.
    pub fn restore(&mut self) -> Result<()> {
        self.set(BASELINE)?;
        self.unlimit_icmp()?;
        let names: Vec<String> = self.overrides.keys().cloned().collect();
        for name in names {
            self.reset_record(&name)?;
        }
        self.stop_tunnel();
        Server::ON_DEMAND.into_iter().try_for_each(|server| self.stop(server))?;
        Server::ALL.into_iter().try_for_each(|server| self.start(server))
    }

    /// Every node limits its ICMP errors as a fresh kernel does.
    ///
    /// # Errors
    /// A setting could not be written.
    pub fn limit_icmp(&self) -> Result<()> {
        self.write_limits(|_, kernel| kernel.to_owned())
    }

    /// No node limits its ICMP errors (how the lab starts).
    ///
    /// # Errors
    /// A setting could not be written.
    pub fn unlimit_icmp(&self) -> Result<()> {
        self.write_limits(
            |key, _| if key.ends_with("ratelimit") { "0".to_owned() } else { "1000000".to_owned() },
        )
    }

    fn write_limits(&self, value: impl Fn(&str, &str) -> String) -> Result<()> {
        for namespace in self.namespaces() {
            let lines: String = namespace
                .kernel_limits()
                .iter()
                .map(|(key, kernel)| format!("echo {} > /proc/sys/net/{key}\n", value(key, kernel)))
                .collect();
            namespace.feed(&["sh", "-e"], &lines)?;
        }
        Ok(())
    }

    /// Gives `name` these addresses instead of the plan's (none: the name stays without addresses if it has others
    /// records, else it does not exist). The resolver's cache forgets the zone.
    ///
    /// # Errors
    /// The name is in none of the lab's zones, or the resolver did not take it.
    pub fn set_record(&mut self, name: &str, addresses: &[IpAddr]) -> Result<()> {
        self.overrides.insert(name.to_owned(), addresses.to_vec());
        self.reload(name)
    }

    /// The private endpoint's alias suddenly answers with the public addresses (`true`), or with the private ones again.
    ///
    /// # Errors
    /// As [`Lab::set_record`].
    pub fn flip_private_endpoint(&mut self, public: bool) -> Result<()> {
        if !public {
            return self.reset_record(PRIVATE_LINK);
        }
        let host = HOSTS.iter().find(|host| host.name == "public.blob.azure.example");
        let addresses = host.map(|host| host.addresses.iter().filter_map(|address| address.parse().ok()));
        let addresses: Vec<IpAddr> = addresses.into_iter().flatten().collect();
        self.set_record(PRIVATE_LINK, &addresses)
    }

    /// Gives `name` its addresses of the plan again.
    ///
    /// # Errors
    /// As [`Lab::set_record`].
    pub fn reset_record(&mut self, name: &str) -> Result<()> {
        self.overrides.remove(name);
        self.reload(name)
    }

    fn reload(&self, name: &str) -> Result<()> {
        let zone = zone_of(name).with_context(|| format!("`{name}` is in none of the lab's zones"))?;
        self.write_zone(zone)?;
        if !self.servers.contains_key(&Server::Dns) {
            return Ok(());
        }
        let configuration = self.dir().join("unbound.conf");
        for order in ["auth_zone_reload", "flush_zone"] {
            let done =
                command("unbound-control").arg("-c").arg(&configuration).args([order, zone]).output()?;
            if !done.status.success() {
                bail!(
                    "the resolver refused `{order} {zone}`: {}",
                    String::from_utf8_lossy(&done.stdout).trim()
                );
            }
        }
        Ok(())
    }

    /// Ends a server; its port refuses from then on.
    ///
    /// # Errors
    /// It could not be waited for.
    pub fn stop(&mut self, server: Server) -> Result<()> {
        if let Some(mut child) = self.servers.remove(&server) {
            child.kill()?;
            child.wait()?;
        }
        Ok(())
    }

    /// Starts a server that was stopped, and waits until it listens.
    ///
    /// # Errors
    /// It did not start; its log is in the message.
    pub fn start(&mut self, server: Server) -> Result<()> {
        if self.servers.contains_key(&server) {
            return Ok(());
        }
        let mut child = server.start(self.node(server.node())?, self.dir(), &self.pki)?;
        let listening = server.wait(&mut child, self.node(server.node())?, self.dir());
        self.servers.insert(server, child);
        listening
    }
}
