//! OpenTelemetry's file exporter (OTLP JSON): one object a line, many log records in it.

use std::sync::Arc;

use crate::decode::{
    Chunk, Cutter, Format, Head, Kind, Lexicon, entry,
    json::{self, Json},
    lines,
    lines::LineCutter,
};
use crate::model::{Batch, Place};

#[derive(Debug)]
pub(crate) struct OtlpJson;

impl Format for OtlpJson {
    fn id(&self) -> &'static str {
        "otlp-json"
    }

    fn kind(&self) -> Kind {
        Kind::Log
    }

    fn about(&self) -> &'static str {
        "OpenTelemetry log records as its file exporter writes them"
    }

    fn sniff(&self, head: &Head<'_>, _: &Lexicon) -> u8 {
        if head.text.starts_with("{\"resourceLogs\":") { 90 } else { 0 }
    }

    fn cutter(&self, _: &Head<'_>, _: &Arc<Lexicon>) -> Box<dyn Cutter> {
        Box::new(LineCutter::new(|line| !line.is_empty()))
    }

    fn decode<'a>(&self, chunk: &Chunk<'a>, lexicon: &Lexicon) -> Batch<'a> {
        let mut batch = Batch::default();
        let (mut offset, mut number) = (0, chunk.line);
        for line in chunk.text.split_inclusive('\n') {
            let place = chunk.place(offset, number);
            let text = lines::trim_end(line);
            if text.is_empty() {
                batch.account.skipped(line.len());
            } else if let Err(err) = line_entries(&mut batch, text, place, lexicon) {
                batch.reject(
                    place,
                    line.len(),
                    format!("no valid JSON: {} (byte {} of the line)", err.why, err.at),
                );
            } else {
                batch.account.bytes_decoded += line.len() as u64;
            }
            offset += line.len();
            number += 1;
        }
        batch
    }
}

/// Adds the records of one line; nothing if the line is invalid.
fn line_entries<'a>(
    batch: &mut Batch<'a>,
    text: &'a str,
    place: Place,
    lexicon: &Lexicon,
) -> Result<(), json::Error> {
    let mut records = Vec::new();
    json::members(text, |key, value| {
        if key == "resourceLogs" {
            within(value, "scopeLogs", &mut |scope| {
                within(scope, "logRecords", &mut |record| records.push(record));
            });
        }
    })?;
    for record in records {
        if let Json::Object(object) = record {
            entry::json_entry(batch, object, place, lexicon)?;
            batch.account.records += 1;
        }
    }
    Ok(())
}

/// Each element of the array `name` of each object of `array`... or of `array` itself where `name` is its own list.
fn within<'a>(array: Json<'a>, name: &str, visit: &mut dyn FnMut(Json<'a>)) {
    let Json::Array(text) = array else { return };
    let _ = json::elements(text, |element| {
        let Json::Object(object) = element else { return };
        let _ = json::members(object, |key, value| {
            if key == name {
                if name == "logRecords" {
                    if let Json::Array(records) = value {
                        let _ = json::elements(records, &mut *visit);
                    }
                } else {
                    visit(value);
                }
            }
        });
    });
}

#[cfg(test)]
mod tests {
    use crate::decode::testing::check;

    use super::*;

    #[test]
    fn reads_every_record_of_a_line() {
        check(
            &OtlpJson,
            concat!(
                r#"{"resourceLogs":[{"resource":{},"scopeLogs":[{"scope":{},"logRecords":["#,
                r#"{"timeUnixNano":"1795448109877000000","severityNumber":17,"severityText":"ERROR","body":{"stringValue":"one"}},"#,
                r#"{"timeUnixNano":"1795448110000000000","severityNumber":9,"body":{"stringValue":"two"}}]}]}]}"#,
                "\n{\n",
            ),
            &[
                "1 15:35:09 error one body={\"stringValue\":\"one\"}",
                "1 15:35:10 info two body={\"stringValue\":\"two\"}",
                "2 rejected no valid JSON: ends too early (byte 1 of the line)",
                "records 2 rejected 1 skipped 0",
            ],
        );
    }
}
