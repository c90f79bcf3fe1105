//! The one helper that every format's tests go through.

use crate::model::{Batch, Entry, Observed, Timestamp};

use super::{Chunk, Context, Format, Head, Lexicon};

/// Decodes `text` and compares with what is expected, a line each: log entries, rows, faults, problems, and the
/// account last.
///
/// The text is then read in pieces of every size, as a run would read it: each must give the same lines. So each
/// example also proves that where records begin depends on the text alone, and that every byte is accounted for.
#[track_caller]
pub(super) fn check(format: &dyn Format, text: &str, expected: &[&str]) {
    let whole = read(format, text, text.len().max(1));
    assert_eq!(whole, expected, "read whole");
    for size in 1..text.len() {
        assert_eq!(read(format, text, size), whole, "in pieces of {size} bytes");
    }
}

/// The records of a text, a line each, read in pieces of `size` bytes.
pub(super) fn read(format: &dyn Format, text: &str, size: usize) -> Vec<String> {
    let lexicon = std::sync::Arc::new(Lexicon::load(&[]).expect("the embedded files"));
    let mut cutter = format.cutter(&Head { text, whole: true }, &lexicon);
    let (mut shown, mut account) = (Vec::new(), crate::model::Account::default());
    let (mut at, mut line) = (0, 1);
    while at < text.len() {
        // A cutter is shown little at first, and more when it asks.
        let mut have = size;
        let (taken, context): (usize, Context) = loop {
            let seen = (at + have).min(text.len());
            let last = seen == text.len();
            match cutter.cut(&text.as_bytes()[at..seen], size, last) {
                Some(cut) => break cut,
                None if last => break (text.len() - at, Context::None),
                None => have *= 2,
            }
        };
        let piece = &text[at..at + taken];
        let last = at + taken == text.len();
        let chunk = Chunk { text: piece, start: at as u64, line, last, invalid: &[], context: &context };
        let batch = format.decode(&chunk, &lexicon);
        assert_eq!(batch.account.bytes(), taken as u64, "every byte is accounted for");
        show(&batch, text, &mut shown);
        account.add(batch.account);
        at += taken;
        line += piece.matches('\n').count() as u64;
    }
    shown.push(format!(
        "records {} rejected {} skipped {}",
        account.records, account.rejected, account.skipped
    ));
    shown
}

fn show(batch: &Batch<'_>, text: &str, out: &mut Vec<String>) {
    let mut lines: Vec<(u64, u8, String)> = Vec::new();
    let line_of = |byte: u64| 1 + text[..byte as usize].matches('\n').count() as u64;
    for entry in &batch.entries {
        assert_eq!(entry.place.line, line_of(entry.place.byte), "line and byte agree");
        lines.push((entry.place.byte, 0, show_entry(batch, entry)));
    }
    for problem in &batch.problems {
        lines.push((problem.place.byte, 1, format!("{} rejected {}", problem.place.line, problem.why)));
    }
    for observation in &batch.observations {
        let place = observation.place;
        assert_eq!(place.line, line_of(place.byte), "line and byte agree");
        lines.push((place.byte, 0, format!("{} {}", place.line, show_observed(&observation.state))));
    }
    for rows in &batch.tables {
        for event in &rows.events {
            let time = event.time.map_or("-".to_owned(), super::super::model::time::Timestamp::clock);
            let id = if event.id.is_none() { "-".to_owned() } else { event.id.to_string() };
            let version = event.version.map_or("-".to_owned(), |version| version.to_string());
            let mut row = format!("{} {time} {}@{version} {id}", line_of(event.byte), event.stream);
            if let Some(position) = event.position {
                row.push_str(&format!(" #{position}"));
            }
            lines.push((event.byte, 0, row));
        }
        for checkpoint in &rows.checkpoints {
            let position = checkpoint.position.as_deref().unwrap_or("-");
            lines.push((
                checkpoint.byte,
                0,
                format!("{} {} at {position}", line_of(checkpoint.byte), checkpoint.name),
            ));
        }
        for claim in &rows.claims {
            let row =
                format!("{} {} says {}@{}", line_of(claim.byte), claim.name, claim.stream, claim.version);
            lines.push((claim.byte, 0, row));
        }
        for fault in &rows.faults {
            let stream = fault.stream.as_deref().unwrap_or("-");
            let row = format!("{} {} {stream} {}", line_of(fault.byte), fault.kind.name(), fault.detail);
            lines.push((fault.byte, 2, row));
        }
    }
    lines.sort();
    out.extend(lines.into_iter().map(|(_, _, line)| line));
    out.extend(batch.notes.iter().map(|note| format!("note {note}")));
}

fn show_observed(state: &Observed) -> String {
    let clock = |time: Option<Timestamp>| time.map_or("-".to_owned(), Timestamp::clock);
    let shown = match state {
        Observed::Session(s) => {
            let (state, wait) = (&s.state, format!("{}/{}", s.wait_event_type, s.wait_event));
            let mut line = format!("session {} {}@{}/{}", s.pid, s.user, s.database, s.application);
            line.push_str(&format!(" {state} {wait} xact {}", clock(s.xact_start)));
            line.push_str(&format!(" query {}", clock(s.query_start)));
            line.push_str(&s.query_ms.map_or(String::new(), |ms| format!(" for {ms} ms")));
            if !s.blocked_by.is_empty() {
                line.push_str(&format!(" by {:?}", s.blocked_by));
            }
            format!("{line} {}", s.query)
        }
        Observed::Lock(lock) => {
            let does = if lock.granted { "holds" } else { "awaits" };
            let since = clock(lock.wait_start);
            format!("lock {} {does} {} on {} since {since}", lock.pid, lock.mode, lock.target)
        }
        Observed::Blocking(b) => format!(
            "blocking {} ({}: {}) blocks {} ({}: {}){}",
            b.blocking_pid,
            b.blocking_user,
            b.blocking_statement,
            b.blocked_pid,
            b.blocked_user,
            b.blocked_statement,
            b.waited_ms.map_or(String::new(), |ms| format!(" for {ms} ms")),
        ),
        Observed::Statement(s) => format!(
            "statement {} x {:.3} ms, total {:.3} ms{}: {}",
            s.calls,
            s.mean_ms,
            s.total_ms,
            s.max_ms.map_or(String::new(), |ms| format!(", max {ms:.3} ms")),
            s.query
        ),
        Observed::Index(index) => {
            format!("index {}.{} {} {} scans", index.schema, index.table, index.index, index.scans)
        }
        Observed::Relation(size) => {
            let shown = size.shown.as_ref().map_or(String::new(), |shown| format!(" ({shown})"));
            format!("size {}.{} {} {}{shown}", size.schema, size.name, size.kind, size.bytes)
        }
        Observed::Metric(metric) => {
            let part = |text: &Option<String>| text.clone().unwrap_or("-".to_owned());
            let le = metric.le.map_or(String::new(), |le| format!(" le {le}"));
            let (service, part) = (part(&metric.service), part(&metric.part));
            format!("{} {service} {part} {}{le}", metric.means, metric.value)
        }
        other => format!("{other:?}"),
    };
    shown.replace('\n', "\\n")
}

fn show_entry(batch: &Batch<'_>, entry: &Entry<'_>) -> String {
    let time = entry.time.map_or("-".to_owned(), super::super::model::time::Timestamp::clock);
    let message = entry.message.as_deref().unwrap_or("-").replace('\n', "\\n").replace('\t', "\\t");
    let mut line = format!("{} {time} {} {message}", entry.place.line, entry.level.name());
    for field in batch.fields_of(entry) {
        line.push_str(&format!(" {}={}", field.name, field.value.text().replace('\n', "\\n")));
    }
    line
}
