//! What the routing tables of edge routers say, told by hand: DOMAIN E7a to E7d, §3.2 d, F19 and F23.
#![allow(clippy::unwrap_used)]

mod bounds;
mod chains;
mod choice;
mod life;
mod lookup;
mod show;
mod told;
