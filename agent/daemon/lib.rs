//! The daemon: reads the configuration, drives rounds, and shows what they found.
//!
//! * [`setup`]: from a configuration file to plan, catalogues and tables
//! * [`edges`]: performs what the closure asks for
//! * [`round`](mod@round): one round, to its report
//! * [`commands`]: what each command does

pub mod commands;
pub mod edges;
pub mod round;
pub mod setup;
