//! `PostgreSQL`'s jsonlog (15 and later): one object a line, no key that has no value.

use std::sync::Arc;

use crate::decode::{Chunk, Cutter, Format, Head, Kind, Lexicon, entry, lines, lines::LineCutter};
use crate::model::{Batch, Zone};

#[derive(Debug)]
pub(crate) struct PgJsonlog;

impl Format for PgJsonlog {
    fn id(&self) -> &'static str {
        "pg-jsonlog"
    }

    fn kind(&self) -> Kind {
        Kind::ServerLog { rank: 0 }
    }

    fn about(&self) -> &'static str {
        "PostgreSQL server log, log_destination = jsonlog"
    }

    fn sniff(&self, head: &Head<'_>, _: &Lexicon) -> u8 {
        let first = head.text.lines().next().unwrap_or_default();
        let has = |key: &str| first.contains(&format!("\"{key}\":"));
        if first.starts_with('{') && has("error_severity") && has("timestamp") && has("pid") { 95 } else { 0 }
    }

    fn cutter(&self, _: &Head<'_>, _: &Arc<Lexicon>) -> Box<dyn Cutter> {
        Box::new(LineCutter::new(|line| line.first() == Some(&b'{')))
    }

    fn decode<'a>(&self, chunk: &Chunk<'a>, lexicon: &Lexicon) -> Batch<'a> {
        let mut batch = Batch::default();
        let mut offset = 0;
        for (line_number, line) in (chunk.line..).zip(chunk.text.split_inclusive('\n')) {
            let place = chunk.place(offset, line_number);
            let text = lines::trim_end(line);
            if text.is_empty() {
                batch.account.skipped(line.len());
            } else {
                match entry::json_entry(&mut batch, text, place, lexicon) {
                    Ok(()) => batch.account.decoded(line.len()),
                    Err(err) => batch.reject(
                        place,
                        line.len(),
                        format!("no valid JSON: {} (byte {} of the line)", err.why, err.at),
                    ),
                }
            }
            offset += line.len();
        }
        if batch.zone == Zone::AssumedUtc {
            batch.note("log_timezone is neither UTC nor numeric: times were read as UTC");
        }
        batch
    }
}

#[cfg(test)]
mod tests {
    use crate::decode::testing::check;

    use super::*;

    #[test]
    fn reads_entries_with_their_keys() {
        check(
            &PgJsonlog,
            concat!(
                r#"{"timestamp":"2026-11-23 15:39:34.388 UTC","pid":6094,"error_severity":"LOG","message":"process 6094 still waiting"}"#,
                "\n",
                r#"{"timestamp":"2026-11-23 15:39:35.000 UTC","pid":7,"error_severity":"FATAL","state_code":"53300","message":"sorry"}"#,
                "\n",
            ),
            &[
                "1 15:39:34 info process 6094 still waiting pid=6094",
                "2 15:39:35 fatal sorry pid=7 state_code=53300",
                "records 2 rejected 0 skipped 0",
            ],
        );
    }
}
