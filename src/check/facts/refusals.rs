//! Commands that were refused: by a validation that says so, or with a text that nothing marks as one.
//!
//! Bound: 1,024 distinct texts, numbers and ids masked, about 2 KiB each.

use serde::{Deserialize, Serialize};

use crate::{
    fold::{Bounded, Counted, Distinct, FirstN, State},
    model::{Level, Means, Tells, Window},
};

use super::{Sample, Seen};

/// Kinds of refusals kept of one source.
const GROUPS: usize = 1024;
/// Values kept of each.
const VALUES: usize = 16;
/// Entries kept of each.
const SAMPLES: usize = 3;
/// Longest text of a rule, in characters.
const RULE: usize = 160;
/// Between the parts of a group's name; no text has it.
const BETWEEN: char = '\u{1f}';

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RefusalFacts {
    pub groups: Bounded<Refusals, GROUPS>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Refusals {
    pub count: u64,
    pub window: Window,
    pub values: Distinct<VALUES>,
    pub samples: FirstN<Sample, SAMPLES>,
}

/// What a group's name says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RefusalKind<'f> {
    /// `rejected` where nothing marks it.
    pub kind: &'f str,
    pub rule: &'f str,
    pub command: Option<&'f str>,
    /// Patterns that matched as well.
    pub patterns: Vec<&'f str>,
}

impl<'f> RefusalKind<'f> {
    pub fn of(name: &'f str) -> RefusalKind<'f> {
        let mut parts = name.split(BETWEEN);
        let mut next = || parts.next().unwrap_or_default();
        let (kind, rule, command) = (next(), next(), Some(next()).filter(|command| !command.is_empty()));
        RefusalKind { kind, rule, command, patterns: parts.collect() }
    }
}

impl RefusalFacts {
    pub fn observe(&mut self, seen: &Seen<'_>) {
        match seen.tells.filter(|(tells, _)| !tells.is_conflict()) {
            Some((tells, hit)) => self.marked(seen, tells, hit),
            None if seen.tells.is_none() => self.unmarked(seen),
            None => {}
        }
    }

    fn marked(&mut self, seen: &Seen<'_>, tells: Tells, hit: usize) {
        let Some((_, keys)) = seen.hits.get(hit) else { return };
        let captured =
            |wanted: &str| keys.iter().find(|(name, _)| name == wanted).map(|(_, text)| text.as_ref());
        let named = captured("rule").or_else(|| seen.values.text(Means::Rule)).unwrap_or_default();
        let value = captured("value").or_else(|| seen.values.text(Means::Reason)).unwrap_or(named);
        self.add(seen, tells.name(), &masked(named), value, &[]);
    }

    /// A command that failed with a text, and did not run out of time. Whether a pattern knows the text as another
    /// trouble is judged later.
    fn unmarked(&mut self, seen: &Seen<'_>) {
        let (entry, values) = (seen.entry, seen.values);
        let Some(error) = entry.error.as_deref() else { return };
        let ended = values.has(Means::Duration) && entry.level >= Level::Warn && !seen.timed_out;
        if ended && values.truth(Means::Success) != Some(true) {
            let patterns: Vec<&str> = seen.hits.iter().map(|(pattern, _)| *pattern).collect();
            self.add(seen, "rejected", &masked(error), error, &patterns);
        }
    }

    fn add(&mut self, seen: &Seen<'_>, kind: &str, rule: &str, value: &str, patterns: &[&str]) {
        let command = seen.values.text(Means::Operation).unwrap_or_default();
        let mut name = [kind, rule, command].join(&BETWEEN.to_string());
        for pattern in patterns {
            name.push(BETWEEN);
            name.push_str(pattern);
        }
        self.groups.observe(&name, |group| {
            group.count += 1;
            seen.entry.time.into_iter().for_each(|time| group.window.add(time));
            group.values.add(&cut(value));
            group.samples.push_with(|| Sample::of(seen.entry));
        });
    }
}

fn cut(text: &str) -> String {
    text.lines().next().unwrap_or_default().chars().filter(|c| *c != BETWEEN).take(RULE).collect()
}

/// The text with `#` for what differs from one refusal to the next: numbers, and words that hold a digit where an id
/// would (`account-0012`, a UUID, a hash).
fn masked(text: &str) -> String {
    let text = cut(text);
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(c) = rest.chars().next() {
        let length = masked_length(rest, out.chars().last());
        if length > 0 {
            out.push('#');
            rest = &rest[length..];
        } else {
            out.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    out
}

/// How many bytes at the beginning are a number or an id: a run of hexadecimal digits and dashes in the shape of a
/// UUID, of eight hexadecimal digits or more, or of digits with what hangs on to them.
fn masked_length(text: &str, before: Option<char>) -> usize {
    let bytes = text.as_bytes();
    if before.is_none_or(|before| !before.is_alphanumeric()) {
        let run = bytes.iter().take_while(|byte| byte.is_ascii_hexdigit() || **byte == b'-').count();
        let is_uuid = run >= 36 && crate::model::EventId::parse(&text[..36]).is_some();
        if is_uuid {
            return 36;
        }
        let run = bytes.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        let word = bytes.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
        if run >= 8 && run == word && bytes[..run].iter().any(u8::is_ascii_digit) {
            return run;
        }
    }
    if !bytes[0].is_ascii_digit() {
        return 0;
    }
    let digits =
        bytes.iter().take_while(|byte| byte.is_ascii_digit() || matches!(**byte, b'.' | b',')).count();
    // A full stop or a comma behind a number is no part of it.
    let number = text[..digits].trim_end_matches(['.', ',']).len();
    number + bytes[number..].iter().take_while(|byte| byte.is_ascii_alphanumeric()).count()
}

impl Counted for Refusals {
    fn count(&self) -> u64 {
        self.count
    }
}

impl State for Refusals {
    fn merge(&mut self, next: Self) {
        let Refusals { count, window, values, samples } = next;
        self.count += count;
        self.window.join(&window);
        self.values.merge(values);
        self.samples.merge(samples);
    }
}

impl State for RefusalFacts {
    fn merge(&mut self, next: Self) {
        let RefusalFacts { groups } = next;
        self.groups.merge(groups);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_what_differs() {
        for (text, expected) in [
            ("Insufficient funds: have 20, need 200", "Insufficient funds: have #, need #"),
            ("Account not open: account-0003", "Account not open: account-#"),
            ("Account not open: account-0003b", "Account not open: account-#"),
            (
                "Order already shipped: order-01a208f6-068d-74d8-a742-084c38c49dba",
                "Order already shipped: order-#",
            ),
            ("limit 1,234.50. Try later", "limit #. Try later"),
            ("no such hash deadbeef01", "no such hash #"),
            ("insufficient-funds", "insufficient-funds"),
            ("Added feedback", "Added feedback"),
            ("SHA256 mismatch", "SHA# mismatch"),
        ] {
            assert_eq!(masked(text), expected, "{text}");
        }
    }
}
