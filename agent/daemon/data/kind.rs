//! Which data sets can be replaced.

/// A data set that comes as a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, clap::ValueEnum)]
pub enum Kind {
    /// Azure service tags
    ServiceTags,
    /// Microsoft 365 endpoints
    M365,
    /// Address to autonomous system
    Asn,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::ServiceTags, Self::M365, Self::Asn];

    /// Its name on the command line and in `state_dir/data`.
    pub fn name(self) -> &'static str {
        match self {
            Self::ServiceTags => "service-tags",
            Self::M365 => "m365",
            Self::Asn => "asn",
        }
    }

    /// The key of `[data]` that names a file of it.
    pub fn key(self) -> &'static str {
        match self {
            Self::ServiceTags => "service_tags",
            Self::M365 => "m365",
            Self::Asn => "asn",
        }
    }
}
