//! The command line: arguments as typed, a plan as decided, one small file per subcommand.
//!
//! Results go to stdout, everything else to stderr. A closed pipe is a quiet success.
#![allow(clippy::print_stderr, clippy::print_stdout)]

mod args;
mod baseline;
mod beside;
mod config;
mod commands {
    pub(super) mod analyze;
    pub(super) mod baseline;
    pub(super) mod completions;
    pub(super) mod config;
    pub(super) mod diff;
    pub(super) mod explain;
    pub(super) mod init;
    pub(super) mod patterns;
    pub(super) mod redact;
    pub(super) mod report;
    pub(super) mod scan;
    pub(super) mod schema;
    pub(super) mod state;
    pub(super) mod suppress;
    pub(super) mod templates;
    pub(super) mod trace;
    pub(super) mod verify;
}
mod deliver;
mod flags;
mod output;
mod plan;
mod progress;
mod redaction;
mod state;
mod store_samples;
mod stored;
mod suppress;

use std::io;

use clap::Parser;

use args::{Args, Command};

use crate::state::Locked;

/// What the process tells its caller (the design's table).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// Complete, and nothing at or above `--fail-on`.
    Success = 0,
    /// Findings at or above `--fail-on`.
    Findings = 1,
    /// Usage, settings, pattern or fatal error: no report.
    Fatal = 2,
    /// A report was written, but not all evidence could be read.
    Incomplete = 3,
    /// There was nothing to read.
    Nothing = 4,
    /// Another run uses the state.
    Locked = 5,
    /// A secret was left in a redacted report, which was removed.
    Leak = 6,
    Interrupted = 130,
}

/// Runs the command that the arguments name.
///
/// # Errors
///
/// What stops a run: its chain names the file, the place, the cause and what to do. [`exit_of`] has its exit code.
pub fn run() -> anyhow::Result<Exit> {
    let args = Args::parse();
    match args.command {
        Command::Analyze(analyze) => commands::analyze::run(&analyze, commands::analyze::What::Everything),
        Command::Integrity(analyze) => commands::analyze::run(&analyze, commands::analyze::What::Stores),
        Command::Report(report) => commands::report::run(&report),
        Command::Scan(scan) => commands::scan::run(&scan),
        Command::Verify(verify) => commands::verify::run(&verify),
        Command::Trace(trace) => commands::trace::run(&trace),
        Command::Explain(explain) => commands::explain::run(&explain),
        Command::Templates(templates) => commands::templates::run(&templates),
        Command::Patterns(patterns) => commands::patterns::run(&patterns),
        Command::Redact(redact) => commands::redact::run(&redact),
        Command::Config(config) => commands::config::run(&config),
        Command::Schema(schema) => commands::schema::run(&schema),
        Command::Init(init) => commands::init::run(&init),
        Command::Completions(args) => commands::completions::completions(&args),
        Command::Man(args) => commands::completions::man(&args),
        Command::Diff(diff) => commands::diff::run(&diff),
        Command::Baseline(baseline) => commands::baseline::run(&baseline),
        Command::Suppress(suppress) => commands::suppress::run(&suppress),
        Command::State(state) => commands::state::run(&state),
    }
}

/// The exit code of a run, and whether its error should be printed.
pub fn exit_of(result: &anyhow::Result<Exit>) -> (Exit, bool) {
    match result {
        Ok(exit) => (*exit, false),
        Err(err) if matches!(err.downcast_ref(), Some(crate::engine::Stopped::Interrupted)) => {
            (Exit::Interrupted, true)
        }
        Err(err) if err.is::<crate::redact::Leak>() => (Exit::Leak, true),
        Err(err) => match err.downcast_ref::<io::Error>().map(io::Error::kind) {
            Some(io::ErrorKind::BrokenPipe) => (Exit::Success, false),
            _ if err.is::<plan::NothingToRead>() => (Exit::Nothing, true),
            _ if matches!(err.downcast_ref(), Some(Locked::Held { .. })) => (Exit::Locked, true),
            _ => (Exit::Fatal, true),
        },
    }
}
