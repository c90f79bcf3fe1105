//! Plain text: lines that begin with a time and say a level, and what belongs to them; or lines without either, such
//! as what a dying process leaves on its standard error.

use std::{borrow::Cow, sync::Arc};

use crate::decode::{
    Chunk, Context, Cutter, Format, Head, Kind, Lexicon, entry, lines, lines::LineCutter, time,
};
use crate::model::{Batch, Entry, Field, Level, Place, Timestamp, Value, Zone};

#[derive(Debug)]
pub(crate) struct TextLog;

impl Format for TextLog {
    fn id(&self) -> &'static str {
        "text-log"
    }

    fn kind(&self) -> Kind {
        Kind::Log
    }

    fn about(&self) -> &'static str {
        "plain text logs, with or without a time and a level on each entry"
    }

    fn sniff(&self, head: &Head<'_>, _: &Lexicon) -> u8 {
        let text = head.text;
        let control =
            text.bytes().filter(|byte| *byte < 0x20 && !matches!(byte, b'\n' | b'\r' | b'\t' | 0x1b)).count();
        if text.trim_ascii().is_empty() || control * 100 > text.len() || is_document(text) {
            return 0;
        }
        if timed(text) { 40 } else { 10 }
    }

    fn lacks(&self, head: &Head<'_>, _: &Lexicon) -> Option<String> {
        let said = head.text.trim_ascii();
        (!said.is_empty() && !timed(head.text))
            .then(|| format!("none of its first {TIMED_WITHIN} lines begins with a time"))
    }

    fn cutter(&self, head: &Head<'_>, _: &Arc<Lexicon>) -> Box<dyn Cutter> {
        let timed = timed(head.text);
        let begins = if timed { begins_timed } else { begins_untimed };
        Box::new(LineCutter::new(begins).within(Context::Text { timed }))
    }

    fn decode<'a>(&self, chunk: &Chunk<'a>, _: &Lexicon) -> Batch<'a> {
        let mut batch = Batch::default();
        let timed = matches!(chunk.context, Context::Text { timed: true });
        // Pieces are cut at dated lines alone, so that last words find the time of the entry before them.
        let begins = |line: &str| {
            let line = line.as_bytes();
            if timed { begins_timed(line) || last_words(line) } else { begins_untimed(line) }
        };
        for (offset, number, record) in lines::records(chunk.text, begins) {
            let place = chunk.place(offset, chunk.line + number);
            if record.trim_ascii().is_empty() {
                batch.account.skipped(record.len());
                continue;
            }
            let before = batch.entries.last().and_then(|entry| entry.time);
            let mut entry = text_entry(&mut batch, record.trim_ascii_end(), place);
            if last_words(record.as_bytes()) {
                entry.time = before;
            }
            batch.entries.push(entry);
            batch.account.decoded(record.len());
        }
        if !chunk.invalid.is_empty() {
            batch.note("bytes that are not UTF-8 were read as `?`");
        }
        batch
    }
}

/// Lines in which a first time must stand.
const TIMED_WITHIN: usize = 200;

/// Whether the source dates its entries: one dated line in the first few is enough, for banners come first.
fn timed(text: &str) -> bool {
    text.lines().take(TIMED_WITHIN).any(|line| begins_timed(line.as_bytes()))
}

fn begins_timed(line: &[u8]) -> bool {
    let head = &line[..line.len().min(64)];
    // A cut through a character at the end of the head does not matter to a time at its beginning.
    let head = String::from_utf8_lossy(head);
    time_prefix(&head).is_some() || yearless(&head)
}

/// The first line of what a runtime prints past the logger when a process dies. It belongs to no entry, though no
/// time stands before it.
const LAST_WORDS: [&str; 8] = [
    "thread '",
    "panic: ",
    "fatal error: ",
    "fatal runtime error: ",
    "Exception in thread ",
    "Unhandled exception",
    "memory allocation of ",
    "FATAL ERROR: ",
];

fn last_words(line: &[u8]) -> bool {
    LAST_WORDS.iter().any(|words| line.starts_with(words.as_bytes()))
}

fn begins_untimed(line: &[u8]) -> bool {
    !line.is_empty()
        && !matches!(line[0], b' ' | b'\t' | b'}' | b')')
        && !line.starts_with(b"at ")
        && !line.starts_with(b"Caused by")
}

/// Markup, settings and JSON documents are text too, and no log.
fn is_document(text: &str) -> bool {
    let start = text.trim_start_matches('\u{feff}').trim_start();
    let first = start.lines().next().unwrap_or_default();
    (start.starts_with(['{', '[']) && !timed(text) && !first.contains("] ") && !first.contains("]: "))
        || start.starts_with("<?xml")
        || start.starts_with("<!")
        || start.starts_with("<html")
        || start.starts_with("#!")
}

/// A time at the line's beginning, brackets around it allowed, and where what follows it begins.
fn time_prefix(line: &str) -> Option<(Timestamp, Zone, usize)> {
    let open = usize::from(line.starts_with(['[', '(', '<']));
    let (time, zone, len) = time::prefix(line.get(open..)?)?;
    let end = open + len;
    let close = usize::from(open == 1 && line[end..].starts_with([']', ')', '>']));
    Some((time, zone, end + close))
}

/// `Nov 23 15:32:51`: the time of a syslog line, which has no year and cannot be placed.
fn yearless(line: &str) -> bool {
    let bytes = line.as_bytes();
    bytes.len() >= 15
        && ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
            .iter()
            .any(|month| line.starts_with(month))
        && bytes[3] == b' '
        && bytes[9] == b':'
        && bytes[12] == b':'
}

/// Reads one entry: its time and level if it says them, and the message without them.
///
/// What a `tracing` formatter writes between level and message (spans, target) and after it (fields) is taken apart:
/// a pattern looks at the message, never at the names around it.
pub(super) fn text_entry<'a>(batch: &mut Batch<'a>, text: &'a str, place: Place) -> Entry<'a> {
    let (first, _) = text.split_once('\n').unwrap_or((text, ""));
    let (time, at) = match time_prefix(first) {
        Some((time, zone, len)) => {
            batch.saw_zone(zone);
            (Some(time), len)
        }
        None if yearless(first) => {
            batch.note("times without a year were not used");
            (None, 15)
        }
        None => (None, 0),
    };
    let fields_from = batch.fields.len();
    let (level, from) = level_in(first, at);
    let message = text[from..].trim_ascii_start();
    let behind = (level != Level::Unknown).then(|| after_spans_and_target(message)).flatten();
    let (message, error) = match behind {
        Some(from) => {
            let said = message_and_fields(batch, message[from..].trim_ascii_start());
            push_spans(batch, &message[..from]);
            said
        }
        None => (Cow::Borrowed(message), None),
    };
    Entry {
        place,
        time,
        level,
        message: Some(message).filter(|message| !message.is_empty()),
        error,
        fields: fields_from..batch.fields.len(),
    }
}

/// Takes the fields off the end of a message's first line. The lines after it belong to the message, whatever stands
/// between the two: a panic that follows an entry is not the value of the entry's last field.
fn message_and_fields<'a>(batch: &mut Batch<'a>, text: &'a str) -> (Cow<'a, str>, Option<Cow<'a, str>>) {
    let (line, more) = text.split_at(text.find('\n').unwrap_or(text.len()));
    let (said, fields) = line.split_at(trailing_fields(line));
    let error = push_fields(batch, fields);
    let message = match (fields.is_empty(), more.is_empty()) {
        (true, _) => Cow::Borrowed(text),
        (false, true) => Cow::Borrowed(said.trim_ascii_end()),
        (false, false) => Cow::Owned(format!("{}{more}", said.trim_ascii_end())),
    };
    (message, error)
}

/// The level among the first words after the time, and where the message begins. A level is a word of its own:
/// capitals, brackets or a colon tell it from prose.
fn level_in(line: &str, from: usize) -> (Level, usize) {
    const WORDS: usize = 5;
    let mut at = from;
    for _ in 0..WORDS {
        let rest = &line[at..];
        let word_at = at
            + (rest.len()
                - rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '-' || c == '|').len());
        let word = line[word_at..].split([' ', '\t']).next().unwrap_or_default();
        if word.is_empty() {
            break;
        }
        let bare = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
        let marked = bare.len() < word.len() || bare.bytes().all(|byte| byte.is_ascii_uppercase());
        if let Some(level) =
            entry::level(bare, "").filter(|_| marked && !bare.bytes().all(|byte| byte.is_ascii_digit()))
        {
            return (level, word_at + word.len());
        }
        at = word_at + word.len();
    }
    (Level::Unknown, from)
}

/// Behind `command{id=1}:execute: my::target: `, if the text begins so.
fn after_spans_and_target(text: &str) -> Option<usize> {
    let mut at = 0;
    let mut target = false;
    loop {
        let rest = &text[at..];
        let name = rest
            .bytes()
            .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':' | b'.' | b'-'))
            .count();
        if name == 0 {
            break;
        }
        if rest.as_bytes().get(name) == Some(&b'{') {
            at += name + closing_brace(&rest[name..])?;
            at += text[at..].bytes().take_while(|byte| matches!(byte, b':' | b' ')).count();
            target = true;
            continue;
        }
        let word = &rest[..name];
        if word.ends_with(':')
            && rest.as_bytes().get(name) == Some(&b' ')
            && (target || word.contains('_') || word.contains("::") || ends_in_fields(&rest[name..]))
        {
            at += name + 1;
            target = true;
        }
        break;
    }
    target.then_some(at)
}

/// Adds the names and fields of `command{id=1}:execute:`, behind the entry's own: of two values of one meaning the
/// entry's own counts.
fn push_spans<'a>(batch: &mut Batch<'a>, spans: &'a str) {
    let before = batch.fields.len();
    let (mut rest, mut braces) = (spans, false);
    while let Some(open) = rest.find(['{', ':']).filter(|open| *open > 0) {
        let name = Value::Text(Cow::Borrowed(&rest[..open]));
        batch.fields.push(Field::new(Cow::Borrowed("span.name"), name));
        let closed = rest[open..].starts_with('{').then(|| closing_brace(&rest[open..])).flatten();
        let end = open + closed.unwrap_or(0);
        if closed.is_some() {
            push_fields(batch, &rest[open + 1..end - 1]);
            braces = true;
        }
        rest = rest[end..].strip_prefix(':').unwrap_or_default();
        // Behind the last span stands the target.
        if rest.is_empty() || rest.starts_with(' ') {
            break;
        }
    }
    if !braces && rest.trim().is_empty() {
        // A name alone is the target.
        batch.fields.truncate(before);
    }
}

/// Whether a text's first line ends in `name=value`: then the word before it is a target, not prose.
fn ends_in_fields(text: &str) -> bool {
    let line = text.lines().next().unwrap_or_default();
    trailing_fields(line) < line.len()
}

fn closing_brace(text: &str) -> Option<usize> {
    let (mut depth, mut quoted) = (0, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'"' => quoted = !quoted,
            b'{' if !quoted => depth += 1,
            b'}' if !quoted => {
                depth -= 1;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            b'\n' => return None,
            _ => (),
        }
    }
    None
}

/// Where ` name=value` pairs begin at the end of a message.
fn trailing_fields(message: &str) -> usize {
    let line = message.split('\n').next().unwrap_or_default();
    let mut at = 0;
    while let Some(blank) = line[at..].find(' ') {
        let start = at + blank + 1;
        if field_name(&line[start..]) > 0 {
            return start;
        }
        at = start;
    }
    if field_name(line) > 0 { 0 } else { message.len() }
}

/// Length of `name=` at the beginning, 0 if there is none.
fn field_name(text: &str) -> usize {
    let name =
        text.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.')).count();
    if name > 0 && text.as_bytes().get(name) == Some(&b'=') { name + 1 } else { 0 }
}

/// Adds the pairs as fields; returns the one named `error`.
fn push_fields<'a>(batch: &mut Batch<'a>, text: &'a str) -> Option<Cow<'a, str>> {
    let mut error = None;
    let mut rest = text;
    loop {
        let name = field_name(rest);
        if name == 0 {
            return error;
        }
        let (value, next) = field_value(&rest[name..]);
        let (name, value) = (&rest[..name - 1], Cow::Borrowed(value.trim_matches('"')));
        if matches!(name, "error" | "err") {
            error = Some(value.clone());
        }
        batch.fields.push(Field::new(Cow::Borrowed(name), Value::Text(value)));
        rest = next;
    }
}

/// A value up to the next ` name=` outside quotes and brackets, and what follows.
fn field_value(text: &str) -> (&str, &str) {
    let (mut depth, mut quoted) = (0_i32, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'"' => quoted = !quoted,
            b'[' | b'{' | b'(' if !quoted => depth += 1,
            b']' | b'}' | b')' if !quoted => depth -= 1,
            b' ' if !quoted && depth <= 0 && field_name(&text[at + 1..]) > 0 => {
                return (&text[..at], &text[at + 1..]);
            }
            _ => (),
        }
    }
    (text, "")
}

#[cfg(test)]
mod tests {
    use crate::decode::testing::check;

    use super::*;

    #[test]
    fn joins_what_belongs_together() {
        check(
            &TextLog,
            concat!(
                "2026-11-23T15:38:51.400820Z  INFO command{command_type=\"Deposit\" id=1}: bankapp: Command completed total_duration_ms=10 attempts=1\n",
                "2026-11-23T15:38:52Z ERROR eventcore_postgres: database operation failed error=pool timed out while waiting operation=\"read\"\n",
                "[2026-11-23 15:38:53,100] WARN  [main] c.z.h.HikariPool - Connection is not available\n",
                "java.sql.SQLException: no\n\tat a.b.C\n",
                "2026-11-23 15:38:54 error: too many connections\n",
            ),
            &[
                "1 15:38:51 info Command completed total_duration_ms=10 attempts=1 span.name=command command_type=Deposit id=1",
                "2 15:38:52 error database operation failed error=pool timed out while waiting operation=read",
                "3 15:38:53 warn [main] c.z.h.HikariPool - Connection is not available\\njava.sql.SQLException: no\\n\\tat a.b.C",
                "6 15:38:54 error too many connections",
                "records 4 rejected 0 skipped 0",
            ],
        );
    }

    #[test]
    fn spans_are_fields_behind_the_entry_s_own() {
        check(
            &TextLog,
            "2026-11-23T15:38:51Z  INFO command{id=1}:execute:read{stream=\"a\"}: my_store::pg: reading stream=\"b\"\n",
            &[
                "1 15:38:51 info reading stream=b span.name=command id=1 span.name=execute span.name=read stream=a",
                "records 1 rejected 0 skipped 0",
            ],
        );
    }

    #[test]
    fn last_words_are_an_entry_of_their_own() {
        check(
            &TextLog,
            concat!(
                "2026-11-23T15:38:51Z  INFO bankapp: reading stream=\"a\"\n",
                "thread 'main' panicked at src/main.rs:1:2:\nboom\n",
                "2026-11-23T15:38:52Z  INFO bankapp: Starting command_timeout_ms=5000\n",
            ),
            &[
                "1 15:38:51 info reading stream=a",
                "2 15:38:51 unknown thread 'main' panicked at src/main.rs:1:2:\\nboom",
                "4 15:38:52 info Starting command_timeout_ms=5000",
                "records 3 rejected 0 skipped 0",
            ],
        );
    }

    #[test]
    fn reads_text_without_times() {
        check(
            &TextLog,
            "psql: error: FATAL:  sorry, too many clients already\n\nmemory allocation of 8 bytes failed\n  stack backtrace:\n",
            &[
                "1 - error FATAL:  sorry, too many clients already",
                "3 - unknown memory allocation of 8 bytes failed\\n  stack backtrace:",
                "records 2 rejected 0 skipped 0",
            ],
        );
        check(
            &TextLog,
            "Nov 23 15:38:51 host kernel: Out of memory: Killed process 4567 (app)\n",
            &[
                "1 - unknown host kernel: Out of memory: Killed process 4567 (app)",
                "note times without a year were not used",
                "records 1 rejected 0 skipped 0",
            ],
        );
    }

    #[test]
    fn a_document_is_no_log() {
        let lexicon = Lexicon::default();
        for text in ["{\n  \"patterns\": {}\n}", "<?xml version=\"1.0\"?>", "#!/bin/sh\necho", "   \n"] {
            assert_eq!(TextLog.sniff(&Head { text, whole: true }, &lexicon), 0, "{text}");
        }
    }
}
