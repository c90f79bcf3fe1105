//! Events that a projection never applied though its checkpoint has passed them.
//!
//! A projector counts what it applies. Where it began with the first event, that many events stand before its
//! checkpoint; if more do, it never saw the rest. A counter that begins anew with its process makes the same difference,
//! so nothing is stated of it unless it was seen to begin with nothing, or the difference grows while it counts, and
//! never more than there are events that came in behind others: a counter that leaves out what does not concern it
//! would look like loss.

use std::collections::BTreeMap;

use crate::model::{EventId, Timestamp};

use super::{
    gather::{Known, Seen},
    reading::{Reading, TwoClocks},
};

/// What is known of the events before a projection's checkpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Lost {
    pub(super) processed: Option<u64>,
    pub(super) skipped: Option<u64>,
    /// Where the counters are from.
    pub(super) counted: Option<(String, Option<Timestamp>)>,
    pub(super) never: Option<u64>,
    /// Of how many events before the checkpoint.
    pub(super) before: u64,
    /// Enough to be no accident of the moment at which a counter was read.
    pub(super) proven: bool,
    /// When the first event was written that one of a greater id preceded.
    pub(super) since: Option<Timestamp>,
    pub(super) clocks: Option<TwoClocks>,
    /// Why nothing can be stated though counters were seen.
    pub(super) why_not: Option<String>,
}

/// Counters read while the projector runs are a few events off.
const RACE: u64 = 10;

/// One report of an instance's counters: when, events processed, events skipped, and where it was said.
type Count<'s> = (Option<Timestamp>, u64, u64, &'s Seen<'s>);

/// Counters of one instance over time.
type Counted<'s> = Vec<Count<'s>>;

pub(super) fn lost(known: &Known<'_>, reading: &Reading) -> Lost {
    let instances = instances(&known.seen);
    let mut lost = Lost::default();
    let Some(last) = instances.values().filter_map(|counted| counted.last()).max_by_key(|last| last.0) else {
        return lost;
    };
    let sum = |of: fn(&Count<'_>) -> u64| {
        Some(instances.values().filter_map(|counted| counted.last()).map(of).sum())
    };
    (lost.processed, lost.skipped) = (sum(|last| last.1), sum(|last| last.2));
    lost.counted = Some((last.3.path.to_owned(), last.0));
    let missing = missing(&instances, reading);
    let (Some(first), Some((_, id, last))) = (missing.first(), missing.last()) else { return lost };
    let Some(slot) = reading.slot(*id) else { return lost };
    lost.before = slot.upto(*id);
    (lost.clocks, lost.since) = (reading.clocks, slot.late_first.and_then(|(id, _)| id.time()));
    let race = RACE.max(lost.before / 100) as i64;
    let explained = slot.late as i64 + race;
    let rewound = instances.values().any(|counted| counted.windows(2).any(|pair| pair[1].1 < pair[0].1));
    let grown = last - first.2.max(0);
    if rewound {
        lost.why_not = Some("its counter began anew between two reports".to_owned());
    } else if *last <= race && first.2 <= race {
        lost.never = Some((*last).max(0) as u64);
    } else if *last <= explained && *last > race && began_with_nothing(known, first.0) {
        (lost.never, lost.proven) = (Some(*last as u64), true);
    } else if grown > race && grown <= explained {
        (lost.never, lost.proven) = (Some(grown as u64), true);
    } else {
        let why =
            "its counter is {} below the events before its checkpoint, and was not seen to begin with them";
        lost.why_not = Some(why.replace("{}", &last.to_string()));
    }
    lost
}

/// The counters of each instance, in order of time.
fn instances<'s>(seen: &'s [Seen<'s>]) -> BTreeMap<&'s str, Counted<'s>> {
    let mut instances: BTreeMap<&str, Counted<'s>> = BTreeMap::new();
    // A metric counts as well, but says neither what was skipped nor the position that goes with it.
    for seen in seen.iter().filter(|seen| seen.state.position.is_some()) {
        let Some(processed) = seen.state.events_processed else { continue };
        let service = seen.state.service.as_deref().unwrap_or("");
        let skipped = seen.state.events_skipped.unwrap_or(0);
        instances.entry(service).or_default().push((seen.at, processed, skipped, seen));
    }
    instances
}

/// For each report with a position, in order of position: how many events before it were not counted by any instance.
fn missing(
    instances: &BTreeMap<&str, Counted<'_>>,
    reading: &Reading,
) -> Vec<(Option<Timestamp>, EventId, i64)> {
    let mut missing = Vec::new();
    for (service, counted) in instances {
        for (at, processed, skipped, seen) in counted {
            let id = seen.state.position.as_deref().and_then(EventId::parse);
            let Some((id, slot)) = id.and_then(|id| Some((id, reading.slot(id)?))) else { continue };
            let others: u64 = instances
                .iter()
                .filter(|(other, _)| *other != service)
                .filter_map(|(_, counted)| {
                    // The next count is at least what it was then: too much hides loss, too little invents it.
                    counted.iter().find(|other| other.0 >= *at).or(counted.last())
                })
                .map(|other| other.1 + other.2)
                .sum();
            missing.push((*at, id, slot.upto(id) as i64 - (processed + skipped + others) as i64));
        }
    }
    missing.sort_by_key(|(at, id, missing)| (*id, *at, *missing));
    missing
}

/// Whether the projection was seen to have read nothing before the first count, and was started once since.
fn began_with_nothing(known: &Known<'_>, first: Option<Timestamp>) -> bool {
    use crate::check::facts::{Act, says_unstarted};
    let before = |at: Option<Timestamp>| at.is_some() && at <= first;
    let by_report = known.seen.iter().any(|seen| {
        seen.state.status.as_deref().is_some_and(says_unstarted)
            && seen.state.position.is_none()
            && seen.state.events_processed == Some(0)
            && before(seen.at)
    });
    // A process that died did not say so: its projector starts once more than it stopped.
    let acts = |act: &Act| -> u64 {
        known.logs.iter().filter_map(|(_, facts)| facts.acts.get(act)).map(|facts| facts.count).sum()
    };
    let stops: u64 = [Act::Stopped, Act::StoodBy, Act::Paused].iter().map(acts).sum();
    let by_log = known.logs.iter().any(|(_, facts)| before(facts.unstarted))
        && acts(&Act::Started).saturating_sub(stops) <= 1;
    by_report || by_log
}
