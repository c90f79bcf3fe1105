//! All sources on one axis: when each spoke, how loud, and when it fell silent, with the incidents behind them.

use maud::{Markup, html};

use crate::{
    model::{Lane, Timeline, Timestamp, report::Incident},
    report::digest,
};

use super::{
    View,
    axis::{Axis, px},
    charts::{POINTS, steps, ticks},
};

const WIDTH: f64 = 1000.0;
/// Room for names.
const LEFT: f64 = 260.0;
const RIGHT: f64 = 10.0;
const ROW: f64 = 22.0;
/// Room for the incidents' ranks.
const TOP: f64 = 20.0;
/// Characters of a name.
const NAME: usize = 36;
/// Incidents drawn as bands.
const BANDS: usize = 12;

impl<'r> View<'r> {
    pub(super) fn timeline(&self) -> Option<Markup> {
        let timeline = &self.report.timeline;
        let from = timeline.from?;
        let to = from.plus((timeline.step_ms * 1e3 * timeline.steps as f64) as i64);
        let lanes: Vec<&Lane> = timeline.lanes.iter().take(self.limits.rows).collect();
        if lanes.is_empty() {
            return None;
        }
        let axis = Axis::new(from, to, LEFT, WIDTH - LEFT - RIGHT);
        let foot = TOP + ROW * lanes.len() as f64 + 4.0;
        let unlisted = timeline.unlisted_lanes as usize + timeline.lanes.len() - lanes.len();
        let says = format!("{} over time", digest::counted(lanes.len(), "source", "sources"));
        Some(html! {
            p.legend {
                span.swatch.entries {} " entries " span.swatch.loud {} " of level warn and above "
                span.swatch.gap {} " silent " span.swatch.band {} " incident, by rank "
                span.muted { "· a step is " (digest::duration(timeline.step_ms as i64)) }
            }
            div.scroll tabindex="0" role="region" aria-label="Chart: sources over time" {
                svg.wide viewBox={ "0 0 " (WIDTH) " " (px(foot + 20.0)) } role="img" aria-label=(says) {
                    title { (says) }
                    (hatching())
                    @for incident in self.report.incidents.iter().take(BANDS) { (self.band(incident, &axis, foot)) }
                    (ticks(&axis, foot, &|time| self.clock(time)))
                    @for (at, lane) in lanes.iter().enumerate() {
                        (self.lane(timeline, lane, &axis, TOP + ROW * at as f64))
                    }
                }
            }
            @if unlisted > 0 { p.more { "and " (digest::counted(unlisted, "more source", "more sources")) ", the quietest" } }
        })
    }

    fn band(&self, incident: &'r Incident, axis: &Axis, foot: f64) -> Markup {
        html! {
            @if let (Some(from), Some(to)) = (incident.window.from, incident.window.to) {
                @let left = axis.x(from);
                g class={ "band " (incident.severity.name()) } {
                    title { (incident.rank) ". " (self.said(&incident.title)) }
                    rect x=(px(left)) y=(TOP - 4.0) width=(px((axis.x(to) - left).max(2.0))) height=(px(foot - TOP + 4.0)) {}
                    text.tick x=(px(left + 2.0)) y=(TOP - 7.0) { (incident.rank) }
                }
            }
        }
    }

    fn lane(&self, timeline: &Timeline, lane: &'r Lane, axis: &Axis, top: f64) -> Markup {
        let name = lane.source.strip_prefix(self.folder).unwrap_or(&lane.source);
        html! {
            g.lane {
                title { (self.text(&lane.source)) }
                text.name x=(LEFT - 8.0) y=(px(top + 15.0)) text-anchor="end" { (self.text(&digest::cut_middle(name, NAME))) }
                line.grid x1=(LEFT) x2=(WIDTH - RIGHT) y1=(px(top + ROW - 2.0)) y2=(px(top + ROW - 2.0)) {}
                @match lane.kind.as_str() {
                    "log" => { (counts(timeline, lane, axis, top)) }
                    _ => { (extent(lane, axis, top)) }
                }
                @for gap in lane.gaps.iter().take(POINTS) { (silence(gap.from, gap.to, axis, top)) }
            }
        }
    }
}

/// Bars by the square root of the counts: a hundred times as many are seen to be more, and one is still seen.
fn counts(timeline: &Timeline, lane: &Lane, axis: &Axis, top: f64) -> Markup {
    let most = lane.entries.iter().copied().max().unwrap_or_default().max(1) as f64;
    let height = |count: u64| ((count as f64 / most).sqrt() * (ROW - 5.0)).max(1.5);
    let from = timeline.from.unwrap_or(Timestamp(0));
    let x = |step: usize| axis.x(from.plus((timeline.step_ms * 1e3 * step as f64) as i64));
    let path = |counts: &[u64]| steps(&counts[..counts.len().min(POINTS)], top + ROW - 2.0, &x, &height);
    html! {
        path.entries d=(path(&lane.entries)) {}
        @if lane.loud.iter().any(|count| *count > 0) { path.loud d=(path(&lane.loud)) {} }
    }
}

/// A store, from its first event to its last; a snapshot, when it was taken.
fn extent(lane: &Lane, axis: &Axis, top: f64) -> Markup {
    html! {
        @for moment in lane.moments.iter().take(POINTS) {
            path.moment d={ "M" (px(axis.x(*moment))) " " (px(top + 4.0)) "l6 6l-6 6l-6-6z" } { title { (moment) } }
        }
        @if let (true, Some(from), Some(to)) = (lane.moments.is_empty(), lane.window.from, lane.window.to) {
            @let (left, right) = (axis.x(from), axis.x(to));
            rect.store x=(px(left)) y=(px(top + 6.0)) width=(px((right - left).max(2.0))) height="8" rx="2" {}
        }
    }
}

fn silence(from: Option<Timestamp>, to: Option<Timestamp>, axis: &Axis, top: f64) -> Markup {
    html! {
        @if let (Some(from), Some(to)) = (from, to) {
            @let left = axis.x(from);
            rect.gap x=(px(left)) y=(px(top + 2.0)) width=(px((axis.x(to) - left).max(2.0))) height=(px(ROW - 5.0)) {
                title { "silent from " (from) " to " (to) }
            }
        }
    }
}

/// What silences are filled with.
pub(super) fn hatching() -> Markup {
    html! {
        defs {
            pattern #hatch width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)" {
                line.hatch x1="0" y1="0" x2="0" y2="6" {}
            }
        }
    }
}
