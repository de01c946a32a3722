//! The metrics (DESIGN §4.4): a report and the counters in, the Prometheus text format 0.0.4 out.
//!
//! Every scrape fills a fresh registry from the snapshot, so what is gone from the report is gone from the metrics.
//! No error text and no address of a destination becomes a label.

mod counters;
mod families;
mod fill;

pub use counters::Counters;
pub use families::{FAMILIES, Family, Kind, document};
pub use fill::{Extra, RouterState, exposition};
