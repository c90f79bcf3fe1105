//! Running the samples that each pattern carries.

use std::borrow::Cow;

use crate::model::{Entry, Field, Level, Place, Sample, Value};

use super::{matcher::Matcher, packs::Packs};

/// A sample that did not do what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SampleFailure {
    pub pattern: String,
    /// Whether it should have matched.
    pub expected: bool,
    pub sample: String,
}

/// Puts every sample of every pattern to the matcher; returns those that fail.
pub fn test_samples(packs: &Packs, matcher: &Matcher) -> Vec<SampleFailure> {
    let mut failures = Vec::new();
    let mut session = matcher.session();
    for (index, pattern) in packs.patterns.iter().enumerate() {
        let hits = pattern.samples.hits.iter().map(|sample| (sample, true));
        let misses = pattern.samples.misses.iter().map(|sample| (sample, false));
        for (sample, expected) in hits.chain(misses) {
            let (entry, fields) = entry_of(sample);
            let matched = session.classify(&entry, &fields).iter().any(|hit| hit.pattern == index);
            if matched != expected {
                failures.push(SampleFailure { pattern: pattern.id.clone(), expected, sample: shown(sample) });
            }
        }
    }
    failures
}

/// The patterns that a sample matches, by index.
pub(super) fn hits_of(sample: &Sample, matcher: &Matcher) -> Vec<usize> {
    let (entry, fields) = entry_of(sample);
    matcher.session().classify(&entry, &fields).iter().map(|hit| hit.pattern).collect()
}

fn entry_of(sample: &Sample) -> (Entry<'_>, Vec<Field<'_>>) {
    let (message, error, fields) = match sample {
        Sample::Message(text) => (Some(text.as_str()), None, Vec::new()),
        Sample::Entry { message, fields, .. } => {
            let error = fields.get("error").map(String::as_str);
            let fields = fields.iter().map(|(name, value)| {
                Field::new(Cow::Borrowed(name.as_str()), Value::Text(Cow::Borrowed(value.as_str())))
            });
            (message.as_deref(), error, fields.collect())
        }
    };
    let entry = Entry {
        place: Place::default(),
        time: None,
        level: Level::Error,
        message: message.map(Cow::Borrowed),
        error: error.map(Cow::Borrowed),
        fields: 0..fields.len(),
    };
    (entry, fields)
}

fn shown(sample: &Sample) -> String {
    match sample {
        Sample::Message(text) => text.clone(),
        Sample::Entry { message, fields, .. } => {
            format!("{} {fields:?}", message.as_deref().unwrap_or("(no message)"))
        }
    }
}
