//! What a valid payload says differently to different readers: integers that a double cannot hold, names that occur
//! twice, characters that were lost before it was written.
//!
//! Nothing of this is a fault of the copy, so it is told as an observation; and nearly every payload has none, so each
//! question begins with a look that costs next to nothing.

/// The first oddity of a valid JSON text. `longest`: its longest number, where that is known.
pub(super) fn oddity(text: &str, longest: Option<usize>) -> Option<String> {
    let bytes = text.as_bytes();
    if has_replacement(text) {
        return Some("a replacement character (U+FFFD) stands where a character was lost".to_owned());
    }
    if longest.is_none_or(|length| length >= WIDE)
        && let Some(number) = wide_integer(bytes)
    {
        return Some(format!("the integer {number} is beyond 2^53: readers that use doubles round it"));
    }
    repeated_name(text)
        .map(|name| format!("the name `{name}` occurs twice in one object: readers keep one of them"))
}

/// Looked for by its first byte: nearly every text has none, and to search for three at once has to be prepared anew.
fn has_replacement(text: &str) -> bool {
    let character = char::REPLACEMENT_CHARACTER;
    let first = character.encode_utf8(&mut [0; 4]).as_bytes()[0];
    memchr::memchr_iter(first, text.as_bytes())
        .any(|at| text.get(at..).is_some_and(|rest| rest.starts_with(character)))
}

/// Digits of 2^53, beyond which doubles skip integers (ECMA-262, `Number.MAX_SAFE_INTEGER`).
const WIDE: usize = 16;
const MAX_SAFE: u128 = 1 << 53;

/// The first integer outside strings that a double cannot hold.
fn wide_integer(bytes: &[u8]) -> Option<&str> {
    // A run of sixteen digits covers one of these places, wherever it begins.
    let mut at = WIDE - 1;
    while at < bytes.len() {
        if !bytes[at].is_ascii_digit() {
            at += WIDE;
            continue;
        }
        let start =
            bytes[..at].iter().rposition(|byte| !byte.is_ascii_digit()).map_or(0, |before| before + 1);
        let end = bytes[at..].iter().position(|byte| !byte.is_ascii_digit()).map_or(bytes.len(), |n| at + n);
        let text = std::str::from_utf8(&bytes[start..end]).unwrap_or_default();
        if end - start >= WIDE
            && is_integer(bytes, start, end)
            && text.parse().is_ok_and(|n: u128| n > MAX_SAFE)
        {
            return Some(text);
        }
        at = end + WIDE;
    }
    None
}

/// Whether digits are a whole value: between a separator before them and one behind, and not in a string.
fn is_integer(bytes: &[u8], start: usize, end: usize) -> bool {
    let before = bytes[..start].trim_ascii_end();
    let before = before.strip_suffix(b"-").unwrap_or(before).trim_ascii_end();
    let after = bytes[end..].trim_ascii_start();
    // In a string, a colon or a comma before digits and a comma behind them prove nothing: count the quotes.
    matches!(before.last(), Some(b':' | b'[' | b',') | None)
        && matches!(after.first(), Some(b',' | b'}' | b']') | None)
        && !in_string(&bytes[..start])
}

/// Whether a text that begins outside ends inside a string.
fn in_string(bytes: &[u8]) -> bool {
    let (mut inside, mut at) = (false, 0);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' if inside => at += 1,
            b'"' => inside = !inside,
            _ => {}
        }
        at += 1;
    }
    inside
}

/// The first name that an object has twice. `jsonb` keeps one of two equal names, so what is spaced as it prints is
/// taken to have come out of it.
fn repeated_name(text: &str) -> Option<&str> {
    let bytes = text.as_bytes();
    let behind_quote = |at: &usize| at.checked_sub(1).is_some_and(|before| bytes[before] == b'"');
    let colon = memchr::memchr_iter(b':', bytes).find(behind_quote)?;
    if bytes.get(colon + 1) == Some(&b' ') {
        return None;
    }
    // Names of the objects that are open; `None` stands between them, and for an array.
    let (mut names, mut at): (Vec<Option<&str>>, usize) = (Vec::new(), 0);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'{' | b'[' => names.push(None),
            b'}' | b']' => {
                let open = names.iter().rposition(Option::is_none).unwrap_or(0);
                names.truncate(open);
            }
            b'"' => {
                let end = string_end(bytes, at + 1);
                let name = text.get(at + 1..end).unwrap_or_default();
                at = end;
                let colon =
                    bytes[(at + 1).min(bytes.len())..].iter().find(|byte| !byte.is_ascii_whitespace());
                if colon == Some(&b':') {
                    let open = names.iter().rposition(Option::is_none).map_or(0, |open| open + 1);
                    if names[open..].contains(&Some(name)) {
                        return Some(name);
                    }
                    names.push(Some(name));
                }
            }
            _ => {}
        }
        at += 1;
    }
    None
}

/// Where the string that begins at `at` has its closing quote.
fn string_end(bytes: &[u8], mut at: usize) -> usize {
    while let Some(hit) = bytes.get(at..).and_then(|rest| memchr::memchr2(b'"', b'\\', rest)) {
        if bytes[at + hit] == b'"' {
            return at + hit;
        }
        at += hit + 2;
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use crate::decode::json;

    use super::*;

    #[test]
    fn tells_what_readers_disagree_about() {
        for (text, expected) in [
            (r#"{"a":1,"b":{"a":2},"c":[{"a":3},{"a":4}]}"#, None),
            (r#"{"a":1,"b":2,"a":3}"#, Some("the name `a` occurs twice")),
            (r#"{"x":{"a":1,"a":2}}"#, Some("the name `a` occurs twice")),
            (r#"{"a":"\"a\":1, \"a\":2"}"#, None),
            (r#"{"n":9007199254740992}"#, None),
            (r#"{"n":9007199254740993}"#, Some("the integer 9007199254740993")),
            (r#"{"n": -18446744073709551615 }"#, Some("the integer 18446744073709551615")),
            ("[1,99999999999999999999]", Some("the integer 99999999999999999999")),
            (r#"{"id":"12345678901234567890","f":0.12345678901234567890}"#, None),
            (r#"{"card":"a,12345678901234567890,b"}"#, None),
            ("{\"name\":\"M\u{fffd}ller\"}", Some("a replacement character")),
        ] {
            let found = oddity(text, None);
            assert_eq!(oddity(text, json::validate(text).ok()), found, "{text}");
            match expected {
                None => assert_eq!(found, None, "{text}"),
                Some(start) => assert!(
                    found.as_deref().is_some_and(|found| found.starts_with(start)),
                    "{text}: {found:?}"
                ),
            }
        }
    }
}
