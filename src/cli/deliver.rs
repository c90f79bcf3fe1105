//! From a report to its readers and an exit code: what every command that ends in a report does with it.

use crate::{
    model::{
        Finding, Severity,
        report::{Report, Status},
    },
    redact::Guard,
    report::{Layout, printable},
};

use super::{
    Exit,
    flags::{ColorChoice, FailOn, GateFlags, OutputFlags, TextFlags},
    output::{self, Output},
    redaction::Redaction,
};

/// Everything decided about where a report goes, before there is one.
pub(super) struct Delivery {
    outputs: Vec<Output>,
    layout: Layout,
    color: ColorChoice,
    notes: Notes,
    fail_on: Option<Severity>,
    gate: Gate,
    partial: Partial,
    redaction: Option<Redaction>,
}

/// What standard error is told.
#[derive(PartialEq)]
enum Notes {
    Told,
    Kept,
}

/// Which findings can fail a run.
#[derive(PartialEq)]
enum Gate {
    All,
    News,
}

/// What a report of evidence that was not all read comes to.
#[derive(PartialEq)]
enum Partial {
    Fails,
    Passes,
}

impl Delivery {
    /// Decides formats and places.
    ///
    /// # Errors
    ///
    /// A place whose format cannot be told.
    pub(super) fn decide(
        to: &OutputFlags,
        text: &TextFlags,
        gate: &GateFlags,
        redaction: Option<Redaction>,
    ) -> anyhow::Result<Delivery> {
        let layout = text.layout(to);
        Ok(Delivery {
            outputs: output::outputs(&to.output, text.width, &layout)?,
            layout,
            color: to.color,
            notes: if to.quiet { Notes::Kept } else { Notes::Told },
            fail_on: match gate.fail_on {
                FailOn::Never => None,
                FailOn::Warning => Some(Severity::Warning),
                FailOn::Error => Some(Severity::Error),
                FailOn::Critical => Some(Severity::Critical),
            },
            gate: if gate.fail_on_new { Gate::News } else { Gate::All },
            partial: if gate.allow_partial { Partial::Passes } else { Partial::Fails },
            redaction,
        })
    }

    /// Writes to another place from now on.
    pub(super) fn send_to(&mut self, places: &[String]) -> anyhow::Result<()> {
        self.outputs = output::outputs(places, None, &self.layout)?;
        Ok(())
    }

    /// Writes every report, then does what must wait for them, and says how the run ends.
    pub(super) fn deliver(
        &mut self,
        report: Report,
        then: impl FnOnce() -> anyhow::Result<()>,
    ) -> anyhow::Result<Exit> {
        let (report, guard) = match &mut self.redaction {
            Some(redaction) => redaction.apply(&report).map(|(report, guard)| (report, Some(guard)))?,
            None => (report, None),
        };
        let written = self.write(&report, guard.as_ref())?;
        then()?;
        if written == 0 {
            return Ok(Exit::Success);
        }
        // Where no person reads the report, its verdict still belongs on the terminal.
        if self.notes == Notes::Told && !self.outputs.iter().any(Output::is_for_terminal) {
            for reason in &report.verdict.incomplete {
                eprintln!("coroner: incomplete: {}", printable(reason));
            }
        }
        Ok(self.exit(&report))
    }

    /// Writes every report and returns how many found their reader. One that closes the pipe has seen enough of that
    /// report: that is a quiet success, and the others are still wanted.
    fn write(&self, report: &Report, guard: Option<&Guard>) -> anyhow::Result<usize> {
        let mut written = 0;
        for output in &self.outputs {
            let closed = |err: &anyhow::Error| {
                err.downcast_ref::<std::io::Error>()
                    .is_some_and(|err| err.kind() == std::io::ErrorKind::BrokenPipe)
            };
            match output.write(report, &self.layout, guard, self.color) {
                Err(err) if closed(&err) => {}
                Err(err) => return Err(err),
                Ok(()) => written += 1,
            }
        }
        Ok(written)
    }

    fn exit(&self, report: &Report) -> Exit {
        let counts = |finding: &&Finding| {
            self.gate == Gate::All || ["new", "recurring", "worse"].contains(&finding.state.as_str())
        };
        let at_or_above =
            |severity| report.findings.iter().filter(counts).any(|finding| finding.severity >= severity);
        if report.verdict.status == Status::Incomplete && self.partial == Partial::Fails {
            Exit::Incomplete
        } else if self.fail_on.is_some_and(at_or_above) {
            Exit::Findings
        } else {
            Exit::Success
        }
    }
}
