//! What the metrics of exporters mean: `patterns/metrics.toml`.

use std::collections::BTreeMap;

use serde::Deserialize;

/// Names of metrics and labels, by what they mean.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    /// By name, suffix and all.
    meanings: BTreeMap<String, Means>,
    /// Labels that name a service, and a part of it: the first that is there counts.
    pub(super) service: Vec<String>,
    pub(super) part: Vec<String>,
}

/// What one name means.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Means {
    /// Of a histogram's sum and count, with `-sum` or `-count` behind it.
    pub(super) id: String,
    /// From the sample's unit to the meaning's.
    pub(super) factor: f64,
    /// A bucket, whose bound is in the sample's unit too.
    pub(super) bucket: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MetricsFile {
    labels: Labels,
    #[serde(default, rename = "meaning")]
    meanings: Vec<Meaning>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Labels {
    service: Vec<String>,
    part: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Meaning {
    id: String,
    #[expect(dead_code, reason = "for who reads the file")]
    about: String,
    #[serde(default)]
    histogram: bool,
    names: Vec<String>,
    #[serde(default)]
    scaled: BTreeMap<String, f64>,
}

impl Metrics {
    pub(super) fn new(file: MetricsFile) -> Metrics {
        let mut meanings = BTreeMap::new();
        for Meaning { id, histogram, names, scaled, .. } in file.meanings {
            let names = names.into_iter().map(|name| (name, 1.0)).chain(scaled);
            for (name, factor) in names {
                let means = |suffix: &str, factor: f64, bucket: bool| Means {
                    id: format!("{id}{suffix}"),
                    factor,
                    bucket,
                };
                if histogram {
                    meanings.insert(format!("{name}_bucket"), means("", factor, true));
                    meanings.insert(format!("{name}_sum"), means("-sum", factor, false));
                    meanings.insert(format!("{name}_count"), means("-count", 1.0, false));
                } else {
                    meanings.insert(name, means("", factor, false));
                }
            }
        }
        Metrics { meanings, service: file.labels.service, part: file.labels.part }
    }

    pub(super) fn of(&self, name: &str) -> Option<&Means> {
        self.meanings.get(name)
    }
}

#[cfg(test)]
mod tests {
    use crate::decode::Lexicon;

    #[test]
    fn knows_what_names_mean() {
        let metrics = Lexicon::load(&[]).expect("the embedded files").metrics;
        for (name, expected) in [
            ("hikaricp_connections_active", "pool-active 1 false"),
            ("eventcore_command_duration_seconds_bucket", "operation-duration 1 true"),
            ("eventcore_command_duration_seconds_sum", "operation-duration-sum 1 false"),
            ("projection_lag_ms", "projection-lag 0.001 false"),
            ("eventcore_active_streams", "-"),
        ] {
            let found = metrics.of(name);
            let shown = found.map(|means| format!("{} {} {}", means.id, means.factor, means.bucket));
            assert_eq!(shown.unwrap_or("-".to_owned()), expected, "{name}");
        }
    }
}
