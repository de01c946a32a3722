//! The product's tests from outside, in one binary. How to run one of them: `tests/README.md`.

mod layers;
mod readme;
