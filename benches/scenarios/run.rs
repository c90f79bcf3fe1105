//! Asking coroner: evidence into a folder, a report out of it.

use std::{path::Path, sync::Arc};

use coroner::{
    classify::{Matcher, Packs},
    decode::Lexicon,
    engine::{self, Plan, Progress},
    ingest,
    model::report::Report,
};

use super::{data::Data, generate::Scenario};

/// The report on a scenario. Its evidence stays in `keep`, where that is given.
pub(crate) fn report(plan: &Plan, data: &Data, scenario: &Scenario<'_>, keep: Option<&Path>) -> Report {
    let temporary = tempfile::tempdir().expect("a temporary folder");
    let folder = keep.unwrap_or(temporary.path());
    if keep.is_some_and(Path::exists) {
        // What an older generator wrote would be evidence as well.
        std::fs::remove_dir_all(folder).expect("an older run's folder can be removed");
    }
    scenario.save(data, folder).expect("the folder can be written");
    let found = ingest::walk(&[folder.display().to_string()]).expect("the folder is there");
    let partial = engine::scan(plan, &found, &Progress::default()).expect("nobody stops it");
    engine::conclude(plan, &found, partial).expect("in memory")
}

/// What a run without any option does.
pub(crate) fn plan() -> Plan {
    let packs = Packs::load(&[]).expect("the embedded packs load");
    let matcher = Matcher::new(&packs.patterns).expect("the embedded patterns compile");
    let lexicon = Arc::new(Lexicon::load(&[]).expect("the embedded lexicon loads"));
    Plan { threads: 2, ..Plan::plain(packs, matcher, lexicon) }
}
