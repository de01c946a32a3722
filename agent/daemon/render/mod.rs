//! A report as text: for terminals, programs, spreadsheets, tickets and browsers. Nothing here probes or decides.

mod csv;
mod explain;
mod html;
mod json;
mod markdown;
#[cfg(test)]
pub(crate) mod sample;
mod style;
mod table;
mod words;

pub use csv::csv;
pub use explain::{ASKED, explain};
pub use html::{escape, html};
pub use json::json;
pub use markdown::markdown;
pub use style::Style;
pub use table::table;
