//! Reading the packs for traps: what loads and compiles and is still not right.

use crate::model::{Level, Pattern};

use super::{matcher::Matcher, packs::Packs, samples::hits_of};

/// One thing to mend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lint {
    pub pattern: String,
    pub rule: &'static str,
    pub detail: String,
}

/// The categories that reports group by. A new one is a new word for the whole field: it belongs here first.
const CATEGORIES: &[&str] = &[
    "circuit-breaker",
    "concurrency",
    "configuration",
    "connection-pool",
    "connections",
    "corruption",
    "crash",
    "event-store",
    "lifecycle",
    "locking",
    "memory",
    "network",
    "projection",
    "query",
    "retry",
    "security",
    "storage",
    "timeout",
    "validation",
];

/// Everything that is wrong with the packs, in order of pattern. Duplicate ids do not load at all.
pub fn lint(packs: &Packs, matcher: &Matcher) -> Vec<Lint> {
    let without_literal: Vec<usize> = matcher.without_literal().collect();
    let mut lints = Vec::new();
    for (index, pattern) in packs.patterns.iter().enumerate() {
        let mut say = |rule, detail: String| lints.push(Lint { pattern: pattern.id.clone(), rule, detail });
        if pattern.samples.hits.is_empty() || pattern.samples.misses.is_empty() {
            say("no-samples", "needs a sample that must match and one that must not".to_owned());
        }
        if without_literal.contains(&index) {
            say(
                "no-literal",
                "an expression requires no literal of three letters: every message is put to it".to_owned(),
            );
        }
        if !matcher.can_start(index) {
            say("never-starts", "only conditions on what must be missing: nothing can start it".to_owned());
        }
        if !CATEGORIES.contains(&pattern.category.as_str()) {
            say("category", format!("`{}` is none of {CATEGORIES:?}", pattern.category));
        }
        if pattern.raises_at < Level::Info {
            say("too-quiet", "raises findings from debug entries".to_owned());
        }
        if pattern.action.trim().is_empty() || pattern.false_positives.is_empty() {
            say("no-advice", "needs an action and a word on when a hit is harmless".to_owned());
        }
        if let Some(other) = shadowed_by(packs, matcher, index, pattern) {
            say(
                "shadowed",
                format!("`{other}` of the same pack matches each of its samples with the same severity"),
            );
        }
    }
    lints
}

/// Another pattern of the same pack and severity that matches everything this one is meant for.
fn shadowed_by<'p>(packs: &'p Packs, matcher: &Matcher, index: usize, pattern: &Pattern) -> Option<&'p str> {
    let mut others: Option<Vec<usize>> = None;
    for sample in &pattern.samples.hits {
        let hits = hits_of(sample, matcher);
        let known = others.get_or_insert_with(|| hits.clone());
        known.retain(|other| hits.contains(other));
    }
    let same = |other: &&usize| {
        **other != index
            && packs.pack_of[**other] == packs.pack_of[index]
            && packs.patterns[**other].severity == pattern.severity
            // Of two that shadow each other, the later one is named.
            && (**other < index || !matches_all(packs, matcher, **other, index))
    };
    others?.iter().find(same).map(|other| packs.patterns[*other].id.as_str())
}

fn matches_all(packs: &Packs, matcher: &Matcher, samples_of: usize, pattern: usize) -> bool {
    packs.patterns[samples_of].samples.hits.iter().all(|sample| hits_of(sample, matcher).contains(&pattern))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_each_trap() {
        let text = "[pack]\nname = 'mine'\nabout = 'a'\n\
            [[pattern]]\nid = 'a'\ntitle = 't'\nseverity = 'error'\ncategory = 'query'\nany = ['abcd']\naction = 'a'\nfalse_positives = ['f']\n\
            [pattern.samples]\nmatch = ['abcde']\nno_match = ['x']\n\
            [[pattern]]\nid = 'b'\ntitle = 't'\nseverity = 'error'\ncategory = 'query'\nany = ['abcde']\naction = 'a'\nfalse_positives = ['f']\n\
            [pattern.samples]\nmatch = ['abcde']\nno_match = ['x']\n\
            [[pattern]]\nid = 'c'\ntitle = 't'\nseverity = 'error'\ncategory = 'odd'\nraises_at = 'debug'\nany = ['\\d+']\naction = ''\n";
        let packs = Packs::load(&[("mine.toml".to_owned(), text.to_owned())]).expect("loads");
        let matcher = Matcher::new(&packs.patterns).expect("compiles");
        let mine = |lint: &&Lint| ["a", "b", "c"].contains(&lint.pattern.as_str());
        let found: Vec<String> = lint(&packs, &matcher)
            .iter()
            .filter(mine)
            .map(|lint| format!("{} {}", lint.pattern, lint.rule))
            .collect();
        assert_eq!(
            found,
            ["b shadowed", "c no-samples", "c no-literal", "c category", "c too-quiet", "c no-advice"]
        );
    }
}
