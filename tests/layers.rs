//! Who may import whom. The table is the architecture; these tests keep it true.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Each module under `src/` and the sibling modules it may name.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("fold", &[]),
    ("ingest", &["model"]),
    ("decode", &["model"]),
    ("classify", &["model"]),
    ("check", &["fold", "model"]),
    ("correlate", &["model"]),
    ("rank", &["model"]),
    ("redact", &["model"]),
    ("report", &["model"]),
    ("state", &[]),
    ("engine", &["check", "classify", "correlate", "decode", "fold", "ingest", "model", "rank", "state"]),
    ("cli", &["classify", "decode", "engine", "ingest", "model", "redact", "report", "state"]),
];

/// Lines of a file before its tests.
const FILE_LINES: usize = 500;
/// Lines of a function; a flat table of a match may be as long as that, nothing else should be near it.
const FUNCTION_LINES: usize = 60;

#[test]
fn stages_meet_only_in_the_model() {
    let mut wrong = Vec::new();
    for (module, may_import) in MAY_IMPORT {
        for (file, text) in sources(module) {
            for used in imports(&text) {
                if used != *module && !may_import.contains(&used.as_str()) {
                    wrong.push(format!("{} imports {used}", file.display()));
                }
            }
            if text.contains("super::super::super") {
                wrong.push(format!("{} climbs past its stage", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_module_is_in_the_table() {
    let known: Vec<&str> = MAY_IMPORT.iter().map(|(module, _)| *module).collect();
    for entry in fs::read_dir(src()).expect("src") {
        let path = entry.expect("an entry").path();
        let name = path.file_stem().and_then(|stem| stem.to_str()).expect("a name").to_owned();
        assert!(
            known.contains(&name.as_str()) || ["lib", "main"].contains(&name.as_str()),
            "{name} has no rule"
        );
    }
}

#[test]
fn every_file_says_what_it_is_for() {
    for (file, text) in walk(&src()) {
        let opens = if file.extension().is_some_and(|kind| kind == "rs") { "//! " } else { "/* " };
        assert!(text.starts_with(opens), "{} starts without `//!`", file.display());
    }
}

#[test]
fn every_file_fits_in_one_sitting() {
    for (file, text) in walk(&src()).into_iter().filter(|(file, _)| !is_test(file)) {
        let count = shipped(&text).lines().count();
        assert!(count <= FILE_LINES, "{} has {count} lines before its tests", file.display());
    }
    let main = fs::read_to_string(src().join("main.rs")).expect("main.rs");
    assert!(main.lines().count() <= FUNCTION_LINES, "main.rs parses, runs and exits");
}

#[test]
fn every_function_fits_on_a_screen() {
    for (file, text) in walk(&src()) {
        let mut open: Option<(usize, &str)> = None;
        for (number, line) in shipped(&text).lines().enumerate() {
            let indent = &line[..line.len() - line.trim_start().len()];
            let starts = ["fn ", "pub fn ", "pub(super) fn ", "pub(crate) fn ", "const fn ", "pub const fn "]
                .iter()
                .any(|start| line.trim_start().starts_with(start));
            match open {
                None if starts && !line.trim_end().ends_with(['}', ';']) => open = Some((number, indent)),
                Some((from, outer)) if line == format!("{outer}}}") => {
                    let length = number - from + 1;
                    assert!(
                        length <= FUNCTION_LINES,
                        "{}:{} is a function of {length} lines",
                        file.display(),
                        from + 1
                    );
                    open = None;
                }
                _ => (),
            }
        }
    }
}

#[test]
fn every_plug_in_is_in_its_table() {
    for folder in ["decode/formats", "check/checks", "correlate/links", "ingest/packings", "report/writers"] {
        let folder = src().join(folder);
        let table = fs::read_to_string(folder.with_file_name("mod.rs")).expect("the table");
        for (file, _) in walk(&folder) {
            let name = file.file_stem().and_then(|stem| stem.to_str()).expect("a name").to_owned();
            assert!(table.contains(&format!("mod {name};")), "{}: no `mod` line", file.display());
            assert!(table.contains(&format!("::{name}::")), "{}: no row in the table", file.display());
        }
    }
}

#[test]
fn only_one_file_is_unsafe() {
    for (file, text) in walk(&src()) {
        let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        if code.clone().any(|line| line.contains("unsafe {") || line.contains("allow(unsafe_code)")) {
            assert!(file.ends_with("ingest/map.rs"), "{} is unsafe", file.display());
            assert!(text.contains("// SAFETY: "), "{} gives no proof", file.display());
        }
    }
}

fn src() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// A file without its tests; a file of test helpers is all test.
fn shipped(text: &str) -> &str {
    text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default()
}

/// The names right after `crate::`, in `use crate::{a, b::c}` as well. Test-only lines are exempt: a test may reach
/// for any stage.
fn imports(text: &str) -> Vec<String> {
    let code: String = shipped(text)
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n");
    let mut names = Vec::new();
    for part in code.split("crate::").skip(1) {
        match part.strip_prefix('{') {
            Some(group) => names.extend(first_words(group)),
            None => names.push(first_word(part)),
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

/// The first word of each member of a `{...}` group.
fn first_words(group: &str) -> Vec<String> {
    let (mut names, mut depth, mut member) = (Vec::new(), 0, String::new());
    for c in group.chars() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => names.push(first_word(&std::mem::take(&mut member))),
            _ if depth == 0 => member.push(c),
            _ => (),
        }
    }
    names.push(first_word(&member));
    names
}

fn first_word(text: &str) -> String {
    text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// A module's files, without the helpers that only its tests use.
fn sources(module: &str) -> Vec<(PathBuf, String)> {
    let file = src().join(format!("{module}.rs"));
    let mut files = walk(&src().join(module));
    if file.exists() {
        files.push((file.clone(), fs::read_to_string(file).expect("readable")));
    }
    files.retain(|(file, _)| !is_test(file));
    files
}

/// Whether a file is nothing but tests, or what they share.
fn is_test(file: &Path) -> bool {
    file.ends_with("testing.rs") || file.ends_with("tests.rs")
}

fn walk(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut files = Vec::new();
    let Ok(entries) = fs::read_dir(folder) else { return files };
    for entry in entries {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files.extend(walk(&path));
        } else {
            let text = fs::read_to_string(&path).expect("readable");
            files.push((path, text));
        }
    }
    files.sort();
    files
}
