//! Findings as a table for spreadsheets and databases: RFC 4180, and no cell is a formula.

use std::io;

use csv::{QuoteStyle, Terminator, WriterBuilder};

use crate::{
    model::{
        Finding, Keys, Timestamp,
        report::{ChainRole, Report},
    },
    report::{Layout, Writer, digest, safe},
};

#[derive(Debug)]
pub(crate) struct Csv;

impl Writer for Csv {
    fn id(&self) -> &'static str {
        "csv"
    }

    fn about(&self) -> &'static str {
        "the findings as a table (RFC 4180), safe to open in a spreadsheet"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["csv"]
    }

    fn write(&self, report: &Report, _: &Layout, out: &mut dyn io::Write) -> io::Result<()> {
        // Numbers stay bare, so that a reader which tells the two apart takes all else for text.
        let mut csv = WriterBuilder::new()
            .terminator(Terminator::CRLF)
            .quote_style(QuoteStyle::NonNumeric)
            .from_writer(out);
        csv.write_record(COLUMNS)?;
        for finding in &report.findings {
            csv.write_record(row(report, finding))?;
        }
        csv.flush()
    }
}

/// New ones are added at the end: a reader may count them.
const COLUMNS: [&str; 22] = [
    "id",
    "severity",
    "state",
    "incident_rank",
    "incident",
    "incident_title",
    "root_cause",
    "role",
    "check",
    "kind",
    "category",
    "title",
    "detail",
    "count",
    "from",
    "to",
    "keys",
    "path",
    "line",
    "byte",
    "excerpt",
    "action",
];

fn row(report: &Report, finding: &Finding) -> [String; COLUMNS.len()] {
    let incident = digest::incident_of(report, finding);
    let role = incident.and_then(|incident| digest::role_of(incident, finding));
    let place = finding.evidence.first();
    let number = |number: Option<u64>| number.map_or(String::new(), |number| number.to_string());
    let text = |text: Option<&str>| text.map_or(String::new(), safe::cell);
    [
        safe::cell(&finding.id),
        finding.severity.name().to_owned(),
        safe::cell(&finding.state),
        number(incident.map(|incident| incident.rank as u64)),
        text(finding.incident.as_deref()),
        text(incident.map(|incident| incident.title.as_str())),
        text(incident.map(|incident| incident.root_cause.kind.as_str())),
        role.map_or("", ChainRole::name).to_owned(),
        safe::cell(&finding.check),
        safe::cell(&finding.kind),
        safe::cell(&finding.category),
        safe::cell(&finding.title),
        safe::cell(&finding.detail),
        finding.count.to_string(),
        time(finding.window.from),
        time(finding.window.to),
        safe::cell(&keys(&finding.keys)),
        text(place.map(|place| place.path.as_str())),
        number(place.map(|place| place.line)),
        number(place.map(|place| place.byte)),
        text(place.map(|place| place.excerpt.as_str())),
        safe::cell(&finding.action),
    ]
}

/// What a damaged record says may begin with a sign.
fn time(time: Option<Timestamp>) -> String {
    time.map_or(String::new(), |time| safe::cell(&time.to_string()))
}

/// `service=a, b; stream=c`.
fn keys(keys: &Keys) -> String {
    let shown = keys.iter().map(|(name, values)| format!("{name}={}", values.join(", ")));
    shown.collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_found_is_a_table_without_rows() {
        let mut out = Vec::new();
        Csv.write(&Report::default(), &Layout::default(), &mut out).expect("memory");
        let text = String::from_utf8(out).expect("UTF-8");
        assert!(text.starts_with("\"id\",\"severity\"") && text.ends_with("\"action\"\r\n"), "{text}");
        assert_eq!(text.lines().count(), 1);
    }

    #[test]
    fn keys_fit_in_a_cell() {
        let all = Keys::from([
            ("service".to_owned(), vec!["a".to_owned(), "b".to_owned()]),
            ("stream".to_owned(), vec!["c".to_owned()]),
        ]);
        assert_eq!(keys(&all), "service=a, b; stream=c");
    }
}
