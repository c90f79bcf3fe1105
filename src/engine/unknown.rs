//! What entries say that no pattern names: shapes of all sources, made into templates.

use std::collections::BTreeMap;

use crate::{
    check::{
        self,
        facts::{LogFacts, ShapeFacts},
    },
    classify::templates::{Shape, Template, merge},
    model::{Level, TemplateSeen, Timestamp, Window, finding},
};

/// Entries cited of each template.
const CITED: usize = 3;

/// A template, and what its shapes add up to in each source.
pub(super) struct Mined<'e> {
    pub(super) template: Template,
    pub(super) parts: Vec<(&'e str, &'e ShapeFacts)>,
    /// How often it was seen now, and in the baseline.
    pub(super) now: u64,
    pub(super) before: u64,
}

/// Makes templates of the shapes of all sources, those of a baseline beside them: the same words make one template.
pub(super) fn mine<'e>(
    logs: &'e BTreeMap<String, LogFacts>,
    baseline: &'e BTreeMap<String, LogFacts>,
) -> Vec<Mined<'e>> {
    type Parts<'e> = Vec<(bool, &'e str, &'e ShapeFacts)>;
    let mut shapes: BTreeMap<(Level, &str), Parts<'_>> = BTreeMap::new();
    for (is_now, (path, log)) in
        logs.iter().map(|log| (true, log)).chain(baseline.iter().map(|log| (false, log)))
    {
        for (_, level, text, facts) in log.templates.shapes() {
            shapes.entry((level, text)).or_default().push((is_now, path, facts));
        }
    }
    let listed: Vec<Shape<'_>> = shapes
        .iter()
        .map(|((level, text), parts)| Shape {
            level: *level,
            text,
            count: parts.iter().map(|(.., facts)| facts.count).sum(),
        })
        .collect();
    let all: Vec<&Parts<'_>> = shapes.values().collect();
    let gather = |template: Template| {
        let parts: Parts<'_> = template.shapes.iter().flat_map(|at| all[*at].iter().copied()).collect();
        let count =
            |side: bool| parts.iter().filter(|(now, ..)| *now == side).map(|(.., facts)| facts.count).sum();
        let (now, before) = (count(true), count(false));
        // What is gone is cited from where it was.
        let cited = parts.iter().filter(|(is_now, ..)| *is_now == (now > 0));
        Mined { template, parts: cited.map(|(_, path, facts)| (*path, *facts)).collect(), now, before }
    };
    merge(&listed).into_iter().map(gather).collect()
}

/// A template as a report lists it.
pub(super) fn seen(mined: &Mined<'_>) -> TemplateSeen {
    let mut window = Window::default();
    for (_, facts) in &mined.parts {
        window.join(&facts.window);
    }
    TemplateSeen {
        id: mined.template.id.clone(),
        template: mined.template.text.clone(),
        level: mined.template.level.name().to_owned(),
        occurrences: mined.now,
        first_seen: window.from,
        last_seen: window.to,
        evidence: cited(&mined.parts),
        over_time: check::over_time(
            mined
                .parts
                .iter()
                .flat_map(|(_, facts)| facts.bins.iter())
                .map(|(at, count)| (Timestamp(at), count)),
            &window,
        ),
        state: "known".to_owned(),
        why: String::new(),
        onset: None,
    }
}

/// The earliest entries, over all sources.
fn cited(parts: &[(&str, &ShapeFacts)]) -> Vec<finding::Evidence> {
    let samples = parts.iter().flat_map(|(path, facts)| {
        let path = *path;
        facts.samples.items.iter().map(move |sample| (path, sample))
    });
    check::places(samples.collect(), CITED)
}
