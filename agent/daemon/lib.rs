//! The daemon's library: command line, rendering, metrics and the HTTP server.
//!
//! * [`cli`]: the commands and their help
//! * [`render`]: a report as text for people and programs

pub mod cli;
pub mod render;
