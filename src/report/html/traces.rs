//! Commands and requests as waterfalls: what each spent its time on.

use maud::{Markup, html};

use crate::{
    model::{Trace, Traces},
    report::{digest, waterfall},
};

use super::{
    View,
    axis::{Axis, px},
};

const WIDTH: f64 = 960.0;
const LEFT: f64 = 250.0;
const ROW: f64 = 20.0;
/// Phases drawn of one.
const PHASES: usize = 30;
const NAME: usize = 34;
/// Drawn of each list.
const SHOWN: usize = 5;

impl<'r> View<'r> {
    pub(super) fn traces(&self) -> Option<Markup> {
        let traces = &self.report.traces;
        if traces.total == 0 {
            return None;
        }
        let Traces { unfinished, slowest, failures, .. } = traces;
        let lists = [("Never ended", unfinished), ("Slowest", slowest), ("First that failed", failures)];
        Some(html! {
            p { (waterfall::summary(traces)) }
            @for (title, list) in lists.into_iter().filter(|(_, list)| !list.is_empty()) {
                h3 { (title) }
                @for (at, trace) in list.iter().take(SHOWN.min(self.limits.rows)).enumerate() { (self.trace(trace, at == 0)) }
                @if list.len() > SHOWN.min(self.limits.rows) {
                    p.more { "and " (list.len() - SHOWN.min(self.limits.rows)) " more in the JSON report" }
                }
            }
        })
    }

    fn trace(&self, trace: &'r Trace, first: bool) -> Markup {
        html! {
            details open[first] {
                summary {
                    (self.text(trace.command_type.as_deref().unwrap_or("unnamed"))) ", " (trace.outcome.name())
                    @if let Some(ms) = trace.duration_ms { " after " (waterfall::duration(ms)) }
                    " " code { (self.text(&trace.id)) }
                }
                @if let Some(error) = &trace.error { p { (self.text(error)) } }
                (self.phases(trace))
                @if let Some(place) = trace.evidence.first() {
                    p.muted { "from " (self.path(&place.path)) ":" (place.line) ", " (self.time(trace.start)) }
                }
            }
        }
    }

    fn phases(&self, trace: &'r Trace) -> Markup {
        let end = |phase: &crate::model::Phase| phase.start.plus((phase.duration_ms * 1e3) as i64);
        let (Some(from), Some(to)) = (trace.start, trace.phases.iter().map(end).max()) else {
            return html! {};
        };
        let axis = Axis::new(from, to, LEFT, WIDTH - LEFT - 90.0);
        let shown = trace.phases.iter().take(PHASES);
        let height = ROW * trace.phases.len().min(PHASES) as f64 + 4.0;
        html! {
            div.scroll tabindex="0" role="region" aria-label={ "Chart: phases of " (self.text(&trace.id)) } {
                svg.wide viewBox={ "0 0 " (WIDTH) " " (px(height)) } role="img" aria-label={ (trace.phases.len()) " phases over time" } {
                    @for (at, phase) in shown.enumerate() {
                        @let (top, left) = (ROW * at as f64, axis.x(phase.start));
                        @let width = (axis.x(end(phase)) - left).max(2.0);
                        text.name x=(LEFT - 8.0) y=(px(top + 14.0)) text-anchor="end" { (self.text(&digest::cut_middle(&phase.name, NAME))) }
                        rect class=(if phase.until.is_some() { "phase failed" } else { "phase" }) x=(px(left)) y=(px(top + 4.0)) width=(px(width)) height="12" rx="2" {
                            @if let Some(until) = &phase.until { title { "until " (self.text(until)) } }
                        }
                        text.tick x=(px(left + width + 6.0)) y=(px(top + 14.0)) { (waterfall::duration(phase.duration_ms)) }
                    }
                }
            }
            @if trace.phases.len() > PHASES { p.more { "and " (trace.phases.len() - PHASES) " more phases" } }
        }
    }
}
