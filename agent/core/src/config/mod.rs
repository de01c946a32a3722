//! The configuration: raw TOML sections (one file each) become a validated [`Plan`], or errors with file, line and column.

mod plan;

pub use plan::{
    Agent, Bmp, Canary, Circuit, ClientProfile, Data, Echo, EchoKind, Edge, Encryption, Fetch, Http, Link,
    Plan, Policy, ProbeSettings, Proxy, ProxyExit, Resolver, ResolverServer, Sku, Target, Terminates,
    Topology, TrustAnchor, Tunnel, TunnelKind, VerdictSettings, Workload,
};
