//! The arguments as typed: validated one by one, decided nowhere but in `plan`.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};

use super::{
    flags::{GateFlags, OutputFlags, SettingFlags, TextFlags},
    redaction::RedactFlags,
};

/// Root-cause analysis for event-sourced systems, offline.
///
/// Point it at a folder of evidence (logs, event-store backups, snapshots): it writes one ranked incident report.
#[derive(Debug, Parser)]
#[command(name = "coroner", version, max_term_width = 100, after_help = EXITS)]
pub(super) struct Args {
    #[command(subcommand)]
    pub(super) command: Command,
}

const EXITS: &str = "\
Exit codes: 0 complete, nothing at or above --fail-on; 1 findings at or above it; 2 usage, pattern or fatal error,
no report; 3 report written but incomplete (wins over 1); 4 nothing to read; 5 state in use by another run; 6 a
secret was left in a redacted report, which was removed; 130 interrupted.";

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Read evidence and write a ranked incident report
    #[command(after_help = EXAMPLES)]
    Analyze(Analyze),
    /// Verify event-store backups: the store checks of `analyze`, alone
    Integrity(Analyze),
    /// Write the reports of a JSON report again, without its evidence
    #[command(after_help = REPORT_EXAMPLES)]
    Report(Report),
    /// Show what evidence is there, what of it is read and why not, and what more would be worth collecting
    #[command(after_help = SCAN_EXITS)]
    Scan(Scan),
    /// Hold a JSON report against its evidence: is each cited line still what it says?
    #[command(after_help = VERIFY_EXITS)]
    Verify(Verify),
    /// Tell one command or request by any of its ids: what it did, how long each part took, how it ended
    #[command(after_help = TRACE_EXITS)]
    Trace(Trace),
    /// Say what a word of a report means and what to do about it: a kind, pattern, check, finding or incident
    #[command(after_help = EXPLAIN_EXAMPLES)]
    Explain(Explain),
    /// List what messages say, with what varies masked, whether a pattern names them or not
    #[command(after_help = TEMPLATES_EXITS)]
    Templates(Templates),
    /// List, show, test and lint the message patterns
    Patterns(Patterns),
    /// Look for secrets in files that are about to be shared
    #[command(after_help = REDACT_EXITS)]
    Redact(Redact),
    /// Show the settings that a run here would take
    Config(Config),
    /// Print the JSON Schema of what coroner writes
    Schema(Schema),
    /// Write a coroner.toml that lists every setting, its default and why it is that
    Init(Init),
    /// Print a script that completes this command line in a shell
    #[command(after_help = COMPLETIONS_EXAMPLES)]
    Completions(Completions),
    /// Print the manual page, or write one for each command
    #[command(after_help = MAN_EXAMPLES)]
    Man(Man),
    /// Say what is new, worse, better or gone between two reports, two sets of evidence or two days of a state
    Diff(super::commands::diff::Diff),
    /// Show, explain, verify or forget what `--state` keeps
    State(super::commands::state::State),
    /// Say what is normal here: it is told and is no news, as long as there is not far more of it
    Baseline(super::commands::baseline::Baseline),
    /// Hide what is known from the reports of a state, with a reason, an owner and an end
    Suppress(super::commands::suppress::Suppress),
}

const EXAMPLES: &str = "\
Examples:
  coroner analyze ./evidence
  coroner analyze ./evidence -o report.json -o report.md -o -
  coroner analyze 'logs/*.gz' dump.sql --as-of 2026-11-23T16:00:00Z --fail-on error
  kubectl logs deploy/bank | coroner analyze -";

#[derive(Debug, ClapArgs)]
pub(super) struct Analyze {
    /// Files, folders, globs in quotes, or `-` for standard input
    #[arg(required = true, value_name = "EVIDENCE")]
    pub(super) evidence: Vec<String>,

    #[command(flatten)]
    pub(super) output: OutputFlags,

    #[command(flatten)]
    pub(super) text: TextFlags,

    /// What "now" is for this evidence, RFC 3339 [default: the newest trustworthy time in it]
    #[arg(long, value_name = "TIME", env = "CORONER_AS_OF", help_heading = "Time")]
    pub(super) as_of: Option<String>,

    /// How far the clock of a source was ahead, as `'logs/app-b*=2s'` or `db.log=-300ms`: it is taken off; repeatable
    #[arg(long, value_name = "SOURCE=DURATION", allow_hyphen_values = true, help_heading = "Time")]
    pub(super) clock_offset: Vec<String>,

    /// Put clocks right by the ids that sources have in common; reads the evidence twice
    #[arg(long, conflicts_with = "folder", help_heading = "Time")]
    pub(super) auto_clock: bool,
    /// What to compare with: a report.json, a folder that holds one, or evidence of a time when all was well
    #[arg(long, value_name = "PATH", env = "CORONER_BASELINE", help_heading = "Compare")]
    pub(super) baseline: Option<PathBuf>,

    #[command(flatten)]
    pub(super) settings: SettingFlags,

    #[command(flatten)]
    pub(super) state: super::state::StateFlags,

    /// A folder of pattern packs, store profiles and field names that adds to or overrides the built-in ones
    #[arg(short, long, value_name = "DIR", env = "CORONER_PATTERNS", help_heading = "Patterns")]
    pub(super) patterns: Option<PathBuf>,

    /// Read exports with this store profile alone (`coroner patterns stores` lists them)
    #[arg(long, value_name = "PROFILE", help_heading = "Stores")]
    pub(super) store: Option<String>,

    /// Name the columns of a store that no profile knows, as `stream=order_id,version=seq`; known are stream, version,
    /// id, type, payload, metadata, time, position, causation, and `first=0` for the first version
    #[arg(long, value_name = "MEANING=COLUMN,...", value_delimiter = ',', help_heading = "Stores")]
    pub(super) map: Vec<String>,

    /// Keep at most this much of the events' index in memory, as `512M` or `2G`; beyond it sorted runs go to --tmp-dir
    #[arg(long, value_name = "SIZE", default_value = "2G", env = "CORONER_MAX_MEMORY", help_heading = "Run")]
    pub(super) max_memory: String,

    /// Where sorted runs go [default: the system's folder for temporary files]
    #[arg(long, value_name = "DIR", env = "CORONER_TMP_DIR", help_heading = "Run")]
    pub(super) tmp_dir: Option<PathBuf>,

    #[command(flatten)]
    pub(super) gate: GateFlags,

    #[command(flatten)]
    pub(super) redaction: RedactFlags,

    /// Hash of each piece of evidence in the ledger
    #[arg(long, value_name = "KIND", default_value = "blake3", help_heading = "Run")]
    pub(super) hash: Hash,

    /// Threads [default: one for each core]
    #[arg(short = 'j', long, value_name = "N", env = "CORONER_THREADS", help_heading = "Run")]
    pub(super) threads: Option<usize>,

    /// Bytes that a thread takes at a time; the report does not depend on it
    #[arg(long, value_name = "BYTES", hide = true, help_heading = "Run")]
    pub(super) piece_bytes: Option<usize>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Hash {
    Blake3,
    Sha256,
}

const REPORT_EXAMPLES: &str = "\
Examples:
  coroner report report.json                          the text, on the terminal
  coroner report report.json.gz -o report.md          for a ticket
  coroner report report.json --fail-on error -o -     the gate of `analyze`, without the evidence";

#[derive(Debug, ClapArgs)]
pub(super) struct Report {
    /// A JSON report, also packed with gzip or zstd; `-` is standard input
    #[arg(value_name = "RESULT.json", required_unless_present = "folder", conflicts_with = "folder")]
    pub(super) result: Option<String>,

    /// The folder that `analyze --state` keeps: a report of its days
    #[arg(long = "state", value_name = "DIR", help_heading = "State")]
    pub(super) folder: Option<PathBuf>,

    /// The first hour, as a time, a day, or so long before the newest time that is known, as `7d` [default: all]
    #[arg(long, value_name = "TIME", requires = "folder", help_heading = "State")]
    pub(super) since: Option<String>,

    /// Where the last hour ends, in the same way
    #[arg(long, value_name = "TIME", requires = "folder", help_heading = "State")]
    pub(super) until: Option<String>,

    /// Write a page for each day there, and an index.html that links them
    #[arg(long, value_name = "DIR", requires = "folder", conflicts_with = "output", help_heading = "State")]
    pub(super) days: Option<PathBuf>,

    #[command(flatten)]
    pub(super) settings: SettingFlags,

    #[command(flatten)]
    pub(super) output: OutputFlags,

    #[command(flatten)]
    pub(super) text: TextFlags,

    #[command(flatten)]
    pub(super) gate: GateFlags,

    #[command(flatten)]
    pub(super) redaction: RedactFlags,

    /// A folder of pattern packs and of a redact.toml that adds to or overrides the built-in ones
    #[arg(short, long, value_name = "DIR", env = "CORONER_PATTERNS", help_heading = "Patterns")]
    pub(super) patterns: Option<PathBuf>,
}

const SCAN_EXITS: &str = "\
All of the evidence is read, as `analyze` reads it: how many records there are, from when to when, and which clocks are
wrong is in no beginning of a file.

Exit codes: 0 all could be read; 2 usage or fatal error; 3 something could not be read; 4 nothing to read.";

#[derive(Debug, ClapArgs)]
pub(super) struct Scan {
    /// Files, folders, globs in quotes, or `-` for standard input
    #[arg(required = true, value_name = "EVIDENCE")]
    pub(super) evidence: Vec<String>,

    /// For a person or for a program
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(super) format: TraceFormat,

    /// Columns of the text, from 80 to 200 [default: COLUMNS, else those of the terminal, else 110]
    #[arg(long, value_name = "COLUMNS", value_parser = clap::value_parser!(u16))]
    pub(super) width: Option<u16>,

    /// A folder of pattern packs, store profiles and field names that adds to or overrides the built-in ones
    #[arg(short, long, value_name = "DIR", env = "CORONER_PATTERNS")]
    pub(super) patterns: Option<PathBuf>,
}

const VERIFY_EXITS: &str = "\
Examples:
  coroner verify report.json                 the evidence is where it was
  coroner verify report.json /mnt/archive    it moved: files are found by the ends of their paths

A file that grew counts as verified: its beginning has the hash that the report names.
Exit codes: 0 all verified; 1 something changed or is missing; 2 usage or no report; 4 nothing that can be verified.";

#[derive(Debug, ClapArgs)]
pub(super) struct Verify {
    /// A JSON report, also packed with gzip or zstd; `-` is standard input
    #[arg(value_name = "RESULT.json")]
    pub(super) result: String,

    /// Where the evidence is now: files, folders, globs in quotes [default: where the report was told to find it]
    #[arg(value_name = "EVIDENCE")]
    pub(super) evidence: Vec<String>,

    /// Compare cited lines alone, not the hash of each file
    #[arg(long)]
    pub(super) no_hash: bool,

    /// For a person or for a program
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(super) format: TraceFormat,
}

const TRACE_EXITS: &str = "\
Exit codes: 0 found; 2 usage or fatal error; 4 nothing to read, or no entry carries the id.";

#[derive(Debug, ClapArgs)]
pub(super) struct Trace {
    /// A trace, command, request or correlation id
    #[arg(value_name = "ID")]
    pub(super) id: String,

    /// Files, folders, globs in quotes
    #[arg(required = true, value_name = "EVIDENCE")]
    pub(super) evidence: Vec<String>,

    /// For a person or for a program
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(super) format: TraceFormat,

    /// Columns of the text, from 80 to 200 [default: COLUMNS, else those of the terminal, else 110]
    #[arg(long, value_name = "COLUMNS", value_parser = clap::value_parser!(u16))]
    pub(super) width: Option<u16>,

    /// A folder of field names that adds to or overrides the built-in ones
    #[arg(short, long, value_name = "DIR", env = "CORONER_PATTERNS")]
    pub(super) patterns: Option<PathBuf>,

    /// Threads [default: one for each core]
    #[arg(short = 'j', long, value_name = "N", env = "CORONER_THREADS")]
    pub(super) threads: Option<usize>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum TraceFormat {
    Text,
    Json,
}

const EXPLAIN_EXAMPLES: &str = "\
Examples:
  coroner explain                                      list the runbooks
  coroner explain hot-stream                           what to do about it
  coroner explain inc-6119cbe7 --report report.json    the same, with the incident's names filled in";

#[derive(Debug, ClapArgs)]
pub(super) struct Explain {
    /// A root-cause kind, pattern, check, kind of fault, or, with --report, the id of a finding or an incident
    /// [default: list the runbooks]
    #[arg(value_name = "WORD")]
    pub(super) word: Option<String>,

    /// A JSON report, whose names fill in the runbook's commands
    #[arg(long, value_name = "FILE")]
    pub(super) report: Option<PathBuf>,

    /// A folder of pattern packs and runbooks that adds to or overrides the built-in ones
    #[arg(short, long, value_name = "DIR", env = "CORONER_PATTERNS")]
    pub(super) patterns: Option<PathBuf>,
}

const TEMPLATES_EXITS: &str = "\
Examples:
  coroner templates app.log
  coroner templates app.log --assign lines.csv

Exit codes: 0 listed; 2 usage or fatal error; 4 nothing to read, or no log in it.";

#[derive(Debug, ClapArgs)]
pub(super) struct Templates {
    /// Files, folders, globs in quotes
    #[arg(required = true, value_name = "FILE")]
    pub(super) evidence: Vec<String>,

    /// Write the template of every line of one file there, as CSV: line, `template_id`, template
    #[arg(long, value_name = "FILE.csv")]
    pub(super) assign: Option<PathBuf>,

    /// For a person or for a program
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(super) format: TraceFormat,
}

#[derive(Debug, ClapArgs)]
pub(super) struct Patterns {
    #[command(subcommand)]
    pub(super) action: PatternsAction,

    /// A folder of pattern packs that adds to or overrides the built-in ones
    #[arg(short, long, value_name = "DIR", env = "CORONER_PATTERNS", global = true)]
    pub(super) patterns: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(super) enum PatternsAction {
    /// One line for each pattern
    List,
    /// All there is to know of one pattern
    Show {
        #[arg(value_name = "ID")]
        id: String,
    },
    /// The event stores that are known by their columns
    Stores,
    /// Run every sample of every pattern, store profile and redaction rule
    Test,
    /// Look for traps: no samples, no literal, shadowed, no advice
    Lint,
    /// Write a pack of stubs for what evidence says and no pattern names, the loudest and most frequent first
    Suggest {
        /// Files, folders, globs in quotes
        #[arg(required = true, value_name = "EVIDENCE")]
        evidence: Vec<String>,

        /// Patterns to suggest
        #[arg(long, value_name = "N", default_value_t = 20)]
        top: usize,
    },
}

const REDACT_EXITS: &str = "\
Exit codes: 0 nothing found; 2 usage or fatal error; 6 secrets found.";

#[derive(Debug, ClapArgs)]
pub(super) struct Redact {
    #[command(subcommand)]
    pub(super) action: RedactAction,
}

#[derive(Debug, Subcommand)]
pub(super) enum RedactAction {
    /// Print file, line, column and rule of each secret in a text file, never the secret
    Check {
        #[arg(required = true, value_name = "FILE")]
        files: Vec<std::path::PathBuf>,

        /// A folder whose redact.toml adds to or overrides the built-in rules
        #[arg(short, long, value_name = "DIR", env = "CORONER_PATTERNS")]
        patterns: Option<std::path::PathBuf>,
    },
}

#[derive(Debug, ClapArgs)]
pub(super) struct Config {
    #[command(subcommand)]
    pub(super) action: ConfigAction,
}

#[derive(Debug, Subcommand)]
pub(super) enum ConfigAction {
    /// Every setting with its value, as a coroner.toml
    Show {
        /// Say where each value comes from: default, file and line, environment variable or flag
        #[arg(long)]
        origin: bool,

        #[command(flatten)]
        flags: SettingFlags,
    },
}

#[derive(Debug, ClapArgs)]
pub(super) struct Schema {
    /// What is described
    #[arg(value_name = "WHAT")]
    pub(super) of: SchemaOf,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum SchemaOf {
    /// The JSON report, `schema_version` 1
    Report,
}

#[derive(Debug, ClapArgs)]
pub(super) struct Init {
    /// Where to write it; `-` prints it
    #[arg(value_name = "FILE", default_value = super::config::FILE)]
    pub(super) path: PathBuf,

    /// Overwrite a file that is there
    #[arg(long)]
    pub(super) force: bool,
}

const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  coroner completions bash > ~/.local/share/bash-completion/completions/coroner
  coroner completions zsh > ~/.zfunc/_coroner
  coroner completions fish > ~/.config/fish/completions/coroner.fish";

#[derive(Debug, ClapArgs)]
pub(super) struct Completions {
    #[arg(value_name = "SHELL")]
    pub(super) shell: clap_complete::Shell,
}

const MAN_EXAMPLES: &str = "\
Examples:
  coroner man | man -l -
  coroner man -o ~/.local/share/man/man1";

#[derive(Debug, ClapArgs)]
pub(super) struct Man {
    /// A folder for one page for each command
    #[arg(short, long, value_name = "DIR")]
    pub(super) output: Option<PathBuf>,
}
