//! A plan for people and programs: table, JSON (`closedpath.plan/1`), CSV and Markdown.

use std::fmt::Write;

use closedpath_core::eligibility::{Eligibility, Outcome, Peering};
use closedpath_core::failure::label;
use closedpath_core::planning::{
    DnsUse, InternetNeed, PlanReport, PlannedAddress, PlannedEndpoint, PlannedPattern, PlannedWorkload,
};
use closedpath_core::target::Requirement;

use super::csv::quoted;
use super::markdown::safe;
use super::style::{Cell, Page, Row, Style, Tone, paint};

/// Everything, readable.
pub fn plan_json(plan: &PlanReport) -> String {
    let mut text =
        serde_json::to_string_pretty(plan).expect("a plan has string keys and serialises to memory");
    text.push('\n');
    text
}

/// For a terminal: per workload the sentence, what the Internet remains necessary for, and the destinations.
pub fn plan_table(plan: &PlanReport, style: Style) -> String {
    let mut page = Page::new(style);
    page.wrapped("", &head(plan));
    for gap in &plan.data_gaps {
        page.wrapped(&paint(Tone::Unsure, "  ! "), gap);
    }
    for workload in &plan.workloads {
        match workload.catalogs.is_empty() {
            true => page.title(&workload.name),
            false => page.title(&format!("{} ({})", workload.name, workload.catalogs.join(", "))),
        }
        page.wrapped("  ", &workload.sentence);
        page.wrapped("  ", &counts(workload));
        remaining(&mut page, workload);
        let rows: Vec<Row> = endpoints(plan, workload).map(row).collect();
        if !rows.is_empty() {
            page.gap();
            page.table(&["DESTINATION", "NEED", "ER? NOW", "ER? APPROVED", "PRIVATE LINK"], &rows);
        }
        let patterns: Vec<&PlannedPattern> = patterns(plan, workload).collect();
        if !patterns.is_empty() {
            page.gap();
            page.line("  Wildcards and placeholders, not looked at or only by a few names:");
        }
        for pattern in patterns {
            let told = match pattern.declared.result {
                Outcome::NotEligible => format!("; by name: {}", reason(&pattern.declared)),
                _ => String::new(),
            };
            page.wrapped(
                "    ",
                &format!("{} ({}): {}{told}", pattern.pattern, label(&pattern.requirement), pattern.why),
            );
        }
        if !workload.notes.is_empty() {
            page.gap();
        }
        for note in &workload.notes {
            page.wrapped("  note: ", note);
        }
    }
    page.title("DATA");
    for set in &plan.data {
        let date = set.date.map_or_else(|| "no date".to_owned(), day);
        page.wrapped("  ", &format!("{} {} ({date}), {}", set.name, set.version, set.source));
    }
    page.gap();
    page.wrapped(
        "  ",
        "ER? NOW: with the circuits as declared; APPROVED: with a Premium circuit, every community, Microsoft 365 authorised. This is what could be, from data; the path that is taken only `closedpath check` shows.",
    );
    page.finish()
}

fn head(plan: &PlanReport) -> String {
    let dns = match plan.dns {
        DnsUse::Offline => "nothing was sent, names were not resolved",
        DnsUse::Resolved => "names were resolved, nothing else was sent",
    };
    let site = if plan.site.is_empty() { String::new() } else { format!(" for {}", plan.site) };
    let at = humantime::format_rfc3339_seconds(plan.made_at);
    format!(
        "What ExpressRoute could carry{site}, judged from data at {at}; {dns}; closedpath {}.",
        plan.version
    )
}

fn counts(workload: &PlannedWorkload) -> String {
    let PlannedWorkload { eligible, conditional, not_eligible, unknown, .. } = workload;
    let all = eligible + conditional + not_eligible + unknown;
    format!(
        "Of its {all} destinations (a name with a port) ExpressRoute as declared carries {eligible}, {conditional} on conditions, {not_eligible} not; of {unknown} it cannot be told."
    )
}

fn remaining(page: &mut Page, workload: &PlannedWorkload) {
    if !workload.internet.is_empty() {
        page.gap();
        page.line("  Internet access that remains necessary:");
    }
    for need in &workload.internet {
        let tone = if need.is_needed() { Tone::Bad } else { Tone::Dim };
        page.line(&format!("    {}", paint(tone, &label(&need.kind))));
        for line in lines(need) {
            page.wrapped("      ", &line);
        }
    }
    if !workload.private_endpoints.is_empty() {
        page.gap();
        page.line("  A private endpoint could take off the Internet:");
        for name in &workload.private_endpoints {
            page.wrapped("    ", name);
        }
    }
    if !workload.not_told.is_empty() {
        page.gap();
        page.line("  Cannot be told, so it may need the Internet, too:");
    }
    for group in &workload.not_told {
        page.wrapped("    ", &format!("{}: {}", paint(Tone::Unsure, &group.reason), group.why));
        page.wrapped("      ", &both(&group.needed, &group.optional));
    }
}

fn lines(need: &InternetNeed) -> Vec<String> {
    let mut lines = vec![need.why.clone()];
    if !need.service_tags.is_empty() {
        lines.push(format!("required service tags: {}", need.service_tags.join(", ")));
    }
    let ids = |ids: &[u32]| ids.iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
    if !need.required_sets.is_empty() {
        lines.push(format!("required sets ({}): {}", need.required_sets.len(), ids(&need.required_sets)));
    }
    if !need.optional_sets.is_empty() {
        lines.push(format!(
            "optional sets, or for names that are not always needed ({}): {}",
            need.optional_sets.len(),
            ids(&need.optional_sets)
        ));
    }
    lines.push(both(&need.needed, &need.optional));
    lines.retain(|line| !line.is_empty());
    lines
}

fn both(needed: &[String], optional: &[String]) -> String {
    let mut parts = Vec::new();
    if !needed.is_empty() {
        parts.push(needed.join(", "));
    }
    if !optional.is_empty() {
        parts.push(format!("not always needed: {}", optional.join(", ")));
    }
    parts.join("; ")
}

fn endpoints<'a>(
    plan: &'a PlanReport,
    workload: &'a PlannedWorkload,
) -> impl Iterator<Item = &'a PlannedEndpoint> {
    plan.endpoints.iter().filter(|endpoint| endpoint.workloads.contains(&workload.name))
}

fn patterns<'a>(
    plan: &'a PlanReport,
    workload: &'a PlannedWorkload,
) -> impl Iterator<Item = &'a PlannedPattern> {
    plan.patterns.iter().filter(|pattern| pattern.workload == workload.name)
}

fn row(endpoint: &PlannedEndpoint) -> Row {
    let need = label(&endpoint.requirement);
    let zone =
        endpoint.private_link.as_ref().map_or("-", |link| if link.if_yours { "if yours" } else { "yes" });
    let cells: Vec<Cell> = vec![
        (Tone::Plain, endpoint.id.clone()),
        (if endpoint.requirement == Requirement::Optional { Tone::Dim } else { Tone::Plain }, need),
        answer(&endpoint.declared),
        answer(&endpoint.approved),
        (Tone::Plain, zone.to_owned()),
    ];
    let mut remarks = Vec::new();
    if let Some(why) = &endpoint.unresolved {
        remarks.push(format!("no address: {why}"));
    }
    if endpoint.declared.result != Outcome::Eligible {
        remarks.push(reason(&endpoint.declared));
    }
    Row { cells, remarks }
}

/// One cell: the way, the condition, or that there is none.
fn answer(eligibility: &Eligibility) -> Cell {
    match eligibility.result {
        Outcome::Internal => (Tone::Good, "stays".to_owned()),
        Outcome::Eligible if eligibility.peering == Some(Peering::Private) => {
            (Tone::Good, "private".to_owned())
        }
        Outcome::Eligible => (Tone::Good, eligibility.community.clone().unwrap_or_else(|| "yes".to_owned())),
        Outcome::Conditional => {
            (Tone::Unsure, format!("if {}", eligibility.community.as_deref().unwrap_or("…")))
        }
        Outcome::NotEligible => (Tone::Bad, "no".to_owned()),
        Outcome::Unknown => (Tone::Unsure, "?".to_owned()),
    }
}

/// Rule, reason, conditions, and the first fact.
fn reason(eligibility: &Eligibility) -> String {
    let mut text = format!("{} {}", label(&eligibility.rule), eligibility.reason);
    if !eligibility.conditions.is_empty() {
        let _ = write!(text, "; on condition: {}", eligibility.conditions.join(", "));
    }
    if let Some(fact) = eligibility.facts.first() {
        let _ = write!(text, "; {fact}");
    }
    text
}

fn day(at: std::time::SystemTime) -> String {
    humantime::format_rfc3339_seconds(at).to_string().chars().take(10).collect()
}

const HEADER: &str = "id,host,port,probe,workloads,requirement,ip,declared,declared_rule,declared_reason,declared_community,\
declared_conditions,approved,approved_rule,approved_reason,approved_community,org,region,service_tags,m365_sets,private_zone,why";

/// One line per destination and address (RFC 4180); what is not looked at has one, too, without port.
pub fn plan_csv(plan: &PlanReport) -> String {
    let mut text = format!("{HEADER}\r\n");
    for endpoint in &plan.endpoints {
        if endpoint.addresses.is_empty() {
            line(&mut text, endpoint, None);
        }
        for address in &endpoint.addresses {
            line(&mut text, endpoint, Some(address));
        }
    }
    for pattern in &plan.patterns {
        let mut fields = vec![String::new(); 22];
        (fields[0], fields[1]) = (pattern.pattern.clone(), pattern.pattern.clone());
        (fields[4], fields[5]) = (pattern.workload.clone(), label(&pattern.requirement));
        (fields[7], fields[8]) = (label(&pattern.declared.result), label(&pattern.declared.rule));
        (fields[9], fields[21]) = (pattern.declared.reason.clone(), pattern.why.clone());
        put(&mut text, &fields);
    }
    text
}

fn line(text: &mut String, endpoint: &PlannedEndpoint, address: Option<&PlannedAddress>) {
    let declared = address.map_or(&endpoint.declared, |address| &address.declared);
    let approved = address.map_or(&endpoint.approved, |address| &address.approved);
    let owner = address.map(|address| &address.owner);
    let sets = owner.map(|owner| owner.m365_sets.iter().map(u32::to_string).collect::<Vec<_>>().join(" "));
    put(
        text,
        &[
            endpoint.id.clone(),
            endpoint.host.clone(),
            endpoint.port.to_string(),
            endpoint.probe.to_string(),
            endpoint.workloads.join(" "),
            label(&endpoint.requirement),
            address.map(|address| address.ip.to_string()).unwrap_or_default(),
            label(&declared.result),
            label(&declared.rule),
            declared.reason.clone(),
            declared.community.clone().unwrap_or_default(),
            declared.conditions.join(" "),
            label(&approved.result),
            label(&approved.rule),
            approved.reason.clone(),
            approved.community.clone().unwrap_or_default(),
            owner.and_then(|owner| owner.org.clone()).unwrap_or_default(),
            owner.and_then(|owner| owner.region.clone()).unwrap_or_default(),
            owner.map(|owner| owner.service_tags.join(" ")).unwrap_or_default(),
            sets.unwrap_or_default(),
            endpoint.private_link.as_ref().map(|link| link.zone.clone()).unwrap_or_default(),
            endpoint.unresolved.clone().unwrap_or_default(),
        ],
    );
}

fn put(text: &mut String, fields: &[String]) {
    let fields: Vec<String> = fields.iter().map(|field| quoted(field)).collect();
    text.push_str(&fields.join(","));
    text.push_str("\r\n");
}

/// For a ticket or a wiki.
pub fn plan_markdown(plan: &PlanReport) -> String {
    let mut text = String::new();
    let mut put = |line: String| writeln!(text, "{line}").expect("writing to a String cannot fail");
    put(format!("# Plan\n\n{}\n", safe(&head(plan))));
    for gap in &plan.data_gaps {
        put(format!("- **data**: {}", safe(gap)));
    }
    for workload in &plan.workloads {
        put(format!("\n## {}\n\n{}\n", safe(&workload.name), safe(&workload.sentence)));
        put(format!("{}\n", safe(&counts(workload))));
        for need in &workload.internet {
            put(format!("- Internet, {}: {}", safe(&label(&need.kind)), safe(&lines(need).join("; "))));
        }
        for name in &workload.private_endpoints {
            put(format!("- private endpoint: {}", safe(name)));
        }
        for group in &workload.not_told {
            put(format!(
                "- cannot be told ({}): {}",
                safe(&group.reason),
                safe(&both(&group.needed, &group.optional))
            ));
        }
        put("\n| destination | need | ER? now | ER? approved | why |\n|---|---|---|---|---|".to_owned());
        for endpoint in endpoints(plan, workload) {
            put(format!(
                "| {} | {} | {} | {} | {} |",
                safe(&endpoint.id),
                label(&endpoint.requirement),
                answer(&endpoint.declared).1,
                answer(&endpoint.approved).1,
                safe(&reason(&endpoint.declared))
            ));
        }
        for pattern in patterns(plan, workload) {
            put(format!(
                "- {} ({}): {}",
                safe(&pattern.pattern),
                label(&pattern.requirement),
                safe(&pattern.why)
            ));
        }
    }
    text
}
