//! The database: who blocked whom, who sat in transactions, what statements cost, what is large.

use crate::{
    model::{Timestamp, database::Who, report::Report},
    report::digest,
};

use super::{Column, Section, clock, millis, percent};

/// Rows shown of each table.
const SHOWN: usize = 10;

fn who(who: &Who) -> String {
    let named = [who.application.as_str(), who.user.as_str()].into_iter().filter(|name| !name.is_empty());
    let named: Vec<&str> = named.collect();
    format!("{} {}", who.pid, named.join(" "))
}

fn left(all: usize) -> Vec<String> {
    match all.saturating_sub(SHOWN) {
        0 => Vec::new(),
        left => vec![format!("and {left} more, in report.json")],
    }
}

pub(super) fn blocking(report: &Report) -> Option<Section> {
    const COLUMNS: &[Column] = &[
        Column::Text("held by"),
        Column::Number("waiters"),
        Column::Number("longest ms"),
        Column::Text("from"),
        Column::Text("to"),
        Column::Text("known by"),
        Column::Text("statement"),
    ];
    let all = &report.database.blocking;
    let rows = all.iter().take(SHOWN).map(|row| {
        vec![
            who(&row.who),
            digest::number(row.waiters),
            digest::number(row.longest_wait_ms.unsigned_abs()),
            clock(row.window.from),
            clock(row.window.to),
            row.basis.clone(),
            row.statement.clone(),
        ]
    });
    let rows: Vec<_> = rows.collect();
    (!rows.is_empty()).then(|| Section {
        title: "Blocking sessions",
        columns: COLUMNS,
        rows,
        notes: left(all.len()),
    })
}

pub(super) fn sessions(report: &Report) -> Option<Section> {
    const COLUMNS: &[Column] = &[
        Column::Text("session"),
        Column::Text("state"),
        Column::Text("since"),
        Column::Number("for ms"),
        Column::Text("last seen"),
        Column::Text("statement"),
    ];
    let database = &report.database;
    let row = |of: &Who, state: &str, since: Option<Timestamp>, millis: i64, last, query: &str| {
        let millis = digest::number(millis.unsigned_abs());
        vec![who(of), state.to_owned(), clock(since), millis, clock(last), query.to_owned()]
    };
    let idle = database.idle_in_transaction.iter().map(|idle| {
        row(&idle.who, "idle in transaction", idle.xact_start, idle.open_ms, idle.seen.to, &idle.query)
    });
    let long = database
        .long_queries
        .iter()
        .map(|long| row(&long.who, &long.state, long.started, long.running_ms, long.seen.to, &long.query));
    let rows: Vec<_> = idle.chain(long).collect();
    let (notes, rows): (_, Vec<_>) = (left(rows.len()), rows.into_iter().take(SHOWN).collect());
    (!rows.is_empty()).then_some(Section { title: "Long sessions", columns: COLUMNS, rows, notes })
}

pub(super) fn statements(report: &Report) -> Option<Section> {
    const COLUMNS: &[Column] = &[
        Column::Text("statement"),
        Column::Number("calls"),
        Column::Number("total ms"),
        Column::Number("mean ms"),
        Column::Number("max ms"),
        Column::Number("share"),
        Column::Text("known from"),
    ];
    let all = &report.database.statements;
    let rows = all.iter().take(SHOWN).map(|row| {
        vec![
            row.query.clone(),
            digest::number(row.calls),
            millis(Some(row.total_ms)),
            millis(Some(row.mean_ms)),
            millis(row.max_ms),
            if row.share > 0.0 { percent(row.share) } else { "-".to_owned() },
            row.source.clone(),
        ]
    });
    let rows: Vec<_> = rows.collect();
    (!rows.is_empty()).then(|| Section {
        title: "Statements",
        columns: COLUMNS,
        rows,
        notes: left(all.len()),
    })
}

pub(super) fn relations(report: &Report) -> Option<Section> {
    const COLUMNS: &[Column] =
        &[Column::Text("table or index"), Column::Number("size"), Column::Number("grown")];
    let all = &report.database.tables;
    let rows = all.iter().take(SHOWN).map(|row| {
        let grown = row.grown_bytes.map_or("-".to_owned(), |bytes| {
            let sign = if bytes < 0 { "-" } else { "+" };
            format!("{sign}{}", digest::bytes(bytes.unsigned_abs()))
        });
        vec![row.name.clone(), digest::bytes(row.bytes), grown]
    });
    let rows: Vec<_> = rows.collect();
    let mut notes = left(all.len());
    let unused = report.database.indexes.iter().filter(|index| !index.keeps_a_rule);
    let unused: Vec<String> =
        unused.map(|index| format!("{} ({} scans)", index.index, index.scans)).collect();
    if !unused.is_empty() {
        notes.push(format!("seldom scanned since the counters were reset: {}", unused.join(", ")));
    }
    (!rows.is_empty() || !notes.is_empty()).then_some(Section {
        title: "Tables and indexes",
        columns: COLUMNS,
        rows,
        notes,
    })
}
