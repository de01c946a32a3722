//! Which data sets can be replaced.

use std::path::Path;

use closedpath_core::config::Plan;
use closedpath_core::tables::{DataSet, Tables};

/// A data set that comes as a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, clap::ValueEnum)]
pub enum Kind {
    /// Azure service tags
    ServiceTags,
    /// Microsoft 365 endpoints
    M365,
    /// Address to autonomous system
    Asn,
    /// What Microsoft peering announces: an export of Get-AzBgpServiceCommunity
    Communities,
    /// Microsoft's public IP space
    PublicSpace,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::ServiceTags, Self::M365, Self::Asn, Self::Communities, Self::PublicSpace];

    /// Its name on the command line and in `state_dir/data`.
    pub fn name(self) -> &'static str {
        match self {
            Self::ServiceTags => "service-tags",
            Self::M365 => "m365",
            Self::Asn => "asn",
            Self::Communities => "communities",
            Self::PublicSpace => "public-space",
        }
    }

    /// The table that is in force of it.
    pub fn of(self, tables: &Tables) -> Option<&DataSet> {
        match self {
            Self::ServiceTags => tables.service_tags.as_ref().map(|table| &table.data_set),
            Self::M365 => tables.m365.as_ref().map(|table| &table.data_set),
            Self::Asn => tables.asn.as_ref().map(|table| &table.data_set),
            Self::Communities => tables.announced.as_ref().map(|table| &table.data_set),
            Self::PublicSpace => tables.public_space.as_ref().map(|table| &table.data_set),
        }
    }

    /// The key of `[data]` that may name a file of it, and the file.
    pub fn named(self, plan: &Plan) -> Option<(&'static str, &Path)> {
        let data = &plan.data;
        let (key, file) = match self {
            Self::ServiceTags => ("service_tags", &data.service_tags),
            Self::M365 => ("m365", &data.m365),
            Self::Asn => ("asn", &data.asn),
            Self::Communities | Self::PublicSpace => return None,
        };
        Some((key, file.as_deref()?))
    }
}
