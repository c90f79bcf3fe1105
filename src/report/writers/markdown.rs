//! The report as Markdown for GitHub and GitLab. Text from evidence is plain prose or stands in a code span or a fence,
//! so that nothing of it is markup, a mention or a link.

use std::io;

use crate::{
    model::report::Report,
    report::{
        Layout, Writer, safe,
        sections::Column,
        ticket::{self, Dialect, Part, Span, Table},
    },
};

#[derive(Debug)]
pub(crate) struct Markdown;

impl Writer for Markdown {
    fn id(&self) -> &'static str {
        "md"
    }

    fn about(&self) -> &'static str {
        "Markdown for tickets"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["md", "markdown"]
    }

    fn write(&self, report: &Report, layout: &Layout, out: &mut dyn io::Write) -> io::Result<()> {
        out.write_all(ticket::render(report, self, layout).as_bytes())
    }
}

impl Dialect for Markdown {
    fn id(&self) -> &'static str {
        "md"
    }

    fn part(&self, part: &Part) -> String {
        match part {
            Part::Heading { level, anchor, line } => {
                let anchor =
                    if safe::is_id(anchor) { format!("<a id=\"{anchor}\"></a>") } else { String::new() };
                format!("{} {anchor}{}\n", "#".repeat(*level), inline(line))
            }
            Part::Text(line) => format!("{}\n", inline(line)),
            Part::Bullets(lines) => ticket::list(lines, |_| "-".to_owned(), inline),
            Part::Steps(lines) => ticket::list(lines, |at| format!("{at}."), inline),
            Part::Lines(lines) => safe::fence("text", lines),
            Part::Command(command) => safe::fence("sh", std::slice::from_ref(command)),
            Part::Table(table) => show_table(table),
            Part::Folded { summary, parts } => {
                let parts: Vec<String> = parts.iter().map(|part| self.part(part)).collect();
                format!("<details><summary>{summary}</summary>\n\n{}\n</details>\n", parts.join("\n"))
            }
        }
    }
}

fn inline(line: &[Span]) -> String {
    line.iter().map(|span| shown(span, safe::markdown)).collect()
}

fn shown(span: &Span, said: fn(&str) -> String) -> String {
    match span {
        Span::Own(text) => text.clone(),
        Span::Strong(text) => format!("**{text}**"),
        Span::Code(text) => safe::code_span(text),
        Span::Said(text) => said(text),
    }
}

fn show_table(table: &Table) -> String {
    let names: Vec<&str> = table.columns.iter().map(|column| column.name()).collect();
    let rules = table.columns.iter().map(|column| match column {
        Column::Text(_) | Column::Path(_) => "---",
        Column::Number(_) => "---:",
    });
    let rules: Vec<&str> = rules.collect();
    let mut shown = format!("| {} |\n|{}|\n", names.join(" | "), rules.join("|"));
    for row in &table.rows {
        let cells: Vec<String> = row.iter().map(|span| self::shown(span, cell)).collect();
        shown.push_str(&format!("| {} |\n", cells.join(" | ")));
    }
    shown
}

fn cell(text: &str) -> String {
    if text.is_empty() { String::new() } else { safe::markdown_cell(text) }
}
