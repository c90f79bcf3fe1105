//! Where reports go: standard output, or a file that appears whole or not at all.

use std::{
    fs::File,
    io::{self, IsTerminal, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};

use crate::{
    model::report::Report,
    report::{Layout, Ticket, WRITERS, Writer},
};

use super::args::ColorChoice;

/// One report to write.
pub(super) struct Output {
    writer: &'static dyn Writer,
    to: Target,
}

enum Target {
    Stdout,
    File(PathBuf),
}

/// Decides format and place of each `-o`; without any, one to standard output: text, or what the ticket's tracker takes.
pub(super) fn outputs(arguments: &[String], layout: &Layout) -> anyhow::Result<Vec<Output>> {
    let default = layout.ticket.map_or("text", |ticket| ticket.tracker.writer());
    if arguments.is_empty() {
        return Ok(vec![output("-", default)?]);
    }
    let outputs: Vec<Output> =
        arguments.iter().map(|argument| output(argument, default)).collect::<anyhow::Result<_>>()?;
    if let Some(Ticket { tracker, .. }) = layout.ticket
        && !outputs.iter().any(|output| output.writer.id() == tracker.writer())
    {
        let (name, format) = (tracker.name(), tracker.writer());
        bail!("--for: {name} takes {format}, and no -o is in that format; add `-o -` or `-o {format}:PATH`");
    }
    Ok(outputs)
}

fn output(argument: &str, default: &str) -> anyhow::Result<Output> {
    let by_id = |id: &str| WRITERS.iter().copied().find(|writer| writer.id() == id);
    if let Some((writer, path)) = argument.split_once(':').and_then(|(id, path)| Some((by_id(id)?, path))) {
        return Ok(Output { writer, to: target(path) });
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
        Some(writer) => Ok(Output { writer, to }),
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
    pub(super) fn write(&self, report: &Report, layout: &Layout, color: ColorChoice) -> anyhow::Result<()> {
        match &self.to {
            Target::Stdout => {
                // The writer's own errors pass unwrapped: a closed pipe is told by its kind.
                let choice = match color {
                    ColorChoice::Auto => anstream::AutoStream::choice(&io::stdout()),
                    ColorChoice::Always => anstream::ColorChoice::Always,
                    ColorChoice::Never => anstream::ColorChoice::Never,
                };
                let stdout = io::stdout().lock();
                let mut out = io::BufWriter::new(anstream::AutoStream::new(stdout, choice));
                self.writer.write(report, layout, &mut out)?;
                out.flush()?;
                Ok(())
            }
            Target::File(path) => write_file(path, |file| {
                let mut out = io::BufWriter::new(anstream::StripStream::new(file));
                self.writer.write(report, layout, &mut out)?;
                Ok(out.flush()?)
            })
            .with_context(|| format!("{}: cannot be written", path.display())),
        }
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
    // A device or a pipe is no place to rename to.
    if path.exists() && !path.is_file() {
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
