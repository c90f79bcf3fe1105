//! This run: what was asked of which version, with which settings and patterns.

use maud::{Markup, html};

use super::{View, tables::table};

/// Settings listed: all that there are, and a report may be anybody's.
const SETTINGS: usize = 200;

impl View<'_> {
    pub(super) fn run(&self) -> Markup {
        let run = &self.report.run;
        html! {
            p { (self.text(&run.tool)) " " (self.text(&run.version)) }
            p { "Arguments: " @for argument in run.arguments.iter().take(self.limits.rows) { code { (self.text(argument)) } " " } }
            (self.more(run.arguments.len(), "more argument", "more arguments"))
            details {
                summary { "Settings and pattern packs" }
                (table("Settings", &["setting", "value"], &html! {
                    @for (name, value) in run.settings.iter().take(SETTINGS) { tr { th scope="row" { (self.text(name)) } td { (self.text(value)) } } }
                }))
                (table("Pattern packs", &["pack", "patterns", "hash"], &html! {
                    @for pack in run.pattern_packs.iter().take(self.limits.rows) {
                        tr { th scope="row" { (self.text(&pack.name)) } td.num { (pack.patterns) } td.hash { (self.text(&pack.hash)) } }
                    }
                }))
            }
        }
    }
}
