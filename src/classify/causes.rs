//! The causal rules: those built in, and those that a folder adds.

use crate::model::{Causes, report::CAUSE_KINDS};

const FILE: &str = "causes.toml";
const EMBEDDED: &str = include_str!("../../patterns/causes.toml");

/// Rules that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CausesError {
    #[error("{FILE}: {0}")]
    Toml(#[from] Box<toml::de::Error>),
    #[error("{FILE}: `{0}` is no root-cause kind; known are {known}", known = CAUSE_KINDS.join(", "))]
    NoKind(String),
    #[error("{FILE}: `{0}` is neither a kind nor a symptom of this file or the built-in one")]
    Unknown(String),
}

/// The built-in rules, and those of a `causes.toml` of `files`: its kinds and symptoms replace those of the same id, its
/// rules are added.
///
/// # Errors
///
/// A file that does not parse, or names what nobody knows.
pub(super) fn load(files: &[(String, String)]) -> Result<Causes, CausesError> {
    let mut causes = parse(EMBEDDED)?;
    for (_, text) in files.iter().filter(|(path, _)| path == FILE) {
        let Causes { kinds, symptoms, rules } = parse(text)?;
        causes.kinds.retain(|known| !kinds.iter().any(|kind| kind.id == known.id));
        causes.symptoms.retain(|known| !symptoms.iter().any(|symptom| symptom.id == known.id));
        causes.kinds.extend(kinds);
        causes.symptoms.extend(symptoms);
        causes.rules.extend(rules);
    }
    if let Some(kind) = causes.kinds.iter().find(|kind| !CAUSE_KINDS.contains(&kind.id.as_str())) {
        return Err(CausesError::NoKind(kind.id.clone()));
    }
    match unknown(&causes) {
        Some(word) => Err(CausesError::Unknown(word)),
        None => Ok(causes),
    }
}

/// The first word of a rule that is neither a kind nor a symptom.
fn unknown(causes: &Causes) -> Option<String> {
    let known =
        |word: &str| causes.kind(word).is_some() || causes.symptoms.iter().any(|symptom| symptom.id == word);
    let mut words = causes.rules.iter().flat_map(|rule| rule.effects.iter().chain([&rule.cause]));
    words.find(|word| !known(word)).cloned()
}

fn parse(text: &str) -> Result<Causes, CausesError> {
    Ok(toml::from_str(text).map_err(Box::new)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(text: &str) -> Result<Causes, CausesError> {
        load(&[(FILE.to_owned(), text.to_owned())])
    }

    #[test]
    fn every_kind_of_cause_has_its_prior() {
        let causes = load(&[]).expect("the built-in rules");
        for id in CAUSE_KINDS {
            assert!(causes.kind(id).is_some(), "{id}");
        }
    }

    #[test]
    fn a_folder_adds_rules_and_replaces_kinds() {
        let built_in = load(&[]).expect("the built-in rules");
        let causes = own("[[kind]]\nid = 'deadlock'\nprior = 1\n\n[[rule]]\ncause = 'deadlock'\neffects = ['retries']\nwithin = '1m'\nwhy = 'ours'\n").expect("rules");
        assert_eq!(causes.kind("deadlock").map(|kind| kind.prior), Some(1));
        assert_eq!(
            (causes.kinds.len(), causes.rules.len()),
            (built_in.kinds.len(), built_in.rules.len() + 1)
        );
    }

    #[test]
    fn a_bad_file_says_what_is_wrong() {
        for (text, why) in [
            ("[[kind]]\nid = 'gremlins'\nprior = 1\n", "`gremlins` is no root-cause kind"),
            ("[[rule]]\ncause = 'deadlock'\neffects = ['x']\nwithin = '1m'\nwhy = 'w'\n", "`x` is neither"),
            ("[[rule]]\ncause = 'deadlock'\neffects = []\nwithin = '1'\nwhy = 'w'\n", "`1`"),
        ] {
            let said = own(text).expect_err("no rules").to_string();
            assert!(said.starts_with("causes.toml: ") && said.contains(why), "{said}");
        }
    }
}
