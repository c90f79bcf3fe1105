//! What entries say of quantities over time: how full a pool is, how much memory a process has.

use std::{collections::BTreeMap, hash::BuildHasher};

use serde::{Deserialize, Serialize};

use crate::{
    fold::{Histogram, Series, State, merge_maps},
    model::{Means, Values},
};

use super::Seen;

/// Services kept by name; those beyond have the largest hashes, and are counted.
const SERVICES: usize = 500;

/// Memory: a series for each quantity of each service.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GaugeFacts {
    /// By service, as entries name it; empty where they do not.
    pub services: BTreeMap<String, ServiceGauges>,
    /// Samples of services that had no room.
    pub others: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ServiceGauges {
    pub series: BTreeMap<Gauge, Series>,
    /// How long connections were waited for, in microseconds.
    pub waits: Histogram,
}

/// A quantity that is followed over time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Gauge {
    /// Share of the largest size of the pool that is in use.
    PoolUse,
    PoolMax,
    PoolWaiting,
    /// Bytes.
    Memory,
    MemoryLimit,
}

impl GaugeFacts {
    pub fn observe(&mut self, seen: &Seen<'_>) {
        let values = seen.values;
        let waited = values.micros(Means::Waited);
        let samples = samples(values);
        if waited.is_none() && samples.iter().all(Option::is_none) {
            return;
        }
        let service = values.text(Means::Service).unwrap_or_default();
        if !self.services.contains_key(service) {
            self.services.insert(service.to_owned(), ServiceGauges::default());
        }
        let gauges = self.services.entry(service.to_owned()).or_default();
        if let Some(waited) = waited {
            gauges.waits.add(waited);
        }
        if let Some(time) = seen.entry.time {
            for (gauge, value) in samples.into_iter().flatten() {
                gauges.series.entry(gauge).or_default().add(time.0, value);
            }
        }
        self.fit();
    }

    fn fit(&mut self) {
        while self.services.len() > SERVICES {
            let hash = |name: &String| foldhash::quality::FixedState::default().hash_one(name);
            let last = self.services.keys().max_by_key(|name| (hash(name), *name)).cloned();
            let dropped = last.and_then(|name| self.services.remove(&name)).unwrap_or_default();
            self.others += dropped.samples();
        }
    }
}

impl ServiceGauges {
    fn samples(&self) -> u64 {
        self.series.values().map(Series::count).sum::<u64>() + self.waits.count
    }
}

/// What an entry says of each gauge.
fn samples(values: &Values<'_>) -> [Option<(Gauge, f64)>; 5] {
    let of = |means| values.number(means);
    let max = of(Means::PoolMax).filter(|max| *max >= 1.0);
    let active = of(Means::PoolActive)
        .filter(|_| max.is_some())
        .or_else(|| Some(of(Means::PoolSize)? - of(Means::PoolIdle)?))
        .filter(|active| *active >= 0.0);
    let used = active.zip(max).map(|(active, max)| active / max).or_else(|| of(Means::PoolUse));
    // A largest size alone may be a setting of anything; beside what is in use it is the pool's.
    let max = max.filter(|_| used.is_some());
    let waiting = of(Means::PoolWaiting).filter(|_| used.is_some());
    let memory = of(Means::Memory).or_else(|| of(Means::MemoryAfter)).filter(|bytes| *bytes > 0.0);
    let limit = of(Means::MemoryLimit).filter(|bytes| *bytes > 0.0);
    [
        used.map(|value| (Gauge::PoolUse, value)),
        max.map(|value| (Gauge::PoolMax, value)),
        waiting.map(|value| (Gauge::PoolWaiting, value)),
        memory.map(|value| (Gauge::Memory, value)),
        limit.map(|value| (Gauge::MemoryLimit, value)),
    ]
}

impl State for GaugeFacts {
    fn merge(&mut self, next: Self) {
        let GaugeFacts { services, others } = next;
        merge_maps(&mut self.services, services);
        self.others += others;
        self.fit();
    }
}

impl State for ServiceGauges {
    fn merge(&mut self, next: Self) {
        let ServiceGauges { series, waits } = next;
        merge_maps(&mut self.series, series);
        self.waits.merge(waits);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{check::facts::testing::with_entry, fold::laws};

    const ENTRIES: [&str; 7] = [
        "1 info service=a pool-max=8 pool-size=8 pool-idle=2",
        "2 info service=a pool-max=8 pool-active=8",
        "3 warn service=b pool-use=0.9",
        "4 error service=a pool-max=8 pool-size=8 pool-idle=0 waited=3s",
        "5 info pool-max=10: settings",
        "6 info service=b memory=1000 memory-limit=2000",
        "- info service=b memory=7",
    ];

    #[test]
    fn joins_like_one_run() {
        laws::hold::<GaugeFacts, _>(&ENTRIES, |facts, line| with_entry(line, |seen| facts.observe(seen)));
    }

    #[test]
    fn use_is_what_is_checked_out() {
        let mut facts = GaugeFacts::default();
        for line in ENTRIES {
            with_entry(line, |seen| facts.observe(seen));
        }
        let shown = |service: &str, gauge| -> Vec<f64> {
            facts.services[service].series[&gauge].points().map(|point| point.last).collect()
        };
        assert_eq!(shown("a", Gauge::PoolUse), [0.75, 1.0, 1.0]);
        assert_eq!(shown("b", Gauge::PoolUse), [0.9]);
        assert_eq!(shown("b", Gauge::Memory), [1000.0]);
        assert_eq!(facts.services["a"].waits.max(), Some(3_000_000));
        assert_eq!(facts.services.len(), 2, "a setting is no pool");
    }
}
