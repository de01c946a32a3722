//! The rules as a whole: what the edges saw goes in by hand, a report comes out. Each test is one sentence of
//! DOMAIN §3, §4 or DESIGN §4.5, and its expectation is written by hand.

mod attribution;
mod behind_proxies;
mod certificates;
mod closure;
mod control;
mod echoes;
mod evidence;
mod findings;
mod inspection;
mod invariant;
mod ms_chains;
mod names;
mod needs;
mod outside;
mod proxies;
mod report;
mod router;
mod routes;
mod scenarios;
mod unproven;
mod verdict;
mod world;
