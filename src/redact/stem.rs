//! What a rule's matches look like when their text ends too early: excerpts are cut at a length, and half a secret is
//! still one.
//!
//! The expression up to its value stays as it is; of the value, any beginning will do; what comes after it is left out.

use regex_syntax::hir::{Hir, HirKind, Repetition};

/// Characters of a value without which nothing is told from any other word.
const SHORTEST: usize = 4;

/// An expression whose matches end at the end of the text, its value in group 1. `None`: the rule's value is no part
/// that can be cut, or its own expression goes to the end already.
pub(super) fn stem(expression: &str) -> Option<String> {
    let hir = regex_syntax::ParserBuilder::new().unicode(false).utf8(false).build().parse(expression).ok()?;
    let HirKind::Concat(parts) = hir.kind() else { return None };
    let value = parts.iter().position(|part| matches!(part.kind(), HirKind::Capture(_)));
    let (fixed, before, value) = match value {
        Some(at) => {
            let HirKind::Capture(capture) = parts[at].kind() else { return None };
            (parts[..at].to_vec(), Vec::new(), (*capture.sub).clone())
        }
        None => {
            let rest = parts
                .iter()
                .position(|part| !matches!(part.kind(), HirKind::Literal(_) | HirKind::Look(_)))?;
            if rest == 0 {
                return None;
            }
            (Vec::new(), parts[..rest].to_vec(), Hir::concat(parts[rest..].to_vec()))
        }
    };
    let (fixed, before) = (Hir::concat(fixed), Hir::concat(before));
    Some(format!(r"(?:{})({}(?:{}))\z", plain(&fixed), plain(&before), plain(&beginning(&value))))
}

/// Whether there is enough of it to be taken for a secret.
pub(super) fn is_enough(value: &str) -> bool {
    value.len() >= SHORTEST
}

/// Without groups that would take a number.
fn plain(hir: &Hir) -> Hir {
    match hir.kind() {
        HirKind::Capture(capture) => plain(&capture.sub),
        HirKind::Concat(parts) => Hir::concat(parts.iter().map(plain).collect()),
        HirKind::Alternation(parts) => Hir::alternation(parts.iter().map(plain).collect()),
        HirKind::Repetition(repetition) => {
            Hir::repetition(Repetition { sub: Box::new(plain(&repetition.sub)), ..repetition.clone() })
        }
        _ => hir.clone(),
    }
}

/// Matches every beginning of what `hir` matches (and little else: repeated parts may end anywhere).
fn beginning(hir: &Hir) -> Hir {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => Hir::empty(),
        HirKind::Literal(literal) => {
            let bytes = literal.0.iter().map(|byte| Hir::literal([*byte])).collect();
            opened(bytes)
        }
        HirKind::Class(_) => optional(hir.clone()),
        HirKind::Capture(capture) => beginning(&capture.sub),
        HirKind::Repetition(repetition) => Hir::concat(vec![
            Hir::repetition(Repetition { min: 0, ..repetition.clone() }),
            beginning(&repetition.sub),
        ]),
        HirKind::Alternation(parts) => Hir::alternation(parts.iter().map(beginning).collect()),
        HirKind::Concat(parts) => opened(parts.clone()),
    }
}

/// `abc` as `(?:a(?:b(?:c)?)?)?`.
fn opened(parts: Vec<Hir>) -> Hir {
    let mut rest = Hir::empty();
    for part in parts.into_iter().rev() {
        let whole = Hir::concat(vec![part.clone(), rest]);
        rest = match part.kind() {
            HirKind::Literal(literal) if literal.0.len() == 1 => optional(whole),
            _ => Hir::alternation(vec![whole, beginning(&part)]),
        };
    }
    rest
}

fn optional(hir: Hir) -> Hir {
    Hir::repetition(Repetition { min: 0, max: Some(1), greedy: true, sub: Box::new(hir) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_secret_is_found() {
        for (expression, text, value) in [
            ("ghp_[0-9a-zA-Z]{36}", "x ghp_abc", Some("ghp_abc")),
            (r"\bSG\.([a-z]{3}\.[a-z]{9})\b", "SG.abc.defg", Some("abc.defg")),
            ("key(?:=|:)(a(?:bc|de)+f{8})(?:;|$)", "key=abcdeb", Some("abcdeb")),
            ("key(?:=|:)(a(?:bc|de)+f{8})(?:;|$)", "key", None),
            ("ghp_[0-9a-zA-Z]{36}", "ghp_abc, more", None),
        ] {
            let stem = stem(expression).expect("has one");
            let regex = regex::bytes::RegexBuilder::new(&stem).unicode(false).build().expect("compiles");
            let found = regex.captures(text.as_bytes()).and_then(|found| found.get(1));
            let found = found.map(|found| std::str::from_utf8(found.as_bytes()).expect("text"));
            assert_eq!(found, value, "{expression} as {stem}");
        }
        assert_eq!(stem("(a|b)"), None);
    }
}
