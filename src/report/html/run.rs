//! This run: what was asked of which version, with which settings and patterns.

use maud::{Markup, html};

use super::{View, tables::table};

impl View<'_> {
    pub(super) fn run(&self) -> Markup {
        let run = &self.report.run;
        html! {
            p { (run.tool) " " (run.version) }
            p { "Arguments: " @for argument in run.arguments.iter().take(self.limits.rows) { code { (self.text(argument)) } " " } }
            (self.more(run.arguments.len(), "more argument", "more arguments"))
            details {
                summary { "Settings and pattern packs" }
                (table("Settings", &["setting", "value"], html! {
                    @for (name, value) in &run.settings { tr { th scope="row" { (name) } td { (self.text(value)) } } }
                }))
                (table("Pattern packs", &["pack", "patterns", "hash"], html! {
                    @for pack in &run.pattern_packs {
                        tr { th scope="row" { (self.text(&pack.name)) } td.num { (pack.patterns) } td.hash { (self.text(&pack.hash)) } }
                    }
                }))
            }
        }
    }
}
