//! Folding and judging: records into facts, facts of pieces into facts of a source, and every check over an index of
//! 200,000 events.
//!
//! `observe` and `merge` run once for each piece, `index` (sorting) and `conclude` once for each run: they are what
//! is left on one thread when all evidence is read. Bytes are those of the evidence that the records came from.

mod support;

use std::{borrow::Cow, collections::BTreeMap, hint::black_box, sync::Arc, time::Duration};

use criterion::{
    BatchSize, BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main, measurement::WallTime,
};

use coroner::{
    check::{
        self, Evidence, Judgement,
        facts::{Seen, SourceFacts},
    },
    classify::{Hit, Matcher, Packs},
    decode::Lexicon,
    fold::State,
    model::{Batch, Settings, Turn, Values},
};
use support::{Source, Texts};

const EVENTS: usize = 200_000;

fn fold_log(criterion: &mut Criterion) {
    let lexicon = lexicon();
    let packs = Packs::load(&[]).expect("the embedded packs load");
    let matcher = Matcher::new(&packs.patterns).expect("the embedded patterns compile");
    let source = Source::new(support::log(4 << 20, Texts::Fixed), "json-log", &lexicon);
    let batches: Vec<Batch<'_>> = source.batches(&lexicon).collect();
    let hits: Vec<Vec<Vec<Hit<'_>>>> = batches
        .iter()
        .map(|batch| {
            let mut session = matcher.session();
            batch.entries.iter().map(|entry| session.classify(entry, batch.fields_of(entry))).collect()
        })
        .collect();
    let observe = || {
        let facts = batches.iter().zip(&hits).map(|(batch, hits)| {
            let mut facts = SourceFacts::default();
            let (mut reader, mut values) = (lexicon.value_reader(), Values::default());
            facts.observe(batch);
            for (entry, hits) in batch.entries.iter().zip(hits) {
                let fields = batch.fields_of(entry);
                reader.read(fields, &mut values);
                let hits = hits.iter().map(|hit| (packs.patterns[hit.pattern].id.as_str(), keys(hit)));
                facts.log.observe(Seen {
                    entry,
                    values: &values,
                    hits: hits.collect(),
                    tells: None,
                    timed_out: false,
                    turn: Turn::Inside,
                    written: None,
                    shape: None,
                });
            }
            facts
        });
        facts.collect::<Vec<SourceFacts>>()
    };
    let pieces = observe();
    let mut group = group(criterion, "fold log", source.bytes());
    group.bench_function("observe", |bencher| bencher.iter(|| black_box(observe())));
    group.bench_function("merge", |bencher| {
        bencher.iter_batched(|| pieces.clone(), merge, BatchSize::LargeInput);
    });
    group.finish();
}

fn fold_store(criterion: &mut Criterion) {
    let lexicon = lexicon();
    let source = Source::new(support::store_csv(EVENTS), "store-csv", &lexicon);
    let batches: Vec<Batch<'_>> = source.batches(&lexicon).collect();
    let observe = || {
        let facts = batches.iter().map(|batch| {
            let mut facts = SourceFacts::default();
            facts.observe(batch);
            facts
        });
        facts.collect::<Vec<SourceFacts>>()
    };
    let pieces = observe();
    let sources = BTreeMap::from([("events.csv".to_owned(), merge(pieces.clone()))]);
    let settings = Settings::default();
    let (as_of, _) = check::as_of(&settings, &sources);
    let judgement = Judgement { settings: &settings, patterns: &[], as_of };
    let room = check::Room { memory: u64::MAX, folder: std::env::temp_dir() };
    let evidence = Evidence::new(sources.clone(), &room).expect("in memory");
    assert!(
        !check::conclude(&evidence, &judgement).expect("in memory").0.faults.is_empty(),
        "the planted faults are found"
    );

    let mut group = group(criterion, "fold store", source.bytes());
    group.bench_function("observe", |bencher| bencher.iter(|| black_box(observe())));
    group.bench_function("merge", |bencher| {
        bencher.iter_batched(|| pieces.clone(), merge, BatchSize::LargeInput);
    });
    group.bench_function("index", |bencher| {
        bencher.iter_batched(
            || sources.clone(),
            |sources| Evidence::new(sources, &room),
            BatchSize::LargeInput,
        );
    });
    group.bench_function("conclude", |bencher| {
        bencher.iter(|| check::conclude(black_box(&evidence), &judgement));
    });
    group.finish();
}

fn lexicon() -> Arc<Lexicon> {
    Arc::new(Lexicon::load(&[]).expect("the embedded lexicon loads"))
}

fn group<'c>(criterion: &'c mut Criterion, name: &str, bytes: u64) -> BenchmarkGroup<'c, WallTime> {
    let mut group = criterion.benchmark_group(name);
    group.sample_size(20).warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(3));
    group.throughput(Throughput::Bytes(bytes));
    group
}

/// The keys of a hit once more: observing takes them.
fn keys<'h>(hit: &'h Hit<'_>) -> Vec<(String, Cow<'h, str>)> {
    hit.keys.iter().map(|(name, value)| (name.clone(), Cow::Borrowed(&**value))).collect()
}

/// Joins the pieces of a source in their order.
fn merge(pieces: Vec<SourceFacts>) -> SourceFacts {
    let mut whole = SourceFacts::default();
    for piece in pieces {
        whole.merge(piece);
    }
    whole
}

criterion_group!(benches, fold_log, fold_store);
criterion_main!(benches);
