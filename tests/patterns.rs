//! The pattern packs that ship: every sample holds, nothing is to mend, and the chapter's five stand as written.

use coroner::{
    classify::{Matcher, Packs, lint, test_samples},
    model::{Condition, Level, Severity},
};

fn loaded() -> (Packs, Matcher) {
    let packs = Packs::load(&[]).expect("the embedded packs");
    let matcher = Matcher::new(&packs.patterns).expect("they compile");
    (packs, matcher)
}

#[test]
fn every_sample_does_what_it_says() {
    let (packs, matcher) = loaded();
    let failures = test_samples(&packs, &matcher);
    assert!(failures.is_empty(), "{failures:#?}");
    assert!(packs.patterns.len() >= 80, "{} patterns", packs.patterns.len());
}

#[test]
fn nothing_is_to_mend() {
    let (packs, matcher) = loaded();
    let lints = lint(&packs, &matcher);
    assert!(lints.is_empty(), "{lints:#?}");
}

#[test]
fn the_five_of_the_source_chapter_stand_verbatim() {
    let (packs, _) = loaded();
    for (id, severity, expression, action) in [
        (
            "connection_pool_exhaustion",
            Severity::Critical,
            "(?i)connection.*pool.*exhausted|too many connections",
            "Scale up connection pool or check for connection leaks",
        ),
        (
            "command_timeout",
            Severity::Error,
            "(?i)command.*timeout|execution.*timeout",
            "Check database performance and query optimization",
        ),
        (
            "concurrency_conflict",
            Severity::Warning,
            "(?i)concurrency.*conflict|version.*conflict",
            "Consider optimizing command patterns or retry strategies",
        ),
        (
            "memory_pressure",
            Severity::Critical,
            "(?i)out of memory|memory.*limit|allocation.*failed",
            "Scale up memory or check for memory leaks",
        ),
        (
            "projection_lag",
            Severity::Warning,
            "(?i)projection.*lag|projection.*behind",
            "Check projection performance and consider scaling",
        ),
    ] {
        let pattern = packs.get(id).unwrap_or_else(|| panic!("{id} is gone"));
        assert_eq!(pattern.any, [Condition::Text(expression.to_owned())], "{id}");
        assert_eq!((pattern.severity, pattern.action.as_str()), (severity, action), "{id}");
        assert_eq!(
            (pattern.fields.as_slice(), pattern.raises_at),
            (&["message".to_owned()][..], Level::Warn),
            "{id}"
        );
        assert!(pattern.all.is_empty() && pattern.none.is_empty(), "{id}");
    }
}
