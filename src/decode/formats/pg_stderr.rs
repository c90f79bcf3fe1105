//! `PostgreSQL`'s stderr log: a configurable prefix, a severity, two blanks, a message; more lines of it after a tab;
//! DETAIL, HINT, CONTEXT and STATEMENT as lines of their own that belong to the line before.

use std::{borrow::Cow, sync::Arc};

use crate::decode::{Chunk, Cutter, Format, Head, Kind, Lexicon, entry, lines, lines::LineCutter, time};
use crate::model::{Batch, Entry, Field, Value};

#[derive(Debug)]
pub(crate) struct PgStderr;

const SEVERITIES: [&str; 12] = [
    "LOG", "ERROR", "FATAL", "PANIC", "WARNING", "NOTICE", "INFO", "DEBUG1", "DEBUG2", "DEBUG3", "DEBUG4",
    "DEBUG5",
];

/// What follows a message, and jsonlog's name for it.
const PARTS: [(&str, &str); 6] = [
    ("DETAIL", "detail"),
    ("HINT", "hint"),
    ("CONTEXT", "context"),
    ("STATEMENT", "statement"),
    ("QUERY", "internal_query"),
    ("LOCATION", "func_name"),
];

impl Format for PgStderr {
    fn id(&self) -> &'static str {
        "pg-stderr"
    }

    fn kind(&self) -> Kind {
        Kind::ServerLog { rank: 2 }
    }

    fn about(&self) -> &'static str {
        "PostgreSQL server log, log_destination = stderr, with a time in log_line_prefix"
    }

    fn sniff(&self, head: &Head<'_>, _: &Lexicon) -> u8 {
        let dated: Vec<&str> =
            head.text.lines().filter(|line| time::prefix(line).is_some()).take(40).collect();
        let ours = dated.iter().filter(|line| tagged(line).is_some()).count();
        if ours > 0 && ours * 2 >= dated.len() { 85 } else { 0 }
    }

    fn cutter(&self, _: &Head<'_>, _: &Arc<Lexicon>) -> Box<dyn Cutter> {
        Box::new(LineCutter::new(|line| begins(&String::from_utf8_lossy(&line[..line.len().min(1024)]))))
    }

    fn decode<'a>(&self, chunk: &Chunk<'a>, _: &Lexicon) -> Batch<'a> {
        let mut batch = Batch::default();
        for (offset, number, record) in lines::records(chunk.text, begins) {
            let place = chunk.place(offset, chunk.line + number);
            match tagged(lines::trim_end(record.split_inclusive('\n').next().unwrap_or_default())) {
                Some(head) => {
                    push(&mut batch, record, &head, place);
                    batch.account.decoded(record.len());
                }
                None if record.trim_ascii().is_empty() => batch.account.skipped(record.len()),
                None => batch.reject(place, record.len(), "no entry of a server log"),
            }
        }
        batch
    }
}

/// The parts of an entry's first line.
struct Tagged<'a> {
    /// Between the time and the severity.
    prefix: &'a str,
    severity: &'a str,
    /// Offset of the message.
    at: usize,
}

/// Takes apart a line that begins with a time and has a severity or part name, a colon and two blanks.
fn tagged(line: &str) -> Option<Tagged<'_>> {
    let (_, _, len) = time::prefix(line)?;
    let colon = line[len..].match_indices(":  ").find_map(|(at, _)| {
        let before = &line[len..len + at];
        let word = before.rsplit([' ', ']', '>']).next().unwrap_or(before);
        let known = SEVERITIES.contains(&word) || PARTS.iter().any(|(part, _)| *part == word);
        known.then_some((len + at - word.len(), word))
    });
    let (from, severity) = colon?;
    Some(Tagged { prefix: line[len..from].trim(), severity, at: from + severity.len() + 3 })
}

fn begins(line: &str) -> bool {
    tagged(line).is_some_and(|tagged| SEVERITIES.contains(&tagged.severity))
}

fn push<'a>(batch: &mut Batch<'a>, record: &'a str, head: &Tagged<'a>, place: crate::model::Place) {
    let time = time::prefix(record);
    if let Some((_, zone, _)) = time {
        batch.saw_zone(zone);
    }
    let first = batch.fields.len();
    prefix_fields(batch, head.prefix);
    // The message, and each part, run on over lines that begin with a tab.
    let (mut message, mut part): (Cow<'a, str>, Option<&'static str>) = (Cow::Borrowed(""), None);
    for (number, line) in record.split_inclusive('\n').map(lines::trim_end).enumerate() {
        if number == 0 {
            message = Cow::Borrowed(&line[head.at.min(line.len())..]);
            continue;
        }
        let named = tagged(line).and_then(|tagged| {
            PARTS.iter().find(|(part, _)| *part == tagged.severity).map(|(_, name)| (*name, tagged.at))
        });
        if let Some((name, at)) = named {
            part = Some(name);
            batch.fields.push(Field::new(Cow::Borrowed(name), Value::Text(Cow::Borrowed(&line[at..]))));
            continue;
        }
        let more = line.strip_prefix('\t').unwrap_or(line);
        match (part, batch.fields.last_mut()) {
            (Some(_), Some(Field { value: Value::Text(text), .. })) => append(text, more),
            _ => append(&mut message, more),
        }
    }
    batch.entries.push(Entry {
        place,
        time: time.map(|(time, _, _)| time),
        level: entry::level(head.severity, "").unwrap_or_default(),
        message: Some(message),
        error: None,
        fields: first..batch.fields.len(),
    });
}

fn append(text: &mut Cow<'_, str>, more: &str) {
    let text = text.to_mut();
    text.push('\n');
    text.push_str(more);
}

/// What the usual prefixes hold: `[pid]`, then `user@database/application`.
fn prefix_fields<'a>(batch: &mut Batch<'a>, prefix: &'a str) {
    let mut field = |name: &'static str, value: &'a str| {
        batch.fields.push(Field::new(Cow::Borrowed(name), Value::Text(Cow::Borrowed(value))));
    };
    let (mut rest, pid) = match prefix.split_once(']') {
        Some((before, after)) => (after, before.rsplit('[').next().unwrap_or_default()),
        None => (prefix, ""),
    };
    let pid = pid.split('-').next().unwrap_or(pid);
    if !pid.is_empty() && pid.bytes().all(|byte| byte.is_ascii_digit()) {
        field("pid", pid);
    }
    rest = rest.trim();
    if let Some((user, database)) = rest.split_once('@') {
        let (database, application) = database.split_once('/').unwrap_or((database, ""));
        for (name, value) in [("user", user), ("dbname", database), ("application_name", application)] {
            if !value.is_empty() && value != "[unknown]" {
                field(name, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::decode::testing::check;

    use super::*;

    #[test]
    fn joins_parts_and_continued_lines() {
        check(
            &PgStderr,
            concat!(
                "2026-11-23 15:39:34.388 UTC [6094] bank@bank/bank-app-a LOG:  process 6094 still waiting\n",
                "2026-11-23 15:39:34.388 UTC [6094] bank@bank/bank-app-a DETAIL:  Process holding the lock: 6514.\n",
                "2026-11-23 15:39:34.388 UTC [6094] bank@bank/bank-app-a STATEMENT:  SELECT 1\n\tFROM x\n",
                "2026-11-23 15:39:35 UTC [1] ERROR:  deadlock detected\n\tmore\n",
            ),
            &[
                "1 15:39:34 info process 6094 still waiting pid=6094 user=bank dbname=bank application_name=bank-app-a detail=Process holding the lock: 6514. statement=SELECT 1\\nFROM x",
                "5 15:39:35 error deadlock detected\\nmore pid=1",
                "records 2 rejected 0 skipped 0",
            ],
        );
    }
}
