//! The forms in which one value may stand in a text or an output: as it is, escaped for JSON, HTML, Markdown, CSV or a
//! URL, or as base64, alone or inside more.

use std::{collections::BTreeSet, fmt::Write as _};

use crate::model::SHOWN;

use super::rules::Category;

/// Shorter values are found by their rule, where they stand: elsewhere they may be any word.
const DISTINCT: usize = 8;
/// A line of a value of many lines that is long enough to be told from any other.
const DISTINCT_LINE: usize = 16;
const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL_SAFE: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Whether a value cannot be anything else, so that it may stand nowhere.
pub(super) fn is_distinct(category: Category, value: &str) -> bool {
    match category {
        Category::Email | Category::Ip | Category::Card | Category::Personal => true,
        Category::Secret | Category::Field => {
            let digits = value.chars().filter(char::is_ascii_digit).count();
            let word = value.chars().all(|c| c.is_alphabetic() || "-_. /".contains(c));
            let shouted =
                value.chars().skip(1).any(char::is_uppercase) && value.chars().any(char::is_lowercase);
            let number = digits == value.len();
            value.len() >= DISTINCT
                && !(word && !shouted && value.len() < 20)
                && !(word && value.contains(' '))
                && !(number && digits < 12)
        }
    }
}

/// The value itself, and each long line of it where it has many.
pub(super) fn parts(value: &str) -> Vec<String> {
    let lines: Vec<&str> = value.split('\n').flat_map(|line| line.split("\\n")).collect();
    let mut parts = vec![value.to_owned()];
    if lines.len() > 1 {
        let long = lines.iter().map(|line| line.trim_matches(['\r', '\\', ' ']));
        parts.extend(
            long.filter(|line| line.len() >= DISTINCT_LINE && !line.contains("-----")).map(str::to_owned),
        );
    }
    parts
}

/// Every form of a value.
pub(super) fn forms(value: &str) -> BTreeSet<String> {
    let json = json_escaped(value);
    let mut forms = BTreeSet::from([
        value.to_owned(),
        json_escaped(&json),
        json,
        percent(value, "-._~"),
        percent(value, "-._~").to_ascii_lowercase(),
        percent(value, "-._~!$&'()*+,;=:@/"),
        html(value, "&quot;", "&#39;"),
        html(value, "&#34;", "&#x27;"),
        html(value, "\"", "'"),
        value.replace('|', "\\|"),
        value.replace('"', "\"\""),
        value.replace('\n', "\\n"),
        masked(value).unwrap_or_default(),
    ]);
    for alphabet in [STANDARD, URL_SAFE] {
        forms.extend((0..3).map(|shift| base64_inside(value.as_bytes(), shift, alphabet)));
    }
    // The lower-case form of what needs no percent sign is another value.
    forms.retain(|form| {
        form.len() >= value.len().min(DISTINCT)
            && (form.contains('%') || *form != value.to_ascii_lowercase() || form == value)
    });
    forms
}

/// As templates show it, whose digits are masked: what stays must be enough to be told from a word.
fn masked(value: &str) -> Option<String> {
    let mut out = String::with_capacity(value.len());
    for part in value.split_inclusive(|c: char| c.is_ascii_digit()) {
        let bare = part.trim_end_matches(|c: char| c.is_ascii_digit());
        out.push_str(bare);
        if bare.len() < part.len() && !(bare.is_empty() && out.ends_with(SHOWN)) {
            out.push_str(SHOWN);
        }
    }
    (out.replace(SHOWN, "").len() >= DISTINCT).then_some(out)
}

fn json_escaped(value: &str) -> String {
    let quoted = serde_json::to_string(value).unwrap_or_default();
    quoted.trim_start_matches('"').strip_suffix('"').unwrap_or_default().to_owned()
}

fn percent(value: &str, kept: &str) -> String {
    let mut encoded = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || kept.as_bytes().contains(&byte) {
            encoded.push(byte as char);
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

fn html(value: &str, double: &str, single: &str) -> String {
    let escaped = value.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    escaped.replace('"', double).replace('\'', single)
}

/// The characters of base64 that depend on the value alone, when `shift` bytes stand before it.
fn base64_inside(value: &[u8], shift: usize, alphabet: &[u8; 64]) -> String {
    let bits = |at: usize| -> Option<u8> {
        // Six bits from bit `at` of the padded text; `None` where they reach over the value's border.
        let mut sextet = 0;
        for bit in at..at + 6 {
            let byte = (bit / 8).checked_sub(shift).and_then(|byte| value.get(byte))?;
            sextet = sextet << 1 | (byte >> (7 - bit % 8) & 1);
        }
        Some(sextet)
    };
    let characters = (shift + value.len()) * 8 / 6;
    (0..characters)
        .filter_map(|at| bits(at * 6))
        .map(|sextet| alphabet[usize::from(sextet)] as char)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_found_in_every_form() {
        let forms = forms("a\"b/c&d|e+f g");
        for form in [
            "a\"b/c&d|e+f g",
            "a\\\"b/c&d|e+f g",
            "a%22b%2Fc%26d%7Ce%2Bf%20g",
            "a%22b%2fc%26d%7ce%2bf%20g",
            "a&quot;b/c&amp;d|e+f g",
            "a\"b/c&d\\|e+f g",
            "a\"\"b/c&d|e+f g",
            // printf 'a"b/c&d|e+f g' | base64, without what the padding decides.
            "YSJiL2MmZHxlK2YgZ",
            // The same behind one byte and two: printf 'xa"b...'.
            "hImIvYyZkfGUrZiBn",
            "EiYi9jJmR8ZStmIG",
        ] {
            assert!(forms.contains(form), "{form} is not in {forms:#?}");
        }
        assert!(super::forms("AKIAxyvw12zab3").contains("AKIAxyvw<*>zab<*>"), "digits masked");
        assert!(!super::forms("Abcdefgh1").contains("abcdefgh1"), "another value");
    }

    #[test]
    fn words_are_told_from_secrets() {
        for (value, distinct) in [
            ("hunter2", false),
            ("postgres", false),
            ("payments-service", false),
            ("12345678", false),
            ("hunter2hunter2", true),
            ("correct-horse-battery", true),
            ("sQxRtzUvWq", true),
        ] {
            assert_eq!(is_distinct(Category::Secret, value), distinct, "{value}");
        }
    }
}
