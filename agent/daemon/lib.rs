//! The daemon's library: command line, rendering, metrics and the HTTP server.
//!
//! * [`cli`]: the commands and their help
//! * [`render`]: a report as text for people and programs
//! * [`metrics`]: a report as Prometheus metrics
//! * [`serve`]: the status page and the metrics over HTTP

pub mod cli;
pub mod metrics;
pub mod render;
pub mod serve;
