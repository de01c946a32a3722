//! The daemon: reads the configuration, drives rounds, and shows what they found.
//!
//! * [`cli`]: the command line
//! * [`commands`]: what each command does
//! * [`setup`]: from a configuration file to plan, catalogues and tables
//! * [`data`]: data files: what people have, what is kept, where new ones come from
//! * [`edges`]: performs what the closure asks for
//! * [`pac`]: where PAC scripts send each endpoint
//! * [`fetcher`]: fetches bodies once, and little at a time
//! * [`cache`]: the bodies that were genuine, across restarts
//! * [`control`]: the station that the edge routers send their tables to, and files of tables
//! * [`round`](mod@round): one round, to its report
//! * [`render`]: a report as text for people and programs
//! * [`metrics`]: a report as Prometheus metrics
//! * [`serve`]: the status page and the metrics over HTTP

pub mod cache;
pub mod cli;
pub mod commands;
pub mod control;
pub mod data;
pub mod edges;
pub mod fetcher;
pub mod inquiries;
pub mod metrics;
pub mod pac;
pub mod past;
pub mod render;
pub mod round;
pub mod serve;
pub mod setup;
