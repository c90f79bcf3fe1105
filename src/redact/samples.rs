//! Running the samples that rules carry, as `coroner patterns test` does for message patterns.

use super::rules::Rules;

/// A sample that did not do what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SampleFailure {
    pub rule: String,
    pub sample: String,
    /// What the rule takes for a value in it.
    pub found: Vec<String>,
}

/// Puts every sample to its rule: how many there are, and those that fail.
pub fn test_samples(rules: &Rules) -> (usize, Vec<SampleFailure>) {
    let mut failures = Vec::new();
    let mut samples = 0;
    for (index, rule) in rules.all.iter().enumerate() {
        let marked = rule.finds.iter().map(|sample| unmarked(sample));
        let unmarked = rule.passes.iter().map(|sample| (sample.clone(), Vec::new()));
        for (text, expected) in marked.chain(unmarked) {
            samples += 1;
            let of_rule = rules.find(&text).into_iter().filter(|found| found.rule == index);
            let found: Vec<String> = of_rule.map(|found| text[found.start..found.end].to_owned()).collect();
            if found != expected {
                failures.push(SampleFailure { rule: rule.id.clone(), sample: text, found });
            }
        }
    }
    (samples, failures)
}

/// A sample without its marks, and what stood between them.
fn unmarked(sample: &str) -> (String, Vec<String>) {
    let (mut text, mut values) = (String::new(), Vec::new());
    let mut rest = sample;
    while let Some((before, marked)) = rest.split_once("<<") {
        // Of `>>>` the first two close the mark unless the value would lose its bracket.
        let Some((value, after)) = marked.split_once(">>") else { break };
        text.push_str(before);
        let (open, value) = value.strip_prefix('<').map_or(("", value), |value| ("<", value));
        text.push_str(open);
        text.push_str(value);
        values.push(value.to_owned());
        rest = after;
    }
    text.push_str(rest);
    (text, values)
}

#[cfg(test)]
mod tests {
    use regex_syntax::hir::{Class, Hir, HirKind};

    use super::*;

    #[test]
    fn every_sample_does_what_it_says() {
        let (samples, failures) = test_samples(&Rules::load(&[], &[]).expect("the built-in rules"));
        assert!(failures.is_empty(), "{failures:#?}");
        assert!(samples >= 80, "{samples} samples");
    }

    /// A text that an expression matches, made with a small generator of numbers; repeated as little as allowed.
    fn made(hir: &Hir, random: &mut dyn FnMut(usize) -> usize, out: &mut Vec<u8>) {
        match hir.kind() {
            HirKind::Empty | HirKind::Look(_) => {}
            HirKind::Literal(literal) => out.extend_from_slice(&literal.0),
            HirKind::Class(Class::Bytes(class)) => {
                let bytes = class.ranges().iter().flat_map(|range| range.start()..=range.end());
                let plain: Vec<u8> = bytes.filter(|byte| byte.is_ascii_graphic() || *byte == b' ').collect();
                // A point that means any character is meant as a point.
                let plain = match plain.len() {
                    0 => vec![b'a'],
                    95.. => vec![b'.'],
                    _ => plain,
                };
                let nice: Vec<u8> = plain.iter().copied().filter(u8::is_ascii_alphanumeric).collect();
                let from = if nice.is_empty() { plain } else { nice };
                out.push(from[random(from.len())]);
            }
            HirKind::Class(Class::Unicode(class)) => {
                let first = class.ranges().first().map_or('a', regex_syntax::hir::ClassUnicodeRange::start);
                out.extend(first.to_string().bytes());
            }
            HirKind::Repetition(repetition) => {
                for _ in 0..repetition.min {
                    made(&repetition.sub, random, out);
                }
            }
            HirKind::Capture(capture) => made(&capture.sub, random, out),
            HirKind::Concat(parts) => parts.iter().for_each(|part| made(part, random, out)),
            HirKind::Alternation(parts) => made(&parts[random(parts.len())], random, out),
        }
    }

    #[test]
    fn every_rule_without_samples_finds_what_its_expression_makes() {
        let rules = Rules::load(&[], &[]).expect("the built-in rules");
        let mut state = 88_172_645_463_325_252_u64;
        let mut random = |below: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state % below as u64) as usize
        };
        let mut missed = Vec::new();
        for (index, rule) in rules.all.iter().enumerate().filter(|(_, rule)| rule.finds.is_empty()) {
            // A parser keeps the flags of what it parsed before.
            let mut parser = regex_syntax::ParserBuilder::new().unicode(false).utf8(false).build();
            let hir = parser.parse(&rule.regex).expect("compiles");
            let finds = |text: &str| rules.find(text).iter().any(|found| found.rule == index);
            let found = (0..20).any(|_| {
                let mut text = Vec::new();
                made(&hir, &mut random, &mut text);
                finds(&String::from_utf8_lossy(&text))
            });
            if !found {
                missed.push(&rule.id);
            }
        }
        assert!(missed.is_empty(), "{missed:?}");
    }
}
