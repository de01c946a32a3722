//! A report as text: for terminals, programs, spreadsheets, tickets and browsers. Nothing here probes or decides.

mod alike;
mod chain;
mod csv;
mod explain;
mod html;
mod json;
mod markdown;
mod plan;
mod pointers;
#[cfg(test)]
pub(crate) mod sample;
mod style;
mod table;
mod words;
mod words_tls;

pub use csv::csv;
pub use explain::{ASKED, explain};
pub use html::{escape, html};
pub use json::json;
pub use markdown::markdown;
pub use plan::{plan_csv, plan_json, plan_markdown, plan_table};
pub use style::Style;
pub use table::table;
