//! A whole run, from files to a report, on one thread and on two: a log, a CSV export and a dump, each by itself.
//!
//! What a user waits for, without starting the program and writing the report. Files are small and in the page
//! cache; `compare.sh` measures a gigabyte, and against other tools.

mod support;

use std::{fs, hint::black_box, sync::Arc, time::Duration};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

use coroner::{
    classify::{Matcher, Packs},
    decode::Lexicon,
    engine::{self, Plan, Progress},
    ingest,
};
use support::Texts;

const EVENTS: usize = 20_000;

fn whole(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let sources = [
        ("log.json", support::log(8 << 20, Texts::Fixed)),
        ("events.csv", support::store_csv(EVENTS)),
        ("dump.sql", support::pg_dump(EVENTS)),
    ];
    let mut group = criterion.benchmark_group("whole");
    group.sample_size(20).warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(3));
    for (name, text) in sources {
        let path = folder.path().join(name);
        fs::write(&path, &text).expect("the temporary folder can be written");
        let found = ingest::walk(&[path.display().to_string()]).expect("the file is there");
        group.throughput(Throughput::Bytes(text.len() as u64));
        for threads in [1, 2] {
            let plan = plan(threads);
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads start");
            let run = || {
                pool.install(|| {
                    let partial = engine::scan(&plan, &found, &Progress::default()).expect("nobody stops it");
                    engine::conclude(&plan, &found, partial).expect("in memory")
                })
            };
            assert_eq!(run().verdict.incomplete, Vec::<String>::new());
            group
                .bench_function(BenchmarkId::new(name, threads), |bencher| bencher.iter(|| black_box(run())));
        }
    }
    group.finish();
}

fn plan(threads: usize) -> Plan {
    let packs = Packs::load(&[]).expect("the embedded packs load");
    let matcher = Matcher::new(&packs.patterns).expect("the embedded patterns compile");
    let lexicon = Arc::new(Lexicon::load(&[]).expect("the embedded lexicon loads"));
    Plan { threads, ..Plan::plain(packs, matcher, lexicon) }
}

criterion_group!(benches, whole);
criterion_main!(benches);
