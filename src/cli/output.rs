//! Where reports go: standard output, or a file that appears whole or not at all.

use std::{
    fs::File,
    io::{self, IsTerminal, Read, Seek, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};

use crate::{
    model::report::Report,
    redact::Guard,
    report::{Layout, Ticket, WRITERS, Writer},
};

use super::flags::ColorChoice;

/// One report to write.
pub(super) struct Output {
    writer: &'static dyn Writer,
    to: Target,
    columns: usize,
}

/// Fewest and most columns of a text: below, tables make no sense; above, eyes lose the line.
const COLUMNS: (usize, usize) = (80, 200);

enum Target {
    Stdout,
    File(PathBuf),
}

/// Decides format and place of each `-o`; without any, one to standard output: text, or what the ticket's tracker takes.
pub(super) fn outputs(
    arguments: &[String],
    width: Option<u16>,
    layout: &Layout,
) -> anyhow::Result<Vec<Output>> {
    let default = layout.ticket.map_or("text", |ticket| ticket.tracker.writer());
    if arguments.is_empty() {
        return Ok(vec![output("-", width, default)?]);
    }
    let outputs: Vec<Output> =
        arguments.iter().map(|argument| output(argument, width, default)).collect::<anyhow::Result<_>>()?;
    if let Some(Ticket { tracker, .. }) = layout.ticket
        && !outputs.iter().any(|output| output.writer.id() == tracker.writer())
    {
        let (name, format) = (tracker.name(), tracker.writer());
        bail!("--for: {name} takes {format}, and no -o is in that format; add `-o -` or `-o {format}:PATH`");
    }
    Ok(outputs)
}

/// Columns of what goes to standard output: those that were asked for, `COLUMNS`, or the terminal's own.
pub(super) fn columns(asked: Option<u16>) -> usize {
    let told = || std::env::var("COLUMNS").ok()?.parse().ok();
    let own = || terminal_size::terminal_size_of(io::stdout()).map(|(columns, _)| columns.0);
    within_reason(asked.or_else(told).or_else(own))
}

fn within_reason(columns: Option<u16>) -> usize {
    columns.map_or(Layout::default().columns, |columns| usize::from(columns).clamp(COLUMNS.0, COLUMNS.1))
}

fn output(argument: &str, width: Option<u16>, default: &str) -> anyhow::Result<Output> {
    let by_id = |id: &str| {
        let named = |writer: &&&dyn Writer| writer.id() == id || writer.extensions().contains(&id);
        WRITERS.iter().find(named).copied()
    };
    if let Some((writer, path)) = argument.split_once(':').and_then(|(id, path)| Some((by_id(id)?, path))) {
        return Ok(Output::new(writer, target(path), width));
    }
    let to = target(argument);
    let writer = match &to {
        Target::Stdout => by_id(default),
        Target::File(path) => {
            let extension = path
                .extension()
                .map(|extension| extension.to_string_lossy().to_ascii_lowercase())
                .unwrap_or_default();
            WRITERS.iter().copied().find(|writer| writer.extensions().contains(&extension.as_str()))
        }
    };
    match writer {
        Some(writer) => Ok(Output::new(writer, to, width)),
        None => {
            let known: Vec<&str> = WRITERS.iter().map(|writer| writer.id()).collect();
            bail!(
                "-o {argument}: no format has this extension; known formats are {}, and FORMAT:PATH names one",
                known.join(", ")
            )
        }
    }
}

fn target(path: &str) -> Target {
    if path == "-" { Target::Stdout } else { Target::File(PathBuf::from(path)) }
}

impl Output {
    /// A file is as wide on every terminal; what a terminal shows is as wide as that is.
    fn new(writer: &'static dyn Writer, to: Target, width: Option<u16>) -> Output {
        let columns = match to {
            Target::Stdout => columns(width),
            Target::File(_) => within_reason(width),
        };
        Output { writer, to, columns }
    }

    /// Writes the report; with a guard, nothing is seen of it before the guard has.
    pub(super) fn write(
        &self,
        report: &Report,
        layout: &Layout,
        guard: Option<&Guard>,
        color: ColorChoice,
    ) -> anyhow::Result<()> {
        let layout = &Layout { columns: self.columns, ..layout.clone() };
        match &self.to {
            Target::Stdout => {
                // The writer's own errors pass unwrapped: a closed pipe is told by its kind.
                let choice = match color {
                    ColorChoice::Auto => anstream::AutoStream::choice(&io::stdout()),
                    ColorChoice::Always => anstream::ColorChoice::Always,
                    ColorChoice::Never => anstream::ColorChoice::Never,
                };
                if let Some(guard) = guard {
                    guard.check(&self.plain(report, layout)?)?;
                }
                let stdout = io::stdout().lock();
                let mut out = io::BufWriter::new(anstream::AutoStream::new(stdout, choice));
                self.writer.write(report, layout, &mut out)?;
                out.flush()?;
                Ok(())
            }
            Target::File(path) => {
                // What is no file cannot be read again.
                if let Some(guard) = guard.filter(|_| is_special(path)) {
                    guard.check(&self.plain(report, layout)?)?;
                }
                write_file(path, |file| {
                    let mut out = io::BufWriter::new(anstream::StripStream::new(&mut *file));
                    self.writer.write(report, layout, &mut out)?;
                    out.flush()?;
                    drop(out);
                    match guard {
                        Some(guard) if !is_special(path) => reread(file, guard),
                        _ => Ok(()),
                    }
                })
                .with_context(|| format!("{}: cannot be written", path.display()))
            }
        }
    }

    /// The output without terminal styles, in memory.
    fn plain(&self, report: &Report, layout: &Layout) -> io::Result<Vec<u8>> {
        let mut out = anstream::StripStream::new(Vec::new());
        self.writer.write(report, layout, &mut out)?;
        Ok(out.into_inner())
    }

    /// Whether standard output carries this report to a person.
    pub(super) fn is_for_terminal(&self) -> bool {
        matches!(self.to, Target::Stdout) && io::stdout().is_terminal()
    }
}

/// Writes beside the target and renames: a reader sees the old file or the new one, never half of one.
pub(super) fn write_file(
    path: &Path,
    write: impl FnOnce(&mut File) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    if is_special(path) {
        return write(&mut File::create(path)?);
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new().prefix(".coroner-").tempfile_in(folder)?;
    write(file.as_file_mut())?;
    file.as_file().sync_all()?;
    make_readable(file.as_file())?;
    file.persist(path)?;
    Ok(())
}

/// A device or a pipe: no place to rename to.
fn is_special(path: &Path) -> bool {
    path.exists() && !path.is_file()
}

/// Looks at a file as it came to be. One that leaks never gets its name.
fn reread(file: &mut File, guard: &Guard) -> anyhow::Result<()> {
    let mut bytes = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut bytes)?;
    Ok(guard.check(&bytes)?)
}

/// A temporary file is its owner's alone; a report is as readable as any file.
#[cfg(unix)]
fn make_readable(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn make_readable(_: &File) -> io::Result<()> {
    Ok(())
}
