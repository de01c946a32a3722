//! stub
use closedpath_core::report::Report;
pub struct Style;
impl Style {
    pub fn detect() -> Self {
        Style
    }
    pub fn plain() -> Self {
        Style
    }
}
pub fn json(r: &Report) -> String {
    serde_json::to_string_pretty(r).unwrap_or_default()
}
pub fn table(r: &Report, _: Style) -> String {
    json(r)
}
pub fn csv(r: &Report) -> String {
    json(r)
}
pub fn markdown(r: &Report) -> String {
    json(r)
}
pub fn explain(r: &Report, _: &str) -> Option<String> {
    Some(json(r))
}
