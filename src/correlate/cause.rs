//! Which finding of an incident is its root cause, and how sure that is. Every point is printed.

use crate::model::{
    Compared, Finding,
    report::{CauseVerdict, RootCause, Term},
};

use super::{
    Context,
    chain::{self, Rules, SKEW, Step},
};

/// The kind where no finding names one.
pub(super) const UNCLASSIFIED: &str = "unclassified";

/// Terms of the score (research note A7; coverage is told apart into what meets it in a key and what was seen rather
/// than told): 100 in all, and 10 more for what a baseline shows to be new.
const PRECEDENCE: i64 = 30;
const REACH: i64 = 30;
const COVERAGE: i64 = 10;
const KIND: i64 = 20;
const SEEN: i64 = 10;
const NOVELTY: i64 = 10;
/// What a further step of a chain is worth less.
const STEP: f64 = 0.8;
/// A lead over the next kind that makes a cause confirmed, or likely.
const CONFIRMED: i64 = 10;
const LIKELY: i64 = 5;
/// The share of an incident that a confirmed cause explains at least.
const EXPLAINS: f64 = 0.6;
/// A kind with a smaller prior is more often an effect of what was not seen.
const BEGINS: i64 = 5;
/// Effects that confirm a cause which only log entries tell of.
const FOLLOW: usize = 2;

/// The root cause of an incident: the finding's place, what is said of it, and what follows from it.
pub(super) struct Verdict<'c> {
    pub(super) at: usize,
    pub(super) root_cause: RootCause,
    pub(super) steps: Vec<Option<Step<'c>>>,
    /// What speaks against it.
    pub(super) counter_evidence: Vec<String>,
}

/// One finding as a candidate.
struct Candidate<'c> {
    at: usize,
    points: i64,
    terms: Vec<Term>,
    steps: Vec<Option<Step<'c>>>,
}

/// Weighs the findings of an incident, given in order of onset.
pub(super) fn verdict<'c>(group: &[&Finding], context: &Context<'c>) -> Verdict<'c> {
    let rules = Rules::of(group, context);
    let mut candidates: Vec<Candidate<'c>> = (0..group.len())
        .filter(|at| group[*at].cause.is_some() || group.iter().all(|finding| finding.cause.is_none()))
        .map(|at| candidate(group, at, &rules, context))
        .collect();
    candidates.sort_by(|a, b| b.points.cmp(&a.points).then(a.at.cmp(&b.at)));
    let mut candidates = candidates.into_iter();
    let Some(best) = candidates.next() else {
        return Verdict { at: 0, root_cause: nothing(), steps: Vec::new(), counter_evidence: Vec::new() };
    };
    let others: Vec<Candidate<'c>> = candidates.collect();
    let root = group[best.at];
    let kind = root.cause.clone().unwrap_or_else(|| UNCLASSIFIED.to_owned());
    // What follows from the root is no rival, nor is what names the same kind.
    let rival = others.iter().find(|other| {
        best.steps[other.at].is_none() && group[other.at].cause.as_deref() != Some(kind.as_str())
    });
    let lead = rival.map_or(best.points, |rival| best.points - rival.points);
    let explained = share_explained(&best, group);
    let verdict = match lead {
        _ if kind == UNCLASSIFIED => CauseVerdict::Insufficient,
        lead if lead >= CONFIRMED && explained >= EXPLAINS && is_shown(&best, root, context) => {
            CauseVerdict::Confirmed
        }
        lead if lead >= LIKELY => CauseVerdict::Likely,
        _ => CauseVerdict::Insufficient,
    };
    let why = why(group, &best, rival, verdict);
    let late = chain::late(root, context.causes);
    let counter_evidence = counter_evidence(group, &best, rival, late);
    let root_cause = RootCause { kind, finding: root.id.clone(), verdict, why, terms: best.terms };
    Verdict { at: best.at, root_cause, steps: best.steps, counter_evidence }
}

fn nothing() -> RootCause {
    RootCause {
        kind: UNCLASSIFIED.to_owned(),
        finding: String::new(),
        verdict: CauseVerdict::Insufficient,
        why: String::new(),
        terms: Vec::new(),
    }
}

fn candidate<'c>(group: &[&Finding], at: usize, rules: &Rules<'c>, context: &Context<'c>) -> Candidate<'c> {
    let finding = group[at];
    let steps = rules.reach(at);
    let terms = vec![
        precedence(group, at, chain::late(finding, context.causes)),
        reached(group.len(), &steps),
        coverage(group, at, context),
        kind(finding, context),
        seen(finding),
        novelty(finding, context),
    ];
    Candidate { at, points: terms.iter().map(|term| term.points).sum(), terms, steps }
}

fn term(name: &str, of: i64, share: f64, why: String) -> Term {
    Term { name: name.to_owned(), points: (of as f64 * share).round() as i64, why }
}

/// How many of the others began after it. Clocks differ, so within their tolerance nobody was first.
fn precedence(group: &[&Finding], at: usize, late: i64) -> Term {
    let Some(from) = group[at].window.from else {
        return term("precedence", PRECEDENCE, 0.5, "not dated: it may have come first".to_owned());
    };
    let others: Vec<_> = (0..group.len()).filter(|other| *other != at).collect();
    let began = others.iter().filter_map(|other| group[*other].window.from);
    let (mut after, mut points, mut dated) = (0, 0.0, 0);
    for other in began {
        dated += 1;
        match other.since(from) {
            later if later > SKEW => {
                after += 1;
                points += 1.0;
            }
            // The finer order still counts for a little: most clocks are better than that.
            later if later > 0 => points += 0.75,
            later if later >= -SKEW => points += 0.5,
            // What is logged when it ends had begun before; how long before, nobody says.
            later if later >= -late => points += 0.75,
            _ => {}
        }
    }
    if dated == 0 {
        return term("precedence", PRECEDENCE, 1.0, "nothing else is dated".to_owned());
    }
    let told = if late > 0 { ", and it is told of late" } else { "" };
    let why = format!("{after} of {dated} others began more than {} s after it{told}", SKEW / 1_000_000);
    term("precedence", PRECEDENCE, points / f64::from(dated), why)
}

/// How much of the rest follows from it by causal rules.
fn reached(len: usize, steps: &[Option<Step<'_>>]) -> Term {
    let reached: Vec<&Step<'_>> = steps.iter().flatten().collect();
    let others = len.saturating_sub(1);
    if others == 0 {
        return term("reach", REACH, 0.5, "nothing else was found that it could explain".to_owned());
    }
    let worth: f64 = reached.iter().map(|step| STEP.powi(step.depth as i32 - 1)).sum();
    let why = format!("{} of {others} others follow from it by causal rules", reached.len());
    term("reach", REACH, worth / others as f64, why)
}

/// How much of the rest meets it in a key.
fn coverage(group: &[&Finding], at: usize, context: &Context<'_>) -> Term {
    let others = (0..group.len()).filter(|other| *other != at);
    let meets =
        others.filter(|other| !super::kinship::shared(group[at], group[*other], &context.rarity).is_empty());
    let (meets, others) = (meets.count(), group.len().saturating_sub(1));
    let share = if others == 0 { 1.0 } else { meets as f64 / others as f64 };
    term("coverage", COVERAGE, share, format!("{meets} of {others} others share a key with it"))
}

fn kind(finding: &Finding, context: &Context<'_>) -> Term {
    let known = finding.cause.as_deref().and_then(|kind| context.causes.kind(kind));
    match known {
        Some(kind) => {
            let why = format!("{} is {} of 10 likely to be where trouble begins", kind.id, kind.prior);
            term("kind", KIND, kind.prior as f64 / 10.0, why)
        }
        None => term("kind", KIND, 0.0, "it names no kind of cause".to_owned()),
    }
}

/// A state that was seen says more than what a program complains about.
fn seen(finding: &Finding) -> Term {
    let (share, why) = match finding.check.as_str() {
        "log-patterns" | "operations" => (0.5, "told by log entries"),
        _ => (1.0, "worked out from more than one record"),
    };
    term("evidence", SEEN, share, why.to_owned())
}

/// Whether the cause itself was seen, or what it leads to was: a kind that is mostly an effect is confirmed by neither.
fn is_shown(best: &Candidate<'_>, root: &Finding, context: &Context<'_>) -> bool {
    let known = root.cause.as_deref().and_then(|kind| context.causes.kind(kind));
    let begins = known.is_some_and(|kind| kind.prior >= BEGINS);
    begins && (root.check != "log-patterns" || best.steps.iter().flatten().count() >= FOLLOW)
}

/// What was not there before is more likely where trouble began than what always is.
fn novelty(finding: &Finding, context: &Context<'_>) -> Term {
    if context.compared == Compared::WithNothing {
        return term("novelty", NOVELTY, 0.0, "no baseline to compare with".to_owned());
    }
    let share = match finding.state.as_str() {
        "new" => 1.0,
        "worse" => 0.5,
        _ => 0.0,
    };
    term("novelty", NOVELTY, share, format!("{} against the baseline", finding.state))
}

fn share_explained(best: &Candidate<'_>, group: &[&Finding]) -> f64 {
    let same = |at: usize| group[at].cause == group[best.at].cause;
    let explained = (0..group.len()).filter(|at| *at == best.at || best.steps[*at].is_some() || same(*at));
    explained.count() as f64 / group.len() as f64
}

fn why(
    group: &[&Finding],
    best: &Candidate<'_>,
    rival: Option<&Candidate<'_>>,
    verdict: CauseVerdict,
) -> String {
    let title = &group[best.at].title;
    let follow = best.steps.iter().flatten().count();
    let others = group.len() - 1;
    match (verdict, rival) {
        _ if others == 0 => format!("{title}; nothing else was found with it"),
        (CauseVerdict::Insufficient, Some(rival)) => {
            format!("{title} scores highest, but {} is close behind", group[rival.at].title)
        }
        (CauseVerdict::Insufficient, None) => {
            format!("{title} comes first, but no finding names a known kind of cause")
        }
        _ if follow == 0 => format!("{title}; {others} more of the same kind or time"),
        _ => format!("{title}; {follow} of {others} others follow from it"),
    }
}

/// Rivals, and effects that no rule explains or that began too early.
fn counter_evidence(
    group: &[&Finding],
    best: &Candidate<'_>,
    rival: Option<&Candidate<'_>>,
    late: i64,
) -> Vec<String> {
    let root = group[best.at];
    let mut against = Vec::new();
    if let Some(rival) = rival {
        against.push(format!(
            "{} ({}) scores {} beside {}",
            group[rival.at].title,
            group[rival.at].cause.as_deref().unwrap_or(UNCLASSIFIED),
            rival.points,
            best.points
        ));
    }
    let earlier = group.iter().enumerate().filter(|(at, finding)| {
        let apart = finding.window.from.zip(root.window.from).map(|(from, root)| root.since(from));
        *at != best.at && apart.is_some_and(|apart| apart > SKEW + late)
    });
    let earlier: Vec<&str> = earlier.map(|(_, finding)| finding.title.as_str()).collect();
    match earlier[..] {
        [] => {}
        [one] => against.push(format!("{one} began before it")),
        [first, ..] => against.push(format!("{first} and {} more began before it", earlier.len() - 1)),
    }
    let unexplained = (0..group.len())
        .filter(|at| *at != best.at && best.steps[*at].is_none() && group[*at].cause != root.cause);
    match unexplained.count() {
        0 => {}
        count => against.push(format!("no rule explains {count} of {} others by it", group.len() - 1)),
    }
    against
}
