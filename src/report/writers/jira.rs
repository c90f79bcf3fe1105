//! The report as Jira's wiki markup, which Jira's own editor and API version 2 take.

use std::io;

use crate::{
    model::report::Report,
    report::{
        Layout, Writer, safe,
        ticket::{self, Dialect, Part, Span, Table},
    },
};

#[derive(Debug)]
pub(crate) struct Jira;

impl Writer for Jira {
    fn id(&self) -> &'static str {
        "jira"
    }

    fn about(&self) -> &'static str {
        "Jira's wiki markup"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["jira"]
    }

    fn write(&self, report: &Report, layout: &Layout, out: &mut dyn io::Write) -> io::Result<()> {
        out.write_all(ticket::render(report, self, layout).as_bytes())
    }
}

impl Dialect for Jira {
    fn id(&self) -> &'static str {
        "jira"
    }

    fn part(&self, part: &Part) -> String {
        match part {
            Part::Heading { level, anchor, line } => {
                let anchor = if safe::is_id(anchor) { format!("{{anchor:{anchor}}}") } else { String::new() };
                format!("h{level}. {anchor}{}\n", inline(line))
            }
            Part::Text(line) => format!("{}\n", inline(line)),
            Part::Bullets(lines) => ticket::list(lines, |_| "*".to_owned(), inline),
            Part::Steps(lines) => ticket::list(lines, |_| "#".to_owned(), inline),
            Part::Lines(lines) => safe::jira_lines(lines),
            Part::Command(command) => safe::jira_lines(std::slice::from_ref(command)),
            Part::Table(table) => show_table(table),
            // Jira has nothing that closes.
            Part::Folded { summary, parts } => {
                let parts: Vec<String> = parts.iter().map(|part| self.part(part)).collect();
                format!("*{}*\n\n{}", safe::jira(summary), parts.join("\n"))
            }
        }
    }
}

fn inline(line: &[Span]) -> String {
    line.iter().map(shown).collect()
}

fn shown(span: &Span) -> String {
    match span {
        Span::Strong(text) => format!("*{}*", safe::jira(text)),
        Span::Own(text) | Span::Code(text) | Span::Said(text) => safe::jira(text),
    }
}

fn show_table(table: &Table) -> String {
    let names: Vec<String> = table.columns.iter().map(|column| safe::jira(column.name())).collect();
    let mut shown = format!("||{}||\n", names.join("||"));
    for row in &table.rows {
        // A cell without a blank would begin a heading of the row.
        let cells: Vec<String> = row.iter().map(|span| format!(" {} ", self::shown(span))).collect();
        shown.push_str(&format!("|{}|\n", cells.join("|")));
    }
    shown
}
