//! Masks the parts of a message that look like values by themselves. One pass, no knowledge of any system.

use crate::model::MARK;

use super::words;

/// How much of a message makes its shape; the rest of a longer one is data.
const LONGEST: usize = 16 << 10;
/// Words of a shape. Lists go on and on, and say nothing more.
const WORDS: usize = 256;
const MARKED: u8 = MARK as u8;
/// A number in hexadecimal has at least as many digits; shorter ones are words (`add`, `be`).
const HEX: usize = 6;

/// Writes the shape of a message into `out`: its first line, words apart by one space, values as [`MARK`].
pub(super) fn mask(message: &str, out: &mut String) {
    let mut shape = std::mem::take(out).into_bytes();
    shape.clear();
    let bytes = message.trim_ascii_start().as_bytes();
    let line = memchr::memchr(b'\n', bytes).map_or(bytes, |end| &bytes[..end]);
    let line = &line[..line.len().min(LONGEST)];
    let mut words = 0;
    for word in line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()) {
        add_word(word, &mut shape);
        words += 1;
        if words == WORDS {
            break;
        }
    }
    // Only ASCII was masked, but the line may have been cut inside a character.
    *out =
        String::from_utf8(shape).unwrap_or_else(|cut| String::from_utf8_lossy(cut.as_bytes()).into_owned());
}

fn add_word(word: &[u8], shape: &mut Vec<u8>) {
    let before = shape.len();
    if before > 0 {
        shape.push(b' ');
    }
    let from = shape.len();
    if looks_plain(word) {
        shape.extend_from_slice(word);
    } else {
        values(word, shape, from);
    }
    if before > 0 {
        settle(shape, before, from);
    }
}

/// Whether a word holds nothing that could be masked: no digit, no path.
fn looks_plain(word: &[u8]) -> bool {
    let (mut digits, mut slashes) = (false, 0);
    for byte in word {
        digits |= byte.is_ascii_digit() || *byte == MARKED;
        slashes += u8::from(matches!(byte, b'/' | b'\\'));
        if digits || slashes > 1 {
            return false;
        }
    }
    true
}

/// Joins the word that was just added with those before it, where together they are one value: a unit with its
/// number, a month with its day, a list of ids.
fn settle(shape: &mut Vec<u8>, before: usize, from: usize) {
    let start = |end: usize, shape: &[u8]| memchr::memrchr(b' ', &shape[..end]).map_or(0, |at| at + 1);
    let previous = start(before, shape);
    let last_marked = shape[before - 1] == MARKED;
    let marked = memchr::memchr(MARKED, &shape[from..]).is_some();
    if !marked && !last_marked && memchr::memchr(MARKED, &shape[previous..before]).is_none() {
        return;
    }
    let core = bare_range(shape, from, shape.len());
    let opened = shape[previous..before].iter().position(|byte| !matches!(byte, b'(' | b'['));
    let number = opened.is_some_and(|at| shape[previous + at..before] == [MARKED]);
    if number && words::is_unit(&shape[core.clone()]) {
        shape.drain(before..core.end);
        return;
    }
    if last_marked && words::is_zone(&shape[core]) {
        shape.truncate(before);
        return;
    }
    let mut before = before;
    if shape[from] == MARKED {
        // A date's words go with its numbers.
        let word = |end: usize, shape: &[u8]| bare_range(shape, start(end, shape), end);
        let (mut end, mut taken) = (before, false);
        if words::is_month(&shape[word(end, shape)]) {
            (end, taken) = (start(end, shape).saturating_sub(1), true);
        }
        if end > 0 && words::is_weekday(&shape[word(end, shape)]) {
            (end, taken) = (start(end, shape).saturating_sub(1), true);
        }
        if taken {
            shape.drain(end..if end == 0 { from } else { before });
            before = end;
        }
    }
    if before > 0 {
        let (from, previous) = (before + 1, start(before, shape));
        let repeated = shape[previous..before] == shape[from..];
        let list = shape[from..] == [MARKED] && shape[before - 1] == MARKED && before - previous == 1;
        if list || (repeated && memchr::memchr(MARKED, &shape[from..]).is_some()) {
            shape.truncate(before);
        }
    }
}

fn is_wrapping(byte: u8) -> bool {
    matches!(byte, b'(' | b')' | b'[' | b']' | b',' | b';' | b':' | b'.')
}

/// Where a word stands without what punctuates it.
fn bare_range(text: &[u8], from: usize, to: usize) -> std::ops::Range<usize> {
    let word = &text[from..to];
    let lead = word.iter().take_while(|byte| is_wrapping(**byte)).count();
    let tail = word[lead..].iter().rev().take_while(|byte| is_wrapping(**byte)).count();
    from + lead..to - tail
}

/// Adds a word with its values masked; `from` is where the word begins in the shape.
fn values(word: &[u8], shape: &mut Vec<u8>, from: usize) {
    let (lead, tail) = edges(word);
    if is_path(&word[lead..tail]) {
        runs(&word[..lead], shape, from);
        mark(shape, from);
        shape.extend_from_slice(&word[tail..]);
    } else {
        runs(word, shape, from);
    }
    // `/10.0.0.1` is how some runtimes print an address.
    if shape[from..].starts_with(&[b'/', MARKED]) {
        shape.remove(from);
    }
    let opened = from + shape[from..].iter().take_while(|byte| matches!(byte, b'(' | b'[')).count();
    let compares =
        shape[opened..].iter().take_while(|byte| matches!(byte, b'<' | b'>' | b'~' | b'=')).count();
    if compares > 0 && shape.get(opened + compares) == Some(&MARKED) {
        shape.drain(opened..opened + compares);
    }
    hosts(shape, from);
}

/// Where the value of a word begins behind brackets, quotes and `name=`, and where it ends.
fn edges(word: &[u8]) -> (usize, usize) {
    let opens = |byte: &u8| matches!(byte, b'[' | b'(' | b'{' | b'"' | b'\'' | b'<' | b'=' | b':' | b',');
    let closes =
        |byte: &u8| matches!(byte, b']' | b')' | b'}' | b'"' | b'\'' | b',' | b';' | b':' | b'.' | b'>');
    let mut lead = word.iter().take_while(|byte| opens(byte)).count();
    let name = word[lead..]
        .iter()
        .take_while(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'.' | b'-'))
        .count();
    let behind = &word[lead + name..];
    let drive = name == 1 && behind.starts_with(b":\\");
    if name > 0 && matches!(behind.first(), Some(b'=' | b':')) && !behind[1..].starts_with(b"//") && !drive {
        lead += name + 1;
        lead += word[lead..].iter().take_while(|byte| opens(byte)).count();
    }
    let tail = word.len() - word[lead..].iter().rev().take_while(|byte| closes(byte)).count();
    (lead, tail.max(lead))
}

/// A file, a folder, a URL.
fn is_path(value: &[u8]) -> bool {
    let slashes = memchr::memchr_iter(b'/', value).count();
    let url = slashes >= 2 && memchr::memmem::find(value, b"://").is_some();
    let unix = slashes >= 2
        && (value[0] == b'/'
            || value.iter().all(|byte| {
                byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'/' | b'$' | b'-')
            }));
    let windows = value.len() > 3 && value[0].is_ascii_alphabetic() && value[1..].starts_with(b":\\");
    url || unix || windows
}

/// Adds text run by run: letters and digits, and what is between them.
fn runs(text: &[u8], shape: &mut Vec<u8>, from: usize) {
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        if *byte == MARKED {
            mark(shape, from);
            at += 1;
        } else if !byte.is_ascii_alphanumeric() {
            shape.push(*byte);
            at += 1;
        } else if let Some(length) =
            host_and_port(&text[at..]).or_else(|| uuid(&text[at..])).or_else(|| mac(&text[at..]))
        {
            mark(shape, from);
            at += length;
        } else {
            let length = text[at..].iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
            run(&text[at..at + length], shape, from);
            at += length;
        }
    }
}

/// Adds a run of letters and digits: as it is, masked whole (a number, with or without a unit), or digit by digit.
fn run(run: &[u8], shape: &mut Vec<u8>, from: usize) {
    let digits = run.iter().filter(|byte| byte.is_ascii_digit()).count();
    if digits == 0 {
        shape.extend_from_slice(run);
        return;
    }
    let hex = (run.len() >= HEX && run.iter().all(u8::is_ascii_hexdigit)) || run.starts_with(b"0x");
    let lead = run.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if hex || lead == run.len() || (lead == digits && words::is_unit(&run[lead..])) {
        mark(shape, from);
        return;
    }
    for byte in run {
        if !byte.is_ascii_digit() {
            shape.push(*byte);
        } else if shape.last() != Some(&MARKED) || shape.len() == from {
            mark(shape, from);
        }
    }
}

/// Adds a mark, which takes in a sign before it and marks that only punctuation parts from it: an address, a version
/// and a time of day are one value.
fn mark(shape: &mut Vec<u8>, from: usize) {
    let joins = |byte: &u8| matches!(byte, b'.' | b':' | b',' | b'/' | b'_' | b'-' | b'+');
    let between = shape[from..].iter().rev().take_while(|byte| joins(byte)).count();
    let end = shape.len() - between;
    if end > from && shape[end - 1] == MARKED {
        shape.truncate(end);
        return;
    }
    let signed = matches!(shape[from..].last(), Some(b'-' | b'+'))
        && !shape[from..shape.len() - 1].last().is_some_and(u8::is_ascii_alphanumeric);
    if signed {
        shape.pop();
    }
    shape.push(MARKED);
}

/// Length of `8-4-4-4-12` hexadecimal digits at the beginning.
fn uuid(text: &[u8]) -> Option<usize> {
    const LENGTH: usize = 36;
    let id = text.get(..LENGTH)?;
    let whole = !text.get(LENGTH).is_some_and(u8::is_ascii_alphanumeric);
    let fits = |(at, byte): (usize, &u8)| match at {
        8 | 13 | 18 | 23 => *byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    };
    (whole && id.iter().enumerate().all(fits)).then_some(LENGTH)
}

/// Length of six pairs of hexadecimal digits at the beginning, `:` or `-` between them: a network card's address.
fn mac(text: &[u8]) -> Option<usize> {
    const LENGTH: usize = 17;
    let address = text.get(..LENGTH)?;
    let whole = !text.get(LENGTH).is_some_and(u8::is_ascii_alphanumeric);
    let fits = |(at, byte): (usize, &u8)| match at % 3 {
        2 => matches!(byte, b':' | b'-'),
        _ => byte.is_ascii_hexdigit(),
    };
    (whole && address.iter().enumerate().all(fits)).then_some(LENGTH)
}

/// Length of `name.domain:port` at the beginning: letters in small before the port tell a host from a field's name.
fn host_and_port(text: &[u8]) -> Option<usize> {
    let name = text.iter().take_while(|byte| is_host_byte(**byte)).count();
    let dot = memchr::memrchr(b'.', &text[..name])?;
    let domain = &text[dot + 1..name];
    let digits = text[name..].strip_prefix(b":")?.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let sound = dot > 0
        && digits > 0
        && (2..=8).contains(&domain.len())
        && domain.iter().all(u8::is_ascii_lowercase)
        && !words::is_source(domain);
    sound.then_some(name + 1 + digits)
}

fn is_host_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
}

/// Masks names of three parts or more with a number in them: `adsl-1-2.dsl.example.net` is one host of many.
fn hosts(shape: &mut Vec<u8>, from: usize) {
    if memchr::memchr_iter(b'.', &shape[from..]).count() < 2 {
        return;
    }
    let mut at = from;
    while at < shape.len() {
        let length = shape[at..].iter().take_while(|byte| is_host_byte(**byte) || **byte == MARKED).count();
        let name = &shape[at..at + length];
        let name = &name[..name.len() - name.iter().rev().take_while(|byte| **byte == b'.').count()];
        let parts = name.split(|byte| *byte == b'.');
        if name.len() > 1
            && name.contains(&MARKED)
            && parts.clone().count() > 2
            && parts.clone().all(|part| !part.is_empty())
        {
            let end = at + name.len();
            shape.splice(at..end, [MARKED]);
        }
        at += length.max(1);
    }
}

#[cfg(test)]
mod tests {
    use super::super::shown;

    fn shape(message: &str) -> String {
        let mut out = "left over".to_owned();
        super::mask(message, &mut out);
        shown(&out)
    }

    #[test]
    fn masks_what_looks_like_a_value() {
        for (message, expected) in [
            ("", ""),
            ("Link ok", "Link ok"),
            ("took 12 ms, then 3.5s of -7", "took <*>, then <*> of <*>"),
            ("append 0190f3a0-7a3c-7abc-8def-abcdefabcdef to order-42", "append <*> to order-<*>"),
            ("10.0.0.1:5432 and /10.0.0.2 and db.internal:5432", "<*> and <*> and <*>"),
            ("at src/main.rs:12 of lib.rs:7", "at src/main.rs:<*> of lib.rs:<*>"),
            ("read /var/log/a.log and C:\\data\\x (hdfs://a/b)", "read <*> and <*> (<*>)"),
            ("0x1f, deadbeef1 and add", "<*>, <*> and add"),
            ("connection from x () at Fri Jun 17 07:07:00 2005", "connection from x () at <*>"),
            ("2026-11-23 15:00:01,123 UTC up", "<*> up"),
            ("ids a1 a2 a3 end", "ids a<*> end"),
            ("sent 12 bytes (1.2 KB), received <1 sec", "sent <*> bytes (<*>), received <*>"),
            ("rhost=adsl-1-2.dsl.example.net", "rhost=<*>"),
            ("from 00:11:43:e3:ba:85 via eth1", "from <*> via eth<*>"),
            ("blk_-162 is 7\nCaused by: x", "blk_<*> is <*>"),
            ("é8ü", "é<*>ü"),
        ] {
            assert_eq!(shape(message), expected, "{message}");
        }
    }

    #[test]
    fn a_message_without_end_has_a_shape_of_some_length() {
        let long = "word ".repeat(1_000) + &"é".repeat(20_000);
        assert!(shape(&long).len() < 2_000);
        assert!(shape(&"é".repeat(20_000)).len() <= (16 << 10) + 3);
    }
}
