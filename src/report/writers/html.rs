//! `report.html`: one page that a ticket can carry and any browser opens, offline.

use std::io;

use crate::{
    model::report::Report,
    report::{Layout, Writer, html},
};

#[derive(Debug)]
pub(crate) struct Html;

impl Writer for Html {
    fn id(&self) -> &'static str {
        "html"
    }

    fn about(&self) -> &'static str {
        "one page with charts, for any browser, offline"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["html", "htm"]
    }

    fn write(&self, report: &Report, layout: &Layout, out: &mut dyn io::Write) -> io::Result<()> {
        out.write_all(html::page(report, layout.max_bytes.unwrap_or(html::MAX_BYTES)).as_bytes())
    }
}
