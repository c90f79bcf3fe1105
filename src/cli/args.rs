//! The arguments as typed: validated one by one, decided nowhere but in `plan`.

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};

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
no report; 3 report written but incomplete (wins over 1); 4 nothing to read; 5 state in use by another run;
130 interrupted.";

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Read evidence and write a ranked incident report
    #[command(after_help = EXAMPLES)]
    Analyze(Analyze),
    /// Verify event-store backups: the store checks of `analyze`, alone
    Integrity(Analyze),
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
    /// Show the settings that a run here would take
    Config(Config),
    /// Say what is new, worse, better or gone between two reports, or two sets of evidence
    Diff(super::commands::diff::Diff),
    /// Write a report of some days of what `--state` keeps, without reading evidence again
    Report(super::commands::report::Report),
    /// Show, explain, verify or forget what `--state` keeps
    State(super::commands::state::State),
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

    /// Where to write the report, repeatable: the extension decides the format (json, md, txt); FORMAT:PATH overrides;
    /// `-` is standard output [default: text to standard output]
    #[arg(short, long = "output", value_name = "[FORMAT:]PATH", help_heading = "Output")]
    pub(super) output: Vec<String>,

    /// When to use colours
    #[arg(long, value_name = "WHEN", default_value = "auto", help_heading = "Output")]
    pub(super) color: ColorChoice,

    /// No progress and no notes on standard error
    #[arg(short, long, help_heading = "Output")]
    pub(super) quiet: bool,

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
    pub(super) baseline: Option<std::path::PathBuf>,

    #[command(flatten)]
    pub(super) settings: SettingFlags,

    #[command(flatten)]
    pub(super) state: super::state::StateFlags,

    /// A folder of pattern packs, store profiles and field names that adds to or overrides the built-in ones
    #[arg(short, long, value_name = "DIR", env = "CORONER_PATTERNS", help_heading = "Patterns")]
    pub(super) patterns: Option<std::path::PathBuf>,

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
    pub(super) tmp_dir: Option<std::path::PathBuf>,

    /// Exit with 1 if there is a finding of this severity or above
    #[arg(
        long,
        value_name = "SEVERITY",
        default_value = "never",
        env = "CORONER_FAIL_ON",
        help_heading = "Gate"
    )]
    pub(super) fail_on: FailOn,

    /// Exit with 0 or 1 even if some evidence could not be read
    #[arg(long, help_heading = "Gate")]
    pub(super) allow_partial: bool,

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

/// Where settings come from besides the environment.
#[derive(Debug, ClapArgs)]
pub(super) struct SettingFlags {
    /// A file of settings [default: coroner.toml in this folder, if there is one]
    #[arg(long, value_name = "FILE", env = "CORONER_CONFIG", help_heading = "Settings")]
    pub(super) config: Option<std::path::PathBuf>,

    /// A setting's value, as `lag_warning=10m`, over `CORONER_LAG_WARNING` and the file; repeatable (`coroner config show`
    /// lists them)
    #[arg(long, value_name = "NAME=VALUE", help_heading = "Settings")]
    pub(super) set: Vec<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum ColorChoice {
    Auto,
    Always,
    Never,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum FailOn {
    Never,
    Warning,
    Error,
    Critical,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Hash {
    Blake3,
    Sha256,
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

    /// Columns of the text, from 80 to 200 [default: those of the terminal, else 110]
    #[arg(long, value_name = "COLUMNS", env = "COLUMNS", value_parser = clap::value_parser!(u16))]
    pub(super) width: Option<u16>,

    /// A folder of field names that adds to or overrides the built-in ones
    #[arg(short, long, value_name = "DIR", env = "CORONER_PATTERNS")]
    pub(super) patterns: Option<std::path::PathBuf>,

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
    pub(super) report: Option<std::path::PathBuf>,

    /// A folder of pattern packs and runbooks that adds to or overrides the built-in ones
    #[arg(short, long, value_name = "DIR", env = "CORONER_PATTERNS")]
    pub(super) patterns: Option<std::path::PathBuf>,
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
    pub(super) assign: Option<std::path::PathBuf>,

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
    pub(super) patterns: Option<std::path::PathBuf>,
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
    /// Run every sample of every pattern and store profile
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
