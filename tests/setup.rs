//! What sets coroner up: completions, manual pages, a file of settings.

mod support;

use std::{fs, process::Command};

use support::{Run, say};

/// Whether a program accepts a file; `None` where it is not installed.
fn accepts(program: &str, args: &[&str], path: &std::path::Path) -> Option<(bool, String)> {
    let output = Command::new(program).args(args).arg(path).env("LC_ALL", "C.UTF-8").output().ok()?;
    Some((output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned()))
}

#[test]
fn shells_accept_their_completions() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let ran =
            Run::new().arg("completions").arg(shell).stdout_has("coroner").stdout_has("explain-rank").run();
        fs::write(ran.path("script"), &ran.stdout).expect("written");
        match accepts(shell, &["-n"], &ran.path("script"))
            .filter(|_| ["bash", "zsh", "fish"].contains(&shell))
        {
            Some((accepted, said)) => assert!(accepted, "{shell}: {said}"),
            None => say(&format!("SKIPPED: {shell} -n: it is not installed")),
        }
    }
    Run::new().args("completions tcsh").stderr_has("possible values").code(2).run();
}

#[test]
fn there_is_a_manual_page_for_every_command() {
    let ran = Run::new().args("man -o man1").run();
    let mut names: Vec<String> = fs::read_dir(ran.path("man1"))
        .expect("made")
        .map(|entry| entry.expect("readable").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    for name in ["coroner.1", "coroner-analyze.1", "coroner-verify.1", "coroner-config-show.1"] {
        assert!(names.iter().any(|known| known == name), "{name} is not among {names:?}");
    }
    for name in &names {
        let path = ran.path("man1").join(name);
        let text = fs::read_to_string(&path).expect("written");
        assert!(text.contains(".TH coroner") && text.contains(".SH SYNOPSIS"), "{name}: {text}");
        if let Some((accepted, said)) = accepts("man", &["--warnings", "-l"], &path) {
            assert!(accepted && said.is_empty(), "{name}: {said}");
        }
    }
    Run::new().arg("man").stdout_has(".TH coroner").stdout_has("integrity").run();
}

#[test]
fn a_new_file_of_settings_changes_nothing_until_it_is_changed() {
    let plain = Run::new().args("config show --origin").run().stdout;
    let ran = Run::new().arg("init").stderr_has("coroner.toml written").run();
    let text = ran.read("coroner.toml");
    let with = |text: &str| Run::new().file("coroner.toml", text).args("config show --origin");
    assert_eq!(with(&text).run().stdout, plain);
    assert_eq!(Run::new().args("init -").run().stdout, text);
    // Each line does what it says once it is no comment.
    let settings = text.lines().filter(|line| line.starts_with("# ") && line.contains(" = "));
    let mut count = 0;
    for line in settings.map(|line| line.trim_start_matches("# ")) {
        count += 1;
        let name = line.split(' ').next().expect("a name");
        let changed = text.replace(&format!("# {line}"), line);
        with(&changed).stdout_has(&format!("{name} = ")).stdout_has("# coroner.toml:").run();
    }
    assert_eq!(count, plain.lines().filter(|line| line.contains("# default")).count());
    let run = || Run::new().file("coroner.toml", "[settings]\nlag_warning = \"2m\"\n");
    let kept = run().arg("init").stderr_has("--force").code(2).run();
    assert!(kept.read("coroner.toml").contains("2m"));
    let forced = run().args("init --force").run();
    assert_eq!(forced.read("coroner.toml"), text);
}
