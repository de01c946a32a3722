//! The known word that is nearest to a mistyped one.
//!
//! In: what was written, and the known words. Out: the one to suggest, or none when all are far off.

/// The known word within a third of the letters of what was written; the first of equals.
pub(super) fn nearest<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Bounds the work on hostile input: no known word is anywhere near as long.
    let letters = written.chars().count();
    if letters > 100 {
        return None;
    }
    let lower = written.to_lowercase().replace('-', "_");
    known
        .into_iter()
        .map(|word| (strsim::damerau_levenshtein(&lower, &word.to_lowercase().replace('-', "_")), word))
        .filter(|(distance, word)| *distance <= letters.max(word.chars().count()).div_ceil(3))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word)
}

/// `help:` text: the nearest known word, and all of them while they are few.
pub(super) fn suggestion(written: &str, known: &[&str]) -> String {
    let all = if known.len() <= 24 { format!("known: {}", known.join(", ")) } else { String::new() };
    match (nearest(written, known.iter().copied()), all.is_empty()) {
        (Some(word), true) => format!("did you mean \"{word}\"?"),
        (Some(word), false) => format!("did you mean \"{word}\"? ({all})"),
        (None, _) => all,
    }
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_slip_finds_its_word_and_nonsense_finds_none() {
        let known = ["interval", "timeout", "trace_interval"];
        assert_eq!(nearest("intervall", known), Some("interval"));
        assert_eq!(nearest("Time-Out", known), Some("timeout"));
        assert_eq!(nearest("tiemout", known), Some("timeout"));
        assert_eq!(nearest("zzz", known), None);
        assert_eq!(nearest(&"interval".repeat(1000), known), None);
    }
}
