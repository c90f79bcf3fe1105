//! Filling a text: `{name}` from what is known, `{n:1..9}` from chance, `{grow:1..9}` from how far a stage has come.

use std::collections::BTreeMap;

use super::random::Random;

/// Names and what they stand for.
pub(crate) type Cast = BTreeMap<String, String>;

/// What fills a text.
#[derive(Debug)]
pub(crate) struct Fill<'a> {
    /// Looked up in this order.
    pub(crate) casts: &'a [&'a Cast],
    /// From 0 to 1.
    pub(crate) grown: f64,
    pub(crate) random: &'a mut Random,
}

impl Fill<'_> {
    pub(crate) fn text(&mut self, template: &str) -> String {
        let mut out = String::with_capacity(template.len() + 32);
        let mut rest = template;
        while let Some((before, after)) = rest.split_once('{') {
            out.push_str(before);
            // A brace that closes nothing, or that is followed by a blank, is the text's own.
            let hole = after.split_once('}').filter(|(name, _)| is_name(name));
            if let Some((name, behind)) = hole {
                out.push_str(&self.hole(name));
                rest = behind;
            } else {
                out.push('{');
                rest = after;
            }
        }
        out.push_str(rest);
        out
    }

    fn hole(&mut self, name: &str) -> String {
        if let Some((how, ends)) = name.split_once(':') {
            let (low, high) = ends.split_once("..").unwrap_or((ends, ends));
            let end = |text: &str| text.parse::<u64>().unwrap_or_else(|why| panic!("{{{name}}}: {why}"));
            let (low, high) = (end(low), end(high));
            return match how {
                "n" => self.random.between(low, high),
                "grow" => {
                    let noise = self.random.between(0, (high - low) / 50);
                    low + ((high - low) as f64 * self.grown) as u64 + noise
                }
                _ => panic!("{{{name}}} is neither chance nor growth"),
            }
            .to_string();
        }
        let known = self.casts.iter().find_map(|cast| cast.get(name));
        known.unwrap_or_else(|| panic!("nothing is known of {{{name}}}")).clone()
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_:.".contains(&byte))
}
