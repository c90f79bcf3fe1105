//! Classifying: every embedded pattern against every entry of a log, on one thread.
//!
//! Bytes are those of the log lines that the entries came from, so that the rate compares with the other stages.
//! `fixed` is what structured loggers write, where answers can be remembered; `varied` has an id in every message,
//! which is the price of an answer that cannot.

mod support;

use std::{hint::black_box, sync::Arc, time::Duration};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};

use coroner::{
    classify::{Matcher, Packs},
    decode::Lexicon,
    model::Batch,
};
use support::{Source, Texts};

fn classify(criterion: &mut Criterion) {
    let lexicon = Arc::new(Lexicon::load(&[]).expect("the embedded lexicon loads"));
    let packs = Packs::load(&[]).expect("the embedded packs load");
    let matcher = Matcher::new(&packs.patterns).expect("the embedded patterns compile");
    let mut group = criterion.benchmark_group("classify");
    group.sample_size(20).warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(3));
    for (name, texts) in [("fixed", Texts::Fixed), ("varied", Texts::Varied)] {
        let source = Source::new(support::log(4 << 20, texts), "json-log", &lexicon);
        let batches: Vec<Batch<'_>> = source.batches(&lexicon).collect();
        assert!(hits(&matcher, &batches) > 0, "{name}: nothing to find");
        group.throughput(Throughput::Bytes(source.bytes()));
        group.bench_function(name, |bencher| bencher.iter(|| black_box(hits(&matcher, &batches))));
    }
    group.finish();

    let mut group = criterion.benchmark_group("compile");
    group.sample_size(10).measurement_time(Duration::from_secs(3));
    group.bench_function("all packs", |bencher| bencher.iter(|| Matcher::new(black_box(&packs.patterns))));
    group.finish();
}

/// One session a piece, as in a run.
fn hits(matcher: &Matcher, batches: &[Batch<'_>]) -> usize {
    let mut hits = 0;
    for batch in batches {
        let mut session = matcher.session();
        for entry in &batch.entries {
            hits += session.classify(entry, batch.fields_of(entry)).len();
        }
    }
    hits
}

criterion_group!(benches, classify);
criterion_main!(benches);
