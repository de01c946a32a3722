//! Passwords of proxies appear nowhere: not in messages, not in echoed lines, not in debug output.

use super::plan;
use crate::config::parse;

#[test]
fn the_plan_does_not_show_credentials() {
    let plan = plan("[[proxy]]\nname = \"p\"\nurl = \"http://joe:hunter2@10.0.0.1:3128\"\n");
    assert_eq!(plan.proxies[0].credentials, Some(("joe".into(), "hunter2".into())));
    let shown = format!("{plan:?}");
    assert!(shown.contains("10.0.0.1"), "{shown}");
    assert!(!shown.contains("hunter2") && !shown.contains("joe"), "{shown}");
}

#[test]
fn errors_about_a_proxy_hide_its_password() {
    let errors =
        parse("f.toml", "[[proxy]]\nname = \"p\"\nurl = \"http://joe:hunter2@10.0.0.1:3128/x\"\n", &[]);
    assert_eq!(
        errors.expect_err("a path").to_string(),
        "f.toml:3:7: the URL of a proxy has no path\n    url = \"http://joe:***@10.0.0.1:3128/x\"\n          \
         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^\nhelp: write \"http://host:port\" or \"https://host:port\""
    );
}

#[test]
fn no_broken_form_of_a_proxy_lets_its_password_out() {
    for line in [
        r#"url = "http://joe:hunter2@""#,
        r#"url = "http://joe:hunter2@bad host:1""#,
        r#"url = "http://joe:hunter2@host:notaport""#,
        r#"url = "http://joe:hun/hunter2@host:1""#,
        r#"url = "http://joe:hun@hunter2@host:1""#,
        r#"url = "socks5://joe:hunter2@host:1""#,
        r#"url = "joe:hunter2@host:1""#,
        r#"url = "http://hunter2@host:1/path""#,
        r#"url = "http://joe:hunter2%FF@host:1""#,
        r#"url = "http://joe:hunter2@host:1"#,
        r#"url = http://joe:hunter2@host:1"#,
        r#"url = "http://joe:hun"hunter2@host:1""#,
        r#"url = "http://joe:hunter2@host:1" nonsense"#,
        r#"urll = "http://joe:hunter2@host:1""#,
        r#"url = ["http://joe:hunter2@host:1"]"#,
        r#"url = { a = "http://joe:hunter2@host:1" }"#,
        r#"url = "http://host:1", exit = "http://joe:hunter2@host:1""#,
        "url = \"http://ok:1\"\nexit = \"http://joe:hunter2@host:1\"",
        "url = \"http://ok:1\"\n[[link]]\nname = \"http://joe:hunter2@host:1\"\nedge = \"joe:hunter2@host\"",
    ] {
        let text = format!("[[proxy]]\nname = \"p\"\n{line}\n");
        let errors = parse("f.toml", &text, &[]).expect_err(line);
        assert!(!errors.to_string().contains("hunter2"), "{errors}");
        assert!(!format!("{errors:?}").contains("hunter2"), "{errors:?}");
    }
}
