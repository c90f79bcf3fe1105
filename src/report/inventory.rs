//! What evidence is there, for the terminal: what was read of it, what was not and why, and what else to collect.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, Write},
};

use serde::Serialize;

use crate::model::{Timestamp, report::EvidenceRow};

use super::{
    digest,
    page::{BOLD, DIM, Margin, PLAIN, Page, Span},
    sections::Column,
};

/// Everything that `coroner scan` tells.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Inventory {
    pub sources: Vec<Seen>,
    /// Ids of those that can run.
    pub checks: Vec<String>,
    /// Ids of those that cannot, with what they say.
    pub unable: BTreeMap<String, String>,
    pub wanted: Vec<Wanted>,
    pub incomplete: Vec<String>,
}

/// One source: its row of the ledger, and how it begins.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Seen {
    #[serde(flatten)]
    pub row: EvidenceRow,
    /// Names of fields with what their values are taken for; of none, they are only kept.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<String, Vec<String>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resembles: Vec<Lack>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub first_lines: Vec<String>,
}

/// A format that a source resembles, and what it lacks of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Lack {
    pub format: String,
    pub lacks: String,
}

/// Evidence that would let more checks run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Wanted {
    pub what: String,
    pub enables: Vec<String>,
    pub command: String,
}

/// Writes the inventory in lines of so many columns.
///
/// # Errors
///
/// What writing says.
pub fn write(inventory: &Inventory, columns: usize, out: &mut dyn Write) -> io::Result<()> {
    let page = &mut Page::new(out, columns);
    sources(inventory, page)?;
    fields(inventory, page)?;
    unread(inventory, page)?;
    checks(inventory, page)
}

fn sources(inventory: &Inventory, page: &mut Page<'_>) -> io::Result<()> {
    let folder = digest::folder_of(inventory.sources.iter().map(|seen| seen.row.path.as_str()));
    let below = if folder.is_empty() { String::new() } else { format!("  paths below {folder}") };
    let day = |time: Timestamp| time.to_string().chars().take(10).collect::<String>();
    let times = inventory.sources.iter().flat_map(|seen| [seen.row.first, seen.row.last]);
    let days: BTreeSet<String> = times.flatten().map(day).collect();
    let of = days.first().filter(|_| days.len() == 1).map_or(String::new(), |day| format!(" of {day}"));
    page.line(&[Span(BOLD, &format!("Evidence{of}")), Span(DIM, &below)])?;
    let days = days.len();
    let names = [
        Column::Path("path"),
        Column::Text("format"),
        Column::Number("size"),
        Column::Number("records"),
        Column::Number("first"),
        Column::Number("last"),
        Column::Text("zone"),
        Column::Number("clock"),
    ];
    let rows = inventory.sources.iter().map(|seen| {
        let row = &seen.row;
        let format = match row.compression.as_str() {
            "none" | "" => row.format.clone(),
            packing => format!("{}, {packing}", row.format),
        };
        vec![
            row.path.strip_prefix(folder).unwrap_or(&row.path).to_owned(),
            format,
            digest::bytes(row.bytes),
            digest::number(row.records),
            time(row.first, days),
            time(row.last, days),
            row.zone_basis.clone(),
            row.clock_offset_ms.map_or(String::new(), |ms| format!("{:+.3} s", ms / 1e3)),
        ]
    });
    page.table(&names, &rows.collect::<Vec<_>>())
}

/// `15:48:51`, and the day before it where the evidence has several.
fn time(time: Option<Timestamp>, days: usize) -> String {
    let Some(time) = time else { return "-".to_owned() };
    let day: String = time.to_string().chars().take(10).collect();
    if days > 1 { format!("{day} {}", time.clock()) } else { time.clock() }
}

fn label(name: &str) -> Margin<'_> {
    Margin { indent: 2, name, width: 9 }
}

fn indented(indent: usize) -> Margin<'static> {
    Margin { indent, name: "", width: 0 }
}

/// What is known of the fields, the same ones of many sources once.
fn fields(inventory: &Inventory, page: &mut Page<'_>) -> io::Result<()> {
    let all: BTreeMap<&String, &Vec<String>> =
        inventory.sources.iter().flat_map(|seen| &seen.fields).collect();
    if all.is_empty() {
        return Ok(());
    }
    page.title("Fields at the beginning of logs, beside time, level and message")?;
    let (meant, kept): (Vec<_>, Vec<_>) = all.into_iter().partition(|(_, means)| !means.is_empty());
    let meant: Vec<String> =
        meant.iter().map(|(name, means)| format!("{name} ({})", means.join(", "))).collect();
    let kept: Vec<&str> = kept.iter().map(|(name, _)| name.as_str()).collect();
    for (name, text) in [("known", meant.join(", ")), ("kept", kept.join(", "))] {
        if !text.is_empty() {
            page.paragraph(label(name), &text)?;
        }
    }
    Ok(())
}

fn unread(inventory: &Inventory, page: &mut Page<'_>) -> io::Result<()> {
    let unread = |seen: &&Seen| {
        let row = &seen.row;
        // The row of an archive that was opened says how many members it has; none of its lines is shown.
        let opened = row.kind == "archive" && seen.first_lines.is_empty();
        row.rejected > 0 || row.records == 0 && !opened && !row.notes.is_empty()
    };
    let unread: Vec<&Seen> = inventory.sources.iter().filter(unread).collect();
    if unread.is_empty() {
        return Ok(());
    }
    page.title("Not read, or not all of it")?;
    for seen in unread {
        page.line(&[Span(PLAIN, &format!("  {}", seen.row.path))])?;
        for note in seen.row.notes.iter().chain(&seen.row.problems) {
            page.paragraph(indented(4), note)?;
        }
        for Lack { format, lacks } in &seen.resembles {
            page.paragraph(indented(4), &format!("no {format}: {lacks}"))?;
        }
        for line in &seen.first_lines {
            page.line(&[Span(DIM, &format!("    | {line}"))])?;
        }
    }
    Ok(())
}

fn checks(inventory: &Inventory, page: &mut Page<'_>) -> io::Result<()> {
    page.title("Checks")?;
    let all = inventory.checks.len() + inventory.unable.len();
    let able = match &inventory.checks[..] {
        [] => format!("none of {all}"),
        able => format!("{} of {all}: {}", able.len(), able.join(", ")),
    };
    page.paragraph(label("can run"), &able)?;
    let mut by_reason: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (id, why) in &inventory.unable {
        by_reason.entry(why).or_default().push(id);
    }
    let mut name = "cannot";
    for (why, ids) in by_reason {
        page.paragraph(label(name), &format!("{}: {why}", ids.join(", ")))?;
        name = "";
    }
    if inventory.wanted.is_empty() {
        return Ok(());
    }
    page.title("Worth collecting")?;
    for Wanted { what, enables, command } in &inventory.wanted {
        page.paragraph(indented(2), &format!("{what}: for {}", enables.join(", ")))?;
        page.copied(&format!("      {command}"))?;
    }
    Ok(())
}
