//! The report as JSON, `closedpath.report/1` (DESIGN §4.3).

use closedpath_core::report::Report;

/// Everything, readable.
pub fn json(report: &Report) -> String {
    let mut text =
        serde_json::to_string_pretty(report).expect("a report has string keys and serialises to memory");
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use crate::render::sample;

    #[test]
    fn what_is_written_can_be_read_back_unchanged() {
        let report = sample::report();
        let read: closedpath_core::report::Report = serde_json::from_str(&super::json(&report)).unwrap();
        assert_eq!(read, report);
    }
}
