//! How work flows through services: which statement follows which within one trace.
//!
//! What usually follows is known only when all evidence is in, so the steps of traces are kept, not their counts. A log
//! with too many keeps whole traces of a sample: those whose id hashes low, the same ones on every night and machine.

use std::hash::BuildHasher;

use foldhash::fast::FixedState;
use serde::{Deserialize, Serialize};

use crate::{
    fold::State,
    model::{Field, Level, Means},
};

use super::{Seen, names::Names, traces::is_id};

/// Steps kept of one source; bound: 32 bytes each, and the name of each kind of step.
const STEPS: usize = 1 << 17;
/// Ids by which the entries of one flow are found, the coarsest first: a flow crosses services.
const FLOW_IDS: [Means; 4] = [Means::Trace, Means::Correlation, Means::Request, Means::Command];
/// How much of a message tells its statement, in bytes.
const STATEMENT: usize = 96;
/// The field that says where in the code an entry was written.
const LOCATION: &str = "location";

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FlowFacts {
    /// One trace in `1 << shift` is kept.
    pub shift: u32,
    sites: Names,
    steps: Vec<Step>,
}

/// One entry of a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    pub trace: u64,
    pub time: i64,
    pub byte: u64,
    /// Number of its site.
    pub site: u32,
}

impl FlowFacts {
    /// Takes in an entry that says whose it is, who wrote it and when.
    pub fn observe(&mut self, seen: &Seen<'_>, fields: &[Field<'_>]) {
        let values = seen.values;
        let id = FLOW_IDS.iter().find_map(|means| values.text(*means).filter(|text| is_id(text)));
        let (Some(id), Some(service), Some(time)) = (id, values.text(Means::Service), seen.entry.time) else {
            return;
        };
        let trace = FixedState::default().hash_one(id);
        if !self.keeps(trace) {
            return;
        }
        let location = fields.iter().find(|field| field.name == LOCATION).map(|field| field.value.text());
        let said = location
            .or_else(|| seen.hits.first().map(|(pattern, _)| *pattern))
            .or(seen.shape)
            .unwrap_or_default();
        let end = (0..=said.len().min(STATEMENT)).rev().find(|at| said.is_char_boundary(*at)).unwrap_or(0);
        let loud = if seen.entry.level >= Level::Error { LOUD } else { QUIET };
        let site = self.sites.intern(&format!("{service}{SEPARATOR}{loud}{}", &said[..end]));
        self.steps.push(Step { trace, time: time.0, byte: seen.entry.place.byte, site });
        self.fit();
    }

    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// The service of a site, whether its entries are errors, and its statement.
    pub fn site(&self, number: u32) -> (&str, bool, &str) {
        let (service, rest) = self.sites.get(number).split_once(SEPARATOR).unwrap_or_default();
        (service, rest.starts_with(LOUD), rest.get(1..).unwrap_or_default())
    }

    pub fn sites(&self) -> u32 {
        self.sites.count() as u32
    }

    fn keeps(&self, trace: u64) -> bool {
        trace.checked_shr(64 - self.shift).unwrap_or(0) == 0
    }

    fn fit(&mut self) {
        while self.steps.len() > STEPS {
            self.thin(self.shift + 1);
        }
    }

    /// Keeps fewer traces, and the sites of those alone: what is kept depends on the entries, not on how they came.
    fn thin(&mut self, shift: u32) {
        if shift == self.shift {
            return;
        }
        let FlowFacts { sites, steps, .. } = std::mem::take(self);
        self.shift = shift;
        self.take_in(&sites, steps);
    }

    fn take_in(&mut self, sites: &Names, steps: Vec<Step>) {
        let mut numbers: Vec<Option<u32>> = vec![None; sites.count()];
        for step in steps {
            if self.keeps(step.trace) {
                let number = &mut numbers[step.site as usize];
                let site = *number.get_or_insert_with(|| self.sites.intern(sites.get(step.site)));
                self.steps.push(Step { site, ..step });
            }
        }
    }
}

/// Between a service and its statement: no name holds it.
const SEPARATOR: char = '\u{2}';
const LOUD: char = '!';
const QUIET: char = '-';

impl State for FlowFacts {
    fn merge(&mut self, next: Self) {
        self.thin(self.shift.max(next.shift));
        let FlowFacts { shift: _, sites, steps } = next;
        self.take_in(&sites, steps);
        self.fit();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{check::facts::testing, fold::laws, model::Value};

    fn observe(facts: &mut FlowFacts, text: &str) {
        let (line, place) = text.split_once(": ").expect("a place");
        let fields = [Field::new(LOCATION.into(), Value::Text(place.into()))];
        testing::with_entry(line, |seen| facts.observe(seen, &fields));
    }

    #[test]
    fn joins_like_one_run() {
        let lines = [
            "1 info trace=a service=one: took",
            "2 info trace=b service=two: gave",
            "3 error trace=a service=two: gave",
            "4 info service=two: nobody",
            "5 info trace=c service=one: took",
        ];
        laws::hold::<FlowFacts, _>(&lines, |facts, line| observe(facts, line));
    }

    #[test]
    fn a_sample_of_traces_is_the_same_however_it_is_joined() {
        let step = |at: usize| Step {
            trace: FixedState::default().hash_one(at / 4),
            time: at as i64,
            byte: at as u64,
            site: (at % 9) as u32,
        };
        let fold = |range: std::ops::Range<usize>| {
            let mut facts = FlowFacts::default();
            let names: Names = (0..9).map(|at| format!("s{SEPARATOR}-{at}")).collect::<Vec<_>>().into();
            for at in range {
                facts.take_in(&names, vec![step(at)]);
                facts.fit();
            }
            facts
        };
        let count = STEPS * 2 + 77;
        let whole = fold(0..count);
        assert!(whole.shift > 0 && whole.steps.len() <= STEPS && whole.steps.len() > STEPS / 4);
        for cut in [1, STEPS / 2, STEPS + 5, count - 3] {
            let mut joined = fold(0..cut);
            joined.merge(fold(cut..count));
            assert!(joined == whole, "cut at {cut}");
        }
    }
}
