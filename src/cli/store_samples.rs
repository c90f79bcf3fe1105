//! The samples that store profiles carry, each read and judged as a backup would be.

use std::{fs, sync::Arc};

use anyhow::Context;

use crate::{
    classify::{Matcher, Packs},
    decode::Lexicon,
    engine::{self, Plan, Progress, Scope},
    ingest,
    model::{Severity, StoreSample, report::Report},
};

/// What testing came to.
#[derive(Debug, Default)]
pub(super) struct Tested {
    pub(super) profiles: usize,
    pub(super) samples: usize,
    /// A sentence for each sample whose verdict is not the expected one.
    pub(super) failures: Vec<String>,
}

/// Runs every sample of every profile.
pub(super) fn test(lexicon: Lexicon) -> anyhow::Result<Tested> {
    let lexicon = Arc::new(lexicon);
    let packs = Packs::default();
    let matcher = Matcher::new(&packs.patterns)?;
    let plan = Plan { scope: Scope::Stores, ..Plan::plain(packs, matcher, Arc::clone(&lexicon)) };
    let folder = tempfile::tempdir().context("no folder for samples")?;
    let mut tested = Tested { profiles: lexicon.stores.len(), ..Tested::default() };
    for profile in &lexicon.stores {
        if profile.samples.is_empty() {
            tested.failures.push(format!("{}: no sample shows what it says of a store", profile.id));
        }
        for sample in &profile.samples {
            tested.samples += 1;
            let path = folder.path().join("sample");
            fs::write(&path, sample.text.trim_start_matches('\n')).context("a sample cannot be written")?;
            let found = ingest::walk(&[path.display().to_string()])?;
            let partial = engine::scan(&plan, &found, &Progress::default())?;
            let report = engine::conclude(&plan, &found, partial)?;
            tested.failures.extend(differs(&profile.id, sample, &report));
        }
    }
    Ok(tested)
}

fn differs(profile: &str, sample: &StoreSample, report: &Report) -> Option<String> {
    let stores = &report.integrity.stores;
    let read_as: Vec<&str> = stores.iter().map(|store| store.profile.as_str()).collect();
    if read_as.is_empty() || read_as.iter().any(|id| *id != profile) {
        return Some(format!("{profile}: `{}` was read as {read_as:?}", sample.name));
    }
    let claims = report.integrity.faults.iter().filter(|fault| fault.severity > Severity::Info);
    let mut found: Vec<String> = claims
        .map(|fault| match &fault.stream_id {
            Some(stream) => format!("{} {stream}", fault.kind.name()),
            None => fault.kind.name().to_owned(),
        })
        .collect();
    found.sort();
    let mut expected = sample.faults.clone();
    expected.sort();
    (found != expected)
        .then(|| format!("{profile}: `{}` shows {found:?}, expected {expected:?}", sample.name))
}
