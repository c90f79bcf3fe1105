//! Quantities over time by service, from whatever evidence has them: log entries and metrics.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    fold::{Series, State},
    model::{
        Observed,
        snapshot::{Metric, ProcessUsage},
    },
};

use super::{
    Evidence,
    facts::{Gauge, SnapshotFacts},
};

/// The gauges of one service, and what they rest on.
#[derive(Debug, Default)]
pub(super) struct Gauges {
    pub(super) series: BTreeMap<Gauge, Series>,
    /// `log entries`, `metrics`.
    pub(super) sources: BTreeSet<&'static str>,
}

impl Gauges {
    pub(super) fn get(&self, gauge: Gauge) -> Option<&Series> {
        self.series.get(&gauge).filter(|series| !series.is_empty())
    }

    fn add(&mut self, source: &'static str, gauge: Gauge, time: i64, value: f64) {
        self.series.entry(gauge).or_default().add(time, value);
        self.sources.insert(source);
    }
}

/// All services; one that has no name in its entries is called as its source.
pub(super) fn by_service(evidence: &Evidence) -> BTreeMap<String, Gauges> {
    let mut services: BTreeMap<String, Gauges> = BTreeMap::new();
    for (path, log) in &evidence.logs {
        for (service, found) in &log.gauges.services {
            let name =
                if service.is_empty() { log.service().unwrap_or_else(|| family(path)) } else { service };
            let gauges = services.entry(name.to_owned()).or_default();
            for (gauge, series) in &found.series {
                gauges.series.entry(*gauge).or_default().merge(series.clone());
                gauges.sources.insert("log entries");
            }
        }
    }
    for (path, snapshot) in &evidence.snapshots {
        scrapes(path, snapshot, &mut services);
    }
    services
}

/// A log's name without what rotation and compression add: `app.log.2.gz` is `app.log`.
fn family(path: &str) -> &str {
    let mut name = path;
    while let Some((rest, last)) = name.rsplit_once('.') {
        let added = last.bytes().all(|byte| byte.is_ascii_digit())
            || matches!(last, "gz" | "zst" | "bz2" | "xz" | "lz4");
        if !added || rest.is_empty() {
            break;
        }
        name = rest;
    }
    name
}

/// One scrape of a pool: its parts come as metrics of their own.
#[derive(Default)]
struct Scrape {
    active: Option<f64>,
    idle: Option<f64>,
    size: Option<f64>,
    max: Option<f64>,
}

impl Scrape {
    fn used(&self) -> Option<f64> {
        let active = self.active.or_else(|| Some(self.size? - self.idle?))?;
        let max = self.max.filter(|max| *max >= 1.0)?;
        Some(active / max)
    }
}

/// By service, part and time: what one scrape says of one pool.
type Pools = BTreeMap<(String, String, i64), Scrape>;

fn scrapes(path: &str, snapshot: &SnapshotFacts, services: &mut BTreeMap<String, Gauges>) {
    let mut pools = Pools::new();
    for observation in &snapshot.observations {
        let Some(time) = observation.at.or(snapshot.taken_at).map(|time| time.0) else { continue };
        match &observation.state {
            Observed::Metric(metric) => measured(path, metric, time, services, &mut pools),
            Observed::Process(process) => listed(process, time, services),
            _ => {}
        }
    }
    for ((service, part, time), scrape) in pools {
        let Some(used) = scrape.used() else { continue };
        let name = if part.is_empty() { service } else { format!("{service} {part}") };
        let gauges = services.entry(name).or_default();
        gauges.add("metrics", Gauge::PoolUse, time, used);
        gauges.add("metrics", Gauge::PoolMax, time, scrape.max.unwrap_or_default());
    }
}

fn measured(
    path: &str,
    metric: &Metric,
    time: i64,
    services: &mut BTreeMap<String, Gauges>,
    pools: &mut Pools,
) {
    let service = metric.service.clone().unwrap_or_else(|| path.to_owned());
    let value = metric.value;
    if let Some(gauge) = gauge(&metric.means) {
        services.entry(service).or_default().add("metrics", gauge, time, value);
        return;
    }
    let part = metric.part.clone().unwrap_or_default();
    let of_pool = |scrape: &mut Scrape| match metric.means.as_str() {
        "pool-active" => scrape.active = Some(value),
        "pool-idle" => scrape.idle = Some(value),
        "pool-size" => scrape.size = Some(value),
        _ => scrape.max = Some(value),
    };
    if matches!(metric.means.as_str(), "pool-active" | "pool-idle" | "pool-size" | "pool-max") {
        of_pool(pools.entry((service, part, time)).or_default());
    }
}

fn listed(process: &ProcessUsage, time: i64, services: &mut BTreeMap<String, Gauges>) {
    for (gauge, bytes) in [(Gauge::Memory, process.memory_bytes), (Gauge::MemoryLimit, process.limit_bytes)] {
        if let Some(bytes) = bytes {
            let gauges = services.entry(process.name.clone()).or_default();
            gauges.add("process listings", gauge, time, bytes as f64);
        }
    }
}

fn gauge(means: &str) -> Option<Gauge> {
    Some(match means {
        "pool-pending" => Gauge::PoolWaiting,
        "memory-bytes" => Gauge::Memory,
        "memory-limit-bytes" => Gauge::MemoryLimit,
        _ => return None,
    })
}
