//! What every table promises to the command line, to reports and to readers.

use std::{collections::BTreeSet, fs, path::Path};

use coroner::{check::CHECKS, correlate::LINKS, decode::FORMATS, report::WRITERS};

fn is_kebab(id: &str) -> bool {
    !id.is_empty() && id.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

#[test]
fn ids_are_sorted_unique_and_kebab_case() {
    let checks: Vec<&str> = CHECKS.iter().map(|check| check.meta().id).collect();
    let links: Vec<&str> = LINKS.iter().map(|link| link.id()).collect();
    let writers: Vec<&str> = WRITERS.iter().map(|writer| writer.id()).collect();
    for ids in [&checks, &links, &writers] {
        assert!(ids.is_sorted_by(|a, b| a < b), "not sorted and unique: {ids:?}");
    }
    // Formats are in order of precedence, so that a tie goes to the more specific one.
    let formats: Vec<&str> = FORMATS.iter().map(|format| format.id()).collect();
    assert_eq!(formats.iter().collect::<BTreeSet<_>>().len(), formats.len(), "{formats:?}");
    for id in checks.iter().chain(&links).chain(&writers).chain(&formats) {
        assert!(is_kebab(id), "`{id}` is not kebab-case");
    }
}

#[test]
fn everything_says_what_it_is_about() {
    let abouts = (CHECKS.iter().map(|check| check.meta().about))
        .chain(LINKS.iter().map(|link| link.about()))
        .chain(FORMATS.iter().map(|format| format.about()))
        .chain(WRITERS.iter().map(|writer| writer.about()));
    for about in abouts {
        assert!((10..=100).contains(&about.len()), "`{about}`");
    }
}

#[test]
fn an_extension_means_one_format() {
    let mut seen = BTreeSet::new();
    for extension in WRITERS.iter().flat_map(|writer| writer.extensions()) {
        assert!(seen.insert(extension), "`{extension}` means two formats");
    }
}

/// Data that ships beside the binary and is not in it would be a surprise to whoever installs it.
#[test]
fn every_file_of_patterns_is_built_in() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let embedding = ["src/classify/packs.rs", "src/decode/lexicon.rs", "src/redact/rules.rs"]
        .map(|file| fs::read_to_string(root.join(file)).expect("readable"))
        .join("\n");
    let mut files = 0;
    for folder in ["patterns", "patterns/stores"] {
        for entry in fs::read_dir(root.join(folder)).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                continue;
            }
            let stem = path.file_stem().and_then(|stem| stem.to_str()).expect("a name");
            assert!(
                embedding.contains(&format!("{stem}\"")) || embedding.contains(&format!("{stem}.toml\"")),
                "{stem} is not built in"
            );
            files += 1;
        }
    }
    assert!(files >= 12, "{files} files");
}
