//! What entries say that no pattern names: shapes of all sources, made into templates.

use std::collections::BTreeMap;

use crate::{
    check::facts::{LogFacts, Sample, ShapeFacts},
    classify::templates::{Shape, Template, merge},
    model::{Level, TemplateSeen, Window, finding, report::UnlistedTemplates},
};

/// Templates listed, the loudest and most frequent; all are counted.
const LISTED: usize = 500;
/// Entries cited of each template.
const CITED: usize = 3;
/// Longest excerpt of a cited entry, in characters.
const EXCERPT: usize = 240;

/// A template, and what its shapes add up to in each source.
pub(super) struct Mined<'e> {
    pub(super) template: Template,
    pub(super) parts: Vec<(&'e str, &'e ShapeFacts)>,
}

/// Makes templates of the shapes of all sources.
pub(super) fn mine(logs: &BTreeMap<String, LogFacts>) -> Vec<Mined<'_>> {
    let mut shapes: BTreeMap<(Level, &str), Vec<(&str, &ShapeFacts)>> = BTreeMap::new();
    for (path, log) in logs {
        for (_, level, text, facts) in log.templates.shapes() {
            shapes.entry((level, text)).or_default().push((path, facts));
        }
    }
    let count = |parts: &[(&str, &ShapeFacts)]| parts.iter().map(|(_, facts)| facts.count).sum();
    let listed: Vec<Shape<'_>> = shapes
        .iter()
        .map(|((level, text), parts)| Shape { level: *level, text, count: count(parts) })
        .collect();
    let parts: Vec<_> = shapes.values().collect();
    let gather = |template: Template| {
        let parts = template.shapes.iter().flat_map(|at| parts[*at].iter().copied()).collect();
        Mined { template, parts }
    };
    merge(&listed).into_iter().map(gather).collect()
}

/// As the report lists them: the loudest first, then the most frequent.
pub(super) fn report(
    mut mined: Vec<Mined<'_>>,
    logs: &BTreeMap<String, LogFacts>,
) -> (Vec<TemplateSeen>, UnlistedTemplates) {
    let masked_harder = logs.values().filter(|log| log.templates.hardness > 0).count() as u64;
    mined.sort_by_key(|mined| std::cmp::Reverse(mined.template.level));
    let beyond = mined.split_off(mined.len().min(LISTED));
    let occurrences = beyond.iter().map(|mined| mined.template.count).sum();
    let unlisted = UnlistedTemplates { templates: beyond.len() as u64, occurrences, masked_harder };
    (mined.into_iter().map(seen).collect(), unlisted)
}

fn seen(mined: Mined<'_>) -> TemplateSeen {
    let Mined { template, parts } = mined;
    let mut window = Window::default();
    for (_, facts) in &parts {
        window.join(&facts.window);
    }
    TemplateSeen {
        id: template.id,
        template: template.text,
        level: template.level.name().to_owned(),
        occurrences: template.count,
        first_seen: window.from,
        last_seen: window.to,
        evidence: cited(&parts),
        state: "known".to_owned(),
    }
}

/// The earliest entries, over all sources.
fn cited(parts: &[(&str, &ShapeFacts)]) -> Vec<finding::Evidence> {
    let mut samples: Vec<(&str, &Sample)> = parts
        .iter()
        .flat_map(|(path, facts)| facts.samples.items.iter().map(move |sample| (*path, sample)))
        .collect();
    samples.sort_by_key(|(path, sample)| (sample.time.is_none(), sample.time, *path, sample.place));
    samples.truncate(CITED);
    samples
        .into_iter()
        .map(|(path, sample)| finding::Evidence {
            path: path.to_owned(),
            line: sample.place.line,
            byte: sample.place.byte,
            excerpt: sample.message.chars().take(EXCERPT).collect(),
        })
        .collect()
}
