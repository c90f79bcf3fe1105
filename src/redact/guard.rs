//! Looks at finished outputs: nothing that was replaced, and nothing that a rule takes for a secret, may be left.

use std::{collections::BTreeSet, sync::Arc};

use super::{
    known::Known,
    names::{Key, Names},
    redactor::CUT,
    rules::{Category, Extent, Rules},
};

/// A secret was found in a finished output. Says where and by which rule, never what.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a secret is left in line {line}, column {column} (rule `{rule}`); the output was removed")]
pub struct Leak {
    pub rule: String,
    pub line: usize,
    pub column: usize,
}

/// Knows every value that was replaced, and the rules.
#[derive(Debug)]
pub struct Guard {
    rules: Arc<Rules>,
    known: Known,
    pseudonyms: BTreeSet<String>,
}

impl Guard {
    pub(super) fn new(rules: Arc<Rules>, names: &Names) -> anyhow::Result<Guard> {
        let mut pseudonyms: BTreeSet<String> = names.iter().map(|(_, seen)| seen.pseudonym.clone()).collect();
        pseudonyms.insert(CUT.to_owned());
        Ok(Guard { rules, known: Known::new(names)?, pseudonyms })
    }

    /// Knows the rules alone.
    pub fn of_rules(rules: Rules) -> anyhow::Result<Guard> {
        // No name was given, so the key is of no consequence.
        Guard::new(Arc::new(rules), &Names::new(Key::from_random([0; 32])))
    }

    /// What a rule is about, for a person.
    pub fn about(&self, rule: &str) -> &str {
        self.rules.all.iter().find(|known| known.id == rule).map_or("", |known| &known.about)
    }

    /// Whether a finished output may be seen.
    ///
    /// # Errors
    ///
    /// The first secret in it.
    pub fn check(&self, output: &[u8]) -> Result<(), Leak> {
        self.leaks(output).into_iter().next().map_or(Ok(()), Err)
    }

    /// Every secret in a text, line by line.
    pub fn leaks(&self, output: &[u8]) -> Vec<Leak> {
        let text = String::from_utf8_lossy(output);
        let mut leaks = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let mut places = self.places(line);
            places.sort_unstable();
            places.dedup_by_key(|(start, _)| *start);
            leaks.extend(places.into_iter().map(|(start, rule)| Leak {
                rule: rule.to_owned(),
                line: number + 1,
                column: line[..start].chars().count() + 1,
            }));
        }
        leaks
    }

    /// Where secrets begin in a line, and by which rule. A value that only begins at the end may be any word: a line of
    /// an output was not cut.
    fn places<'g>(&'g self, line: &'g str) -> Vec<(usize, &'g str)> {
        let known = self.known.find(line).filter(|hit| hit.extent == Extent::Whole);
        let mut places: Vec<(usize, &str)> = known.map(|hit| (hit.start, hit.of.rule.as_str())).collect();
        for found in self.rules.find(line) {
            let rule = &self.rules.all[found.rule];
            let secret = rule.category == Category::Secret && found.extent == Extent::Whole;
            if secret && !self.is_replaced(line, found.start, found.end) {
                places.push((found.start, &rule.id));
            }
        }
        places
    }

    /// Whether what a rule takes for a secret has a pseudonym in it, or the beginning of one that a writer cut: then the
    /// secret is gone.
    fn is_replaced(&self, line: &str, start: usize, end: usize) -> bool {
        let (value, after) = (&line[start..end], &line[end..]);
        let between = |c: char| !(c.is_ascii_alphanumeric() || c == '-');
        if value.split(between).any(|word| self.pseudonyms.contains(word)) {
            return true;
        }
        let cut = value.split_once('…').map(|(before, _)| before).or(after.starts_with('…').then_some(value));
        let last = cut.and_then(|value| value.rsplit(between).next()).filter(|word| !word.is_empty());
        last.is_some_and(|word| {
            self.pseudonyms.range(word.to_owned()..).next().is_some_and(|name| name.starts_with(word))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard() -> Guard {
        let mut names = Names::new(Key::from_random([1; 32]));
        names.add(Category::Secret, "url-password", "hunter2/hunter2");
        names.add(Category::Email, "email", "ada@bank.example");
        names.settle();
        Guard::new(Arc::new(Rules::load(&[], &[]).expect("rules")), &names).expect("a guard")
    }

    #[test]
    fn what_was_replaced_is_found_in_every_form() {
        let guard = guard();
        for (output, rule, line, column) in [
            ("a\nb hunter2/hunter2\n", "url-password", 2, 3),
            ("hunter2%2Fhunter2", "url-password", 1, 1),
            // printf 'app:hunter2/hunter2' | base64
            ("x YXBwOmh1bnRlcjIvaHVudGVyMg==", "url-password", 1, 9),
            ("mailto:ada@bank.example", "email", 1, 8),
        ] {
            let leak = guard.check(output.as_bytes()).expect_err(output);
            assert_eq!((leak.rule.as_str(), leak.line, leak.column), (rule, line, column), "{output}");
            assert!(!leak.to_string().contains("hunter2"));
        }
    }

    #[test]
    fn what_nobody_replaced_is_found_by_its_rule() {
        let guard = guard();
        let leak = guard.check(b"{\"password\":\"an0ther-one\"}").expect_err("a password");
        assert_eq!(leak.rule, "named-password");
        let replaced = guard.known.find("hunter2/hunter2").next().expect("known").of.pseudonym.clone();
        assert_eq!(guard.check(format!("{{\"password\":\"{replaced}\"}}").as_bytes()), Ok(()));
        for cut in 1..replaced.len() {
            assert_eq!(
                guard.check(format!("password={}… 3", &replaced[..cut]).as_bytes()),
                Ok(()),
                "cut at {cut}"
            );
        }
        assert!(guard.check("password=hunter2… 3".as_bytes()).is_err(), "cut, and no pseudonym");
        assert!(
            guard.check(b"{\"password\":\"secret-0badcafe\"}").is_err(),
            "looks like a pseudonym, and is none"
        );
    }
}
