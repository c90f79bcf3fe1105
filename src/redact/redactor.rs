//! One report in, the same report without its secrets out.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use serde_json::{Map, Value};

use crate::model::{
    SHOWN,
    report::{Redaction, Report},
};

use super::{
    guard::Guard,
    known::Known,
    names::{Key, Names, PrivateMap},
    rules::{Category, Extent, Rules, same},
};

/// Stands for what begins like a secret and is cut off before it could be told from another.
pub(super) const CUT: &str = "secret-cut";

/// Members that hold one of a few words, or a hash: as long as they look like one they stay, for the report could not be
/// read again without them. What stands under [`FREE`] names is evidence's, whatever it is called.
const FIXED: &[&str] = &[
    "category",
    "check",
    "format",
    "hash",
    "id_kind",
    "kind",
    "level",
    "outcome",
    "role",
    "schema_version",
    "severity",
    "state",
    "status",
    "tool",
    "verdict",
    "worst_severity",
    "zone_basis",
];
/// Members whose own members are named by the evidence.
const FREE: &[&str] = &["ids", "keys"];

/// Replaces values by pseudonyms.
#[derive(Debug)]
pub struct Redactor {
    rules: Arc<Rules>,
    names: Names,
    /// Which names tell that their value is a secret, once asked.
    telling: HashMap<String, Option<usize>>,
}

/// What to put where.
#[derive(Clone, Debug)]
struct Replaced {
    start: usize,
    end: usize,
    category: Category,
    pseudonym: String,
}

/// Where a text stands in the report.
#[derive(Clone, Copy)]
struct At<'n> {
    name: &'n str,
    inside: Inside,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Inside {
    Schema,
    Evidence,
}

impl Redactor {
    pub fn new(rules: Rules, key: Key) -> Redactor {
        Redactor { rules: Arc::new(rules), names: Names::new(key), telling: HashMap::new() }
    }

    /// Takes over the names of an earlier run.
    pub fn remember(&mut self, map: PrivateMap) {
        self.names.remember(map);
    }

    /// The report with every value replaced, saying so.
    ///
    /// # Errors
    ///
    /// More values than memory has room for, or a report that cannot be put together again.
    pub fn redact(&mut self, report: &Report) -> anyhow::Result<Report> {
        let mut value = serde_json::to_value(report)?;
        let top = At { name: "", inside: Inside::Schema };
        walk(&mut value, top, &mut |text, at| {
            self.gather(text, at);
            None
        });
        self.names.settle();
        let known = Known::new(&self.names)?;
        let mut counts: BTreeMap<String, u64> = BTreeMap::new();
        let mut by_category: BTreeMap<String, u64> = BTreeMap::new();
        walk(&mut value, top, &mut |text, at| {
            let replaced = self.replaced(text, at, &known);
            for one in &replaced {
                *counts.entry(one.pseudonym.clone()).or_default() += 1;
                *by_category.entry(one.category.name().to_owned()).or_default() += 1;
            }
            (!replaced.is_empty()).then(|| put(text, &replaced))
        });
        self.names.count(&counts);
        let mut redacted: Report = serde_json::from_value(value)?;
        let mut values: BTreeMap<String, u64> = BTreeMap::new();
        for (category, _) in self.names.iter().filter(|(_, seen)| counts.contains_key(&seen.pseudonym)) {
            *values.entry(category.name().to_owned()).or_default() += 1;
        }
        redacted.run.redaction = Some(Redaction { values, replaced: by_category });
        Ok(redacted)
    }

    /// What looks at finished outputs.
    pub fn guard(&self) -> anyhow::Result<Guard> {
        Guard::new(Arc::clone(&self.rules), &self.names)
    }

    pub fn map(&self) -> PrivateMap {
        self.names.map()
    }

    fn gather(&mut self, text: &str, at: At<'_>) {
        if stays(text, at) {
            return;
        }
        if let Some((category, rule)) = self.whole(text, at) {
            self.names.add(category, &rule, text);
        }
        for found in self.rules.find(text).into_iter().filter(|found| found.extent == Extent::Whole) {
            let rule = &self.rules.all[found.rule];
            self.names.add(rule.category, &rule.id, &text[found.start..found.end]);
        }
    }

    /// What the name of a text says of all of it.
    fn whole(&mut self, text: &str, at: At<'_>) -> Option<(Category, String)> {
        if text.trim().is_empty() || self.rules.allows(text) {
            return None;
        }
        if self.rules.fields.contains(&same(at.name)) {
            return Some((Category::Field, format!("field-{}", same(at.name))));
        }
        if at.inside == Inside::Schema {
            return None;
        }
        let rules = &self.rules;
        let telling = self.telling.entry(at.name.to_owned()).or_insert_with(|| rules.is_telling(at.name));
        telling.map(|rule| (Category::Secret, rules.all[rule].id.clone()))
    }

    /// What is replaced in a text, in order of place, without overlaps.
    fn replaced(&mut self, text: &str, at: At<'_>, known: &Known) -> Vec<Replaced> {
        if stays(text, at) {
            return Vec::new();
        }
        let whole = self.whole(text, at);
        let mut all = Vec::new();
        let mut add = |start: usize, end: usize, category: Category, pseudonym: &str| {
            all.push(Replaced { start, end, category, pseudonym: pseudonym.to_owned() });
        };
        if let Some((category, _)) = whole
            && let Some(pseudonym) = self.names.get(category, text)
        {
            add(0, text.len(), category, pseudonym);
        }
        for hit in known.find(text) {
            add(hit.start, hit.end, hit.of.category, &hit.of.pseudonym);
        }
        for found in self.rules.find(text) {
            let category = self.rules.all[found.rule].category;
            let value = &text[found.start..found.end];
            let named = self.names.get(category, value).filter(|_| found.extent == Extent::Whole);
            add(found.start, found.end, category, named.unwrap_or(CUT));
        }
        if text.contains(SHOWN) {
            all.iter_mut().filter(|one| one.category == Category::Secret).for_each(|one| widen(text, one));
        }
        joined(all)
    }
}

/// A template masks a part of a value and shows the rest: all of the word goes.
fn widen(text: &str, one: &mut Replaced) {
    let masked = |c: char| c.is_alphanumeric() || SHOWN.contains(c);
    let joins = |c: char| masked(c) || "+/_=~-".contains(c);
    one.start = text[..one.start].trim_end_matches(masked).len();
    one.end = text.len() - text[one.end..].trim_start_matches(joins).len();
}

/// Secrets that overlap become one; what else overlaps a secret is a part of it, or of what it stands in.
fn joined(mut all: Vec<Replaced>) -> Vec<Replaced> {
    let is_secret = |one: &Replaced| matches!(one.category, Category::Secret | Category::Field);
    // The longest first among those that begin together; a cut one gives way to any other.
    all.sort_by_key(|one| (!is_secret(one), one.start, std::cmp::Reverse(one.end), one.pseudonym == CUT));
    let mut kept: Vec<Replaced> = Vec::new();
    for one in all {
        let overlaps = |other: &&mut Replaced| one.start < other.end && other.start < one.end;
        match kept.iter_mut().find(overlaps) {
            None => kept.push(one),
            Some(other) if is_secret(&one) => {
                if one.end - one.start > other.end - other.start || other.pseudonym == CUT {
                    other.pseudonym.clone_from(&one.pseudonym);
                }
                other.start = other.start.min(one.start);
                other.end = other.end.max(one.end);
            }
            Some(_) => {}
        }
    }
    kept.sort_by_key(|one| one.start);
    kept
}

fn put(text: &str, replaced: &[Replaced]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for one in replaced {
        out.push_str(&text[at..one.start]);
        out.push_str(&one.pseudonym);
        at = one.end;
    }
    out.push_str(&text[at..]);
    out
}

/// Whether a text is the report's own: a word of its schema, a hash, an id that it gave, or a time.
fn stays(text: &str, at: At<'_>) -> bool {
    let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_:.".contains(c);
    let fixed = at.inside == Inside::Schema && FIXED.contains(&at.name) && text.chars().all(word);
    fixed || is_own_id(text) || is_time(text)
}

fn is_own_id(text: &str) -> bool {
    let own = ["fnd-", "inc-", "tpl-"].iter().find_map(|start| text.strip_prefix(start));
    own.is_some_and(|rest| rest.len() <= 16 && rest.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// As the report writes it.
fn is_time(text: &str) -> bool {
    let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    ["0000-00-00T00:00:00.000Z", "0000-00-00T00:00:00.000000Z"].contains(&shape.as_str())
}

/// Visits every text of a report, names of members included, and puts in what the visit returns.
fn walk(value: &mut Value, at: At<'_>, visit: &mut dyn FnMut(&str, At<'_>) -> Option<String>) {
    match value {
        Value::String(text) => {
            if let Some(new) = visit(text, at) {
                *text = new;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| walk(item, at, visit)),
        Value::Object(members) => {
            let mut visited = Map::new();
            for (name, mut member) in std::mem::take(members) {
                let free = at.inside == Inside::Evidence || FREE.contains(&at.name);
                let inside = if free { Inside::Evidence } else { Inside::Schema };
                walk(&mut member, At { name: &name, inside }, visit);
                let named = if free || at.name == "settings" || at.name == "by_level" {
                    visit(&name, At { name: "", inside: Inside::Evidence })
                } else {
                    None
                };
                visited.insert(named.unwrap_or(name), member);
            }
            *members = visited;
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_masked_secret_nothing_is_left() {
        let text = "saw key=AKIA<*>zezWVmg<*>sPm, then <*>";
        let mut one =
            Replaced { start: 15, end: 22, category: Category::Secret, pseudonym: "secret-x".to_owned() };
        widen(text, &mut one);
        assert_eq!(put(text, &[one]), "saw key=secret-x, then <*>");
    }

    #[test]
    fn overlapping_secrets_become_one_and_addresses_give_way() {
        let one =
            |start, end, category, name: &str| Replaced { start, end, category, pseudonym: name.to_owned() };
        let kept = joined(vec![
            one(4, 12, Category::Email, "email-1"),
            one(0, 5, Category::Secret, "secret-1"),
            one(3, 9, Category::Secret, "secret-2"),
            one(20, 24, Category::Ip, "ip-1"),
        ]);
        let kept: Vec<_> = kept.iter().map(|one| (one.start, one.end, one.pseudonym.as_str())).collect();
        assert_eq!(kept, [(0, 9, "secret-2"), (20, 24, "ip-1")]);
    }

    #[test]
    fn what_is_the_reports_own_stays() {
        let schema = |name| At { name, inside: Inside::Schema };
        assert!(stays("blake3:0badcafe", schema("hash")) && stays("critical", schema("severity")));
        assert!(stays("fnd-0123abcd", schema("")) && stays("2026-11-23T15:00:01.000Z", schema("")));
        assert!(!stays("password=Hunter2", schema("kind")), "a word of the schema has no such form");
        assert!(!stays("critical", At { name: "kind", inside: Inside::Evidence }));
    }
}
