//! No text may make the parser panic, whatever it says.

use super::example::uncommented as example_text;
use crate::config::parse;

/// xorshift64*, so that the cases are the same everywhere.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % bound.max(1)
    }
}

const SCRAPS: [&str; 36] = [
    "\"",
    "'",
    "\"\"\"",
    "'''",
    "[",
    "]",
    "[[",
    "]]",
    "{",
    "}",
    "=",
    ".",
    ",",
    "#",
    "\n",
    "\r\n",
    "\\",
    "\\u00",
    "\u{0}",
    "\u{feff}",
    "é",
    "日本",
    "\u{1f600}",
    "-1",
    "0",
    "99999999999999999999",
    "1e400",
    "nan",
    "1979-05-27T07:32:00Z",
    "true",
    "@",
    "://",
    ":",
    "/0",
    "%zz",
    "*",
];

#[test]
fn two_thousand_mutilated_examples_are_parsed_or_refused() {
    let whole: Vec<char> = example_text().chars().collect();
    let mut dice = Dice(0x00C1_05ED_9A74_0001);
    for _ in 0..2000 {
        // A piece of the example, so that each mutation weighs more and the test stays short.
        let start = dice.below(whole.len());
        let mut text: Vec<char> = whole[start..(start + 200 + dice.below(1200)).min(whole.len())].to_vec();
        for _ in 0..=dice.below(6) {
            let at = dice.below(text.len());
            match dice.below(4) {
                0 => drop(text.drain(at..(at + dice.below(12)).min(text.len()))),
                1 => {
                    let scrap = SCRAPS[dice.below(SCRAPS.len())];
                    text.splice(at..at, scrap.chars());
                }
                2 => {
                    let from = dice.below(whole.len());
                    let piece = whole[from..(from + dice.below(80)).min(whole.len())].to_vec();
                    text.splice(at..at, piece);
                }
                _ => text.truncate(at.max(1)),
            }
            if text.is_empty() {
                text.push('x');
            }
        }
        let text: String = text.into_iter().collect();
        if let Err(errors) = parse("f.toml", &text, &["azure-arc-servers"]) {
            assert!(!errors.errors().is_empty(), "{text}");
            assert!(!errors.to_string().is_empty());
        }
    }
}

#[test]
fn every_key_survives_every_wrong_type() {
    for value in [
        "1",
        "-9223372036854775808",
        "1.5",
        "nan",
        "true",
        "\"\"",
        "\"x\"",
        "[]",
        "[[]]",
        "[1, {}]",
        "{}",
        "{ a = 1 }",
        "1979-05-27",
        "07:32:00",
        "\"\\u0000\"",
        "0xffff_ffff_ffff_ffff",
    ] {
        let example = example_text();
        let replaced = example.lines().map(|line| match line.split_once(" = ") {
            Some((key, _)) if !key.starts_with('#') => format!("{key} = {value}\n"),
            _ => format!("{line}\n"),
        });
        let text: String = replaced.collect();
        let errors = parse("f.toml", &text, &[]).expect_err(value);
        assert!(errors.errors().len() > 10, "{value}: {errors}");
    }
}

#[test]
fn huge_and_deep_inputs_are_bounded() {
    let deep = format!("a = {}", "[".repeat(100_000));
    assert!(parse("f.toml", &deep, &[]).is_err());
    let many: String = (0..20_000).map(|index| format!("k{index} = 1\n")).collect();
    let errors = parse("f.toml", &many, &[]).expect_err("unknown keys");
    assert_eq!(errors.errors().len(), 100);
    assert!(errors.to_string().ends_with("\n\nand 19900 more"));
    let wide = format!("[topology]\nonprem = [{}]\n", "\"x\",".repeat(20_000));
    let shown = parse("f.toml", &wide, &[]).expect_err("not prefixes").to_string();
    assert!(shown.len() < 100_000, "{}", shown.len());
}

#[test]
fn a_file_over_four_mebibytes_is_refused_unread() {
    let most = 4 * 1024 * 1024;
    let full = "#".repeat(most);
    assert!(parse("f.toml", &full, &[]).is_ok());
    assert_eq!(
        parse("f.toml", &format!("{full}#"), &[]).expect_err("too long").to_string(),
        "f.toml:1:1: the file has 4194305 bytes; a configuration has at most 4194304 (4 MiB)\n\
         help: is it the right file? If it is, split its targets among several agents"
    );
}
