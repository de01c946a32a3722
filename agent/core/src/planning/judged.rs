//! One destination judged twice: with the circuits as declared, and with everything approved.

use std::net::IpAddr;
use std::time::SystemTime;

use super::by_name::{by_name, sets};
use crate::config::Topology;
use crate::eligibility::{Eligibility, Outcome, Question, Rule, judge};
use crate::tables::Tables;

/// What both judgements depend on.
#[derive(Clone, Copy)]
pub(super) struct Site<'a> {
    pub declared: &'a Topology,
    pub approved: &'a Topology,
    pub tables: &'a Tables,
    pub now: SystemTime,
}

/// A name with its aliases, and the catalogue's hint.
#[derive(Clone, Copy)]
pub(super) struct Named<'a> {
    pub name: &'a str,
    pub cname: &'a [String],
    pub hint: Option<&'a str>,
}

impl Site<'_> {
    /// By name alone: as declared, and approved.
    pub(super) fn by_name(&self, named: Named<'_>) -> (Eligibility, Eligibility) {
        let of = |topology| by_name(named.name, named.cname, named.hint, topology, self.tables);
        (of(self.declared), of(self.approved))
    }

    /// By address: as declared, and approved.
    pub(super) fn by_address(&self, named: Named<'_>, ip: IpAddr) -> (Eligibility, Eligibility) {
        (self.address(named, ip, self.declared), self.address(named, ip, self.approved))
    }

    fn address(&self, named: Named<'_>, ip: IpAddr, topology: &Topology) -> Eligibility {
        let name = named.name.parse::<IpAddr>().is_err().then_some(named.name);
        let question = Question {
            name,
            cname: named.cname,
            ip,
            topology,
            tables: self.tables,
            routes: None,
            now: self.now,
        };
        let answer = judge(&question);
        if answer.rule != Rule::El14 {
            return answer;
        }
        // Data that would place the address is missing or old: what the name alone tells still holds.
        let mut told = by_name(named.name, named.cname, named.hint, topology, self.tables);
        let holds = match told.rule {
            Rule::El6 | Rule::El8 => true,
            Rule::El7 => {
                if !self.is_in_set(named, ip) {
                    told.reason = "address_outside_set".to_owned();
                }
                true
            }
            // With tags in force the address is known not to be in the service.
            Rule::El10 => self.tables.service_tags.is_none() || answer.reason == "stale_data",
            _ => false,
        };
        if !holds {
            return answer;
        }
        told.facts.push(format!("judged by name: the data does not tell of {ip} ({})", answer.reason));
        told
    }

    /// Whether the address is in a set that owns the name and may use ExpressRoute.
    fn is_in_set(&self, named: Named<'_>, ip: IpAddr) -> bool {
        let names = std::iter::once(named.name).chain(named.cname.iter().map(String::as_str));
        let own = names.map(|name| sets(name, self.tables)).find(|found| !found.is_empty());
        let may: Vec<u32> = own
            .unwrap_or_default()
            .iter()
            .filter(|found| found.set.express_route)
            .map(|found| found.set.id)
            .collect();
        let at = self.tables.m365.as_ref().map(|m365| m365.by_address(ip)).unwrap_or_default();
        at.iter().any(|found| may.contains(&found.set.id))
    }
}

/// Of several answers on one name the one that counts: what cannot go before what cannot be told before conditions, for
/// a client may get any of the addresses.
pub(super) fn worst<'a>(answers: impl Iterator<Item = &'a Eligibility>) -> Option<&'a Eligibility> {
    let rank = |answer: &&Eligibility| match answer.result {
        Outcome::NotEligible => 0,
        Outcome::Unknown => 1,
        Outcome::Conditional => 2,
        Outcome::Eligible => 3,
        Outcome::Internal => 4,
    };
    answers.min_by_key(rank)
}

/// Whether ExpressRoute carries it once the name's addresses are what the condition says: it is not in question what to approve.
pub(super) fn is_carried(approved: &Eligibility) -> bool {
    match approved.result {
        Outcome::Eligible | Outcome::Internal => true,
        Outcome::Conditional => approved.reason.starts_with("address_in_"),
        Outcome::NotEligible | Outcome::Unknown => false,
    }
}
