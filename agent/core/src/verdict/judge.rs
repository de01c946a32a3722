//! The verdict on one workload and the overall one (DOMAIN §4.1, DESIGN §4.5).

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use super::Verdict;
use crate::attribution::{Confidence, Judged, Judgement, PathClass, Reason, classes_of_flows};
use crate::closure::{Choice, Group, Need, Past, Seen};
use crate::config::{Policy, Workload};
use crate::failure::{Failure, label};
use crate::target::{EndpointKey, Origin, Requirement};

/// A verdict with its reasons, worst first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ruling {
    /// The verdict.
    pub verdict: Verdict,
    /// Why.
    pub reasons: Vec<String>,
}

/// What was found for and against, before it is weighed.
#[derive(Debug, Default)]
struct Scale {
    leaks: Vec<String>,
    unknowns: Vec<String>,
    lacks: Vec<String>,
    unsure: Vec<String>,
    exceptions: BTreeSet<String>,
}

/// The verdict on one workload. `observe` is judged as `closed` would be. `past` says how long it has been looked at.
pub fn rule(judged: &Judged<'_>, workload: &Workload, past: &Past) -> Ruling {
    let mut scale = Scale::default();
    let belongs =
        |needed: &BTreeMap<String, Need>| needed.get(&workload.name).is_some_and(|need| need.member);
    let members = judged.needs.of.iter().filter(|(_, needed)| belongs(needed));
    for (key, _) in members {
        let Some(member) = judged.picture.members.get(key) else { continue };
        let asked = |origin| {
            let mut roots = judged.picture.roots.roots.iter();
            roots.any(|root| root.key == *key && root.workload == workload.name && root.origin == origin)
        };
        if asked(Origin::Canary) {
            weigh_canary(judged, key, &mut scale);
        }
        if !member.is_only_watched() {
            weigh_member(judged, workload, key, &mut scale);
            weigh_unrouted_redirect(judged, workload, key, &mut scale);
        }
    }
    let any = judged.picture.roots.roots.iter().any(|root| {
        root.workload == workload.name && matches!(root.origin, Origin::Target | Origin::Catalog)
    });
    weigh_groups(judged, workload, &mut scale);
    let unrouted = judged.picture.roots.unrouted.iter().filter(|((of, _), _)| *of == workload.name);
    for ((_, key), why) in unrouted {
        let doubts = match workload.excepts(&key.host, key.port) {
            true => &mut scale.unsure,
            false => &mut scale.unknowns,
        };
        doubts.push(format!("{key} goes where it cannot be followed: {why}"));
    }
    weigh_window(judged, workload, past, &mut scale);
    if !any {
        scale.unknowns.push("the workload has no target that could be checked".into());
    }
    for (_, catalog, expansion) in
        judged.picture.roots.expansions.iter().filter(|(name, ..)| *name == workload.name)
    {
        if expansion.forbids_closed() {
            let skipped: Vec<String> = expansion
                .skipped
                .iter()
                .filter(|skipped| skipped.requirement > Requirement::Optional)
                .map(|skipped| format!("{} ({})", skipped.pattern, skipped.why))
                .collect();
            scale.unsure.push(format!(
                "catalogue {catalog} names what could not be looked at: {}",
                skipped.join(", ")
            ));
        }
    }
    scale
        .unsure
        .extend(judged.picture.truncated.iter().map(|bound| format!("the closure was cut short: {bound}")));
    scale.weigh()
}

/// The overall verdict (DESIGN §4.5): the worst of the workloads that count; where only `observe` ones exist, the worst of them.
pub fn overall(rulings: &[(Policy, Verdict)]) -> Verdict {
    let worst = |observed: bool| {
        let of = rulings.iter().filter(|(policy, _)| (*policy == Policy::Observe) == observed);
        of.map(|(_, verdict)| *verdict).max()
    };
    worst(false).or(worst(true)).unwrap_or(Verdict::Undetermined)
}

impl Scale {
    /// DESIGN §4.5: a leak, else an untellable path, else a lack, else what is not sure.
    fn weigh(self) -> Ruling {
        let verdict = if !self.leaks.is_empty() {
            Verdict::NotClosed
        } else if !self.unknowns.is_empty() {
            Verdict::Undetermined
        } else if !self.lacks.is_empty() {
            Verdict::ClosedButBroken
        } else if !self.unsure.is_empty() {
            Verdict::Undetermined
        } else if !self.exceptions.is_empty() {
            Verdict::ClosedExcept
        } else {
            Verdict::Closed
        };
        let exceptions =
            self.exceptions.into_iter().map(|exception| format!("declared exception: {exception}"));
        let reasons = self.leaks.into_iter().chain(self.unknowns).chain(self.lacks).chain(self.unsure);
        Ruling { verdict, reasons: reasons.chain(exceptions).collect() }
    }
}

/// A canary that answers proves an open way out.
fn weigh_canary(judged: &Judged<'_>, key: &EndpointKey, scale: &mut Scale) {
    let Some(member) = judged.picture.members.get(key) else { return };
    let answered = member.addresses.iter().any(|(_, seen)| match seen {
        Seen::Observed(seen) => seen.contact.answered(),
        Seen::Pending | Seen::Forbidden(_) => false,
    });
    if answered {
        scale.leaks.push(format!("the canary {key} answers: the way out is open"));
    }
    // One that was never asked proves nothing shut.
    weigh_unasked(judged, key, scale);
}

/// NoLeak: no address of a member may answer on a path that is not closed.
fn weigh_member(judged: &Judged<'_>, workload: &Workload, key: &EndpointKey, scale: &mut Scale) {
    let excepted = workload.excepts(&key.host, key.port);
    let answering = judged.answering(key);
    let closed = |(_, judgement): &(_, &Judgement)| {
        is_closed_path(judged, judgement.path.class, judgement.path.confidence)
    };
    // An exception that is reached on a closed path is not used (DESIGN §4.5).
    let used = answering.is_empty() || !answering.iter().all(closed);
    if excepted && used {
        let answers = !answering.is_empty();
        scale.exceptions.insert(format!(
            "{}:{}{}",
            key.host,
            key.port,
            if answers { "" } else { " (silent now)" }
        ));
    }
    if !excepted {
        weigh_unseen(judged, key, scale);
        weigh_unasked(judged, key, scale);
        weigh_names(judged, key, scale);
        weigh_bypass(judged, key, scale);
    }
    for (ip, judgement) in answering {
        let path = &judgement.path;
        let class = path.class;
        let acceptable = is_closed_path(judged, class, path.confidence);
        let at = format!("{key} ({ip})");
        // What was refused on a closed path carries no traffic: at most a lack (DESIGN §4.5).
        let refused =
            judged.picture.members.get(key).is_some_and(|member| member.contacted().all(|made| made != ip));
        if excepted || acceptable || (class.is_closed() && refused) {
            continue;
        }
        if class.is_open() {
            scale.leaks.push(format!("{at} goes {}, {}", label(&class), label(&path.confidence)));
        } else if class.is_closed() {
            let confidence = label(&path.confidence);
            scale.unknowns.push(format!(
                "{at} goes {}, but only {confidence}; the policy asks for confirmed (verdict.accept_probable)",
                label(&class)
            ));
        } else if let Some(open) = spreads_outside(judged, key, ip, path.reason) {
            scale
                .leaks
                .push(format!("flows to {at} spread over several ways, {} among them (F20)", label(&open)));
        } else {
            let why = path.reason.map_or("the path cannot be told", Reason::explain);
            scale.unknowns.push(format!("{at} answers on a path that cannot be told: {why}"));
        }
    }
}

/// F20: an open class that some flows to the address take, though which of them takes it is chance (DOMAIN §4.1, NoLeak).
fn spreads_outside(
    judged: &Judged<'_>,
    key: &EndpointKey,
    ip: IpAddr,
    reason: Option<Reason>,
) -> Option<PathClass> {
    let spread = matches!(reason, Some(Reason::Ambiguous | Reason::EcmpMixedClass));
    let member = judged.picture.members.get(key).filter(|_| spread)?;
    match member.addresses.get(&ip)? {
        Seen::Observed(seen) => {
            let classes = classes_of_flows(seen, &judged.plan.topology, judged.now);
            classes.into_iter().find(|class| class.is_open())
        }
        Seen::Pending | Seen::Forbidden(_) => None,
    }
}

/// F24: what connects directly beside its proxy can leave by that way (DESIGN §4.5).
fn weigh_bypass(judged: &Judged<'_>, key: &EndpointKey, scale: &mut Scale) {
    let Some(direct) = judged.bypasses.get(key).filter(|direct| direct.reachable) else { return };
    if let Some(open) = direct.open {
        scale.leaks.push(format!("{key} also connects directly, {}, beside the proxy", label(&open)));
    } else if !direct.class.is_closed() {
        scale
            .unknowns
            .push(format!("{key} also connects directly beside the proxy, on a path that cannot be told"));
    }
}

/// What this process may not ask says nothing.
fn weigh_unasked(judged: &Judged<'_>, key: &EndpointKey, scale: &mut Scale) {
    let Some(member) = judged.picture.members.get(key) else { return };
    for (ip, seen) in &member.addresses {
        if let Seen::Observed(seen) = seen
            && let Some(failure) = seen.contact.failure().filter(|failure| failure.is_our_own())
        {
            scale.unknowns.push(format!("{key} ({ip}) could not be looked at: {}", failure.text));
        }
    }
}

/// R7, R9: a redirect goes as the workload's PAC script says of its host, and the script was asked of the roots alone.
fn weigh_unrouted_redirect(judged: &Judged<'_>, workload: &Workload, key: &EndpointKey, scale: &mut Scale) {
    // What certificates point to takes the way of its endpoint.
    let mut urls = judged.picture.urls.values();
    let led_to = urls.any(|url| url.endpoint == *key && url.redirects > 0 && !url.kind.is_ca());
    let asked = || {
        let mut roots = judged.picture.roots.roots.iter().filter(|root| root.workload == workload.name);
        roots.any(|root| root.key.host == key.host && root.key.via == key.via)
    };
    if workload.pac.is_some() && led_to && !workload.excepts(&key.host, key.port) && !asked() {
        scale.unknowns.push(format!(
            "{key} is where a page redirects to, and the PAC script was not asked which way that goes"
        ));
    }
}

/// Both families must be known (DOMAIN §4.2, 3); a proxy resolves by itself.
fn weigh_names(judged: &Judged<'_>, key: &EndpointKey, scale: &mut Scale) {
    let dns = judged.picture.members.get(key).and_then(|member| member.dns.as_ref());
    for view in dns.iter().flat_map(|dns| &dns.views).filter(|view| view.incomplete && key.via.is_none()) {
        scale.unsure.push(format!(
            "{key} may have addresses of the other family that {} did not tell: {}",
            view.resolver, view.text
        ));
    }
}

/// DOMAIN §4.2, 4: what rotates shows itself only with time.
fn weigh_window(judged: &Judged<'_>, workload: &Workload, past: &Past, scale: &mut Scale) {
    let settings = &judged.plan.verdict;
    let observed = past.observed_for(&workload.name, judged.now);
    if settings.require_window && observed < settings.window {
        let whole = |time: Duration| humantime::format_duration(Duration::from_secs(time.as_secs()));
        scale.unsure.push(format!(
            "it has been observed for {} of the {} that verdict.require_window asks for: let `closedpath run` go on, with agent.state_dir",
            whole(observed),
            whole(settings.window)
        ));
    }
}

/// What was not looked at is not known to keep inside. A sinkhole is no destination: nothing leaves for it.
fn weigh_unseen(judged: &Judged<'_>, key: &EndpointKey, scale: &mut Scale) {
    let Some(member) = judged.picture.members.get(key) else { return };
    for (ip, seen) in &member.addresses {
        let sunk = ip.to_canonical().is_loopback() || ip.to_canonical().is_unspecified();
        match seen {
            Seen::Observed(_) => {}
            Seen::Pending => scale.unknowns.push(format!("{key} ({ip}) was not looked at in this round")),
            Seen::Forbidden(_) if sunk => {}
            Seen::Forbidden(_) => scale
                .unsure
                .push(format!("{key} ({ip}) was not looked at: {}", Reason::ForbiddenAddress.explain())),
        }
    }
}

/// Sufficient: of everything that is needed hard, one alternative must be to be had.
fn weigh_groups(judged: &Judged<'_>, workload: &Workload, scale: &mut Scale) {
    for group in judged.needs.groups.iter().filter(|group| group.workload == workload.name) {
        if group.satisfied(judged.picture, &judged.revocations) {
            continue;
        }
        if group.revoked(&judged.revocations) && group.requirement > Requirement::Optional {
            let what = group.what.replacen("revocation of ", "", 1);
            scale.lacks.push(format!("{what} is revoked, and clients that check refuse the connection"));
        } else if group.unsure {
            scale.unsure.push(format!(
                "{} cannot be had, and what the clients do then is not known: set client_profile",
                group.what
            ));
        } else if group.requirement == Requirement::Hard && unseen(judged, group) {
            // Also of an exception, which nobody looks at otherwise.
            scale.unsure.push(format!("{} could not be asked for by this process", group.what));
        } else if group.requirement == Requirement::Hard {
            scale.lacks.push(format!("{} is needed and cannot be had", group.what));
        }
    }
}

/// Whether nothing is known of some alternative because this process may not ask it: that is told as such, and is no lack.
fn unseen(judged: &Judged<'_>, group: &Group) -> bool {
    let endpoints = group.choices.iter().filter_map(|choice| match choice {
        Choice::Endpoint(key) => judged.picture.members.get(key),
        Choice::Url(_) | Choice::Revocation { .. } => None,
    });
    let mut addresses = endpoints.flat_map(|member| member.addresses.values());
    addresses.any(|seen| match seen {
        Seen::Observed(seen) => seen.contact.failure().is_some_and(Failure::is_our_own),
        Seen::Pending | Seen::Forbidden(_) => false,
    })
}

/// Whether a class, as seen with this confidence, is a closed path as the policy accepts it.
pub fn is_closed_path(judged: &Judged<'_>, class: PathClass, confidence: Confidence) -> bool {
    class.is_closed() && (judged.plan.verdict.accept_probable || confidence == Confidence::Confirmed)
}
