//! Relative paths of the plan, taken from the folder of the configuration file.

use std::path::{Path, PathBuf};

use super::{Plan, TrustAnchor};

impl Plan {
    /// Joins every relative path to `base`, the folder of the configuration file: trust anchors, `inspection_ca`,
    /// `state_dir`, `web_config`, the data files, the catalogues, PAC scripts and routing tables. Absolute paths stay. Nothing is opened.
    pub fn resolve_paths(&mut self, base: &Path) {
        let Self { agent, http, data, workloads, imported, .. } = self;
        let anchors = agent.trust_anchors.iter_mut().filter_map(|anchor| match anchor {
            TrustAnchor::System => None,
            TrustAnchor::Pem(path) => Some(path),
        });
        let optional = [
            &mut agent.inspection_ca,
            &mut http.web_config,
            &mut data.service_tags,
            &mut data.m365,
            &mut data.asn,
        ];
        let scripts = workloads.iter_mut().filter_map(|workload| workload.pac.as_mut());
        let tables = imported.iter_mut().map(|table| &mut table.file);
        let several = anchors.chain(&mut data.catalogs).chain(scripts).chain(tables);
        let all = several.chain([&mut agent.state_dir]).chain(optional.into_iter().flatten());
        all.for_each(|path: &mut PathBuf| *path = base.join(&*path));
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::path::{Path, PathBuf};
    use std::time::Duration;

    use crate::config::{ImportedTable, Plan, TrustAnchor};

    #[test]
    fn relative_paths_start_at_the_folder_of_the_file() {
        let mut plan = Plan::default();
        plan.agent.trust_anchors = vec![TrustAnchor::System, TrustAnchor::Pem("corp.pem".into())];
        plan.agent.inspection_ca = Some("/abs/ca.pem".into());
        plan.http.web_config = Some("web.yml".into());
        plan.data.asn = Some("data/asn.tsv".into());
        plan.data.catalogs = vec!["site.toml".into()];
        plan.imported.push(ImportedTable {
            router: Ipv4Addr::LOCALHOST.into(),
            file: "ce1.json".into(),
            max_age: Duration::from_secs(1),
        });
        plan.resolve_paths(Path::new("/etc/closedpath"));
        assert_eq!(plan.agent.trust_anchors[0], TrustAnchor::System);
        assert_eq!(plan.agent.trust_anchors[1], TrustAnchor::Pem("/etc/closedpath/corp.pem".into()));
        assert_eq!(plan.agent.inspection_ca, Some(PathBuf::from("/abs/ca.pem")));
        assert_eq!(plan.http.web_config, Some(PathBuf::from("/etc/closedpath/web.yml")));
        assert_eq!(plan.data.asn, Some(PathBuf::from("/etc/closedpath/data/asn.tsv")));
        assert_eq!(plan.data.catalogs, [PathBuf::from("/etc/closedpath/site.toml")]);
        assert_eq!(plan.imported[0].file, PathBuf::from("/etc/closedpath/ce1.json"));
        assert_eq!(plan.agent.state_dir, PathBuf::from("/var/lib/closedpath"));
    }
}
