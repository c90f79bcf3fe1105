//! With a state: what is new, back, worse or gone since the run before, and what was left out.

use crate::{
    model::report::{NewsState, Report, Standing},
    report::digest,
};

use super::{Column, Section};

const COLUMNS: &[Column] = &[
    Column::Text("state"),
    Column::Text("what"),
    Column::Text("id"),
    Column::Text("title"),
    Column::Text("first seen"),
    Column::Number("nights"),
];

/// Rows shown; the JSON report has all, with what goes on as before.
const SHOWN: usize = 30;
/// Notes shown: of rules that hide something, and of sources.
const NOTES: usize = 20;

pub(super) fn section(report: &Report) -> Option<Section> {
    let state = report.run.state.as_ref()?;
    let mut changed: Vec<&Standing> =
        state.standing.iter().filter(|one| one.state != NewsState::Persisting).collect();
    changed.sort_by(|a, b| (a.state, rank(a), &a.id).cmp(&(b.state, rank(b), &b.id)));
    let rows: Vec<_> = changed.iter().take(SHOWN).map(|one| row(one)).collect();
    let mut notes = vec![summary(state.runs, &state.standing)];
    if changed.len() > SHOWN {
        notes.push(format!("and {} more, in report.json", digest::number((changed.len() - SHOWN) as u64)));
    }
    if state.left_out > 0 {
        let what = "findings and incidents that are known are left out";
        notes.push(format!("{} {what}", digest::number(state.left_out)));
    }
    notes.extend(state.missing.iter().take(NOTES).map(|path| format!("missing: {path} was there before")));
    // What is hidden stays in sight, as a count.
    let kept = report.findings.iter().filter(|finding| finding.check == "state");
    notes.extend(kept.take(NOTES).map(|finding| format!("{}; {}", finding.title, finding.detail)));
    notes.extend(state.notes.iter().take(NOTES).cloned());
    Some(Section { title: "Since the run before", columns: COLUMNS, rows, notes })
}

/// Incidents before their findings, and templates last.
fn rank(one: &Standing) -> Option<usize> {
    ["incident", "finding", "pattern", "template"].iter().position(|what| *what == one.what)
}

fn row(one: &Standing) -> Vec<String> {
    vec![
        one.state.name().to_owned(),
        one.what.clone(),
        one.id.clone(),
        one.title.clone(),
        one.first_seen.map_or("-".to_owned(), |first| first.to_string()),
        digest::number(one.nights),
    ]
}

/// `run 12: 2 new, 1 worse, 31 persisting, 1 resolved`.
fn summary(runs: u64, standing: &[Standing]) -> String {
    let mut counts: Vec<(NewsState, u64)> = Vec::new();
    for one in standing {
        match counts.iter_mut().find(|(state, _)| *state == one.state) {
            Some((_, count)) => *count += 1,
            None => counts.push((one.state, 1)),
        }
    }
    counts.sort();
    let counts: Vec<String> =
        counts.iter().map(|(state, count)| format!("{} {}", digest::number(*count), state.name())).collect();
    if counts.is_empty() {
        return format!("run {runs}: nothing found, now or before");
    }
    format!("run {runs}: {}", counts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::report::StateUsed;

    #[test]
    fn news_comes_first_and_what_goes_on_is_counted() {
        let one = |what: &str, id: &str, state| Standing {
            what: what.to_owned(),
            id: id.to_owned(),
            state,
            title: id.to_owned(),
            first_seen: None,
            nights: 2,
        };
        let standing = vec![
            one("finding", "gone", NewsState::Resolved),
            one("finding", "known", NewsState::Persisting),
            one("finding", "b", NewsState::New),
            one("incident", "a", NewsState::New),
        ];
        let mut report = Report::default();
        assert_eq!(section(&report), None);
        report.run.state = Some(StateUsed { runs: 12, standing, ..StateUsed::default() });
        let section = section(&report).expect("a state");
        let ids: Vec<&str> = section.rows.iter().map(|row| row[2].as_str()).collect();
        assert_eq!(ids, ["a", "b", "gone"]);
        assert_eq!(section.notes, ["run 12: 2 new, 1 persisting, 1 resolved"]);
    }
}
