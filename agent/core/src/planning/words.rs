//! The sentences: what remains necessary, why, and what the data lacks.

use std::time::SystemTime;

use super::report::{InternetNeed, NeedKind, NotTold};
use crate::config::ClientProfile;
use crate::tables::Tables;

/// How a pattern's reason begins where only samples of it are judged.
pub(super) const SAMPLED: &str = "judged by ";

/// `1 name`, `2 names`.
pub(super) fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

/// Why ExpressRoute does not help.
pub(super) fn why(kind: NeedKind, profile: ClientProfile) -> &'static str {
    match kind {
        NeedKind::ContentNetworks => {
            "Azure Front Door and content delivery networks are not supported on Microsoft peering (EL8)"
        }
        NeedKind::Microsoft365 => {
            "Microsoft's list of Microsoft 365 endpoints has these names with expressRoute=false (EL6), whichever service uses them"
        }
        NeedKind::UnsupportedService => "the service is not supported on Microsoft peering (EL8)",
        NeedKind::ServiceTagOnly => {
            "the addresses are in a service tag but in no Azure region (EL10): no community carries them"
        }
        NeedKind::MicrosoftNotAzure => {
            "Microsoft's addresses, but in no service tag of Azure, or the edge of Global Secure Access (EL12): reached by the Internet or Peering Service, which is no closed path"
        }
        NeedKind::ThirdParty => "the addresses are not Microsoft's (EL13)",
        NeedKind::CertificateAuthorities if !profile.follows_pointers() => {
            "clients of this profile do not look at CRLs and OCSP responders; listed because others on the same machine may"
        }
        NeedKind::CertificateAuthorities => {
            "what certificates usually name, by Microsoft's list; which ones are really needed stands in the certificates, and `closedpath check` finds it"
        }
        NeedKind::Other => "no rule gives it a way over ExpressRoute",
    }
}

/// What is missing or old, and what follows from that (EL14, DOMAIN §2.7).
pub(super) fn data_gaps(tables: &Tables, now: SystemTime) -> Vec<String> {
    let mut gaps = Vec::new();
    match tables.service_tags.as_ref().map(|table| &table.data_set) {
        None => gaps.push(
            "there are no Azure service tags: no public address can be placed in Azure, so it stays unknown; name a file in data.service_tags"
                .to_owned(),
        ),
        Some(set) if set.is_older_than(tables.limits.service_tags_stale, now) => gaps.push(format!(
            "{} {} are {}: they decide nothing any more (EL14), so public addresses stay unknown; renew them: `closedpath data update`, or `data import FILE`",
            set.name,
            set.version,
            set.age_in_words(now)
        )),
        Some(set) if set.is_older_than(tables.limits.service_tags_warn, now) => gaps.push(format!(
            "{} {} are {}, and Microsoft changes them weekly; renew them: `closedpath data update`, or `data import FILE`",
            set.name,
            set.version,
            set.age_in_words(now)
        )),
        Some(_) => {}
    }
    match tables.m365.as_ref().map(|table| &table.data_set) {
        None => gaps.push(
            "there are no Microsoft 365 endpoints: its names and addresses cannot be told from others"
                .to_owned(),
        ),
        Some(set) if set.is_older_than(tables.limits.m365_warn, now) => gaps.push(format!(
            "{} {} are {}, and Microsoft changes them monthly; renew them: `closedpath data update`, or `data import FILE`",
            set.name,
            set.version,
            set.age_in_words(now)
        )),
        Some(_) => {}
    }
    if tables.asn.is_none() {
        gaps.push(
            "there is no table of autonomous systems: of an address in no service tag it cannot be told whether it is Microsoft's or somebody else's; name a file in data.asn"
                .to_owned(),
        );
    }
    gaps
}

/// Why it cannot be told; empty where the code says it all.
pub(super) fn not_told(reason: &str) -> &'static str {
    match reason {
        "no_address" => "the name was not resolved, or has no address here",
        "name_only" => {
            "wildcards of which no name is known: only a proxy or firewall that goes by names can allow them"
        }
        "unbound" => "the workload's parameters give no value for the placeholder",
        "no_data" => "data that would tell is missing",
        "stale_data" => "data that would tell is too old (EL14)",
        "no_origin_as" => "in no service tag, and no autonomous system is known to announce it",
        "global_only" => "in Azure, but in no region (EL11): the routes that the customer edge receives tell",
        "address_outside_set" => "the address is in none of the Microsoft 365 sets that own the name (EL7)",
        "conflict_unsupported_vs_regional" => {
            "a service that Microsoft peering does not support, at an address in a region (EL8): the routes that the customer edge receives tell"
        }
        "conflict_gsa_vs_regional" => {
            "an edge of Global Secure Access at an address in a region: it is reached over the Internet, and nobody says that it works over ExpressRoute (EL12)"
        }
        "untagged_azure_service" => {
            "a service of Azure whose addresses are in no service tag (D8): the routes that the customer edge receives tell"
        }
        "no_documented_community" => "no community is documented for it",
        "undeclared_private" => "a private address in no declared prefix (EL3)",
        _ => "",
    }
}

/// What one workload's sentence is made of.
pub(super) struct Told<'a> {
    pub name: &'a str,
    pub destinations: usize,
    pub if_address: usize,
    pub internet: &'a [InternetNeed],
    pub private: &'a [String],
    pub not_told: &'a [NotTold],
    pub sampled: usize,
}

/// The sentence the whole plan is about. Without a certain need it says what is open before it says anything good.
pub(super) fn sentence(told: &Told<'_>) -> String {
    let name = told.name;
    let needs: Vec<String> = told.internet.iter().filter(|need| need.is_needed()).map(phrase).collect();
    let untold: usize = told.not_told.iter().map(|group| group.needed.len()).sum();
    let is_whole = untold == 0 && told.sampled == 0 && told.if_address == 0;
    let mut text = match (needs.is_empty(), is_whole, told.destinations) {
        (false, _, _) => format!(
            "Even with everything approved (a Premium circuit, every community in its route filter, Microsoft 365 authorised), {name} still needs the Internet for {}.",
            needs.join("; ")
        ),
        (true, _, 0) => format!("{name} names no destination that could be judged: nothing can be said."),
        (true, false, _) => format!(
            "No certain need of the Internet is known for {name}; that does not mean that it has none."
        ),
        (true, true, _) => format!(
            "By data alone {name} needs no Internet; whether that is true only `closedpath check` shows."
        ),
    };
    if untold > 0 {
        text += &format!(" Of {} it cannot be told.", counted(untold, "needed name"));
    }
    if told.if_address > 0 {
        let count = counted(told.if_address, "destination");
        text += &format!(" For {count} it depends on addresses that are not known here.");
    }
    if told.sampled > 0 {
        let are = if told.sampled == 1 { "is" } else { "are" };
        text += &format!(" {} {are} judged by a few names only.", counted(told.sampled, "wildcard"));
    }
    if !told.private.is_empty() {
        let names = counted(told.private.len(), "name");
        text += &format!(" A private endpoint could take {names} off the Internet.");
    }
    text
}

fn phrase(need: &InternetNeed) -> String {
    let destinations = |what: &str| match need.needed.as_slice() {
        [] => what.to_owned(),
        [one] => format!("{what} ({one})"),
        [first, second] => format!("{what} ({first}, {second})"),
        [first, second, others @ ..] => format!("{what} ({first}, {second} and {} more)", others.len()),
    };
    match need.kind {
        NeedKind::ContentNetworks => {
            let what = match need.service_tags.as_slice() {
                [] => "Azure Front Door and content networks".to_owned(),
                tags => format!(
                    "Azure Front Door and content networks by the required service {} {}",
                    if tags.len() == 1 { "tag" } else { "tags" },
                    tags.join(" and ")
                ),
            };
            destinations(&what)
        }
        NeedKind::Microsoft365 => match need.required_sets.as_slice() {
            [] => destinations("names that Microsoft 365's data keeps off ExpressRoute"),
            sets => {
                let ids: Vec<String> = sets.iter().map(u32::to_string).collect();
                format!(
                    "{} with expressRoute=false ({})",
                    counted(sets.len(), "required Microsoft 365 set"),
                    ids.join(", ")
                )
            }
        },
        NeedKind::UnsupportedService => destinations("services that Microsoft peering does not support"),
        NeedKind::ServiceTagOnly => destinations("services outside every Azure region"),
        NeedKind::MicrosoftNotAzure => destinations("Microsoft's addresses in no Azure service tag"),
        NeedKind::ThirdParty => destinations("networks that are not Microsoft's"),
        NeedKind::CertificateAuthorities => {
            format!(
                "certificate authorities (usually {} by Microsoft's list)",
                counted(need.needed.len(), "host")
            )
        }
        NeedKind::Other => destinations("destinations that no rule gives a way over ExpressRoute"),
    }
}
