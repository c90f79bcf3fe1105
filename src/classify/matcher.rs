//! All patterns against one entry, at the price of one scan.
//!
//! Aho-Corasick finds the literals that the expressions require; where one occurs, the expression itself confirms.
//! The answer is that of matching each expression alone, and a property test says so. Loggers repeat themselves, so
//! a session remembers the answers for the texts it saw last.

use std::{borrow::Cow, hash::BuildHasher};

use aho_corasick::{AhoCorasick, MatchKind};
use regex::{Regex, RegexBuilder};

use crate::model::{Condition, Entry, Field, Pattern, Value};

use super::literals;

/// A pattern that cannot be compiled.
#[derive(Debug, thiserror::Error)]
#[error("pattern `{pattern}`: {expression}: {why}")]
pub struct MatcherError {
    pub pattern: String,
    pub expression: String,
    pub why: Box<dyn std::error::Error + Send + Sync>,
}

/// A compiled set of patterns.
#[derive(Debug)]
pub struct Matcher {
    rules: Vec<Rule>,
    expressions: Vec<Expression>,
    literals: AhoCorasick,
    /// The expressions that require each literal.
    by_literal: Vec<Vec<usize>>,
    /// Text expressions that require no literal.
    always: Vec<usize>,
    /// Conditions on named fields, by name (sorted).
    by_field: Vec<(String, Vec<usize>)>,
}

/// One pattern: its conditions as indexes into the expressions.
#[derive(Debug)]
struct Rule {
    any: Vec<usize>,
    all: Vec<usize>,
    none: Vec<usize>,
    extract: Vec<String>,
}

#[derive(Debug)]
struct Expression {
    rule: usize,
    looks_at: LooksAt,
    /// `None`: the field need only be there, or must not be.
    regex: Option<Regex>,
    /// `Some(false)` holds where the field is missing.
    exists: Option<bool>,
    names: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum LooksAt {
    Text { message: bool, error: bool, fields: Vec<String> },
    Field(String),
}

/// A pattern that an entry matches.
#[derive(Debug, PartialEq, Eq)]
pub struct Hit<'e> {
    /// Index into the patterns.
    pub pattern: usize,
    /// Named groups and extracted fields.
    pub keys: Vec<(String, Cow<'e, str>)>,
}

/// Largest compiled form of one expression; a pattern of a pack needs a hundredth.
const SIZE_LIMIT: usize = 2 << 20;

impl Matcher {
    /// Compiles patterns.
    ///
    /// # Errors
    ///
    /// An expression that is no expression, or grows beyond 2 MiB.
    pub fn new(patterns: &[Pattern]) -> Result<Matcher, MatcherError> {
        let mut build = Build::default();
        for (index, pattern) in patterns.iter().enumerate() {
            build.rule(index, pattern)?;
        }
        build.finish()
    }

    /// A session for one thread.
    pub fn session(&self) -> Session<'_> {
        Session {
            matcher: self,
            memo: vec![Remembered::default(); MEMO],
            hasher: foldhash::fast::FixedState::default(),
            held: Vec::new(),
            candidates: Vec::new(),
        }
    }

    /// The expressions of the prefilter that hold for a text, in rising order.
    fn scan(&self, text: &str, out: &mut Vec<usize>) {
        let mut candidates: Vec<usize> = self.always.clone();
        for found in self.literals.find_overlapping_iter(text) {
            candidates.extend(&self.by_literal[found.pattern().as_usize()]);
        }
        candidates.sort_unstable();
        candidates.dedup();
        candidates.retain(|expression| {
            self.expressions[*expression].regex.as_ref().is_some_and(|regex| regex.is_match(text))
        });
        out.extend(candidates);
    }

    /// Whether an expression requires no literal, so that every text is put to it; by pattern, for lint.
    pub(super) fn without_literal(&self) -> impl Iterator<Item = usize> {
        self.always.iter().map(|expression| self.expressions[*expression].rule)
    }

    /// Whether anything of a pattern can start it: a text expression, or a field that must be there.
    pub(super) fn can_start(&self, pattern: usize) -> bool {
        let rule = &self.rules[pattern];
        rule.any.iter().chain(&rule.all).any(|expression| self.expressions[*expression].exists != Some(false))
    }
}

#[derive(Default)]
struct Build {
    rules: Vec<Rule>,
    expressions: Vec<Expression>,
    literals: Vec<String>,
    by_literal: Vec<Vec<usize>>,
    always: Vec<usize>,
    by_field: std::collections::BTreeMap<String, Vec<usize>>,
}

impl Build {
    fn rule(&mut self, index: usize, pattern: &Pattern) -> Result<(), MatcherError> {
        let mut list = |conditions: &[Condition]| {
            conditions
                .iter()
                .map(|condition| self.condition(index, pattern, condition))
                .collect::<Result<Vec<_>, _>>()
        };
        let rule = Rule {
            any: list(&pattern.any)?,
            all: list(&pattern.all)?,
            none: list(&pattern.none)?,
            extract: pattern.extract.clone(),
        };
        self.rules.push(rule);
        Ok(())
    }

    fn condition(
        &mut self,
        rule: usize,
        pattern: &Pattern,
        condition: &Condition,
    ) -> Result<usize, MatcherError> {
        let index = self.expressions.len();
        let (looks_at, regex, exists) = match condition {
            Condition::Text(expression) => {
                let named = |name: &str| pattern.fields.iter().any(|field| field == name);
                let others =
                    pattern.fields.iter().filter(|field| !matches!(field.as_str(), "message" | "error"));
                let looks_at = LooksAt::Text {
                    message: named("message"),
                    error: named("error"),
                    fields: others.cloned().collect(),
                };
                (looks_at, Some(expression), None)
            }
            Condition::Field { field, regex } => (LooksAt::Field(field.clone()), Some(regex), None),
            Condition::Exists { field, exists } => (LooksAt::Field(field.clone()), None, Some(*exists)),
        };
        let fail = |expression: &str, source: Box<dyn std::error::Error + Send + Sync>| MatcherError {
            pattern: pattern.id.clone(),
            expression: expression.to_owned(),
            why: source,
        };
        let regex = match regex {
            Some(text) => Some(
                RegexBuilder::new(text)
                    .size_limit(SIZE_LIMIT)
                    .build()
                    .map_err(|err| fail(text, err.into()))?,
            ),
            None => None,
        };
        match (&looks_at, &regex) {
            (LooksAt::Text { fields, .. }, Some(regex)) => {
                match literals::required(regex.as_str()).map_err(|err| fail(regex.as_str(), err))? {
                    Some(required) => required.into_iter().for_each(|literal| self.literal(literal, index)),
                    None => self.always.push(index),
                }
                for field in fields {
                    self.by_field.entry(field.clone()).or_default().push(index);
                }
            }
            (LooksAt::Field(field), _) => self.by_field.entry(field.clone()).or_default().push(index),
            (LooksAt::Text { .. }, None) => {}
        }
        let names = regex.iter().flat_map(Regex::capture_names).flatten().map(str::to_owned).collect();
        self.expressions.push(Expression { rule, looks_at, regex, exists, names });
        Ok(index)
    }

    fn literal(&mut self, literal: String, expression: usize) {
        let at = self.literals.iter().position(|known| *known == literal).unwrap_or_else(|| {
            self.literals.push(literal);
            self.by_literal.push(Vec::new());
            self.literals.len() - 1
        });
        self.by_literal[at].push(expression);
    }

    fn finish(self) -> Result<Matcher, MatcherError> {
        let literals = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::Standard)
            .kind(Some(aho_corasick::AhoCorasickKind::DFA))
            .build(&self.literals)
            .map_err(|err| MatcherError {
                pattern: "all".to_owned(),
                expression: "prefilter".to_owned(),
                why: err.into(),
            })?;
        Ok(Matcher {
            rules: self.rules,
            expressions: self.expressions,
            literals,
            by_literal: self.by_literal,
            always: self.always,
            by_field: self.by_field.into_iter().collect(),
        })
    }
}

/// Texts whose answer a session remembers; a power of two. A service has some hundred distinct fixed messages.
const MEMO: usize = 512;
/// Longer texts seldom come twice.
const MEMO_TEXT: usize = 200;

#[derive(Clone, Debug, Default)]
struct Remembered {
    text: String,
    holds: Vec<usize>,
    known: bool,
}

/// One thread's use of a [`Matcher`]: its memory and its scratch space.
#[derive(Debug)]
pub struct Session<'m> {
    matcher: &'m Matcher,
    memo: Vec<Remembered>,
    hasher: foldhash::fast::FixedState,
    /// Expressions that hold for the entry at hand.
    held: Vec<usize>,
    candidates: Vec<usize>,
}

impl Session<'_> {
    /// The patterns that an entry matches, in order.
    pub fn classify<'e>(&mut self, entry: &'e Entry<'_>, fields: &'e [Field<'_>]) -> Vec<Hit<'e>> {
        self.held.clear();
        self.text(entry.message.as_deref(), |looks_at| {
            matches!(looks_at, LooksAt::Text { message: true, .. })
        });
        self.text(entry.error.as_deref(), |looks_at| matches!(looks_at, LooksAt::Text { error: true, .. }));
        self.fields(entry, fields);
        if self.held.is_empty() {
            return Vec::new();
        }
        let matcher = self.matcher;
        self.candidates.clear();
        self.candidates.extend(self.held.iter().map(|expression| matcher.expressions[*expression].rule));
        self.candidates.sort_unstable();
        self.candidates.dedup();
        let mut hits = Vec::new();
        for rule in &self.candidates {
            let holds = |expression: &usize| self.holds(*expression, entry, fields);
            let rule_of = &matcher.rules[*rule];
            let any = rule_of.any.is_empty() || rule_of.any.iter().any(holds);
            if any && rule_of.all.iter().all(holds) && !rule_of.none.iter().any(holds) {
                hits.push(Hit { pattern: *rule, keys: self.keys(rule_of, entry, fields) });
            }
        }
        hits
    }

    /// Adds the text expressions that hold for a text and look at it.
    fn text(&mut self, text: Option<&str>, looks: impl Fn(&LooksAt) -> bool) {
        let Some(text) = text.filter(|text| !text.is_empty()) else { return };
        let matcher = self.matcher;
        if text.len() > MEMO_TEXT {
            let mut found = Vec::new();
            matcher.scan(text, &mut found);
            self.held.extend(
                found.into_iter().filter(|expression| looks(&matcher.expressions[*expression].looks_at)),
            );
            return;
        }
        let slot = self.hasher.hash_one(text) as usize & (MEMO - 1);
        let remembered = &mut self.memo[slot];
        if !remembered.known || remembered.text != text {
            remembered.known = true;
            remembered.text.clear();
            remembered.text.push_str(text);
            remembered.holds.clear();
            matcher.scan(text, &mut remembered.holds);
        }
        self.held.extend(
            remembered
                .holds
                .iter()
                .copied()
                .filter(|expression| looks(&matcher.expressions[*expression].looks_at)),
        );
    }

    /// Adds the conditions on named fields that hold.
    fn fields(&mut self, entry: &Entry<'_>, fields: &[Field<'_>]) {
        let matcher = self.matcher;
        for (name, expressions) in &matcher.by_field {
            let Some(text) = value(name, entry, fields) else { continue };
            for expression in expressions {
                let Expression { regex, exists, .. } = &matcher.expressions[*expression];
                let holds = match (regex, exists) {
                    (Some(regex), _) => regex.is_match(text),
                    (None, exists) => *exists == Some(true),
                };
                if holds {
                    self.held.push(*expression);
                }
            }
        }
    }

    fn holds(&self, expression: usize, entry: &Entry<'_>, fields: &[Field<'_>]) -> bool {
        match (&self.matcher.expressions[expression].looks_at, self.matcher.expressions[expression].exists) {
            (LooksAt::Field(name), Some(false)) => value(name, entry, fields).is_none(),
            _ => self.held.contains(&expression),
        }
    }

    fn keys<'e>(
        &self,
        rule: &Rule,
        entry: &'e Entry<'_>,
        fields: &'e [Field<'_>],
    ) -> Vec<(String, Cow<'e, str>)> {
        let mut keys: Vec<(String, Cow<'e, str>)> = Vec::new();
        for expression in rule.any.iter().chain(&rule.all).map(|index| &self.matcher.expressions[*index]) {
            let (Some(regex), false) = (&expression.regex, expression.names.is_empty()) else { continue };
            let texts: Vec<&str> = match &expression.looks_at {
                LooksAt::Text { .. } => {
                    [entry.message.as_deref(), entry.error.as_deref()].into_iter().flatten().collect()
                }
                LooksAt::Field(name) => value(name, entry, fields).into_iter().collect(),
            };
            if let Some(captures) = texts.into_iter().find_map(|text| regex.captures(text)) {
                for name in &expression.names {
                    if let Some(value) = captures.name(name) {
                        keys.push((name.clone(), Cow::Borrowed(value.as_str())));
                    }
                }
            }
        }
        for name in &rule.extract {
            if let Some(value) = value(name, entry, fields) {
                keys.push((name.clone(), Cow::Borrowed(value)));
            }
        }
        keys
    }
}

/// A field of an entry by name, its message and error included.
fn value<'e>(name: &str, entry: &'e Entry<'_>, fields: &'e [Field<'_>]) -> Option<&'e str> {
    match name {
        "message" => entry.message.as_deref().filter(|message| !message.is_empty()),
        "error" => entry.error.as_deref(),
        _ => fields.iter().find(|field| field.name == name).map(|field| Value::text(&field.value)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        classify::{Packs, test_samples},
        model::{Level, Place},
    };

    fn packs() -> Packs {
        Packs::load(&[]).expect("the embedded packs")
    }

    fn entry<'a>(message: &'a str, error: Option<&'a str>) -> Entry<'a> {
        Entry {
            place: Place::default(),
            time: None,
            level: Level::Error,
            message: Some(message.into()),
            error: error.map(Into::into),
            fields: 0..0,
        }
    }

    /// Matches each expression alone, with no prefilter and no memory.
    fn one_by_one(packs: &Packs, entry: &Entry<'_>) -> Vec<usize> {
        let holds = |pattern: &Pattern, condition: &Condition| match condition {
            Condition::Text(text) => {
                let regex = Regex::new(text).expect("compiled before");
                pattern.fields.iter().any(|name| {
                    value(name, entry, &[]).is_some_and(|text| !text.is_empty() && regex.is_match(text))
                })
            }
            Condition::Field { field, regex } => value(field, entry, &[])
                .is_some_and(|text| Regex::new(regex).expect("compiled before").is_match(text)),
            Condition::Exists { field, exists } => value(field, entry, &[]).is_some() == *exists,
        };
        let matches = |pattern: &Pattern| {
            let positive = pattern.any.iter().chain(&pattern.all).any(|condition| holds(pattern, condition));
            positive
                && (pattern.any.is_empty() || pattern.any.iter().any(|condition| holds(pattern, condition)))
                && pattern.all.iter().all(|condition| holds(pattern, condition))
                && !pattern.none.iter().any(|condition| holds(pattern, condition))
        };
        (0..packs.patterns.len()).filter(|index| matches(&packs.patterns[*index])).collect()
    }

    /// Real sample texts, cut and joined: near misses are where a prefilter goes wrong.
    fn texts() -> impl Strategy<Value = String> {
        let samples: Vec<String> = packs()
            .patterns
            .iter()
            .flat_map(|pattern| pattern.samples.hits.iter().chain(&pattern.samples.misses))
            .map(|sample| match sample {
                crate::model::Sample::Message(text) => text.clone(),
                crate::model::Sample::Entry { message, .. } => message.clone().unwrap_or_default(),
            })
            .collect();
        let one = prop::sample::select(samples);
        (one.clone(), one, any::<prop::sample::Index>(), 0..4_u8).prop_map(|(first, second, cut, how)| {
            let at = (0..=first.len()).filter(|at| first.is_char_boundary(*at)).collect::<Vec<_>>();
            let (head, tail) = first.split_at(at[cut.index(at.len())]);
            match how {
                0 => first,
                1 => format!("{head}{second}"),
                2 => format!("{tail}\n{second}").to_uppercase(),
                _ => format!("{head} \u{212a}\u{17f} {tail}"),
            }
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]
        #[test]
        fn equals_matching_each_expression_alone(message in texts(), error in prop::option::of(texts())) {
            let packs = packs();
            let matcher = Matcher::new(&packs.patterns).expect("compiles");
            let mut session = matcher.session();
            let entry = entry(&message, error.as_deref());
            // Twice: once scanned, once remembered.
            for _ in 0..2 {
                let hits: Vec<usize> = session.classify(&entry, &[]).iter().map(|hit| hit.pattern).collect();
                prop_assert_eq!(&hits, &one_by_one(&packs, &entry), "{}", &message);
            }
        }
    }

    #[test]
    fn every_sample_of_every_pattern_holds() {
        let packs = packs();
        let matcher = Matcher::new(&packs.patterns).expect("compiles");
        let failures = test_samples(&packs, &matcher);
        assert!(failures.is_empty(), "{failures:#?}");
    }

    #[test]
    fn an_expression_that_is_none_is_named() {
        let mut pattern = packs().patterns[0].clone();
        pattern.any = vec![Condition::Text("(".to_owned())];
        let err = Matcher::new(&[pattern]).expect_err("no expression").to_string();
        assert!(err.starts_with("pattern `connection_pool_exhaustion`: (: "), "{err}");
    }
}
