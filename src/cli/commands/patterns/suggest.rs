//! `coroner patterns suggest`: stubs for what no pattern names. What an entry means and what to do about it is for a
//! person to write; finding the messages, their expression and samples of them is not.

use std::{
    collections::BTreeSet,
    io::{self, Write},
};

use anyhow::Context;
use regex::Regex;
use serde::Serialize;

use crate::{
    cli::{
        Exit,
        plan::{self, Data, NothingToRead},
    },
    engine::{self, Progress},
    ingest,
    model::{SHOWN, Severity, TemplateSeen},
};

/// Words of a message that its pattern is called by.
const NAME_WORDS: usize = 5;
/// Letters without which a literal says nothing.
const LITERAL: usize = 4;
/// A message that no suggestion matches, in the words of nobody.
const ANOTHER: &str = "Lorem ipsum dolor sit amet";

/// A pack as it is written.
#[derive(Serialize)]
struct Pack {
    pack: Meta,
    pattern: Vec<Stub>,
}

#[derive(Serialize)]
struct Meta {
    name: &'static str,
    about: &'static str,
}

#[derive(Serialize)]
struct Stub {
    id: String,
    title: String,
    severity: Severity,
    category: &'static str,
    status: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    any: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    all: Vec<String>,
    action: String,
    samples: Samples,
}

#[derive(Serialize)]
struct Samples {
    #[serde(rename = "match")]
    hits: BTreeSet<String>,
    no_match: Vec<&'static str>,
}

pub(super) fn run(data: Data, evidence: &[String], top: usize, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let plan = plan::plain(data)?;
    let found = ingest::walk(evidence).context("no such evidence")?;
    if found.evidence.is_empty() {
        return Err(NothingToRead(evidence.join(", ")).into());
    }
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(plan.threads)
        .build()
        .context("threads cannot be started")?;
    let scan = || engine::scan(&plan, &found, &Progress::default());
    let partial = pool.install(scan)?;
    let report = pool.install(|| engine::conclude(&plan, &found, partial))?;
    let stubs: Vec<Stub> = report.templates.iter().filter_map(stub).take(top).collect();
    writeln!(out, "# {} of {} unknown templates.", stubs.len(), report.templates.len())?;
    writeln!(out, "# Keep what is worth a name, give it a title, a category and an action, then run")?;
    writeln!(out, "# `coroner patterns test` and `coroner patterns lint` with --patterns and its folder.\n")?;
    let meta = Meta { name: "suggested", about: "Messages that no pattern names, as found in evidence." };
    let text = toml::to_string(&Pack { pack: meta, pattern: stubs }).map_err(io::Error::other)?;
    out.write_all(text.as_bytes())?;
    Ok(Exit::Success)
}

/// A pattern for a template, if it has words to be found by and its samples match.
fn stub(seen: &TemplateSeen) -> Option<Stub> {
    let literals: Vec<&str> = seen
        .template
        .split(SHOWN)
        .map(str::trim)
        .filter(|part| part.bytes().filter(u8::is_ascii_alphabetic).count() >= LITERAL)
        .collect();
    let first = *literals.first()?;
    let from = seen.template.find(first)?;
    let last = literals.last()?;
    let to = seen.template.rfind(last)? + last.len();
    let parts: Vec<String> = seen.template[from..to].split(SHOWN).map(regex::escape).collect();
    let strict = parts.join(".*?").replace(' ', r"\s+");
    let samples = |matches: &dyn Fn(&str) -> bool| -> BTreeSet<String> {
        let excerpts = seen.evidence.iter().map(|place| place.excerpt.lines().next().unwrap_or_default());
        excerpts.filter(|text| matches(text)).map(str::to_owned).collect()
    };
    let regex = Regex::new(&strict).ok()?;
    let (mut any, mut all) = (vec![strict], Vec::new());
    let mut hits = samples(&|text| regex.is_match(text));
    if hits.is_empty() {
        // Something that may be missing stands between its words.
        let words: BTreeSet<&str> =
            literals.iter().flat_map(|part| part.split(' ')).filter(|word| word.len() >= LITERAL).collect();
        (any, all) = (Vec::new(), words.iter().map(|word| regex::escape(word)).collect());
        hits = samples(&|text| words.iter().all(|word| text.contains(word)));
    }
    let name: Vec<String> = seen
        .template
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| word.len() > 1)
        .take(NAME_WORDS)
        .map(str::to_ascii_lowercase)
        .collect();
    // Part of the template's id, so that two of one beginning have two names.
    let id = format!("suggested-{}-{}", name.join("-"), seen.id.get(2..8).unwrap_or_default());
    let severity = match seen.level.as_str() {
        "fatal" => Severity::Critical,
        "error" => Severity::Error,
        "warn" => Severity::Warning,
        _ => Severity::Info,
    };
    let samples = Samples { hits, no_match: vec![ANOTHER] };
    let action = format!("TODO: what to do; seen {} times at level {}", seen.occurrences, seen.level);
    (!samples.hits.is_empty()).then(|| Stub {
        id,
        title: seen.template.clone(),
        severity,
        category: "unsorted",
        status: "test",
        any,
        all,
        action,
        samples,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        classify::{Matcher, Packs, test_samples},
        model::{OverTime, Timestamp, finding::Evidence},
    };

    fn seen(template: &str, messages: &[&str]) -> TemplateSeen {
        let place = |text: &&str| Evidence {
            path: "a.log".to_owned(),
            line: 1,
            byte: 0,
            excerpt: (*text).to_owned(),
        };
        TemplateSeen {
            id: "t-0123456789abcdef".to_owned(),
            template: template.to_owned(),
            level: "error".to_owned(),
            occurrences: 7,
            first_seen: Some(Timestamp(0)),
            last_seen: None,
            evidence: messages.iter().map(place).collect(),
            over_time: OverTime::default(),
            state: "known".to_owned(),
            why: String::new(),
            onset: None,
        }
    }

    #[test]
    fn suggestions_are_patterns_that_match_their_samples() {
        let stubs: Vec<Stub> = [
            seen("<*> vault (a+b) sealed after <*> of <*>", &["5 vault (a+b)  sealed after 3 ms of 9\nmore"]),
            seen("sent <*> bytes towards peer", &["sent 5 bytes (1 KB) towards peer"]),
            seen("<*> at <*>", &["5 at 6"]),
        ]
        .iter()
        .filter_map(stub)
        .collect();
        assert_eq!((stubs[0].any.len(), stubs[1].all.len(), stubs.len()), (1, 4, 2));
        let pack = Pack { pack: Meta { name: "suggested", about: "x" }, pattern: stubs };
        let text = toml::to_string(&pack).expect("TOML");
        let packs = Packs::load(&[("suggested.toml".to_owned(), text)]).expect("a pack");
        let matcher = Matcher::new(&packs.patterns).expect("compiles");
        assert_eq!(test_samples(&packs, &matcher), []);
        let own: Vec<_> =
            packs.patterns.iter().filter(|pattern| pattern.id.starts_with("suggested-")).collect();
        assert_eq!((own.len(), own[0].id.as_str()), (2, "suggested-vault-sealed-after-of-012345"));
    }
}
