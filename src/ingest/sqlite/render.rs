//! The whole text: its frame, the tables one by one, and what `SQLite` finds wrong with the file behind them.

use std::sync::PoisonError;

use rusqlite::Connection;

use super::{Damage, Found, open::Opened, scan, schema::Schema, text::Out};

/// Writes all of it, until it ends or nobody reads any more.
pub(super) fn render(opened: &Opened, schema: &Schema, mut out: Out, found: &Found) {
    let connection = &opened.connection;
    for why in opened.damage.iter().chain(&schema.damage) {
        report(found, 0, why.clone());
    }
    out.put("--\n-- PostgreSQL database dump\n--\n\n");
    let mut complete = schema.damage.is_empty() && opened.bytes > 0;
    for table in &schema.tables {
        if out.stopped() {
            return;
        }
        let damage = scan::table(connection, table, opened.bytes, &mut out);
        complete &= damage.is_empty();
        for damage in damage {
            report(found, damage.byte, damage.why);
        }
    }
    if complete {
        out.put("--\n-- PostgreSQL database dump complete\n--\n");
    }
    let end = out.byte();
    // The rows are on their way while the check runs.
    out.flush();
    if !out.stopped() {
        check(connection, |why| report(found, end, why));
    }
    if let Some(why) = opened.changed() {
        report(found, end, why);
    }
}

fn report(found: &Found, byte: u64, why: String) {
    found.lock().unwrap_or_else(PoisonError::into_inner).push(Damage { byte, why });
}

/// `SQLite`'s own check of pages, cells and free lists; of indexes only their form. At most 100 messages.
fn check(connection: &Connection, mut report: impl FnMut(String)) {
    let mut messages = || -> rusqlite::Result<()> {
        let mut statement = connection.prepare("PRAGMA quick_check(100)")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let message = row.get_ref(0)?.as_bytes().map(String::from_utf8_lossy).unwrap_or_default();
            // One row tells of all damaged pages, a line each, below a line that names the database.
            for line in message.lines().filter(|line| *line != "ok" && !line.starts_with("***")) {
                report(format!("SQLite's quick_check says: {line}"));
            }
        }
        Ok(())
    };
    if let Err(err) = messages() {
        report(format!("SQLite's quick_check ended early: {err}"));
    }
}
