//! Metrics as Prometheus and `OpenMetrics` expose them: `name{label="value"} value [time]`, one sample a line.
//!
//! Every sample counts as a record; those with a known meaning (`patterns/metrics.toml`) become observations.

use std::{borrow::Cow, sync::Arc};

use crate::decode::{Chunk, Cutter, Format, Head, Kind, Lexicon, lines, lines::LineCutter, time};
use crate::model::{Batch, Observation, Observed, Place, Timestamp, snapshot::Metric};

#[derive(Debug)]
pub(crate) struct PrometheusText;

/// Samples without comments are believed to be metrics when so many lines in a row are.
const SAMPLES: usize = 3;

impl Format for PrometheusText {
    fn id(&self) -> &'static str {
        "prometheus-text"
    }

    fn kind(&self) -> Kind {
        Kind::Snapshot
    }

    fn about(&self) -> &'static str {
        "metrics in the text format of Prometheus and OpenMetrics"
    }

    fn sniff(&self, head: &Head<'_>, _: &Lexicon) -> u8 {
        let text = head.text.trim_start_matches('\u{feff}').trim_ascii_start();
        if text.starts_with("# HELP ") || text.starts_with("# TYPE ") || text.starts_with("# UNIT ") {
            return 90;
        }
        let mut lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        let plain = lines.by_ref().take(SAMPLES).filter(|line| is_metric(line)).count() == SAMPLES;
        if plain { 80 } else { 0 }
    }

    fn cutter(&self, _: &Head<'_>, _: &Arc<Lexicon>) -> Box<dyn Cutter> {
        Box::new(LineCutter::new(|_| true))
    }

    fn decode<'a>(&self, chunk: &Chunk<'a>, lexicon: &Lexicon) -> Batch<'a> {
        let mut batch = Batch::default();
        for ((offset, whole), line) in lines::whole_lines(chunk.text).zip(chunk.line..) {
            let text = lines::trim_end(whole).trim_start_matches('\u{feff}').trim();
            if text.is_empty() || text.starts_with('#') {
                batch.account.skipped(whole.len());
                continue;
            }
            let place = chunk.place(offset, line);
            match sample(text) {
                Some(sample) => {
                    batch.taken_at = batch.taken_at.max(sample.at);
                    batch.observations.extend(observation(&sample, place, lexicon));
                    batch.account.decoded(whole.len());
                }
                None => batch.reject(place, whole.len(), "no sample: a name, labels, a value and a time"),
            }
        }
        batch
    }
}

struct Sample<'t> {
    name: &'t str,
    labels: Vec<(&'t str, Cow<'t, str>)>,
    value: f64,
    at: Option<Timestamp>,
}

/// Whether a line alone is surely a sample: `uptime 3` could be anything, `http_requests{code="200"} 3` could not.
fn is_metric(line: &str) -> bool {
    sample(line).is_some_and(|sample| !sample.labels.is_empty() || sample.name.contains('_'))
}

fn sample(line: &str) -> Option<Sample<'_>> {
    let end = line.find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != ':')?;
    let (name, mut rest) = line.split_at(end);
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let mut labels = Vec::new();
    if let Some(inner) = rest.trim_start().strip_prefix('{') {
        rest = read_labels(inner, &mut labels)?;
    }
    // Behind the value of an OpenMetrics sample may stand an exemplar.
    let numbers = rest.split(" # ").next().unwrap_or(rest);
    let mut words = numbers.split_whitespace();
    let value = number(words.next()?)?;
    let at = match words.next() {
        Some(word) => Some(stamp(word)?),
        None => None,
    };
    words.next().is_none().then_some(Sample { name, labels, value, at })
}

/// Reads labels up to the closing brace; returns what follows it.
fn read_labels<'t>(mut text: &'t str, labels: &mut Vec<(&'t str, Cow<'t, str>)>) -> Option<&'t str> {
    loop {
        text = text.trim_start_matches([' ', ',', '\t']);
        if let Some(rest) = text.strip_prefix('}') {
            return Some(rest);
        }
        let (name, rest) = text.split_once('=')?;
        let inner = rest.trim_start().strip_prefix('"')?;
        let mut escaped = false;
        let end = inner.bytes().position(|byte| {
            let closes = byte == b'"' && !escaped;
            escaped = byte == b'\\' && !escaped;
            closes
        })?;
        labels.push((name.trim(), unescape(&inner[..end])));
        text = &inner[end + 1..];
    }
}

fn unescape(value: &str) -> Cow<'_, str> {
    if !value.contains('\\') {
        return Cow::Borrowed(value);
    }
    let (mut text, mut escaped) = (String::with_capacity(value.len()), false);
    for c in value.chars() {
        match (escaped, c) {
            (false, '\\') => {
                escaped = true;
                continue;
            }
            (true, 'n') => text.push('\n'),
            (_, c) => text.push(c),
        }
        escaped = false;
    }
    Cow::Owned(text)
}

fn number(word: &str) -> Option<f64> {
    match word {
        "+Inf" => Some(f64::INFINITY),
        "-Inf" => Some(f64::NEG_INFINITY),
        word => word.parse().ok(),
    }
}

/// Prometheus counts milliseconds, `OpenMetrics` seconds.
fn stamp(word: &str) -> Option<Timestamp> {
    let digits = word.split('.').next().unwrap_or(word);
    if word.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') && digits.len() >= 9 {
        return time::epoch(word);
    }
    // A small or negative count is a time too, of which nothing follows.
    word.parse::<f64>().ok().map(|_| Timestamp(0))
}

/// What a sample says, if its name has a meaning and its value is one.
fn observation(sample: &Sample<'_>, place: Place, lexicon: &Lexicon) -> Option<Observation> {
    let means = lexicon.metrics.of(sample.name).filter(|_| !sample.value.is_nan())?;
    let label = |names: &[String]| {
        let found = names.iter().find_map(|name| sample.labels.iter().find(|(known, _)| known == name));
        found.map(|(_, value)| value.clone().into_owned()).filter(|value| !value.is_empty())
    };
    let bound = sample.labels.iter().find(|(name, _)| *name == "le").and_then(|(_, le)| number(le));
    if means.bucket && bound.is_none() {
        return None;
    }
    Some(Observation {
        place,
        at: sample.at,
        state: Observed::Metric(Metric {
            means: means.id.clone(),
            service: label(&lexicon.metrics.service),
            part: label(&lexicon.metrics.part),
            value: if means.bucket { sample.value } else { sample.value * means.factor },
            le: bound.filter(|_| means.bucket).map(|bound| bound * means.factor),
        }),
    })
}

#[cfg(test)]
mod tests {
    use crate::decode::testing::check;

    use super::*;

    #[test]
    fn reads_gauges_histograms_escapes_and_times() {
        check(
            &PrometheusText,
            concat!(
                "# HELP eventcore_connection_pool_active Active\n",
                "# TYPE eventcore_connection_pool_active gauge\n",
                "eventcore_connection_pool_active{instance=\"bank-app-a\"} 5\n",
                "eventcore_command_duration_seconds_bucket{command_type=\"bankapp::domain::Deposit\",instance=\"bank-app-a\",le=\"0.001\"} 115\n",
                "eventcore_command_duration_seconds_bucket{command_type=\"d\",le=\"+Inf\"} 459 # {trace_id=\"x\"} 0.67\n",
                "eventcore_command_duration_seconds_sum{command_type=\"d\"} 306.592817241\n",
                "eventcore_active_streams{instance=\"bank-app-a\"} 294\n",
                "hikaricp_connections_pending{application=\"a\\\"b\\\\\\n}\", pool=\"p,q\",} 1.5e1 1795449149000\n",
                "process_resident_memory_bytes NaN\n",
                "pg_stat_activity_count{datname=\"bank\",state=\"idle in transaction\"} 2\n",
                "broken{a=\"b} 1\n",
                "# EOF\n",
            ),
            &[
                "3 pool-active bank-app-a - 5",
                "4 operation-duration bank-app-a bankapp::domain::Deposit 115 le 0.001",
                "5 operation-duration - d 459 le inf",
                "6 operation-duration-sum - d 306.592817241",
                "8 pool-pending a\"b\\\\n} p,q 15",
                "10 server-connections - bank 2",
                "11 rejected no sample: a name, labels, a value and a time",
                "records 8 rejected 1 skipped 3",
            ],
        );
    }

    #[test]
    fn words_and_numbers_are_no_metrics() {
        let lexicon = Lexicon::load(&[]).expect("the embedded files");
        for (text, expected) in [
            ("http_requests_total{code=\"200\"} 3\nup 1\ngo_goroutines 7\n", 0),
            ("http_requests_total{code=\"200\"} 3\nprocess_open_fds 1\ngo_goroutines 7\n", 80),
            ("total 3\nopen 4\nclosed 5\n", 0),
            ("\n# HELP a b\n", 90),
        ] {
            let head = Head { text, whole: true };
            assert_eq!(PrometheusText.sniff(&head, &lexicon), expected, "{text}");
        }
    }
}
