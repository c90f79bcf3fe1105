//! `coroner state`: what a state holds, and what to do about it.

use anyhow::Context;
use clap::{Args as ClapArgs, Subcommand};

use crate::{
    cli::{Exit, args::TraceFormat, state::StateFolder},
    engine::{KnownSource, Memory},
    model::settings,
    report::printable,
};

#[derive(Debug, ClapArgs)]
pub(crate) struct State {
    #[command(flatten)]
    state: StateFolder,

    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Every source that is known
    Show {
        /// For a person or for a program
        #[arg(long, value_name = "FORMAT", default_value = "text")]
        format: TraceFormat,
    },
    /// What was seen of a file: to which byte, when, under which names
    Explain {
        #[arg(value_name = "FILE")]
        file: String,
    },
    /// Check every checksum
    Verify,
    /// Forget everything: the next run reads all there is
    Reset,
    /// Forget hours that are older than this, counted from the newest
    Prune {
        #[arg(long, value_name = "DURATION", default_value = "35d")]
        keep: String,
    },
}

pub(crate) fn run(args: &State) -> anyhow::Result<Exit> {
    let (folder, _lock) = args.state.existing()?;
    let within = || folder.path().display().to_string();
    if let Action::Reset = args.action {
        folder.reset().with_context(within)?;
        return Ok(Exit::Success);
    }
    let records = folder.read().with_context(within)?.unwrap_or_default();
    // Nothing is read, so it is the same how facts would be made.
    let mut memory = Memory::load(&records, "").with_context(within)?;
    match &args.action {
        Action::Show { format } => show(&memory, *format)?,
        Action::Explain { file } => return Ok(explain(&memory, file)),
        Action::Verify => println!("sound: {} records, {} runs", records.len(), memory.runs()),
        Action::Prune { keep } => {
            let left_out = memory.prune(settings::duration(keep).context("--keep")?);
            folder.write(&memory.records()).with_context(within)?;
            println!("{left_out} hours forgotten");
        }
        Action::Reset => {}
    }
    Ok(Exit::Success)
}

fn show(memory: &Memory, format: TraceFormat) -> anyhow::Result<()> {
    let sources = memory.sources();
    if let TraceFormat::Json = format {
        println!("{}", serde_json::to_string_pretty(&sources)?);
        return Ok(());
    }
    println!("{} runs, {} sources", memory.runs(), sources.len());
    for source in sources {
        let KnownSource { name, kind, bytes, read_to, last_run, .. } = &source;
        let behind = memory.runs() - last_run;
        let gone = if behind > 0 { format!(", not seen for {behind} runs") } else { String::new() };
        println!("{}  {kind}  read to byte {read_to}, {bytes} bytes as found{gone}", printable(name));
    }
    Ok(())
}

/// By any name it was seen under, or the end of one.
fn explain(memory: &Memory, file: &str) -> Exit {
    let names = |name: &String| name == file || name.ends_with(&format!("/{file}"));
    let mut known = memory.sources();
    known.retain(|source| source.names.iter().any(names));
    if known.is_empty() {
        println!("{}: never seen", printable(file));
        return Exit::Nothing;
    }
    for source in known {
        println!("{}", printable(&source.name));
        println!("  what   {}, {}, packed as {}", source.kind, source.format, source.compression);
        let line = source.line.map_or(String::new(), |line| format!(" (line {line})"));
        let again = if source.goes_on { "goes on there" } else { "read again when it changes" };
        println!("  read   to byte {}{line}, {} bytes as found; {again}", source.read_to, source.bytes);
        println!(
            "  seen   first in run {} ({}), last in run {} ({}) of {}",
            source.first_run,
            source.first_at,
            source.last_run,
            source.last_at,
            memory.runs()
        );
        println!("  names  {}", printable(&source.names.join(", ")));
        println!("  hash   {}", source.hash);
        if let (Some(from), Some(to)) = (source.from, source.to) {
            println!("  times  {from} - {to}, {} hours kept", source.hours);
        }
    }
    Exit::Success
}
