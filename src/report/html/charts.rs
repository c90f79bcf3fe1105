//! Small charts: bars over time, bars by size, a curve. Each says in words what it shows.

use maud::{Markup, html};

use crate::model::{
    OverTime, Timestamp,
    chart::{Bucket, Sample},
};

use super::axis::{Axis, px};

/// Of a chart beside a line of text, in the picture's own units.
const WIDTH: f64 = 120.0;
const HEIGHT: f64 = 22.0;

/// Points of a picture at most: more than any report of ours has, and a report may be anybody's.
pub(super) const POINTS: usize = 500;

/// Bars for what happened how often.
pub(super) fn sparkline(over_time: &OverTime, what: &str) -> Markup {
    let counts = &over_time.counts[..over_time.counts.len().min(POINTS)];
    let top = counts.iter().copied().max().unwrap_or_default();
    let width = WIDTH / counts.len().max(1) as f64;
    let says = format!("{what}: up to {top} in {}", seconds(over_time.step_ms));
    html! {
        @if top > 0 {
            svg.spark viewBox={ "0 0 " (px(WIDTH)) " " (px(HEIGHT)) } role="img" aria-label=(says) {
                title { (says) }
                path.bar d=(steps(counts, HEIGHT, &|step| step as f64 * width, &|count| bar(count, top))) {}
            }
        }
    }
}

/// The outline of bars that stand side by side, as the data of a path. One path, and each step in it however empty: a
/// page is as long for a quiet night as for a loud one.
pub(super) fn steps(
    counts: &[u64],
    foot: f64,
    x: &dyn Fn(usize) -> f64,
    height: &dyn Fn(u64) -> f64,
) -> String {
    let mut path = format!("M{} {}", px(x(0)), px(foot));
    for (step, count) in counts.iter().enumerate() {
        let top = if *count > 0 { foot - height(*count) } else { foot };
        path.push_str(&format!("V{}H{}", px(top), px(x(step + 1))));
    }
    path.push_str(&format!("V{}z", px(foot)));
    path
}

/// What is there is seen, however small.
fn bar(count: u64, top: u64) -> f64 {
    (count as f64 / top as f64 * HEIGHT).max(1.5)
}

fn seconds(step_ms: f64) -> String {
    crate::report::digest::duration(step_ms as i64)
}

/// The buckets that any of some distributions has, so that all are drawn on one axis.
pub(super) fn slots<'a>(all: impl Iterator<Item = &'a [Bucket]>) -> Vec<Option<f64>> {
    let mut slots: Vec<Option<f64>> = all.flatten().map(|bucket| bucket.up_to_ms).collect();
    let bound = |slot: &Option<f64>| slot.unwrap_or(f64::INFINITY);
    slots.sort_by(|a, b| bound(a).total_cmp(&bound(b)));
    slots.dedup();
    slots
}

/// How many calls took how long.
pub(super) fn distribution(buckets: &[Bucket], slots: &[Option<f64>], what: &str) -> Markup {
    let top = buckets.iter().map(|bucket| bucket.count).max().unwrap_or_default().max(1);
    let width = WIDTH / slots.len().max(1) as f64;
    let x = |bucket: &Bucket| {
        slots.iter().position(|slot| *slot == bucket.up_to_ms).unwrap_or_default() as f64 * width
    };
    html! {
        @if !buckets.is_empty() {
            @let says = format!("{what}: most took {}", most(buckets));
            svg.spark viewBox={ "0 0 " (px(WIDTH)) " " (px(HEIGHT)) } role="img" aria-label=(says) {
                title { (says) }
                @for bucket in buckets.iter().take(POINTS).filter(|bucket| bucket.count > 0) {
                    @let height = bar(bucket.count, top);
                    rect.bar x=(px(x(bucket))) y=(px(HEIGHT - height)) width=(px((width - 1.0).max(1.0)))
                        height=(px(height)) { title { (bucket.count) " took " (up_to(bucket)) } }
                }
            }
        }
    }
}

fn most(buckets: &[Bucket]) -> String {
    buckets.iter().max_by_key(|bucket| bucket.count).map(up_to).unwrap_or_default()
}

fn up_to(bucket: &Bucket) -> String {
    bucket.up_to_ms.map_or("more than 100 s".to_owned(), |ms| format!("up to {ms} ms"))
}

/// One curve over time.
pub(super) struct Curve<'a> {
    pub(super) samples: &'a [Sample],
    /// The top of the picture, where it is known; else the largest sample.
    pub(super) full: Option<f64>,
    /// A line across: what is too much.
    pub(super) limit: Option<f64>,
    pub(super) shown: &'a dyn Fn(f64) -> String,
    pub(super) says: String,
}

/// Of a chart of its own.
const WIDE: f64 = 720.0;
const TALL: f64 = 110.0;
/// Room for figures at the left and times below.
const LEFT: f64 = 64.0;
const BELOW: f64 = 18.0;

pub(super) fn curve(curve: &Curve<'_>, clock: &dyn Fn(Timestamp) -> String) -> Markup {
    let (Some(first), Some(last)) = (curve.samples.first(), curve.samples.last()) else { return html! {} };
    let axis = Axis::new(first.at, last.at, LEFT, WIDE - LEFT - 4.0);
    let largest = curve.samples.iter().map(|sample| sample.value).fold(0.0, f64::max);
    let full = curve.full.unwrap_or(0.0).max(largest).max(curve.limit.unwrap_or(0.0)).max(f64::MIN_POSITIVE);
    let y = |value: f64| 6.0 + (TALL - 6.0) * (1.0 - value / full);
    let mut path = String::new();
    for (at, sample) in curve.samples.iter().enumerate().take(POINTS) {
        let step = if at == 0 { "M" } else { "L" };
        path.push_str(&format!("{step}{} {}", px(axis.x(sample.at)), px(y(sample.value))));
    }
    html! {
        div.scroll {
            svg.wide viewBox={ "0 0 " (WIDE) " " (TALL + BELOW) } role="img" aria-label=(curve.says) {
                title { (curve.says) }
                @for (value, class) in [(0.0, "grid"), (full / 2.0, "grid"), (full, "grid")] {
                    line class=(class) x1=(LEFT) x2=(WIDE) y1=(px(y(value))) y2=(px(y(value))) {}
                    text.tick x=(LEFT - 6.0) y=(px(y(value) + 4.0)) text-anchor="end" { ((curve.shown)(value)) }
                }
                @if let Some(limit) = curve.limit {
                    line.limit x1=(LEFT) x2=(WIDE) y1=(px(y(limit))) y2=(px(y(limit))) {}
                }
                (ticks(&axis, TALL, clock))
                path.curve d=(path) {}
            }
        }
    }
}

/// Times along the foot of a picture.
pub(super) fn ticks(axis: &Axis, foot: f64, clock: &dyn Fn(Timestamp) -> String) -> Markup {
    html! {
        @for tick in axis.ticks() {
            line.grid x1=(px(axis.x(tick))) x2=(px(axis.x(tick))) y1="0" y2=(px(foot)) {}
            text.tick x=(px(axis.x(tick))) y=(px(foot + 14.0)) text-anchor="middle" { (clock(tick)) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chart_says_what_it_shows() {
        let over_time = OverTime { from: Some(Timestamp(0)), step_ms: 2000.0, counts: vec![0, 4, 1] };
        let drawn = sparkline(&over_time, "entries").into_string();
        assert!(drawn.contains("aria-label=\"entries: up to 4 in 2.0 s\""), "{drawn}");
        assert!(drawn.contains("d=\"M0 22V22H40V0H80V16.5H120V22z\""), "{drawn}");
        let buckets = [Bucket { up_to_ms: Some(5.0), count: 9 }, Bucket { up_to_ms: None, count: 1 }];
        let drawn = distribution(&buckets, &slots([&buckets[..]].into_iter()), "calls").into_string();
        assert!(
            drawn.contains("most took up to 5 ms") && drawn.contains("1 took more than 100 s"),
            "{drawn}"
        );
        assert!(sparkline(&OverTime::default(), "x").into_string().is_empty());
    }

    #[test]
    fn a_curve_of_nothing_or_of_zeros_is_drawn() {
        let samples = [Sample { at: Timestamp(0), value: 0.0 }];
        let flat = Curve {
            samples: &samples,
            full: None,
            limit: None,
            shown: &|v| v.to_string(),
            says: String::new(),
        };
        let drawn = curve(&flat, &|at| at.to_string()).into_string();
        assert!(!drawn.contains("NaN") && !drawn.contains("inf"), "{drawn}");
        assert!(curve(&Curve { samples: &[], ..flat }, &|at| at.to_string()).into_string().is_empty());
    }
}
