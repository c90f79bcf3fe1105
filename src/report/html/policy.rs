//! What the page may do: nothing but show itself. Its style and its script are in it, named by their hashes, and nothing
//! else is allowed to load, run or leave.

use base64::{Engine, prelude::BASE64_STANDARD};
use maud::{Markup, PreEscaped, html};
use sha2::{Digest, Sha256};

use crate::report::safe::Shown;

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// The document's head.
pub(super) fn head(title: &str) -> Markup {
    html! {
        head {
            meta charset="utf-8";
            meta http-equiv="Content-Security-Policy" content=(policy());
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="color-scheme" content="light dark";
            meta name="referrer" content="no-referrer";
            title { (Shown { text: title.into(), longest: 200 }) }
            style { (PreEscaped(STYLE)) }
        }
    }
}

pub(super) fn script() -> Markup {
    html! { script { (PreEscaped(SCRIPT)) } }
}

/// Content Security Policy, level 3 (w3.org/TR/CSP3): hashes are of what stands between the tags.
fn policy() -> String {
    let hash = |text: &str| BASE64_STANDARD.encode(Sha256::digest(text));
    format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; base-uri 'none'; form-action 'none'",
        hash(STYLE),
        hash(SCRIPT)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_closes_its_own_tag() {
        assert!(!STYLE.contains("</") && !SCRIPT.contains("</"));
        let within = STYLE.matches("url(#").count();
        assert!(STYLE.matches("url(").count() == within && !SCRIPT.contains("http"), "nothing is fetched");
    }
}
