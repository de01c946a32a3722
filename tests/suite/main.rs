//! The product's tests from outside, in one binary. How to run one of them: `tests/README.md`.

mod cache;
mod daemon;
mod data;
mod imported;
mod lab;
mod layers;
mod messages;
mod paths;
mod patterns;
mod plan;
mod readme;
mod scale;
mod schema;
mod state;
mod torture;
