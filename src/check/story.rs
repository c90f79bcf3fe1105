//! What the entries of a unit of work tell: its ids, its streams, and what it spent its time on.

use crate::model::{Evidence, ID_KINDS, IdKind, Level, Phase, Trace, TraceEntry, Turn};

/// Phases told of one unit: the longest.
const PHASES: usize = 24;
/// Streams named of one unit.
const STREAMS: usize = 20;
/// Longest excerpt, in characters.
const EXCERPT: usize = 240;
/// Longest name of a phase that is an entry's message, in characters.
const NAME: usize = 48;

/// Fills in what only the entries say. Puts the entries in order of time.
pub fn tell(trace: &mut Trace, entries: &mut [TraceEntry]) {
    entries.sort_by(|a, b| (a.time, &a.path, a.byte).cmp(&(b.time, &b.path, b.byte)));
    if entries.is_empty() {
        return;
    }
    ids(trace, entries);
    for entry in entries.iter_mut() {
        entry.offset_ms = trace.start.zip(entry.time).map(|(start, time)| millis(time.since(start)));
        for stream in &entry.streams {
            if trace.streams.len() < STREAMS && !trace.streams.contains(stream) {
                trace.streams.push(stream.clone());
            }
        }
    }
    trace.error =
        entries.iter().rev().find_map(|entry| entry.error.clone()).filter(|_| trace.outcome.is_failure());
    trace.phases = phases(trace, entries);
    trace.evidence = cited(entries);
}

/// A trace's start and end may carry an id of their own: that is what their reader knows it by.
fn ids(trace: &mut Trace, entries: &[TraceEntry]) {
    for (kind, id) in entries.iter().flat_map(|entry| &entry.ids) {
        trace.ids.entry(kind.clone()).or_insert_with(|| id.clone());
    }
    let delimits = |entry: &&TraceEntry| matches!(entry.turn, Turn::Start | Turn::End);
    let traced = entries.iter().filter(delimits).any(|entry| entry.ids.contains_key(IdKind::Trace.name()));
    let kind = if traced {
        IdKind::Trace
    } else {
        ID_KINDS.into_iter().find(|kind| trace.ids.contains_key(kind.name())).unwrap_or(trace.id_kind)
    };
    if let Some(id) = trace.ids.get(kind.name()) {
        (trace.id, trace.id_kind) = (id.clone(), kind);
    }
}

/// What passed between one entry and the next is named after the first: a logger says what it is about to do. Phases of
/// one name that follow each other are one.
fn phases(trace: &Trace, entries: &[TraceEntry]) -> Vec<Phase> {
    let mut phases: Vec<Phase> = Vec::new();
    if let (Some(start), Some(first)) = (trace.start, entries[0].time)
        && first > start
    {
        let name = "before the first entry".to_owned();
        phases.push(Phase {
            name,
            start,
            duration_ms: millis(first.since(start)),
            until: until(&entries[0]),
        });
    }
    for pair in entries.windows(2) {
        let (Some(from), Some(to)) = (pair[0].time, pair[1].time) else { continue };
        let (name, micros) = (name(trace, &pair[0]), to.since(from));
        match phases.last_mut().filter(|last| last.name == name) {
            Some(last) => {
                last.duration_ms = millis(to.since(last.start));
                last.until = last.until.take().or_else(|| until(&pair[1]));
            }
            None => {
                phases.push(Phase { name, start: from, duration_ms: millis(micros), until: until(&pair[1]) });
            }
        }
    }
    phases.retain(|phase| phase.duration_ms > 0.0);
    if phases.len() > PHASES {
        let mut longest: Vec<f64> = phases.iter().map(|phase| phase.duration_ms).collect();
        longest.sort_by(|a, b| b.total_cmp(a));
        phases.retain(|phase| phase.duration_ms >= longest[PHASES - 1]);
        phases.truncate(PHASES);
    }
    phases
}

fn name(trace: &Trace, entry: &TraceEntry) -> String {
    if entry.delay_ms.is_some() {
        return "backoff".to_owned();
    }
    // The outermost span is the unit itself.
    if let Some(span) = entry.spans.last().filter(|_| entry.spans.len() > 1) {
        return span.clone();
    }
    let of_a_part = |operation: &&String| trace.command_type.as_ref() != Some(*operation);
    match entry.operation.as_ref().filter(of_a_part) {
        Some(operation) if entry.duration_ms.is_none() => operation.clone(),
        _ => cut(&entry.message, NAME),
    }
}

/// What ended a phase, where that was no success.
fn until(entry: &TraceEntry) -> Option<String> {
    (entry.level >= Level::Warn).then(|| said(entry))
}

/// The message, and the error where that says more.
fn said(entry: &TraceEntry) -> String {
    let text = match &entry.error {
        Some(error) if !entry.message.contains(error.as_str()) => format!("{}: {error}", entry.message),
        _ => entry.message.clone(),
    };
    cut(&text, EXCERPT)
}

/// Where it begins, what went wrong first, and where it ends.
fn cited(entries: &[TraceEntry]) -> Vec<Evidence> {
    let last = entries.len() - 1;
    let wrong = entries.iter().position(|entry| entry.level >= Level::Warn);
    let mut places = vec![0, wrong.unwrap_or(0), last];
    places.sort_unstable();
    places.dedup();
    let place = |entry: &TraceEntry| Evidence {
        path: entry.path.clone(),
        line: entry.line,
        byte: entry.byte,
        excerpt: said(entry),
    };
    places.into_iter().map(|at| place(&entries[at])).collect()
}

fn cut(text: &str, width: usize) -> String {
    text.lines().next().unwrap_or_default().chars().take(width).collect()
}

fn millis(micros: i64) -> f64 {
    micros as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Timestamp;

    /// `ms level span message [delay]`
    fn entry(line: &str) -> TraceEntry {
        let words: Vec<&str> = line.split(' ').collect();
        let level = match words[1] {
            "w" => Level::Warn,
            "e" => Level::Error,
            _ => Level::Info,
        };
        TraceEntry {
            path: "log".to_owned(),
            time: Some(Timestamp(words[0].parse::<i64>().expect("a number") * 1000)),
            level,
            message: words[3].to_owned(),
            spans: ["command", words[2]].map(str::to_owned).into_iter().filter(|span| span != "-").collect(),
            delay_ms: words.get(4).map(|delay| delay.parse().expect("a number")),
            ..TraceEntry::default()
        }
    }

    #[test]
    fn tells_what_the_time_went_into() {
        let lines = [
            "0 i - started",
            "1 i read reading",
            "446 i append appending",
            "1157 w append conflict",
            "1157 w execute retrying 11",
            "1169 i read reading",
            "1886 i append appending",
            "2000 e - timeout",
        ];
        let numbered = lines.iter().zip(0_u64..);
        let mut entries: Vec<TraceEntry> =
            numbered.map(|(line, byte)| TraceEntry { byte, ..entry(line) }).collect();
        entries.reverse();
        let mut trace = Trace { start: Some(Timestamp(0)), ..Trace::default() };
        tell(&mut trace, &mut entries);
        let shown = |phase: &Phase| {
            let until = phase.until.as_ref().map(|until| format!(" until {until}")).unwrap_or_default();
            format!("{} {} {}{until}", phase.start.0 / 1000, phase.name, phase.duration_ms)
        };
        assert_eq!(
            trace.phases.iter().map(shown).collect::<Vec<_>>(),
            [
                "0 started 1",
                "1 read 445",
                "446 append 711 until conflict",
                "1157 backoff 12",
                "1169 read 717",
                "1886 append 114 until timeout",
            ]
        );
        let cited: Vec<&str> = trace.evidence.iter().map(|place| place.excerpt.as_str()).collect();
        assert_eq!(cited, ["started", "conflict", "timeout"]);
    }
}
