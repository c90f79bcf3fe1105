//! One pass over one JSON text (RFC 8259): strict, without allocation, handing out slices.
//!
//! A log line is read for four or five of its values and must still be valid to its last byte, so building a tree is
//! waste: `serde_json` into a `Value` reads a third of what this does, and its typed form allocates for unknown
//! fields. The two agree on every case of the public JSON test suite (see the tests); `serde_json` stays the judge.

use std::borrow::Cow;

use super::marks;

/// Deepest nesting that is read; `serde_json`'s own limit.
pub(super) const MAX_DEPTH: u32 = 128;

/// A value, as a slice of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Json<'a> {
    /// What stands between the quotes, and whether it has escapes in it.
    Text {
        raw: &'a str,
        escaped: bool,
    },
    /// A number, `true` or `false`.
    Bare(&'a str),
    Null,
    Object(&'a str),
    Array(&'a str),
}

/// Why and where a text is no JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Error {
    pub(super) at: usize,
    pub(super) why: &'static str,
}

impl<'a> Json<'a> {
    /// A string's characters, a bare value as written; `None` for null and for what is nested.
    pub(super) fn text(self) -> Option<Cow<'a, str>> {
        match self {
            Json::Text { raw, escaped: false } => Some(Cow::Borrowed(raw)),
            Json::Text { raw, escaped: true } => Some(Cow::Owned(unescape(raw))),
            Json::Bare(text) => Some(Cow::Borrowed(text)),
            Json::Null | Json::Object(_) | Json::Array(_) => None,
        }
    }
}

/// Hands each member of an object to `visit`: the key as written between its quotes, and its value.
///
/// Members before an error have been handed out when it is returned: what can be saved of a torn record is saved.
///
/// # Errors
///
/// The text is not one valid JSON object with nothing but blanks around it.
pub(super) fn members<'a>(text: &'a str, mut visit: impl FnMut(&'a str, Json<'a>)) -> Result<(), Error> {
    let bytes = text.as_bytes();
    let mut strings = Strings::new(bytes);
    let mut at = expect(bytes, blanks(bytes, 0), b'{', "not an object")?;
    at = blanks(bytes, at);
    if bytes.get(at) != Some(&b'}') {
        loop {
            at = expect(bytes, at, b'"', "a member without a name")?;
            let (end, _) = strings.end(at)?;
            let key = &text[at..end];
            at = expect(bytes, blanks(bytes, end + 1), b':', "a name without a value")?;
            let (value, end) = value(text, &mut strings, blanks(bytes, at), 1)?;
            visit(key, value);
            at = blanks(bytes, end);
            match bytes.get(at) {
                Some(b',') => at = blanks(bytes, at + 1),
                Some(b'}') => break,
                Some(_) => return Err(Error { at, why: "neither a comma nor the object's end" }),
                None => return Err(Error { at, why: "the object does not end" }),
            }
        }
    }
    nothing_after(bytes, at + 1)
}

/// Hands each element of an array to `visit`.
///
/// # Errors
///
/// The text is not one valid JSON array with nothing but blanks around it.
pub(super) fn elements<'a>(text: &'a str, mut visit: impl FnMut(Json<'a>)) -> Result<(), Error> {
    let bytes = text.as_bytes();
    let mut strings = Strings::new(bytes);
    let mut at = blanks(bytes, expect(bytes, blanks(bytes, 0), b'[', "not an array")?);
    if bytes.get(at) != Some(&b']') {
        loop {
            let (value, end) = value(text, &mut strings, at, 1)?;
            visit(value);
            at = blanks(bytes, end);
            match bytes.get(at) {
                Some(b',') => at = blanks(bytes, at + 1),
                Some(b']') => break,
                Some(_) => return Err(Error { at, why: "neither a comma nor the array's end" }),
                None => return Err(Error { at, why: "the array does not end" }),
            }
        }
    }
    nothing_after(bytes, at + 1)
}

/// Whether the text is one valid JSON value; and the length of its longest number or word.
///
/// # Errors
///
/// Where it is not, and why.
pub(super) fn validate(text: &str) -> Result<usize, Error> {
    let bytes = text.as_bytes();
    let mut strings = Strings::new(bytes);
    let (_, end) = value(text, &mut strings, blanks(bytes, 0), 0)?;
    nothing_after(bytes, end)?;
    Ok(strings.longest)
}

/// The characters of a string from what stands between its quotes. A lone surrogate becomes U+FFFD.
pub(super) fn unescape(raw: &str) -> String {
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find('\\') {
        text.push_str(&rest[..at]);
        let escape = rest.as_bytes().get(at + 1).copied().unwrap_or(b'\\');
        rest = rest.get(at + 2..).unwrap_or_default();
        match escape {
            b'n' => text.push('\n'),
            b't' => text.push('\t'),
            b'r' => text.push('\r'),
            b'b' => text.push('\u{8}'),
            b'f' => text.push('\u{c}'),
            b'u' => rest = unescape_unicode(rest, &mut text),
            other => text.push(char::from(other)),
        }
    }
    text.push_str(rest);
    text
}

/// Takes the four digits at the start of `rest`, and the pair's second half if there is one.
fn unescape_unicode<'a>(rest: &'a str, text: &mut String) -> &'a str {
    let hex = |text: &str| text.get(..4).and_then(|digits| u32::from_str_radix(digits, 16).ok());
    let Some(first) = hex(rest) else { return rest };
    let after = &rest[4..];
    let second = after.strip_prefix("\\u").and_then(hex).filter(|low| (0xdc00..0xe000).contains(low));
    match (first, second) {
        (0xd800..0xdc00, Some(low)) => {
            let code = 0x10000 + ((first - 0xd800) << 10) + (low - 0xdc00);
            text.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            &after[6..]
        }
        _ => {
            text.push(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER));
            after
        }
    }
}

#[inline]
fn value<'a>(
    text: &'a str,
    strings: &mut Strings<'a>,
    at: usize,
    depth: u32,
) -> Result<(Json<'a>, usize), Error> {
    let bytes = text.as_bytes();
    match bytes.get(at) {
        Some(b'"') => {
            let (end, escaped) = strings.end(at + 1)?;
            Ok((Json::Text { raw: &text[at + 1..end], escaped }, end + 1))
        }
        Some(b'{') => nested_end(strings, at, depth).map(|end| (Json::Object(&text[at..end]), end)),
        Some(b'[') => nested_end(strings, at, depth).map(|end| (Json::Array(&text[at..end]), end)),
        _ => {
            let end = strings.scalar_end(at)?;
            let scalar = &text[at..end];
            Ok((if scalar == "null" { Json::Null } else { Json::Bare(scalar) }, end))
        }
    }
}

/// Where the object or array that begins at `at` ends. A stack of bits instead of calls: depth costs nothing.
fn nested_end(strings: &mut Strings<'_>, mut at: usize, outer: u32) -> Result<usize, Error> {
    let bytes = strings.bytes;
    let mut objects: u128 = 0;
    let mut depth = 0;
    loop {
        // A value is expected here.
        match bytes.get(at) {
            Some(open @ (b'{' | b'[')) => {
                depth += 1;
                if depth + outer > MAX_DEPTH {
                    return Err(Error { at, why: "nested deeper than 128 levels" });
                }
                let object = *open == b'{';
                objects = objects << 1 | u128::from(object);
                at = blanks(bytes, at + 1);
                if bytes.get(at) != Some(if object { &b'}' } else { &b']' }) {
                    if object {
                        at = strings.name(at)?;
                    }
                    continue;
                }
            }
            Some(b'"') => {
                at = strings.end(at + 1)?.0 + 1;
            }
            _ => at = strings.scalar_end(at)?,
        }
        // A value has ended; or an empty container is about to.
        loop {
            at = blanks(bytes, at);
            let object = objects & 1 == 1;
            match bytes.get(at) {
                Some(b',') => {
                    at = blanks(bytes, at + 1);
                    if object {
                        at = strings.name(at)?;
                    }
                    break;
                }
                Some(close @ (b'}' | b']')) if (*close == b'}') == object => {
                    at += 1;
                    depth -= 1;
                    objects >>= 1;
                    if depth == 0 {
                        return Ok(at);
                    }
                }
                Some(_) => return Err(Error { at, why: "neither a comma nor an end" }),
                None => return Err(Error { at, why: "ends inside an object or array" }),
            }
        }
    }
}

/// A text and the places of what a string may not hold as it is: quotes, backslashes, control characters. They are
/// marked for a block at a time, and a block serves every string that touches it.
struct Strings<'a> {
    bytes: &'a [u8],
    /// The block that was marked.
    block: std::ops::Range<usize>,
    marks: u64,
    /// Bytes of the longest number or word so far.
    longest: usize,
}

impl<'a> Strings<'a> {
    fn new(bytes: &'a [u8]) -> Strings<'a> {
        Strings { bytes, block: 0..0, marks: 0, longest: 0 }
    }

    /// The first such place from `at` on, which is never before an earlier one; or the text's end.
    #[inline]
    #[expect(clippy::needless_bitwise_bool, reason = "without a branch, many bytes are compared at once")]
    fn special(&mut self, mut at: usize) -> usize {
        loop {
            if at < self.block.end {
                let left = self.marks >> (at - self.block.start);
                if left != 0 {
                    return at + left.trailing_zeros() as usize;
                }
                at = self.block.end;
            }
            if at >= self.bytes.len() {
                return self.bytes.len();
            }
            self.block = at..at + marks::BLOCK;
            self.marks =
                marks::mask_at(self.bytes, at, |byte| (byte == b'"') | (byte == b'\\') | (byte < b' '));
        }
    }

    /// Where the string whose first character is at `at` has its closing quote, and whether it has escapes.
    #[inline]
    fn end(&mut self, mut at: usize) -> Result<(usize, bool), Error> {
        let mut escaped = false;
        loop {
            at = self.special(at);
            match self.bytes.get(at) {
                Some(b'"') => return Ok((at, escaped)),
                Some(b'\\') => {
                    escaped = true;
                    at = escape_end(self.bytes, at + 1)?;
                }
                Some(_) => return Err(Error { at, why: "a control character in a string" }),
                None => return Err(Error { at, why: "ends inside a string" }),
            }
        }
    }

    /// Where the number or word that begins at `at` ends.
    #[inline]
    fn scalar_end(&mut self, at: usize) -> Result<usize, Error> {
        let end = scalar_end(self.bytes, at)?;
        self.longest = self.longest.max(end - at);
        Ok(end)
    }

    /// A member's name and colon; returns where its value begins.
    #[inline]
    fn name(&mut self, at: usize) -> Result<usize, Error> {
        let bytes = self.bytes;
        let at = expect(bytes, at, b'"', "a member without a name")?;
        let (end, _) = self.end(at)?;
        let at = expect(bytes, blanks(bytes, end + 1), b':', "a name without a value")?;
        Ok(blanks(bytes, at))
    }
}

fn escape_end(bytes: &[u8], at: usize) -> Result<usize, Error> {
    match bytes.get(at) {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(at + 1),
        Some(b'u') => {
            let digits = bytes.get(at + 1..at + 5).ok_or(Error { at, why: "ends inside a string" })?;
            if digits.iter().all(u8::is_ascii_hexdigit) {
                Ok(at + 5)
            } else {
                Err(Error { at, why: "an escape without four hexadecimal digits" })
            }
        }
        Some(_) => Err(Error { at, why: "an unknown escape" }),
        None => Err(Error { at, why: "ends inside a string" }),
    }
}

fn scalar_end(bytes: &[u8], at: usize) -> Result<usize, Error> {
    let rest = bytes.get(at..).unwrap_or_default();
    for word in [&b"true"[..], b"false", b"null"] {
        if rest.starts_with(word) {
            return Ok(at + word.len());
        }
    }
    number_end(bytes, at)
}

fn number_end(bytes: &[u8], start: usize) -> Result<usize, Error> {
    let digits = |mut at: usize| {
        while bytes.get(at).is_some_and(u8::is_ascii_digit) {
            at += 1;
        }
        at
    };
    let mut at = start + usize::from(bytes.get(start) == Some(&b'-'));
    let whole = digits(at);
    let why = if start < bytes.len() { "not a value" } else { "ends before a value" };
    if whole == at || (bytes[at] == b'0' && whole > at + 1) {
        return Err(Error { at: start, why });
    }
    at = whole;
    if bytes.get(at) == Some(&b'.') {
        let end = digits(at + 1);
        if end == at + 1 {
            return Err(Error { at, why: "a number without digits after its point" });
        }
        at = end;
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        let from = at + 1 + usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
        let end = digits(from);
        if end == from {
            return Err(Error { at, why: "a number without digits in its exponent" });
        }
        at = end;
    }
    Ok(at)
}

fn blanks(bytes: &[u8], mut at: usize) -> usize {
    while matches!(bytes.get(at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
        at += 1;
    }
    at
}

fn expect(bytes: &[u8], at: usize, byte: u8, why: &'static str) -> Result<usize, Error> {
    if bytes.get(at) == Some(&byte) {
        return Ok(at + 1);
    }
    Err(Error { at, why: if at < bytes.len() { why } else { "ends too early" } })
}

fn nothing_after(bytes: &[u8], at: usize) -> Result<(), Error> {
    let at = blanks(bytes, at);
    if at == bytes.len() { Ok(()) } else { Err(Error { at, why: "something follows the value" }) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn names(text: &str) -> (Vec<String>, Result<(), Error>) {
        let mut names = Vec::new();
        let end = members(text, |key, value| names.push(format!("{key}={value:?}")));
        (names, end)
    }

    #[test]
    fn hands_out_members_and_what_came_before_an_error() {
        let (found, end) = names(r#" {"a":"x\"y" , "b":[1,{"c":null}],"d":-1.5e3,"e":null,"f":{}} "#);
        assert_eq!(end, Ok(()));
        assert_eq!(
            found,
            [
                r#"a=Text { raw: "x\\\"y", escaped: true }"#,
                r#"b=Array("[1,{\"c\":null}]")"#,
                r#"d=Bare("-1.5e3")"#,
                "e=Null",
                r#"f=Object("{}")"#,
            ]
        );
        let (found, end) = names(r#"{"a":1,"b":"torn"#);
        assert_eq!((found.len(), end), (1, Err(Error { at: 16, why: "ends inside a string" })));
    }

    #[test]
    fn unescapes() {
        for (raw, text) in [
            (r"plain", "plain"),
            (r#"a\n\t\"\\\/"#, "a\n\t\"\\/"),
            (r"\u00e9\ud83d\ude00", "é😀"),
            (r"\ud83d x \udc00", "\u{fffd} x \u{fffd}"),
        ] {
            assert_eq!(unescape(raw), text);
        }
    }

    fn serde_says(text: &str) -> bool {
        serde_json::from_str::<serde_json::Value>(text).is_ok()
    }

    proptest! {
        #[test]
        fn agrees_with_serde_json(text in r#"[\[\]{}",:0-9.eE+\-a-f nulltrue\\\n é]{0,24}"#) {
            prop_assert_eq!(validate(&text).is_ok(), serde_says(&text), "{}", text);
        }

        #[test]
        fn agrees_on_damaged_json(cut in 0..200_usize, with in prop::char::any()) {
            let good = r#"{"a":[1,2.5e-3,{"b":"x\u00e9\\"},true,null,[[],{}]],"c":{"d":"","e":-0}}"#;
            let mut text: String = good.chars().take(cut % good.len()).collect();
            prop_assert_eq!(validate(&text).is_ok(), serde_says(&text));
            text.push(with);
            text.extend(good.chars().skip(cut % good.len() + 1));
            prop_assert_eq!(validate(&text).is_ok(), serde_says(&text), "{}", text);
        }
    }

    #[test]
    #[expect(clippy::print_stderr, reason = "a skipped test says so loudly")]
    fn passes_the_public_test_suite() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../shared/corpora/json-test-suite/test_parsing");
        let Ok(files) = std::fs::read_dir(&folder) else {
            eprintln!("SKIPPED: {} is not here; the property tests above still hold", folder.display());
            return;
        };
        let mut seen = 0;
        for file in files {
            let path = file.expect("listed").path();
            let name = path.file_name().expect("a file").to_string_lossy().into_owned();
            let bytes = std::fs::read(&path).expect("readable");
            let valid = std::str::from_utf8(&bytes).is_ok_and(|text| validate(text).is_ok());
            match name.as_bytes()[0] {
                b'y' => assert!(valid, "{name} must be accepted"),
                b'n' => assert!(!valid, "{name} must be refused"),
                _ => (),
            }
            seen += 1;
        }
        assert!(seen >= 300, "{seen} files");
    }
}
