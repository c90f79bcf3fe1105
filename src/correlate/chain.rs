//! What led to what inside an incident: rules applied to findings, and what each of them explains.

use std::collections::VecDeque;

use crate::model::{CauseRule, Causes, Finding, time::SECOND};

use super::{Context, kinship};

/// Clocks of two machines may differ by this much without anybody noticing: an effect that seems to begin before its
/// cause by less is still an effect. Microseconds.
pub(super) const SKEW: i64 = 3 * SECOND;

/// The rule by which `cause` leads to `effect`, if there is one and their times and keys allow it.
pub(super) fn rule<'c>(cause: &Finding, effect: &Finding, context: &Context<'c>) -> Option<&'c CauseRule> {
    if kinship::are_apart(cause, effect, context) {
        return None;
    }
    let causes = context.causes;
    let (mine, theirs) = (causes.words(cause), causes.words(effect));
    // What names its own kind of cause is no symptom of the same kind elsewhere.
    let (mine, theirs) = (main(cause, &mine), main(effect, &theirs));
    // Without a time to argue with, it takes a name that both have.
    let dated = cause.window.from.is_some() && effect.window.from.is_some();
    let applies = |rule: &&CauseRule| {
        mine.contains(&rule.cause.as_str())
            && rule.effects.iter().any(|word| theirs.contains(&word.as_str()))
            && in_time(cause, late(cause, causes), effect, rule.within)
            && kinship::share_one_of(cause, effect, &rule.shares).unwrap_or(dated)
    };
    causes.rules.iter().find(applies)
}

/// The words that rules look at: those of a cause where a finding names one, else its symptoms.
fn main<'w>(finding: &Finding, words: &'w [&'w str]) -> &'w [&'w str] {
    if finding.cause.is_some() { &words[..1] } else { words }
}

/// Whether an effect begins after its cause began, and not too long after it was last seen. What has no time may have.
fn in_time(cause: &Finding, late: i64, effect: &Finding, within: i64) -> bool {
    let (Some(from), Some(to)) = (cause.window.from, cause.window.to) else { return true };
    let Some(began) = effect.window.from else { return true };
    began.since(from) >= -SKEW - late && began.since(to) <= within
}

/// How long before its first sight a finding may have begun, in microseconds: what a program logs when it is over.
pub(super) fn late(finding: &Finding, causes: &Causes) -> i64 {
    let kind = finding.cause.as_deref().and_then(|kind| causes.kind(kind));
    kind.filter(|_| finding.check == "log-patterns").map_or(0, |kind| kind.late)
}

/// How a finding follows from the root.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Step<'c> {
    /// The finding that it follows from, by its place in the incident.
    pub(super) after: usize,
    pub(super) rule: &'c CauseRule,
    /// 1 for what the root itself leads to.
    pub(super) depth: u32,
}

/// Which finding of a group leads to which, by rule.
pub(super) struct Rules<'c> {
    /// By cause, then by effect.
    leads: Vec<Vec<Option<&'c CauseRule>>>,
}

impl<'c> Rules<'c> {
    pub(super) fn of(group: &[&Finding], context: &Context<'c>) -> Rules<'c> {
        let row = |cause: &&Finding| group.iter().map(|effect| rule(cause, effect, context)).collect();
        Rules { leads: group.iter().map(row).collect() }
    }

    /// What follows from a finding, by the shortest way; itself and what does not follow have none.
    pub(super) fn reach(&self, root: usize) -> Vec<Option<Step<'c>>> {
        let mut steps: Vec<Option<Step<'c>>> = vec![None; self.leads.len()];
        let mut open = VecDeque::from([(root, 0)]);
        while let Some((at, depth)) = open.pop_front() {
            for (next, rule) in self.leads[at].iter().enumerate() {
                if let (Some(rule), None) = (rule, &steps[next])
                    && next != root
                {
                    steps[next] = Some(Step { after: at, rule, depth: depth + 1 });
                    open.push_back((next, depth + 1));
                }
            }
        }
        steps
    }
}
