//! Names in SQL: of tables and columns, quoted where they hold anything but letters, digits and underscores.

/// A table's name, its columns where they are listed, and what follows: of `schema.table (a, "b (c)") rest`.
pub(super) fn table_and_columns(text: &str) -> (String, Option<Vec<String>>, &str) {
    let open = outside_quotes(text, &['(']).unwrap_or(text.len());
    let name = plain_name(&text[..open]);
    let Some(mut rest) = text.get(open + 1..) else { return (name, None, "") };
    let mut columns = Vec::new();
    while let Some(end) = outside_quotes(rest, &[',', ')']) {
        columns.push(plain_name(&rest[..end]));
        let closed = rest[end..].starts_with(')');
        rest = &rest[end + 1..];
        if closed {
            return (name, Some(columns), rest);
        }
    }
    (name, None, "")
}

/// `"Public"."a ""b"""` as `Public.a "b"`.
pub(super) fn plain_name(name: &str) -> String {
    name.trim_ascii().replace("\"\"", "\0").replace('"', "").replace('\0', "\"")
}

/// The first name of a line of a column list, without its quotes.
pub(super) fn first_name(line: &str) -> Option<String> {
    match line.strip_prefix('"') {
        Some(_) => outside_quotes(line, &[' ']).map(|end| plain_name(&line[..end])),
        None => line.split_whitespace().next().map(plain_name),
    }
}

/// Where one of these characters first stands outside double quotes.
fn outside_quotes(text: &str, wanted: &[char]) -> Option<usize> {
    let mut quoted = false;
    text.char_indices().find_map(|(at, c)| {
        quoted ^= c == '"';
        (!quoted && wanted.contains(&c)).then_some(at)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_hide_what_they_hold() {
        for (text, name, columns, rest) in [
            ("public.t (a, b) FROM stdin;", "public.t", Some(vec!["a", "b"]), " FROM stdin;"),
            (
                "public.\"part \"\"A\"\" (1)\" (id, \"Amount (EUR), net\") x",
                "public.part \"A\" (1)",
                Some(vec!["id", "Amount (EUR), net"]),
                " x",
            ),
            ("public.t", "public.t", None, ""),
        ] {
            let columns = columns.map(|names| names.into_iter().map(str::to_owned).collect());
            assert_eq!(table_and_columns(text), (name.to_owned(), columns, rest));
        }
        assert_eq!(first_name("\"a b\" text,").as_deref(), Some("a b"));
    }
}
