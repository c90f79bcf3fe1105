//! Commands that were refused, by kind, rule and command. A refusal is a healthy answer: this counts, and raises nothing.

use std::collections::BTreeMap;

use crate::check::{
    Check, Evidence, Judgement, Meta, Outcome, Ran,
    facts::{RefusalKind, Refusals, Sample},
    findings,
};
use crate::model::{Pattern, Severity, Validation, Window};

#[derive(Debug)]
pub(crate) struct Validations;

/// Refusals listed.
const LISTED: usize = 200;
/// Of each.
const VALUES: usize = 10;
const CITED: usize = 3;

impl Check for Validations {
    fn meta(&self) -> Meta {
        Meta { id: "validation", about: "commands that validation or a business rule refused" }
    }

    fn conclude(&self, evidence: &Evidence, judgement: &Judgement<'_>, out: &mut Outcome) -> Ran {
        let entries: u64 = evidence.logs.values().map(crate::check::facts::LogFacts::entries).sum();
        if entries == 0 {
            return Ran::CouldNot("no log entries were supplied".to_owned());
        }
        let mut groups: BTreeMap<RefusalKind<'_>, Group<'_>> = BTreeMap::new();
        for (path, log) in &evidence.logs {
            for (name, refusals) in log.refusals.groups.sorted() {
                let mut kind = RefusalKind::of(name);
                if kind.patterns.iter().any(|id| is_trouble(id, judgement.patterns)) {
                    continue;
                }
                kind.patterns.clear();
                groups.entry(kind).or_default().add(path, refusals);
            }
        }
        let mut rows: Vec<Validation> = groups.iter().map(|(kind, group)| group.row(kind)).collect();
        let refused: u64 = rows.iter().map(|row| row.count).sum();
        rows.sort_by(|a, b| {
            b.count
                .cmp(&a.count)
                .then_with(|| (&a.kind, &a.rule, &a.command_type).cmp(&(&b.kind, &b.rule, &b.command_type)))
        });
        let groups = rows.len();
        rows.truncate(LISTED);
        out.validation = rows;
        Ran::Over(format!("{entries} entries, {refused} refusals of {groups} kinds"))
    }
}

/// Whether a pattern that matched says that something else is wrong: a store that failed refuses commands too.
fn is_trouble(id: &str, patterns: &[Pattern]) -> bool {
    patterns.iter().any(|pattern| pattern.id == id && pattern.severity > Severity::Info)
}

#[derive(Default)]
struct Group<'e> {
    count: u64,
    window: Window,
    values: BTreeMap<&'e str, u64>,
    samples: Vec<(&'e str, &'e Sample)>,
}

impl<'e> Group<'e> {
    fn add(&mut self, path: &'e str, refusals: &'e Refusals) {
        self.count += refusals.count;
        self.window.join(&refusals.window);
        for (value, count) in refusals.values.values() {
            *self.values.entry(value).or_default() += count;
        }
        self.samples.extend(refusals.samples.items.iter().map(|sample| (path, sample)));
    }

    fn row(&self, kind: &RefusalKind<'_>) -> Validation {
        let mut values: Vec<(&str, u64)> =
            self.values.iter().map(|(value, count)| (*value, *count)).collect();
        values.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
        // A text without numbers is its own mask.
        values.retain(|(value, _)| !value.is_empty() && *value != kind.rule);
        Validation {
            kind: kind.kind.to_owned(),
            rule: kind.rule.to_owned(),
            command_type: kind.command.map(str::to_owned),
            count: self.count,
            values: values.into_iter().take(VALUES).map(|(value, _)| value.to_owned()).collect(),
            first: self.window.from,
            last: self.window.to,
            evidence: findings::places(self.samples.clone(), CITED),
        }
    }
}
