//! Which literals an expression requires: the proof that a text without them cannot match.

use regex_syntax::hir::{Class, Hir, HirKind};

/// Shorter literals find too much to save anything.
const SHORTEST: usize = 3;

/// Lower-case ASCII literals of which every match has at least one, in any case. `None`: nothing is required.
///
/// # Errors
///
/// The expression cannot be parsed.
pub(super) fn required(expression: &str) -> Result<Option<Vec<String>>, Box<regex_syntax::Error>> {
    let hir = regex_syntax::Parser::new().parse(expression).map_err(Box::new)?;
    Ok(of(&hir).filter(|literals| literals.iter().all(|literal| literal.len() >= SHORTEST)))
}

fn of(hir: &Hir) -> Option<Vec<String>> {
    match hir.kind() {
        HirKind::Literal(_) | HirKind::Class(_) => text(hir).map(|text| vec![text]),
        HirKind::Concat(parts) => best_of(parts),
        HirKind::Alternation(parts) => {
            let mut all = Vec::new();
            for part in parts {
                all.extend(of(part)?);
            }
            Some(all)
        }
        HirKind::Repetition(repetition) if repetition.min > 0 => of(&repetition.sub),
        HirKind::Capture(capture) => of(&capture.sub),
        HirKind::Empty | HirKind::Look(_) | HirKind::Repetition(_) => None,
    }
}

/// Of what the parts require one after another, the choice whose shortest literal is longest. Neighbouring texts
/// join; anything else between them parts them.
fn best_of(parts: &[Hir]) -> Option<Vec<String>> {
    let mut choices: Vec<Vec<String>> = Vec::new();
    let mut run = String::new();
    for part in parts {
        if let Some(text) = text(part) {
            run.push_str(&text);
        } else {
            choices.push(vec![std::mem::take(&mut run)]);
            choices.extend(of(part));
        }
    }
    choices.push(vec![run]);
    choices.retain(|choice| choice.iter().all(|literal| !literal.is_empty()));
    let shortest = |choice: &Vec<String>| choice.iter().map(String::len).min().unwrap_or(0);
    choices.into_iter().max_by_key(shortest)
}

/// A part that is fixed but for the case of ASCII letters.
///
/// With Unicode on, `(?i)k` also means U+212A and `(?i)s` U+017F: such a class is no letter here, so that the
/// prefilter never drops what the expression would match.
fn text(hir: &Hir) -> Option<String> {
    match hir.kind() {
        HirKind::Literal(literal) if literal.0.is_ascii() => {
            Some(String::from_utf8_lossy(&literal.0).to_ascii_lowercase())
        }
        HirKind::Class(Class::Unicode(class)) => {
            let mut chars = class.ranges().iter().flat_map(|range| range.start()..=range.end());
            let (first, second, more) = (chars.next()?, chars.next(), chars.next());
            let same = second.is_none_or(|second| second.eq_ignore_ascii_case(&first));
            (first.is_ascii() && same && more.is_none()).then(|| first.to_ascii_lowercase().to_string())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_every_match_must_have() {
        for (expression, expected) in [
            ("too many connections", Some(&["too many connections"][..])),
            ("(?i)connection.*pool.*exhausted|too many", Some(&["connection", "too many"])),
            // U+017F is an s, so the letter parts the literal.
            ("(?i)deadlock detected|(?i)version.*conflict", Some(&[" detected", "conflict"])),
            (r"process (\d+) still waiting for (a|bcd)", Some(&[" still waiting for "])),
            ("x|abcd", None),
            ("a*", None),
            ("(abc)?d+", None),
            (r"\d{3}", None),
            ("(?:abc)+x", Some(&["abc"])),
            ("[Oo]ut of memory", Some(&["out of memory"])),
        ] {
            let found = required(expression).expect("parses");
            let expected =
                expected.map(|literals| literals.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>());
            assert_eq!(found, expected, "{expression}");
        }
    }
}
