//! DOMAIN §2 against the data that comes with the product: service tags of change 376 (2025-11-10) whole, and the Microsoft 365
//! endpoints of 2024-07-31. Every figure is written by hand; what is compared with it is counted from the embedded data.

mod facts;
mod rules;
mod space;
mod vectors;
mod world;
