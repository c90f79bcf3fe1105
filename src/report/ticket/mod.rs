//! A report as a ticket: one document for all trackers, made of whole blocks in order of importance, and as many of
//! them as fit.
//!
//! `document` says what there is to say, `incident` how an incident is told at three lengths, `pack` chooses; a dialect
//! (in `writers`) turns blocks into text and knows nothing of limits.

mod document;
mod incident;
mod pack;
mod part;

pub(super) use part::{Dialect, Part, Span, Table, list};

use crate::{model::report::Report, report::Layout};

/// A ticket to write: where it is pasted, and how much that takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket {
    pub tracker: Tracker,
    /// As `size` counts.
    pub limit: usize,
}

impl From<Tracker> for Ticket {
    fn from(tracker: Tracker) -> Ticket {
        Ticket { tracker, limit: tracker.limit() }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tracker {
    Github,
    Gitlab,
    Jira,
    Slack,
}

impl Tracker {
    pub fn name(self) -> &'static str {
        match self {
            Tracker::Github => "GitHub",
            Tracker::Gitlab => "GitLab",
            Tracker::Jira => "Jira",
            Tracker::Slack => "Slack",
        }
    }

    /// Id of the writer that speaks its dialect.
    pub fn writer(self) -> &'static str {
        match self {
            Tracker::Github | Tracker::Gitlab => "md",
            Tracker::Jira => "jira",
            Tracker::Slack => "slack",
        }
    }

    /// Characters that it takes.
    pub fn limit(self) -> usize {
        match self {
            // Its API's answer to a longer one: "body is too long (maximum is 65536 characters)".
            Tracker::Github => 65_536,
            // Its documentation of issuables: a description is at most one megabyte.
            Tracker::Gitlab => 1_048_576,
            // `jira.text.field.character.limit`, as Jira ships it.
            Tracker::Jira => 32_767,
            // What chat.postMessage recommends. It takes 40,000, but clients split a message above 4,000, which breaks
            // its fences.
            Tracker::Slack => 4_000,
        }
    }
}

/// How much of a limit a text takes, by the strictest reading of "characters": bytes of UTF-8, each line end twice.
/// Trackers count code points, UTF-16 units or bytes, and a browser's form sends a line end as two characters.
pub(super) fn size(text: &str) -> usize {
    text.len() + text.bytes().filter(|byte| *byte == b'\n').count()
}

/// The whole report in a dialect, or as much of it as its tracker takes.
pub(super) fn render(report: &Report, dialect: &dyn Dialect, layout: &Layout) -> String {
    let ticket = layout.ticket.filter(|ticket| ticket.tracker.writer() == dialect.id());
    pack::pack(&document::document(report, layout), dialect, ticket)
}
