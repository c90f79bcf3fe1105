//! Decoding: text of four formats into records, on one thread.
//!
//! The stage that touches every byte. Pieces are cut beforehand, so that this is the decoder alone: no disk, no
//! threads, no folding.

mod support;

use std::{hint::black_box, sync::Arc, time::Duration};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};

use coroner::decode::Lexicon;
use support::{Source, Texts};

/// Events of a store: about 4 MB in each form.
const EVENTS: usize = 10_000;

fn decode(criterion: &mut Criterion) {
    let lexicon = Arc::new(Lexicon::load(&[]).expect("the embedded lexicon loads"));
    let sources = [
        ("json-log", support::log(4 << 20, Texts::Fixed)),
        ("store-csv", support::store_csv(EVENTS)),
        ("store-jsonl", support::store_jsonl(EVENTS)),
        ("pg-dump-plain", support::pg_dump(EVENTS)),
    ];
    let mut group = criterion.benchmark_group("decode");
    group.sample_size(20).warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(3));
    for (format, text) in sources {
        let source = Source::new(text, format, &lexicon);
        assert!(
            source.batches(&lexicon).all(|batch| batch.account.rejected == 0),
            "{format}: rows are rejected"
        );
        group.throughput(Throughput::Bytes(source.bytes()));
        group.bench_function(format, |bencher| {
            bencher
                .iter(|| source.batches(&lexicon).map(|batch| black_box(batch).account.records).sum::<u64>());
        });
    }
    group.finish();
}

criterion_group!(benches, decode);
criterion_main!(benches);
