//! The runbooks: those built in, and those that a folder adds or replaces.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::model::Runbook;

macro_rules! embedded {
    ($($name:literal),* $(,)?) => {
        /// The built-in runbooks, sorted. A test holds the list against the folder.
        const EMBEDDED: &[(&str, &str)] =
            &[$(($name, include_str!(concat!("../../patterns/runbooks/", $name, ".md")))),*];
    };
}

embedded!(
    "change",
    "clock-skew",
    "connection-limit",
    "connection-pool-exhaustion",
    "deadlock",
    "dependency-failure",
    "event-store-corruption",
    "high-command-latency",
    "hot-stream",
    "lock-contention",
    "long-running-transaction",
    "memory-issues",
    "memory-pressure",
    "poison-event",
    "process-crash",
    "projection-lag",
    "projection-stall",
    "slow-query",
    "storage-full",
    "validation-regression",
);

/// A runbook that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RunbookError {
    #[error("{path}: begin it with a line `+++`, its title and `when` as TOML, and another line `+++`")]
    NoHead { path: String },
    #[error("{path}: {why}")]
    Toml { path: String, why: Box<toml::de::Error> },
    #[error("{path}: `{word}` is what {by} is for; a word has one runbook")]
    Taken { path: String, word: String, by: String },
}

/// What stands between the two lines of `+++`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    title: String,
    #[serde(default)]
    when: Vec<String>,
}

/// All runbooks of a run, in order of id.
#[derive(Clone, Debug, Default)]
pub struct Runbooks(Vec<Runbook>);

impl Runbooks {
    /// Loads the built-in runbooks and then `files` (path below a patterns folder, text): those in `runbooks/` that end
    /// in `.md`. A file named like a built-in runbook replaces it, and a word that it is for is no longer another's.
    ///
    /// # Errors
    ///
    /// A file that is no runbook, with its place; two files of one folder that are for the same word.
    pub fn load(files: &[(String, String)]) -> Result<Runbooks, RunbookError> {
        let mut all: BTreeMap<String, (Runbook, bool)> = BTreeMap::new();
        for (id, text) in EMBEDDED {
            all.insert((*id).to_owned(), (parse(id, &format!("runbooks/{id}.md"), text)?, false));
        }
        for (path, text) in files {
            let Some(id) = path.strip_prefix("runbooks/").and_then(|name| name.strip_suffix(".md")) else {
                continue;
            };
            all.insert(id.to_owned(), (parse(id, path, text)?, true));
        }
        let mut taken: BTreeMap<String, String> = BTreeMap::new();
        for (id, (runbook, _)) in all.iter().filter(|(_, (_, own))| *own) {
            for word in &runbook.when {
                if let Some(by) = taken.insert(word.clone(), id.clone()) {
                    return Err(RunbookError::Taken {
                        path: format!("runbooks/{id}.md"),
                        word: word.clone(),
                        by: format!("runbooks/{by}.md"),
                    });
                }
            }
        }
        for (runbook, own) in all.values_mut() {
            runbook.when.retain(|word| *own || !taken.contains_key(word));
        }
        Ok(Runbooks(all.into_values().map(|(runbook, _)| runbook).collect()))
    }

    pub fn iter(&self) -> impl Iterator<Item = &Runbook> {
        self.0.iter()
    }

    /// The runbook of this id.
    pub fn get(&self, id: &str) -> Option<&Runbook> {
        self.0.iter().find(|runbook| runbook.id == id)
    }

    /// The runbook for the first of these words (a root-cause kind, a kind of finding, a pattern) that has one.
    pub fn find<'w>(&self, words: impl IntoIterator<Item = &'w str>) -> Option<&Runbook> {
        let of = |word: &str| {
            let named = self.0.iter().find(|runbook| runbook.when.iter().any(|when| when == word));
            named.or_else(|| self.get(word))
        };
        words.into_iter().find_map(of)
    }
}

fn parse(id: &str, path: &str, text: &str) -> Result<Runbook, RunbookError> {
    let no_head = || RunbookError::NoHead { path: path.to_owned() };
    // A file written on Windows ends its lines otherwise.
    let text = text.replace("\r\n", "\n");
    let rest = text.strip_prefix("+++\n").ok_or_else(no_head)?;
    let (head, body) = rest.split_once("\n+++\n").ok_or_else(no_head)?;
    let Head { title, when } = toml::from_str(head)
        .map_err(|why| RunbookError::Toml { path: path.to_owned(), why: Box::new(why) })?;
    Ok(Runbook { id: id.to_owned(), title, when, body: body.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::report::CAUSE_KINDS;

    fn own(name: &str, text: &str) -> Result<Runbooks, RunbookError> {
        Runbooks::load(&[(format!("runbooks/{name}.md"), text.to_owned())])
    }

    #[test]
    fn the_list_is_the_folder() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/patterns/runbooks");
        let mut names: Vec<String> = std::fs::read_dir(folder)
            .expect("the project's own folder")
            .map(|entry| entry.expect("its entry").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        let listed: Vec<String> = EMBEDDED.iter().map(|(id, _)| format!("{id}.md")).collect();
        assert_eq!(listed, names);
    }

    #[test]
    fn every_word_has_one_runbook() {
        let runbooks = Runbooks::load(&[]).expect("the built-in ones");
        let mut words: Vec<&String> = runbooks.iter().flat_map(|runbook| &runbook.when).collect();
        words.sort();
        let many = words.len();
        words.dedup();
        assert_eq!(words.len(), many, "a word stands in two runbooks");
    }

    #[test]
    fn every_kind_of_cause_has_a_runbook_of_its_name() {
        let runbooks = Runbooks::load(&[]).expect("the built-in ones");
        for kind in CAUSE_KINDS {
            assert_eq!(runbooks.find([*kind]).map(|runbook| runbook.id.as_str()), Some(*kind));
        }
    }

    #[test]
    fn a_body_says_how_to_confirm_stop_mend_and_prevent() {
        for runbook in Runbooks::load(&[]).expect("the built-in ones").iter() {
            assert!(runbook.body.contains("\n## Confirm\n"), "{}", runbook.id);
            assert_eq!(runbook.body.matches("\n```").count() % 2, 0, "{}: an open fence", runbook.id);
        }
    }

    #[test]
    fn a_folder_replaces_and_adds() {
        let mine =
            own("ours", "+++\ntitle = 'Ours'\nwhen = ['deadlock']\n+++\nCall Ann.\n").expect("a runbook");
        assert_eq!(mine.find(["deadlock"]).map(|runbook| runbook.id.as_str()), Some("ours"));
        let replaced =
            own("deadlock", "+++\ntitle = 'D'\nwhen = ['deadlock']\n+++\nCall Bob.\n").expect("a runbook");
        assert_eq!(replaced.get("deadlock").map(|runbook| runbook.body.as_str()), Some("Call Bob.\n"));
    }

    #[test]
    fn a_bad_file_says_what_is_wrong() {
        for (text, why) in [
            ("# Ours\n", "begin it with a line `+++`"),
            ("+++\ntitle = 'a'\n", "begin it with a line `+++`"),
            ("+++\ntitle = 'a'\nfor = 'b'\n+++\n", "unknown field"),
        ] {
            let said = own("ours", text).expect_err("no runbook").to_string();
            assert!(said.starts_with("runbooks/ours.md: ") && said.contains(why), "{said}");
        }
    }
}
