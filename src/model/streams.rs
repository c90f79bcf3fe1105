//! Lists of streams as loggers write them: `[StreamId("a"), StreamId("b")]`, `["a","b"]`, `a, b`.

/// The names of a list. What quotes hold is a name; where nothing is quoted, what commas part.
pub fn stream_list(text: &str) -> Vec<&str> {
    // A quote may be escaped: a list inside of a text inside of JSON.
    let trim = |name: &str| name.trim_end_matches('\\').len();
    if text.contains('"') {
        let quoted = text.split('"').skip(1).step_by(2);
        return quoted.map(|name| &name[..trim(name)]).filter(|name| !name.is_empty()).collect();
    }
    let inner = text.trim().trim_start_matches(['[', '{', '(']).trim_end_matches([']', '}', ')']);
    inner.split(',').map(bare).filter(|name| !name.is_empty()).collect()
}

/// `StreamId(a)` as `a`.
fn bare(name: &str) -> &str {
    let name = name.trim().trim_matches('\'');
    match name.split_once('(') {
        Some((of, inner)) if !of.is_empty() && of.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
            inner.trim_end_matches(')')
        }
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_loggers_write_them() {
        for (text, expected) in [
            (
                r#"[StreamId("account-0128"), StreamId("account-0240")]"#,
                &["account-0128", "account-0240"][..],
            ),
            (r#"[StreamId(\"account-0128\"), StreamId(\"b\")]"#, &["account-0128", "b"]),
            (r#"StreamId("account-0128")"#, &["account-0128"]),
            (r#"["a","b"]"#, &["a", "b"]),
            ("a, b", &["a", "b"]),
            ("[StreamId(a), b]", &["a", "b"]),
            ("order-1", &["order-1"]),
            ("[]", &[]),
            ("", &[]),
            ("\"", &[]),
        ] {
            assert_eq!(stream_list(text), expected, "{text}");
        }
    }
}
