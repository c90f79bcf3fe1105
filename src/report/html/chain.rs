//! The causal chain as a picture: each finding where it began and for how long, with an arrow from what it follows.

use maud::{Markup, html};

use crate::{
    model::{
        Finding, Timestamp,
        report::{ChainLink, ChainRole, Incident},
    },
    report::digest,
};

use super::{
    View,
    axis::{Axis, px},
    charts::ticks,
};

/// Of the picture; its text keeps its size, and narrow screens scroll it in its own box.
const WIDTH: f64 = 960.0;
const ROW: f64 = 40.0;
/// Room for the arrows.
const LEFT: f64 = 24.0;
const RIGHT: f64 = 12.0;
/// Findings drawn; the table beside it has more.
const DRAWN: usize = 14;
/// Characters of a finding's name, and the width of one, in the picture's units.
const NAME: usize = 84;
const CHARACTER: f64 = 7.2;
/// Share of the width beyond which a name stands to the left of where its bar begins.
const TURN: f64 = 0.55;

/// A finding with its place in the chain.
struct Row<'r> {
    link: &'r ChainLink,
    finding: &'r Finding,
    from: Timestamp,
    to: Timestamp,
}

impl<'r> View<'r> {
    /// Nothing where no finding has a time.
    pub(super) fn chain_picture(&self, incident: &'r Incident) -> Markup {
        let rows: Vec<Row<'r>> =
            incident.chain.iter().filter_map(|link| self.row(link)).take(DRAWN).collect();
        let (Some(first), Some(last)) =
            (rows.iter().map(|row| row.from).min(), rows.iter().map(|row| row.to).max())
        else {
            return html! {};
        };
        let axis = Axis::new(first, last, LEFT, WIDTH - LEFT - RIGHT);
        let foot = ROW * rows.len() as f64 + 4.0;
        let says = format!(
            "{}, told over time; the table below has the same in words",
            digest::counted(rows.len(), "finding", "findings")
        );
        html! {
            div.scroll tabindex="0" role="region" aria-label={ "Chart: chain of incident " (incident.rank) } {
                svg.wide.chain viewBox={ "0 0 " (WIDTH) " " (px(foot + 20.0)) } role="img" aria-label=(says) {
                    title { (says) }
                    (ticks(&axis, foot, &|time| self.clock(time)))
                    @for (at, row) in rows.iter().enumerate() {
                        (arrow(&rows, at, &axis))
                        (self.bar(at, row, &axis, first))
                    }
                }
            }
        }
    }

    fn row(&self, link: &'r ChainLink) -> Option<Row<'r>> {
        let finding = *self.findings.get(link.finding.as_str())?;
        let from = link.at.or(finding.window.from)?;
        Some(Row { link, finding, from, to: finding.window.to.unwrap_or(from).max(from) })
    }

    fn bar(&self, at: usize, row: &Row<'_>, axis: &Axis, first: Timestamp) -> Markup {
        let (left, right, top) = (axis.x(row.from), axis.x(row.to), ROW * at as f64);
        let turned = left > WIDTH * TURN;
        let room = if turned { left } else { WIDTH - left };
        let longest = NAME.min((room / CHARACTER) as usize);
        let after = row.from.since(first) / 1_000_000;
        let offset = if after > 0 { format!("+{}  ", digest::duration(after * 1000)) } else { String::new() };
        let count = if row.finding.count > 1 {
            format!(", {} times", digest::number(row.finding.count))
        } else {
            String::new()
        };
        let name = digest::cut_middle(
            &format!("{offset}{}", self.shorter(&row.finding.title)),
            longest.saturating_sub(count.len()),
        );
        html! {
            g class={ "link " (row.finding.severity.name()) @if row.link.role == ChainRole::Root { " root" } } {
                title { (self.text(&row.finding.title)) }
                text.name x=(px(left)) y=(px(top + 16.0)) text-anchor=(if turned { "end" } else { "start" }) {
                    (self.text(&name)) (count)
                }
                rect x=(px(left)) y=(px(top + 22.0)) width=(px((right - left).max(4.0))) height="9" rx="2" {}
            }
        }
    }
}

/// From where the cause begins down to where the effect does.
fn arrow(rows: &[Row<'_>], at: usize, axis: &Axis) -> Markup {
    let row = &rows[at];
    let Some(after) = row.link.after.as_deref() else { return html! {} };
    let Some(cause) = rows.iter().position(|row| row.link.finding == after) else { return html! {} };
    let (from_x, to_x) = (axis.x(rows[cause].from), axis.x(row.from));
    let (from_y, to_y) = (ROW * cause as f64 + 26.5, ROW * at as f64 + 26.5);
    // Out at the left, so that arrows of many effects of one cause are told from the bars that they pass.
    let out = from_x.min(to_x) - 14.0;
    html! {
        path.arrow d={
            "M" (px(from_x)) " " (px(from_y)) "H" (px(out)) "V" (px(to_y)) "H" (px(to_x - 5.0))
        } {}
        path.tip d={ "M" (px(to_x - 6.0)) " " (px(to_y - 4.0)) "l6 4l-6 4z" } {}
    }
}
