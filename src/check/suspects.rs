//! Which service the trouble began in, from what its traces did before and do now.
//!
//! Three questions, each of which can be read back from the evidence:
//!
//! - Where does a trace first leave its usual way? After one statement another one follows in nearly every trace; where
//!   now something else follows, or nothing, that is a departure. Callers depart because those they call did, so only
//!   the first departure of a trace in time counts, as the logarithm of how much more often it happens now.
//! - Whose steps got slow? The time between two entries of a trace belongs to who wrote the first (it was at work, or what
//!   it sent was on its way) and by half to who wrote the second.
//! - Who reports more errors than before?

use std::collections::{BTreeMap, BTreeSet, HashMap};

use foldhash::fast::FixedState;

use crate::{
    fold::stats::{self, Share},
    model::report::{Suspect, Term},
};

use super::facts::LogFacts;

/// A departure is listed where it happens at least so many times as often as before.
const RATIO: f64 = 2.0;
/// And where its log-likelihood ratio (the G statistic over two) is at least this: p < 0.001 for one degree of freedom.
const EVIDENCE: f64 = 6.0;
/// A step is slow beyond so many times the baseline's median of the same step. A median, for a baseline is seldom all
/// well: up to half of it may be as slow.
const SLOW: i64 = 4;
/// Baseline steps without which nothing can be called slow.
const TIMED: usize = 20;
/// A gap below this, in microseconds, is what clocks and buffers make.
const NOISE: i64 = 1_000;
/// A slow step counts one, twice as slow two, and never more than this: one stall is no trend.
const SLOWEST: f64 = 3.0;
/// Steps that a service is thought to have had beside those seen, so that few steps prove little.
const PRIOR: f64 = 20.0;
/// Most points of one term.
const MOST: f64 = 100.0;
/// Most points that more errors give beside departures, which say the same more sharply.
const ERRORS: f64 = 5.0;
/// Suspects listed.
const LISTED: usize = 10;

type Logs = BTreeMap<String, LogFacts>;
type Hashed<K, V> = HashMap<K, V, FixedState>;

/// Ranks services by how likely the trouble began there; empty without traces to compare with.
pub fn suspects(now: &Logs, before: &Logs) -> Vec<Suspect> {
    let mut sites = Sites::default();
    let (now, before) = (Flows::of(now, &mut sites), Flows::of(before, &mut sites));
    if now.traces.is_empty() || before.traces.is_empty() {
        return Vec::new();
    }
    let departures = departures(&now, &before, &sites);
    let slowness = slowness(&now, &before, &sites);
    let services: BTreeSet<usize> = now.steps().map(|step| sites.service[step.site]).collect();
    let mut suspects: Vec<Suspect> = Vec::new();
    for service in services {
        let mut terms = Vec::new();
        if let Some(departed) = departures.get(&service) {
            terms.push(departed.term(now.traces.len(), &sites));
        }
        terms.extend(slowness.get(&service).map(Slowness::term));
        terms.extend(errors(service, &now, &before));
        terms.retain(|term| term.points > 0);
        let score = terms.iter().map(|term| term.points).sum();
        if score > 0 {
            suspects.push(Suspect { service: sites.services[service].clone(), score, terms });
        }
    }
    suspects.sort_by(|a, b| b.score.cmp(&a.score).then_with(|| a.service.cmp(&b.service)));
    suspects.truncate(LISTED);
    suspects
}

/// Statements by number, in all evidence.
#[derive(Default)]
struct Sites {
    numbers: Hashed<(String, bool, String), usize>,
    /// The service of each.
    service: Vec<usize>,
    loud: Vec<bool>,
    said: Vec<String>,
    services: Vec<String>,
    by_name: Hashed<String, usize>,
}

impl Sites {
    fn number(&mut self, (service, loud, said): (&str, bool, &str)) -> usize {
        let key = (service.to_owned(), loud, said.to_owned());
        if let Some(number) = self.numbers.get(&key) {
            return *number;
        }
        let next = self.services.len();
        let of = *self.by_name.entry(service.to_owned()).or_insert(next);
        if of == next {
            self.services.push(service.to_owned());
        }
        let number = self.service.len();
        self.numbers.insert(key, number);
        self.service.push(of);
        self.loud.push(loud);
        self.said.push(said.to_owned());
        number
    }
}

#[derive(Clone, Copy)]
struct Step {
    trace: u64,
    time: i64,
    site: usize,
}

/// Traces of some evidence, each in order of time.
#[derive(Default)]
struct Flows {
    traces: Vec<Vec<Step>>,
    /// Entries and errors of each service, by number.
    loudness: BTreeMap<usize, Share>,
}

/// What stands before the first and behind the last statement of a service in a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Node {
    Start(usize),
    Site(usize),
    End,
}

impl Flows {
    fn of(logs: &Logs, sites: &mut Sites) -> Flows {
        let mut steps: Vec<(u64, i64, usize, u64, usize)> = Vec::new();
        // Where a source kept a sample of its traces, the others are not followed into it: the same sample of all.
        let shift = logs.values().map(|log| log.flow.shift).max().unwrap_or(0);
        for (source, log) in logs.values().enumerate() {
            let numbers: Vec<usize> =
                (0..log.flow.sites()).map(|number| sites.number(log.flow.site(number))).collect();
            let kept =
                log.flow.steps().iter().filter(|step| step.trace.checked_shr(64 - shift).unwrap_or(0) == 0);
            steps.extend(
                kept.map(|step| (step.trace, step.time, source, step.byte, numbers[step.site as usize])),
            );
        }
        steps.sort_unstable();
        let mut flows = Flows::default();
        for (trace, time, _, _, site) in steps {
            let share = flows.loudness.entry(sites.service[site]).or_default();
            share.of += 1;
            share.count += u64::from(sites.loud[site]);
            let step = Step { trace, time, site };
            match flows.traces.last_mut().filter(|last| last[0].trace == trace) {
                Some(last) => last.push(step),
                None => flows.traces.push(vec![step]),
            }
        }
        flows
    }

    fn steps(&self) -> impl Iterator<Item = &Step> {
        self.traces.iter().flatten()
    }

    /// Each entry with the next of its trace, whoever wrote it.
    fn pairs(&self) -> impl Iterator<Item = (&Step, &Step)> {
        self.traces.iter().flat_map(|trace| trace.iter().zip(&trace[1..]))
    }

    /// How often what followed what, within a service and a trace.
    fn followed(&self, sites: &Sites) -> Followed {
        let mut followed = Followed::default();
        for trace in &self.traces {
            walk(trace, sites, &mut |_, from, to| followed.add(from, to));
        }
        followed
    }
}

/// Visits what followed what in a trace: when it was due, and between which two.
fn walk(trace: &[Step], sites: &Sites, visit: &mut dyn FnMut(&Step, Node, Node)) {
    let mut last: BTreeMap<usize, &Step> = BTreeMap::new();
    for step in trace {
        let service = sites.service[step.site];
        let from = last.get(&service).map_or(Node::Start(service), |last| Node::Site(last.site));
        visit(step, from, Node::Site(step.site));
        last.insert(service, step);
    }
    for step in last.into_values() {
        visit(step, Node::Site(step.site), Node::End);
    }
}

#[derive(Default)]
struct Followed {
    pairs: Hashed<(Node, Node), u64>,
    from: Hashed<Node, u64>,
}

impl Followed {
    fn add(&mut self, from: Node, to: Node) {
        *self.pairs.entry((from, to)).or_default() += 1;
        *self.from.entry(from).or_default() += 1;
    }

    fn share(&self, from: Node, to: Node) -> Share {
        let count = |found: Option<&u64>| found.copied().unwrap_or(0);
        Share { count: count(self.pairs.get(&(from, to))), of: count(self.from.get(&from)) }
    }
}

/// The first departures that are a service's.
struct Departed {
    points: f64,
    traces: u64,
    /// The most telling: what followed, how often now and how often before, by its weight.
    most: (f64, Node, Node, Share, Share),
}

fn departures(now: &Flows, before: &Flows, sites: &Sites) -> BTreeMap<usize, Departed> {
    let (now_followed, before_followed) = (now.followed(sites), before.followed(sites));
    let mut unusual: Hashed<(Node, Node), (f64, Share, Share)> = HashMap::default();
    let mut pairs: Vec<_> = now_followed.pairs.keys().copied().collect();
    pairs.sort_unstable();
    for (from, to) in pairs {
        let (seen, known) = (now_followed.share(from, to), before_followed.share(from, to));
        // A statement that was never there before says nothing of what follows it.
        let usual = if known.of == 0 { UNKNOWN } else { known.smoothed() };
        let ratio = seen.share() / usual;
        if ratio >= RATIO && seen.count as f64 * ratio.ln() >= EVIDENCE {
            unusual.insert((from, to), (ratio.ln(), seen, known));
        }
    }
    let mut departed: BTreeMap<usize, Departed> = BTreeMap::new();
    for trace in &now.traces {
        let mut first: Option<((i64, usize), Node, Node)> = None;
        walk(trace, sites, &mut |step, from, to| {
            let due = (step.time, sites.service[step.site]);
            if unusual.contains_key(&(from, to)) && first.as_ref().is_none_or(|(known, ..)| due < *known) {
                first = Some((due, from, to));
            }
        });
        let Some(((_, service), from, to)) = first else { continue };
        let (weight, seen, known) = unusual[&(from, to)];
        let total = seen.count as f64 * weight;
        let mine = departed.entry(service).or_insert(Departed {
            points: 0.0,
            traces: 0,
            most: (total, from, to, seen, known),
        });
        mine.points += weight;
        mine.traces += 1;
        if total > mine.most.0 {
            mine.most = (total, from, to, seen, known);
        }
    }
    departed
}

/// How often something is thought to follow a statement that the baseline does not have.
const UNKNOWN: f64 = 0.05;

impl Departed {
    fn term(&self, traces: usize, sites: &Sites) -> Term {
        let (_, from, to, seen, known) = self.most;
        let name = |node: Node| match node {
            Node::Start(_) => "its first entry".to_owned(),
            Node::Site(site) => {
                format!("`{}`", sites.said[site].replace(crate::model::MARK, crate::model::SHOWN))
            }
            Node::End => "nothing more".to_owned(),
        };
        let percent = |share: Share| format!("{:.0} %", share.share() * 100.0);
        let before =
            if known.of == 0 { "never seen before".to_owned() } else { format!("{} before", percent(known)) };
        let what = match from {
            Node::Start(_) => format!("{} comes first", name(to)),
            _ => format!("after {} comes {}", name(from), name(to)),
        };
        Term {
            name: "departure".to_owned(),
            points: self.points.min(MOST).round() as i64,
            why: format!(
                "{} of {traces} traces leave their usual way here first; {what} in {} of {}, {before}",
                self.traces,
                percent(seen),
                seen.of,
            ),
        }
    }
}

/// How slow the steps of a service are.
#[derive(Default)]
struct Slowness {
    /// By how much steps are slower than usual, less what was usual before, summed.
    excess: f64,
    /// Steps that begin with it, and half of those that end with it: what is late may be on its way here.
    steps: f64,
    slow: f64,
}

/// What a step takes, from what it took before.
struct Usual {
    limit: i64,
    /// How slow steps were before, on average.
    expected: f64,
}

impl Usual {
    fn of(gaps: &mut [i64]) -> Option<Usual> {
        gaps.sort_unstable();
        let median = gaps.get(gaps.len() / 2).filter(|_| gaps.len() >= TIMED)?;
        let limit = (*median * SLOW).max(NOISE);
        let expected = gaps.iter().map(|gap| slower(*gap, limit)).sum::<f64>() / gaps.len() as f64;
        Some(Usual { limit, expected })
    }
}

/// Nothing up to the limit, one right above it, and one more for each doubling.
fn slower(gap: i64, limit: i64) -> f64 {
    if gap > limit { ((gap as f64 / limit as f64).log2() + 1.0).min(SLOWEST) } else { 0.0 }
}

fn slowness(now: &Flows, before: &Flows, sites: &Sites) -> BTreeMap<usize, Slowness> {
    let mut gaps: Hashed<(usize, usize), Vec<i64>> = HashMap::default();
    for (first, next) in before.pairs() {
        gaps.entry((first.site, next.site)).or_default().push(next.time - first.time);
    }
    let usual: Hashed<(usize, usize), Usual> =
        gaps.into_iter().filter_map(|(pair, mut gaps)| Some((pair, Usual::of(&mut gaps)?))).collect();
    let mut slowness: BTreeMap<usize, Slowness> = BTreeMap::new();
    for (first, next) in now.pairs() {
        let Some(Usual { limit, expected }) = usual.get(&(first.site, next.site)) else { continue };
        let slow = slower(next.time - first.time, *limit);
        let (from, to) = (sites.service[first.site], sites.service[next.site]);
        for (service, part) in [(from, 1.0), (to, if from == to { 0.0 } else { 0.5 })] {
            let mine = slowness.entry(service).or_default();
            mine.excess += part * (slow - expected);
            mine.steps += part;
            mine.slow += if slow > 0.0 { part } else { 0.0 };
        }
    }
    slowness
}

impl Slowness {
    fn share(&self) -> f64 {
        self.excess / (self.steps + PRIOR)
    }

    fn term(&self) -> Term {
        Term {
            name: "slow".to_owned(),
            points: (self.share() * 100.0).min(MOST).round() as i64,
            why: format!(
                "{:.0} of {:.0} steps from or to it take more than {SLOW} times their median before",
                self.slow, self.steps
            ),
        }
    }
}

/// More errors than before, for as many entries.
fn errors(service: usize, now: &Flows, before: &Flows) -> Option<Term> {
    let of = |flows: &Flows| flows.loudness.get(&service).copied().unwrap_or_default();
    let (seen, known) = (of(now), of(before));
    let ratio = seen.share() / known.smoothed();
    let rare = stats::more_than_before(seen.count, seen.of as f64, known.count, known.of as f64);
    (ratio >= RATIO && rare < 0.001).then(|| Term {
        name: "errors".to_owned(),
        points: ratio.log2().min(ERRORS).round() as i64,
        why: format!(
            "{} of {} entries are errors, {} of {} before (p {rare:.1e})",
            seen.count, seen.of, known.count, known.of
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        check::facts::testing,
        model::{Field, Value},
    };

    /// Entries as `seconds level service place`, of one trace each.
    fn logs(traces: impl Iterator<Item = Vec<&'static str>>) -> Logs {
        let mut log = LogFacts::default();
        for (number, trace) in traces.enumerate() {
            for entry in trace {
                let words: Vec<&str> = entry.split(' ').collect();
                let [at, level, service, place] = words[..] else { panic!("{entry}") };
                let seconds: usize = at.parse().expect("seconds");
                let line = format!("{} {level} trace=t{number} service={service}: x", number * 100 + seconds);
                let fields = [Field::new("location".into(), Value::Text(place.into()))];
                testing::with_entry(&line, |seen| log.flow.observe(seen, &fields));
            }
        }
        BTreeMap::from([("a.log".to_owned(), log)])
    }

    const WELL: [&str; 4] =
        ["1 info gate in#1", "2 info cart get#1", "3 info cart got#2", "4 info gate out#2"];

    fn names(now: &Logs) -> Vec<(String, Vec<String>)> {
        let before = logs((0..40).map(|_| WELL.to_vec()));
        let of =
            |suspect: Suspect| (suspect.service, suspect.terms.into_iter().map(|term| term.name).collect());
        suspects(now, &before).into_iter().map(of).collect()
    }

    #[test]
    fn the_first_to_leave_its_way_is_suspected() {
        let broken = ["1 info gate in#1", "2 info cart get#1", "3 error cart bad#9", "4 error gate bad#8"];
        let now = logs((0..20).map(|_| broken.to_vec()));
        let found = names(&now);
        assert_eq!(found[0], ("cart".to_owned(), vec!["departure".to_owned(), "errors".to_owned()]));
        assert!(found.iter().skip(1).all(|(_, terms)| terms == &["errors"]), "{found:?}");
    }

    #[test]
    fn a_missing_end_is_a_departure_and_slow_steps_are_counted() {
        let cut = ["1 info gate in#1", "2 info cart get#1", "4 info gate out#2"];
        assert_eq!(names(&logs((0..20).map(|_| cut.to_vec())))[0].0, "cart");
        let late = ["1 info gate in#1", "2 info cart get#1", "30 info cart got#2", "31 info gate out#2"];
        assert_eq!(
            names(&logs((0..20).map(|_| late.to_vec()))),
            [("cart".to_owned(), vec!["slow".to_owned()])]
        );
        assert_eq!(names(&logs((0..20).map(|_| WELL.to_vec()))), []);
        assert_eq!(names(&Logs::default()), []);
    }
}
