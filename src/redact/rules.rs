//! The rules: loaded from data, compiled when a text first asks for one, and run on texts.

use std::{collections::BTreeSet, sync::OnceLock};

use aho_corasick::AhoCorasick;
use regex::bytes::{Regex, RegexBuilder, RegexSet, RegexSetBuilder};
use serde::{Deserialize, Serialize};

use super::{
    proofs::{InText, Proof, entropy},
    stem,
};

const BUILT_IN: &str = include_str!("../../patterns/redact.toml");
/// The file of a patterns folder that holds rules.
const FILE: &str = "redact.toml";
/// Texts from here on may have been cut at their end: excerpts are 240 characters long, or bytes.
const MAY_BE_CUT: usize = 200;

/// What a value is: the first word of its pseudonym.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Category {
    Secret,
    Email,
    Ip,
    Card,
    Personal,
    /// Of a name that was chosen.
    Field,
}

impl Category {
    pub fn name(self) -> &'static str {
        match self {
            Category::Secret => "secret",
            Category::Email => "email",
            Category::Ip => "ip",
            Category::Card => "card",
            Category::Personal => "personal",
            Category::Field => "field",
        }
    }
}

/// A set of rules that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RulesError {
    #[error("redact.toml: {0}")]
    Toml(Box<toml::de::Error>),
    #[error("redact.toml: rule `{rule}`: {why}")]
    Expression { rule: String, why: Box<regex::Error> },
    #[error("redact.toml: keywords: {0}")]
    Keywords(Box<aho_corasick::BuildError>),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleFile {
    #[serde(default)]
    fields: Vec<String>,
    #[serde(default)]
    allow: Vec<String>,
    #[serde(default, rename = "rule")]
    rules: Vec<Rule>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rule {
    pub(super) id: String,
    pub(super) about: String,
    pub(super) category: Category,
    pub(super) regex: String,
    #[serde(default)]
    pub(super) keywords: Vec<String>,
    entropy: Option<f64>,
    check: Option<Proof>,
    #[serde(default)]
    allow: Vec<String>,
    #[serde(default)]
    pub(super) finds: Vec<String>,
    #[serde(default)]
    pub(super) passes: Vec<String>,
    #[serde(skip)]
    compiled: OnceLock<Option<Compiled>>,
}

#[derive(Debug)]
struct Compiled {
    find: Regex,
    allow: RegexSet,
    /// For a text that ends too early.
    stem: Option<Regex>,
}

/// A value in a text, by the rule that found it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) rule: usize,
    pub(super) extent: Extent,
}

/// How much of a value the text shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    Whole,
    /// The text ends before the value does.
    Beginning,
}

/// All rules of a run, in order of precedence.
#[derive(Debug)]
pub struct Rules {
    pub(super) all: Vec<Rule>,
    /// Names whose values are replaced wherever they stand.
    pub(super) fields: BTreeSet<String>,
    allow: RegexSet,
    keywords: AhoCorasick,
    /// The rules of each keyword.
    asks_for: Vec<Vec<usize>>,
    /// The rules that have none.
    always: Vec<usize>,
}

impl Rules {
    /// The built-in rules, then those of `files` (path below a patterns folder, text), then a rule for each chosen name.
    ///
    /// # Errors
    ///
    /// A file that holds no rules, or an expression that does not compile.
    pub fn load(files: &[(String, String)], fields: &[String]) -> Result<Rules, RulesError> {
        let parse = |text: &str| toml::from_str(text).map_err(|why| RulesError::Toml(Box::new(why)));
        let mut all: RuleFile = parse(BUILT_IN)?;
        for (_, text) in files.iter().filter(|(path, _)| path == FILE) {
            let own: RuleFile = parse(text)?;
            all.fields.extend(own.fields);
            all.allow.extend(own.allow);
            for rule in own.rules {
                rule.compile()?;
                match all.rules.iter().position(|known| known.id == rule.id) {
                    Some(at) => all.rules[at] = rule,
                    None => all.rules.push(rule),
                }
            }
        }
        all.fields.extend(fields.iter().cloned());
        let fields: BTreeSet<String> = all.fields.iter().map(|name| same(name)).collect();
        all.rules.extend(fields.iter().map(|name| chosen(name)));
        Rules::new(all.rules, fields, &all.allow)
    }

    fn new(rules: Vec<Rule>, fields: BTreeSet<String>, allow: &[String]) -> Result<Rules, RulesError> {
        let mut words: Vec<(&str, usize)> = Vec::new();
        for (index, rule) in rules.iter().enumerate() {
            words.extend(rule.keywords.iter().map(|word| (word.as_str(), index)));
        }
        words.sort_unstable();
        let mut keywords: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        keywords.dedup();
        let of =
            |word: &&str| words.iter().filter(|(known, _)| known == word).map(|(_, rule)| *rule).collect();
        let asks_for = keywords.iter().map(of).collect();
        let always = (0..rules.len()).filter(|index| rules[*index].keywords.is_empty()).collect();
        let automaton = AhoCorasick::builder().ascii_case_insensitive(true).build(&keywords);
        Ok(Rules {
            allow: set("allow", allow)?,
            keywords: automaton.map_err(|why| RulesError::Keywords(Box::new(why)))?,
            asks_for,
            always,
            all: rules,
            fields,
        })
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.all.len()
    }

    /// The values in a text, in order of rule and place; those of two rules may overlap.
    pub(super) fn find(&self, text: &str) -> Vec<Found> {
        let mut found = Vec::new();
        let cut = may_be_cut(text);
        for index in self.asked_for(text) {
            let rule = &self.all[index];
            let Some(compiled) = rule.compiled() else { continue };
            let mut add = |start, end, extent| found.push(Found { start, end, rule: index, extent });
            let mut at = 0;
            while let Some((start, end)) = next(&compiled.find, text, at) {
                let (start, end) = trimmed(rule.category, text, start, end);
                if self.accepts(rule, compiled, text, start, end) {
                    add(start, end, Extent::Whole);
                }
                at = after(text, at.max(start), end);
            }
            if let (Some(cut), Some(stem)) = (cut, &compiled.stem)
                && let Some((start, end)) = next(stem, cut, 0)
                && stem::is_enough(&cut[start..end])
            {
                add(start, end, Extent::Beginning);
            }
        }
        found
    }

    /// Whether a value of this name is one that a rule would take.
    pub(super) fn is_telling(&self, name: &str) -> Option<usize> {
        const ANY: &str = "0aZ9-8bY7-6cX5";
        let found = self.find(&format!("{name}=\"{ANY}\""));
        let takes = |found: &&Found| found.end - found.start == ANY.len() && found.start > name.len();
        found.iter().find(takes).map(|found| found.rule)
    }

    /// Whether a value is a placeholder.
    pub(super) fn allows(&self, value: &str) -> bool {
        self.allow.is_match(value.as_bytes())
    }

    /// The rules whose keywords occur in a text, in order.
    fn asked_for(&self, text: &str) -> BTreeSet<usize> {
        let mut asked: BTreeSet<usize> = self.always.iter().copied().collect();
        for hit in self.keywords.find_overlapping_iter(text) {
            asked.extend(&self.asks_for[hit.pattern().as_usize()]);
        }
        asked
    }

    fn accepts(&self, rule: &Rule, compiled: &Compiled, text: &str, start: usize, end: usize) -> bool {
        let at = InText { before: &text[..start], value: &text[start..end], after: &text[end..] };
        !at.value.is_empty()
            && rule.entropy.is_none_or(|least| entropy(at.value) >= least)
            && rule.check.is_none_or(|proof| proof.holds(at))
            && !compiled.allow.is_match(at.value.as_bytes())
            && !(rule.category == Category::Secret && self.allows(at.value))
    }
}

/// Names are the same whether written with a hyphen or an underscore, in either case.
pub(super) fn same(name: &str) -> String {
    name.to_ascii_lowercase().replace('-', "_")
}

/// A rule for the values of a chosen name, as texts have them.
fn chosen(name: &str) -> Rule {
    let words: Vec<String> = name.split('_').map(regex::escape).collect();
    let value = r#"(?:\\+"((?:[^"\\]|\\\\+[^"])+)|"((?:[^"\\]|\\.)+)|'((?:[^'\\]|\\.)+)'|([^\s"'&,;()\[\]{}<>|\\]+))"#;
    Rule {
        id: format!("field-{name}"),
        about: format!("A value of the field {name}"),
        category: Category::Field,
        regex: format!(r#"(?i)\b{}(?:\\*["'])?\s*(?:=>|:=|=|:)\s*{value}"#, words.join("[_-]")),
        keywords: Vec::new(),
        entropy: None,
        check: None,
        allow: vec!["^(?:null|None)$".to_owned()],
        finds: Vec::new(),
        passes: Vec::new(),
        compiled: OnceLock::new(),
    }
}

impl Rule {
    /// `None` for an expression that does not compile: the built-in ones do, as a test holds, and others were tried.
    fn compiled(&self) -> Option<&Compiled> {
        self.compiled.get_or_init(|| self.compile().ok()).as_ref()
    }

    fn compile(&self) -> Result<Compiled, RulesError> {
        let wrong = |why| RulesError::Expression { rule: self.id.clone(), why: Box::new(why) };
        let build = |expression: &str| RegexBuilder::new(expression).unicode(false).build();
        // Half an address is none.
        let stem = Some(&self.regex).filter(|_| self.category == Category::Secret);
        let stem = stem.and_then(|regex| stem::stem(regex)).map(|stem| build(&stem)).transpose();
        Ok(Compiled {
            find: build(&self.regex).map_err(wrong)?,
            allow: set(&self.id, &self.allow)?,
            stem: stem.map_err(wrong)?,
        })
    }
}

fn set(rule: &str, expressions: &[String]) -> Result<RegexSet, RulesError> {
    let built = RegexSetBuilder::new(expressions).unicode(false).build();
    built.map_err(|why| RulesError::Expression { rule: rule.to_owned(), why: Box::new(why) })
}

/// The text without the marks of a cut, if it may have been cut.
fn may_be_cut(text: &str) -> Option<&str> {
    let bare = text.trim_end_matches(['\u{fffd}', '…']);
    let bare = bare.strip_suffix("...").unwrap_or(bare);
    (bare.len() < text.len() || text.len() >= MAY_BE_CUT).then_some(bare)
}

/// The next match's value: its first group that took part, or all of it.
fn next(regex: &Regex, text: &str, at: usize) -> Option<(usize, usize)> {
    if at > text.len() {
        return None;
    }
    let found = regex.captures_at(text.as_bytes(), at)?;
    let value = found.iter().skip(1).flatten().next().or_else(|| found.get(0))?;
    // Classes of bytes may begin or end inside a character.
    let start = (0..=value.start()).rev().find(|at| text.is_char_boundary(*at))?;
    let end = (value.end()..=text.len()).find(|at| text.is_char_boundary(*at))?;
    Some((start, end))
}

/// A secret at the end of a sentence does not have its full stop.
fn trimmed(category: Category, text: &str, start: usize, end: usize) -> (usize, usize) {
    let value = &text[start..end];
    let bare = match category {
        Category::Secret | Category::Field => value.trim_end_matches(['.', ',', ':', '!', '?']),
        _ => value,
    };
    if bare.is_empty() { (start, end) } else { (start, start + bare.len()) }
}

/// Where to look on: behind the value, so that two values may share what parts them.
fn after(text: &str, start: usize, end: usize) -> usize {
    let next = end.max(start + 1);
    (next..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_rule_compiles_and_is_told_from_the_others() {
        let rules = Rules::load(&[], &[]).expect("the built-in rules");
        let mut ids = BTreeSet::new();
        for rule in &rules.all {
            rule.compile().unwrap_or_else(|err| panic!("{err}"));
            assert!(ids.insert(&rule.id), "{} is there twice", rule.id);
            let lower = rule.keywords.iter().all(|word| *word == word.to_lowercase());
            assert!(lower && !rule.about.is_empty(), "{}", rule.id);
        }
        assert!(ids.len() >= 220, "{} rules", ids.len());
    }

    #[test]
    fn a_folder_adds_and_overrides() {
        let text = "fields = ['Customer-Name']\n[[rule]]\nid = 'email'\nabout = 'a'\ncategory = 'email'\nregex = 'x@y'\n";
        let rules = Rules::load(&[("redact.toml".to_owned(), text.to_owned())], &[]).expect("rules");
        assert!(rules.find("ada@bank.example").is_empty(), "overridden");
        let text = r#"{"customer_name":"Ada L.","id":7} customer-name=Bo"#;
        let found: Vec<&str> = rules.find(text).iter().map(|found| &text[found.start..found.end]).collect();
        assert_eq!(found, ["Ada L", "Bo"]);
        let broken = "[[rule]]\nid = 'mine'\nabout = 'a'\ncategory = 'ip'\nregex = '('\n";
        let err = Rules::load(&[("redact.toml".to_owned(), broken.to_owned())], &[]).expect_err("broken");
        assert!(err.to_string().contains("`mine`"), "{err}");
    }

    #[test]
    fn a_name_tells_of_its_value() {
        let rules = Rules::load(&[], &[]).expect("rules");
        for (name, telling) in [
            ("password", true),
            ("api_key", true),
            ("token", true),
            ("stream", false),
            ("trace_id", false),
            ("keys", false),
        ] {
            assert_eq!(rules.is_telling(name).is_some(), telling, "{name}");
        }
    }
}
