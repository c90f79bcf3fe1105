//! `report.json`: the contract, field by field. The model is the contract, so there is nothing to translate.

use std::io;

use crate::{
    model::report::Report,
    report::{Layout, Writer},
};

#[derive(Debug)]
pub(crate) struct Json;

impl Writer for Json {
    fn id(&self) -> &'static str {
        "json"
    }

    fn about(&self) -> &'static str {
        "the whole report for programs, schema_version 1"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["json"]
    }

    fn write(&self, report: &Report, _: &Layout, out: &mut dyn io::Write) -> io::Result<()> {
        serde_json::to_writer_pretty(&mut *out, report)?;
        out.write_all(b"\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_back_as_it_was_written() {
        let report = Report { schema_version: "1".to_owned(), ..Report::default() };
        let mut out = Vec::new();
        Json.write(&report, &Layout::default(), &mut out).expect("memory");
        assert_eq!(serde_json::from_slice::<Report>(&out).expect("read back"), report);
    }
}
