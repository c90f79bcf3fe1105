//! A unit of work as people read it: what took how long, drawn to scale.

use std::io::{self, Write};

use anstyle::Style;

use crate::model::{Phase, Trace, TraceEntry};

use super::{
    digest,
    page::{cells, fitted, padded},
    safe,
};

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
/// Columns of a phase's name, and of its duration.
const NAME: usize = 28;
const DURATION: usize = 9;

/// `2.004 s`, `17 ms`, `0.3 ms`.
pub(super) fn duration(ms: f64) -> String {
    match ms {
        _ if ms >= 60_000.0 => format!("{:.1} min", ms / 60_000.0),
        _ if ms >= 1_000.0 => format!("{:.3} s", ms / 1_000.0),
        _ if ms >= 10.0 => format!("{ms:.0} ms"),
        _ => format!("{ms:.1} ms"),
    }
}

/// All there is to tell: what it was, its phases, its entries.
///
/// # Errors
///
/// What writing says.
pub fn whole(trace: &Trace, entries: &[TraceEntry], width: usize, out: &mut dyn Write) -> io::Result<()> {
    head(trace, width, out)?;
    if !trace.phases.is_empty() {
        writeln!(out)?;
        phases(trace, width, "  ", out)?;
    }
    writeln!(out)?;
    for entry in entries {
        let offset = entry.offset_ms.map_or_else(String::new, |ms| format!("+{:.3} s", ms / 1000.0));
        let place = safe::terminal(&format!("{}:{}", short(&entry.path), entry.line));
        let text = match &entry.error {
            Some(error) => format!("{}: {error}", entry.message),
            None => entry.message.clone(),
        };
        let room = width.saturating_sub(11 + 7 + cells(&place) + 4).max(40);
        writeln!(
            out,
            "{offset:>11}  {:<5}  {DIM}{place}{DIM:#}  {}",
            entry.level.name(),
            fitted(&text, room)
        )?;
    }
    Ok(())
}

/// A path's last part: rotations of one log differ there.
fn short(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn head(trace: &Trace, width: usize, out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "{BOLD}{} {}{BOLD:#}  {}",
        trace.id_kind.name(),
        safe::terminal(&trace.id),
        safe::terminal(&line(trace))
    )?;
    let mut row = |name: &str, text: &str| {
        if text.is_empty() {
            return Ok(());
        }
        let text = fitted(text, width - 12);
        writeln!(out, "  {DIM}{name:<9}{DIM:#} {text}")
    };
    let others = trace.ids.iter().filter(|(_, id)| **id != trace.id);
    row("also", &others.map(|(kind, id)| format!("{kind} {id}")).collect::<Vec<_>>().join("   "))?;
    row("service", &trace.services.join(", "))?;
    row("start", &trace.start.map_or_else(String::new, |start| start.to_string()))?;
    row("streams", &trace.streams.join(", "))?;
    let counted = |count: u64, one: &str, many: &str| digest::counted(count as usize, one, many);
    let counts = [
        Some(counted(trace.entries, "entry", "entries")),
        Some(counted(trace.attempts, "attempt", "attempts")),
        trace.events_written.map(|events| counted(events, "event written", "events written")),
    ];
    row("counts", &counts.into_iter().flatten().collect::<Vec<_>>().join(", "))?;
    row("error", trace.error.as_deref().unwrap_or_default())
}

/// What it was, how it ended and after how long.
pub(super) fn line(trace: &Trace) -> String {
    let what = trace.command_type.as_deref().unwrap_or("unnamed");
    match trace.duration_ms {
        Some(ms) => format!("{what}  {} after {}", trace.outcome.name(), duration(ms)),
        None => format!("{what}  {}", trace.outcome.name()),
    }
}

/// A bar for each phase, at its place in the whole.
pub(super) fn phases(trace: &Trace, width: usize, indent: &str, out: &mut dyn Write) -> io::Result<()> {
    let Some(start) = trace.start else { return Ok(()) };
    let end_of = |phase: &Phase| phase.start.since(start) as f64 / 1000.0 + phase.duration_ms;
    let total = trace.phases.iter().map(end_of).fold(trace.duration_ms.unwrap_or(0.0), f64::max);
    if total <= 0.0 {
        return Ok(());
    }
    let columns = width.saturating_sub(indent.len() + NAME + DURATION + 4).max(20);
    for phase in &trace.phases {
        let from = (phase.start.since(start) as f64 / 1000.0 / total * columns as f64).max(0.0) as usize;
        let from = from.min(columns - 1);
        let length = ((phase.duration_ms / total * columns as f64).round() as usize).clamp(1, columns - from);
        let bar = format!("{}{}", " ".repeat(from), "█".repeat(length));
        let name = padded(&fitted(&phase.name, NAME), NAME);
        writeln!(out, "{indent}{name} {:>DURATION$}  {bar}", duration(phase.duration_ms))?;
        if let Some(until) = &phase.until {
            let text = fitted(until, width.saturating_sub(indent.len() + 10));
            writeln!(out, "{indent}{DIM}  until {text}{DIM:#}")?;
        }
    }
    Ok(())
}

/// The counts of a report's section, in one line.
pub(super) fn summary(traces: &crate::model::Traces) -> String {
    let counted = |count: u64, what: &str| (count > 0).then(|| format!("{} {what}", digest::number(count)));
    let parts = [
        counted(traces.complete, "ended"),
        counted(traces.failed - traces.timed_out, "of them failed"),
        counted(traces.timed_out, "ran out of time"),
        counted(traces.unfinished_total, "never ended"),
        counted(traces.running_at_end, "still running where their log ends"),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    format!("{} units of work: {}", digest::number(traces.total), parts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Timestamp;

    #[test]
    fn bars_stand_to_scale() {
        let phase = |name: &str, start: i64, ms: f64, until: Option<&str>| Phase {
            name: name.to_owned(),
            start: Timestamp(start * 1000),
            duration_ms: ms,
            until: until.map(str::to_owned),
        };
        let trace = Trace {
            start: Some(Timestamp(0)),
            duration_ms: Some(2004.0),
            phases: vec![
                phase("read", 0, 501.0, None),
                phase("append", 501, 1503.0, Some("timeout\u{1b}[1m")),
            ],
            ..Trace::default()
        };
        let mut out = Vec::new();
        phases(&trace, 82, "", &mut out).expect("memory");
        let text = anstream::adapter::strip_bytes(&out).into_vec();
        let text = String::from_utf8(text).expect("text");
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], format!("{:<28} {:>9}  {}", "read", "501 ms", "█".repeat(10)));
        assert_eq!(
            lines[1],
            format!("{:<28} {:>9}  {}{}", "append", "1.503 s", " ".repeat(10), "█".repeat(31))
        );
        assert_eq!(lines[2], "  until timeout\\u{1b}[1m");
    }

    #[test]
    fn durations_are_readable() {
        for (ms, shown) in [(0.3, "0.3 ms"), (17.2, "17 ms"), (2004.0, "2.004 s"), (90_000.0, "1.5 min")] {
            assert_eq!(duration(ms), shown);
        }
    }
}
