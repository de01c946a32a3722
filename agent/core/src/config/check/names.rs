//! References: the circuits, proxies, workloads and catalogues that sections name must exist.

use crate::config::errors::Problems;
use crate::config::field::Field;
use crate::config::nearest::suggestion;
use crate::config::raw::RawFile;
use crate::config::scalar::Name;

/// Notes every reference that leads nowhere, with the nearest known name.
pub(super) fn exist(file: &RawFile, catalogs: &[&str], problems: &mut Problems) {
    let circuits: Vec<&str> = file.circuit.keys().map(String::as_str).collect();
    let proxies = known(file.proxy.iter().map(|proxy| &proxy.table.name));
    let workloads = known(file.workload.iter().map(|workload| &workload.table.name));
    for link in &file.link {
        one(link.table.circuit.as_ref(), "circuit", &circuits, "[circuit.NAME]", problems);
    }
    for workload in &file.workload {
        one(workload.table.proxy.as_ref(), "proxy", &proxies, "[[proxy]]", problems);
        for catalog in &workload.table.catalogs {
            one(Some(catalog), "catalogue", catalogs, "file for it", problems);
        }
    }
    for target in &file.target {
        one(target.table.workload.as_ref(), "workload", &workloads, "[[workload]]", problems);
    }
}

fn one(field: Option<&Field<Name>>, kind: &str, known: &[&str], section: &str, problems: &mut Problems) {
    let Some((field, Name(name))) = field.and_then(|field| Some((field, field.get()?))) else { return };
    if known.contains(&name.as_str()) {
        return;
    }
    let help = match known {
        [] => format!("there is no {section}"),
        _ => suggestion(name, known),
    };
    problems.add(
        &field.span,
        format!("the {kind} \"{}\" does not exist", crate::config::mask::shown(name)),
        help,
    );
}

fn known<'a>(names: impl Iterator<Item = &'a Field<Name>>) -> Vec<&'a str> {
    names.filter_map(Field::get).map(|name| name.0.as_str()).collect()
}
