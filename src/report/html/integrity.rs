//! The stores: what they hold, what is wrong, and where their streams have holes.

use std::collections::BTreeMap;

use maud::{Markup, html};

use crate::{
    model::{Fault, Missing, Severity},
    report::digest,
};

use super::{View, axis::px, charts::POINTS, head::badge, tables::table};

/// Of the map, and of one stream in it.
const WIDTH: f64 = 960.0;
const LEFT: f64 = 280.0;
const ROW: f64 = 18.0;
/// Streams drawn, those with most versions missing.
const STREAMS: usize = 40;
/// Characters of a stream's name.
const NAME: usize = 38;

/// A stream with holes.
struct Holes<'r> {
    store: &'r str,
    stream: &'r str,
    last: i64,
    missing: Vec<Missing>,
}

impl Holes<'_> {
    fn count(&self) -> i64 {
        self.missing
            .iter()
            .map(|hole| hole.to.saturating_sub(hole.from).saturating_add(1))
            .fold(0, i64::saturating_add)
    }
}

impl View<'_> {
    pub(super) fn integrity(&self) -> Option<Markup> {
        let integrity = &self.report.integrity;
        if integrity.stores.is_empty() && integrity.scan_errors.is_empty() {
            return None;
        }
        Some(html! {
            (table("Stores", &["store", "profile", "streams", "events", "checkpoints", "first", "last", "faults"], &html! {
                @for store in integrity.stores.iter().take(self.limits.rows) {
                    tr {
                        th scope="row" { (self.path(&store.path)) @if let Some(newest) = &store.copy_of { br; span.muted { "an older copy of " (self.path(newest)) } } }
                        td { (self.text(&store.profile)) @if !store.schema.is_empty() { " " (self.text(&store.schema)) } }
                        td.num { (digest::number(store.streams)) }
                        td.num { (digest::number(store.events)) }
                        td.num { (digest::number(store.checkpoints)) }
                        td { (self.time(store.first)) }
                        td { (self.time(store.last)) }
                        td.num { @if store.faults > 0 { strong { (digest::number(store.faults)) } } @else { "none found" } }
                    }
                }
            }))
            (self.more(integrity.stores.len(), "more store", "more stores"))
            @for error in integrity.scan_errors.iter().take(self.limits.rows) { p.warn { (self.text(error)) } }
            (self.holes())
            (self.faults())
        })
    }

    fn faults(&self) -> Markup {
        let claims: Vec<&Fault> =
            self.report.integrity.faults.iter().filter(|fault| fault.severity > Severity::Info).collect();
        let unlisted =
            self.report.integrity.unlisted.iter().fold(0_u64, |sum, kind| sum.saturating_add(kind.count));
        let observed = self.report.integrity.faults.len() - claims.len();
        html! {
            @if !claims.is_empty() {
                (table("Faults", &["severity", "fault", "what", "where"], &html! {
                    @for fault in claims.iter().take(self.limits.rows) {
                        tr data-severity=(fault.severity.name()) {
                            td { (badge(fault.severity)) }
                            th scope="row" { (fault.kind.name()) }
                            td { (self.text(&fault.detail)) }
                            td { (self.path(&fault.path)) @if let Some(file) = &fault.file { "/" (self.text(file)) } ":" (fault.line) }
                        }
                    }
                }))
                (self.more(claims.len(), "more fault", "more faults"))
            }
            @if unlisted > 0 { p.more { (digest::number(unlisted)) " more were counted and are listed nowhere" } }
            @if observed > 0 { p.muted { (digest::counted(observed, "observation", "observations")) " of severity info, in the JSON report" } }
        }
    }

    /// Each stream from its first version to its last, with its holes.
    fn holes(&self) -> Markup {
        let streams = holes(&self.report.integrity.faults);
        let shown: Vec<&Holes<'_>> = streams.iter().take(STREAMS.min(self.limits.rows)).collect();
        let says = format!("where {} lack versions", digest::counted(streams.len(), "stream", "streams"));
        html! {
            @if !shown.is_empty() {
                h4 { "Missing versions" }
                p.legend { span.swatch.entries {} " there " span.swatch.hole {} " missing" }
                div.scroll tabindex="0" role="region" aria-label="Chart: missing versions" {
                    svg.wide viewBox={ "0 0 " (WIDTH) " " (px(ROW * shown.len() as f64 + 4.0)) } role="img" aria-label=(says) {
                        title { (says) }
                        @for (at, holes) in shown.iter().enumerate() { (self.stream(holes, ROW * at as f64)) }
                    }
                }
                @if streams.len() > shown.len() {
                    p.more { "and " (digest::counted(streams.len() - shown.len(), "more stream", "more streams")) " with fewer versions missing" }
                }
            }
        }
    }

    fn stream(&self, holes: &Holes<'_>, top: f64) -> Markup {
        let first = holes.missing.iter().map(|hole| hole.from).min().unwrap_or_default().min(1);
        let span = holes.last.saturating_sub(first).max(0) as f64 + 1.0;
        let room = WIDTH - LEFT - 130.0;
        let x = |version: i64| LEFT + (version.saturating_sub(first) as f64 / span).clamp(0.0, 1.0) * room;
        html! {
            g {
                title { (self.text(holes.store)) " " (self.text(holes.stream)) }
                text.name x=(LEFT - 8.0) y=(px(top + 12.0)) text-anchor="end" { (self.text(&digest::cut_middle(holes.stream, NAME))) }
                rect.entries x=(LEFT) y=(px(top + 3.0)) width=(px(room)) height="10" {}
                @for hole in holes.missing.iter().take(POINTS) {
                    rect.hole x=(px(x(hole.from))) y=(px(top + 1.0)) width=(px((x(hole.to.saturating_add(1)) - x(hole.from)).max(2.0))) height="14" {
                        title { "versions " (hole.from) " to " (hole.to) " are missing" }
                    }
                }
                text.tick x=(px(LEFT + room + 8.0)) y=(px(top + 12.0)) { (holes.count()) " of " (digest::number(span as u64)) }
            }
        }
    }
}

/// By stream, those with most versions missing first.
fn holes(faults: &[Fault]) -> Vec<Holes<'_>> {
    let mut by_stream: BTreeMap<(&str, &str), Holes<'_>> = BTreeMap::new();
    for fault in faults.iter().filter(|fault| fault.severity > Severity::Info) {
        let (Some(stream), Some(missing), Some(last)) = (&fault.stream_id, fault.missing, fault.last_version)
        else {
            continue;
        };
        let holes = by_stream.entry((&fault.path, stream)).or_insert_with(|| Holes {
            store: &fault.path,
            stream,
            last,
            missing: Vec::new(),
        });
        holes.missing.push(missing);
    }
    let mut streams: Vec<Holes<'_>> = by_stream.into_values().collect();
    streams.sort_by_key(|holes| std::cmp::Reverse(holes.count()));
    streams
}
