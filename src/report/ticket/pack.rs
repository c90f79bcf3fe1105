//! Chooses what of a document fits: whole blocks, the most important first, and says what it left out.
//!
//! Incidents are told shorter the lower they rank, so that many of them are named at all. The first that has no room
//! even as a line ends the list: those left out are always the lowest.

use crate::{
    model::report::Report,
    report::{digest, safe},
};

use super::{
    Ticket,
    document::{self, Document, Item},
    incident::{self, Form},
    part::{Dialect, Part, block, heading, own, said},
    size,
};

/// What a blank line before a block takes.
const SEPARATOR: usize = 2;
/// Longest arguments that are shown to be typed again, and longest name of a tool.
const ARGUMENTS: usize = 400;
const NAME: usize = 40;

/// Of the room between head and foot, the percentage that incidents may fill at each length. The rest is for what stands
/// alone, for tables and for what was not checked.
fn share(form: Form, rank: usize) -> usize {
    match form {
        // The first incident is what the ticket is for; the others are named at least.
        Form::Whole | Form::Open | Form::Short if rank == 0 => 75,
        Form::Whole => 50,
        Form::Open => 65,
        Form::Short => 80,
        Form::Line => 90,
    }
}

pub(super) fn pack(document: &Document<'_>, dialect: &dyn Dialect, ticket: Option<Ticket>) -> String {
    let mut page = Page::new(document, dialect, ticket);
    page.incidents();
    page.items();
    // What tables left over names more incidents.
    page.lines(page.room);
    page.finish()
}

/// What was chosen so far. Sizes are counted with the blank line before each block.
struct Page<'p> {
    document: &'p Document<'p>,
    dialect: &'p dyn Dialect,
    ticket: Option<Ticket>,
    head: String,
    /// The incidents; what follows them.
    body: String,
    tables: String,
    incidents: usize,
    /// Size of the incidents and items, and the most that it may be.
    used: usize,
    room: usize,
    left: LeftOut,
    /// How much of the next incident is told.
    form: Form,
    /// Whether the list of incidents has its heading.
    listing: bool,
}

/// What had no room.
#[derive(Debug, Default)]
struct LeftOut {
    incidents: usize,
    parts: Vec<&'static str>,
    cut: usize,
}

impl<'p> Page<'p> {
    /// The longest head and foot that leave room for more; the shortest where none does.
    fn new(document: &'p Document<'p>, dialect: &'p dyn Dialect, ticket: Option<Ticket>) -> Page<'p> {
        let most = LeftOut {
            incidents: document.told,
            parts: document.items.iter().map(|item| item.title).collect(),
            cut: document.items.len(),
        };
        let foot = size(&foot(document.view.report, dialect, ticket, &most));
        let heads = document::heads(&document.view).map(|head| block(dialect, &head));
        let all = ticket.map_or(usize::MAX, |ticket| ticket.limit);
        let fits = |head: &&String| size(head) + SEPARATOR + foot <= all / 2;
        let head = heads.iter().find(fits).unwrap_or(&heads[1]).clone();
        let room = all.saturating_sub(size(&head) + SEPARATOR + foot);
        Page {
            document,
            dialect,
            ticket,
            head,
            body: String::new(),
            tables: String::new(),
            incidents: 0,
            used: 0,
            room,
            left: LeftOut::default(),
            form: Form::Whole,
            listing: false,
        }
    }

    fn incidents(&mut self) {
        for rank in 0..self.document.told {
            while !self.incident(rank, self.room / 100 * share(self.form, rank)) {
                match self.form.shorter() {
                    Some(form) => self.form = form,
                    None => return,
                }
            }
            // That the first is too long says nothing of the second.
            if rank == 0 && self.form != Form::Line {
                self.form = Form::Whole;
            }
        }
    }

    /// Names incidents from the first that is not yet there.
    fn lines(&mut self, most: usize) {
        self.form = Form::Line;
        for rank in self.incidents..self.document.told {
            if !self.incident(rank, most) {
                break;
            }
        }
    }

    /// Adds an incident at the present length, if it fits.
    fn incident(&mut self, rank: usize, most: usize) -> bool {
        let view = &self.document.view;
        let mut parts = incident::parts(view, &view.report.incidents[rank], self.form);
        let begins_list = self.form == Form::Line && !self.listing;
        if begins_list {
            parts.insert(0, heading(2, if rank == 0 { "Incidents" } else { "More incidents" }));
        }
        let fits = self.add(&block(self.dialect, &parts), most);
        self.listing |= fits && begins_list;
        self.incidents += usize::from(fits);
        fits
    }

    fn items(&mut self) {
        let document = self.document;
        for item in &document.items {
            let rows = self.rows_that_fit(item);
            if rows == 0 {
                self.left.parts.push(item.title);
                continue;
            }
            self.left.cut += usize::from(rows < item.rows());
            let shown = block(self.dialect, &item.parts(rows));
            self.tables.push('\n');
            self.tables.push_str(&shown);
            self.used += SEPARATOR + size(&shown);
        }
    }

    /// Whole rows of an item, as many as there is room for; none where not even its heading and a row fit.
    fn rows_that_fit(&self, item: &Item) -> usize {
        let fits =
            |rows: usize| self.used + SEPARATOR + size(&block(self.dialect, &item.parts(rows))) <= self.room;
        if fits(item.rows()) {
            return item.rows();
        }
        // What fits is known below `low`, what does not from `high` on.
        let (mut low, mut high) = (0, item.rows());
        while low + 1 < high {
            let middle = usize::midpoint(low, high);
            if fits(middle) {
                low = middle;
            } else {
                high = middle;
            }
        }
        low
    }

    fn add(&mut self, shown: &str, most: usize) -> bool {
        let fits = self.used + SEPARATOR + size(shown) <= most;
        if fits {
            self.used += SEPARATOR + size(shown);
            self.body.push('\n');
            self.body.push_str(shown);
        }
        fits
    }

    fn finish(mut self) -> String {
        self.left.incidents = self.document.told - self.incidents;
        let foot = foot(self.document.view.report, self.dialect, self.ticket, &self.left);
        format!("{}{}{}\n{foot}", self.head, self.body, self.tables)
    }
}

/// What was left out and why, how to see it, and by what the report was made.
fn foot(report: &Report, dialect: &dyn Dialect, ticket: Option<Ticket>, left: &LeftOut) -> String {
    let mut parts = vec![heading(2, "The whole report")];
    if let Some(ticket) = ticket
        && let Some(what) = left.what()
    {
        let most = digest::number(ticket.limit as u64);
        parts.push(Part::Text(vec![own(format!(
            "Left out for {}, which takes {most} characters: {what}.",
            ticket.tracker.name()
        ))]));
    }
    parts.extend(command(report).map(Part::Command));
    let by = vec![
        own("Made by "),
        said(&format!("{} {}", report.run.tool, report.run.version), NAME),
        own(". Times are UTC."),
    ];
    parts.push(Part::Text(by));
    block(dialect, &parts)
}

impl LeftOut {
    fn what(&self) -> Option<String> {
        let mut what = Vec::new();
        if self.incidents > 0 {
            what.push(digest::counted(self.incidents, "more incident", "more incidents"));
        }
        if !self.parts.is_empty() {
            let parts = digest::counted(self.parts.len(), "part", "parts");
            what.push(format!("{parts} ({})", self.parts.join(", ")));
        }
        if self.cut > 0 {
            what.push(format!("rows of {}", digest::counted(self.cut, "part", "parts")));
        }
        (!what.is_empty()).then(|| what.join("; "))
    }
}

/// What to type for the whole report. Arguments that a shell or a reader might not take as they stand are left to who
/// types it.
fn command(report: &Report) -> Option<String> {
    let run = &report.run;
    // What a state keeps is no evidence that arguments name.
    let of_state = |text: &String| text.starts_with("--since") || text.starts_with("--until");
    if run.state.is_some() || run.arguments.is_empty() || run.arguments.iter().any(of_state) {
        return None;
    }
    let stores = run.settings.get("scope").is_some_and(|scope| scope == "stores");
    let verb = if stores { "integrity" } else { "analyze" };
    let arguments: Option<Vec<String>> =
        report.run.arguments.iter().map(|text| safe::shell_word(text)).collect();
    let arguments = arguments.map(|words| words.join(" "));
    let arguments = arguments.filter(|words| !words.is_empty() && words.len() <= ARGUMENTS);
    let arguments = arguments.as_deref().unwrap_or("EVIDENCE");
    Some(format!("coroner {verb} {arguments} -o report.json -o report.md"))
}
