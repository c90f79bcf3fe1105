//! Checks as test cases, for the dashboards that show last night's builds: what a check found is a failure, a check that
//! had no evidence is skipped, and evidence that could not be read is an error.

use std::{collections::BTreeMap, io};

use quick_xml::{
    Writer as Xml,
    events::{BytesDecl, BytesText, Event},
};

use crate::{
    model::{
        FAULT_KINDS, Finding, Severity,
        report::{CheckStatus, EvidenceRow, Report},
    },
    report::{Layout, Writer, digest, safe},
};

#[derive(Debug)]
pub(crate) struct Junit;

impl Writer for Junit {
    fn id(&self) -> &'static str {
        "junit"
    }

    fn about(&self) -> &'static str {
        "checks as test cases (JUnit XML), for the dashboards of nightly jobs"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["xml"]
    }

    fn write(&self, report: &Report, _: &Layout, out: &mut dyn io::Write) -> io::Result<()> {
        let suites = [checks(report), evidence(report)];
        let mut xml = Xml::new_with_indent(out, b' ', 2);
        xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
        let root = xml.create_element("testsuites").with_attribute(("name", "coroner"));
        root.write_inner_content(|xml| suites.iter().try_for_each(|suite| suite.write(xml)))?;
        xml.get_mut().write_all(b"\n")
    }
}

/// As Jenkins' schema has it, the strictest of those in use.
struct Suite {
    name: &'static str,
    properties: Vec<(&'static str, String)>,
    cases: Vec<Case>,
}

struct Case {
    name: String,
    outcome: Outcome,
    /// How much it looked at.
    output: String,
}

enum Outcome {
    Passed,
    /// With its severity.
    Failed(&'static str, Told),
    Unreadable(Told),
    Skipped(Told),
}

struct Told {
    message: String,
    lines: Vec<String>,
}

impl Suite {
    fn write(&self, xml: &mut Xml<&mut dyn io::Write>) -> io::Result<()> {
        let count = |tag: &str| {
            let of = self.cases.iter().filter(|case| case.outcome.tag() == Some(tag));
            of.count().to_string()
        };
        let (tests, failures) = (self.cases.len().to_string(), count("failure"));
        let (errors, skipped) = (count("error"), count("skipped"));
        let element = xml.create_element("testsuite").with_attributes([
            ("name", self.name),
            ("tests", tests.as_str()),
            ("failures", failures.as_str()),
            ("errors", errors.as_str()),
            ("skipped", skipped.as_str()),
        ]);
        element.write_inner_content(|xml| {
            if !self.properties.is_empty() {
                xml.create_element("properties").write_inner_content(|xml| {
                    self.properties.iter().try_for_each(|property| write_property(property, xml))
                })?;
            }
            self.cases.iter().try_for_each(|case| case.write(self.name, xml))
        })?;
        Ok(())
    }
}

fn write_property((name, value): &(&str, String), xml: &mut Xml<&mut dyn io::Write>) -> io::Result<()> {
    let value = safe::xml(value);
    let element = xml.create_element("property").with_attributes([("name", *name), ("value", &value)]);
    element.write_empty().map(|_| ())
}

impl Case {
    fn write(&self, suite: &str, xml: &mut Xml<&mut dyn io::Write>) -> io::Result<()> {
        let (name, class) = (safe::xml(&self.name), format!("coroner.{suite}"));
        let attributes = [("classname", class.as_str()), ("name", name.as_str())];
        let element = xml.create_element("testcase").with_attributes(attributes);
        element.write_inner_content(|xml| {
            self.outcome.write(xml)?;
            if !self.output.is_empty() {
                let output = safe::xml(&self.output);
                xml.create_element("system-out").write_text_content(BytesText::new(&output))?;
            }
            Ok(())
        })?;
        Ok(())
    }
}

impl Outcome {
    fn tag(&self) -> Option<&'static str> {
        match self {
            Outcome::Passed => None,
            Outcome::Failed(..) => Some("failure"),
            Outcome::Unreadable(_) => Some("error"),
            Outcome::Skipped(_) => Some("skipped"),
        }
    }

    fn write(&self, xml: &mut Xml<&mut dyn io::Write>) -> io::Result<()> {
        let (told, kind) = match self {
            Outcome::Passed => return Ok(()),
            Outcome::Failed(severity, told) => (told, *severity),
            Outcome::Unreadable(told) => (told, "unreadable"),
            Outcome::Skipped(told) => (told, "could-not-run"),
        };
        let message = safe::xml(&told.message);
        let text = told.lines.iter().map(|line| safe::xml(line)).collect::<Vec<_>>().join("\n");
        let element = xml.create_element(self.tag().unwrap_or_default());
        let element = element.with_attributes([("message", message.as_str()), ("type", kind)]);
        element.write_text_content(BytesText::new(&text)).map(|_| ())
    }
}

/// Findings told of one check; all are counted.
const FINDINGS: usize = 50;
/// Places told of one finding.
const PLACES: usize = 3;

fn checks(report: &Report) -> Suite {
    let mut found: BTreeMap<&str, Vec<&Finding>> = BTreeMap::new();
    for finding in report.findings.iter().filter(|finding| finding.severity >= Severity::Warning) {
        found.entry(check_of(finding)).or_default().push(finding);
    }
    let mut cases = Vec::new();
    for row in &report.ledger.checks {
        let why = || Told { message: row.why.clone().unwrap_or_default(), lines: Vec::new() };
        let outcome = match (found.remove(row.id.as_str()), row.status) {
            (Some(findings), _) => failed(findings),
            (None, CheckStatus::CouldNotRun) => Outcome::Skipped(why()),
            (None, CheckStatus::Ran) => Outcome::Passed,
        };
        cases.push(Case { name: row.id.clone(), outcome, output: row.observed.clone() });
    }
    // What no row of the ledger answers for is told all the same.
    for (check, findings) in found {
        cases.push(Case { name: check.to_owned(), outcome: failed(findings), output: String::new() });
    }
    Suite { name: "checks", properties: properties(report), cases }
}

fn properties(report: &Report) -> Vec<(&'static str, String)> {
    let mut properties = vec![
        ("version", report.run.version.clone()),
        ("status", report.verdict.status.name().to_owned()),
        ("as_of_basis", report.window.as_of_basis.clone()),
    ];
    let times = [("from", report.window.from), ("to", report.window.to), ("as_of", report.window.as_of)];
    properties.extend(times.into_iter().filter_map(|(name, time)| Some((name, time?.to_string()))));
    properties
}

/// The check of the ledger that a finding comes from: what is wrong with stores is told together, by kind of fault.
fn check_of(finding: &Finding) -> &str {
    let kind = FAULT_KINDS.iter().find(|kind| kind.name() == finding.kind);
    match kind {
        Some(kind) if finding.check == "integrity" => kind.check(),
        _ => &finding.check,
    }
}

/// One case fails once, so it tells all that the check found, the worst first.
fn failed(mut findings: Vec<&Finding>) -> Outcome {
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    let (worst, more) = (findings[0], findings.len() - 1);
    let message = if more > 0 { format!("{} (and {more} more)", worst.title) } else { worst.title.clone() };
    let mut lines: Vec<String> = findings.iter().take(FINDINGS).flat_map(|finding| lines(finding)).collect();
    if findings.len() > FINDINGS {
        lines.push(format!("{} more in the JSON report", findings.len() - FINDINGS));
    }
    Outcome::Failed(worst.severity.name(), Told { message, lines })
}

fn lines(finding: &Finding) -> Vec<String> {
    let incident = finding.incident.as_ref().map_or(String::new(), |id| format!(", incident {id}"));
    let count = digest::number(finding.count);
    let head =
        format!("{} {} {}, count {count}{incident}", finding.severity.name(), finding.id, finding.title);
    let places = finding.evidence.iter().take(PLACES);
    let places = places.map(|place| format!("  {}:{} {}", place.path, place.line, place.excerpt));
    let detail = (!finding.detail.is_empty()).then(|| format!("  {}", finding.detail));
    let action = (!finding.action.is_empty()).then(|| format!("  now: {}", finding.action));
    [head].into_iter().chain(detail).chain(action).chain(places).collect()
}

/// One case for each row of the ledger, and one for the whole, which also knows what has no row.
fn evidence(report: &Report) -> Suite {
    let whole = match report.verdict.incomplete.as_slice() {
        [] => Outcome::Passed,
        reasons => Outcome::Unreadable(Told {
            message: "not all evidence could be read".to_owned(),
            lines: reasons.to_vec(),
        }),
    };
    let mut cases =
        vec![Case { name: "all evidence was read".to_owned(), outcome: whole, output: String::new() }];
    for row in &report.ledger.evidence {
        let output = row.notes.join("; ");
        cases.push(Case { name: row.path.clone(), outcome: reading(report, row), output });
    }
    Suite { name: "evidence", properties: Vec::new(), cases }
}

fn reading(report: &Report, row: &EvidenceRow) -> Outcome {
    let about = |reason: &&String| reason.strip_prefix(&row.path).is_some_and(|rest| rest.starts_with(": "));
    let reasons = report.verdict.incomplete.iter().filter(about).chain(&row.problems);
    let lines: Vec<String> = reasons.cloned().collect();
    let message = match (row.rejected, lines.first()) {
        (0, None) => return Outcome::Passed,
        (0, Some(first)) => first.clone(),
        (rejected, _) => digest::counted(rejected as usize, "unreadable record", "unreadable records"),
    };
    Outcome::Unreadable(Told { message, lines })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_an_error_for_what_the_verdict_says_of_it_and_for_its_records() {
        let mut report = Report::default();
        report.verdict.incomplete = vec!["a.gz: ends early".to_owned(), "a.gz.1: gone".to_owned()];
        let row =
            |path: &str, rejected| EvidenceRow { path: path.to_owned(), rejected, ..EvidenceRow::default() };
        for (row, message) in [
            (row("a.gz", 0), Some("a.gz: ends early")),
            (row("a", 0), None),
            (row("b", 2), Some("2 unreadable records")),
        ] {
            let told = match reading(&report, &row) {
                Outcome::Unreadable(told) => Some(told.message),
                _ => None,
            };
            assert_eq!(told.as_deref(), message, "{}", row.path);
        }
    }
}
