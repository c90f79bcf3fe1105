//! The report as a Slack message: its mrkdwn, which has neither headings nor tables.

use std::io;

use crate::{
    model::report::Report,
    report::{
        Layout, Writer, safe,
        ticket::{self, Dialect, Part, Span, Table},
    },
};

#[derive(Debug)]
pub(crate) struct Slack;

impl Writer for Slack {
    fn id(&self) -> &'static str {
        "slack"
    }

    fn about(&self) -> &'static str {
        "Slack's mrkdwn, for the text of a message"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["slack"]
    }

    fn write(&self, report: &Report, layout: &Layout, out: &mut dyn io::Write) -> io::Result<()> {
        out.write_all(ticket::render(report, self, layout).as_bytes())
    }
}

impl Dialect for Slack {
    fn id(&self) -> &'static str {
        "slack"
    }

    fn part(&self, part: &Part) -> String {
        match part {
            Part::Heading { line, .. } => heading(line),
            Part::Text(line) => format!("{}\n", inline(line)),
            Part::Bullets(lines) => ticket::list(lines, |_| "•".to_owned(), inline),
            Part::Steps(lines) => ticket::list(lines, |at| format!("{at}."), inline),
            Part::Lines(lines) => safe::slack_lines(lines),
            Part::Command(command) => safe::slack_lines(std::slice::from_ref(command)),
            Part::Table(table) => rows(table),
            // A message is short: what others close is a list like any other.
            Part::Folded { summary, parts } => {
                let parts: String = parts.iter().map(|part| self.part(part)).collect();
                format!("*{summary}*\n{parts}")
            }
        }
    }
}

/// Our own words are bold; what evidence says stays outside, for bold ends only between words.
fn heading(line: &[Span]) -> String {
    let spans = line.iter().map(|span| match span {
        Span::Own(text) if !text.trim().is_empty() => {
            let end = if text.ends_with(' ') { " " } else { "" };
            format!("*{}*{end}", text.trim())
        }
        span => shown(span),
    });
    format!("{}\n", spans.collect::<String>())
}

fn inline(line: &[Span]) -> String {
    line.iter().map(shown).collect()
}

fn shown(span: &Span) -> String {
    match span {
        Span::Own(text) => text.clone(),
        Span::Strong(text) => format!("*{text}*"),
        Span::Code(text) => safe::slack_code(text),
        Span::Said(text) => safe::slack(text),
    }
}

/// A line for each row, its cells with their columns' names.
fn rows(table: &Table) -> String {
    let mut rows = String::new();
    for cells in &table.rows {
        let named = cells.iter().zip(table.columns).filter(|(cell, _)| !is_empty(cell));
        let named: Vec<String> =
            named.map(|(cell, column)| format!("{} {}", column.name(), shown(cell))).collect();
        rows.push_str(&format!("• {}\n", named.join(", ")));
    }
    rows
}

fn is_empty(cell: &Span) -> bool {
    let (Span::Own(text) | Span::Strong(text) | Span::Code(text) | Span::Said(text)) = cell;
    matches!(text.as_str(), "" | "-")
}
