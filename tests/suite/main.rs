//! The integration tests of closedpath, in one binary.

mod lab;
mod paths;
