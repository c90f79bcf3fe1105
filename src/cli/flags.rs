//! Flags that several commands share, in groups that a command takes as a whole.

use std::path::PathBuf;

use clap::{Args as ClapArgs, ValueEnum, builder::PossibleValuesParser};

use crate::report::{self, Layout, Ranks, Tracker};

use super::plan;

/// Where reports go.
#[derive(Debug, ClapArgs)]
pub(super) struct OutputFlags {
    /// Where to write the report, repeatable: the extension decides the format (csv, html, jira, json, jsonl, md, prom,
    /// sarif, slack, txt, xml for junit); FORMAT:PATH overrides (FORMAT is one of these, or junit, prometheus, text);
    /// `-` is standard output [default: text to standard output]
    #[arg(short, long = "output", value_name = "[FORMAT:]PATH", help_heading = "Output")]
    pub(super) output: Vec<String>,

    /// The report for a ticket, no longer than the tracker takes: Markdown (65,536 characters on GitHub, 1,048,576 on
    /// GitLab), Jira's wiki markup (32,767) or a Slack message (4,000). Standard output is in that format then, and
    /// every `-o` in that format is cut by whole items, the lowest ranks first; other formats stay whole
    #[arg(long = "for", value_name = "TRACKER", help_heading = "Output")]
    pub(super) for_tracker: Option<TrackerChoice>,

    /// How large an HTML page may be, as `500K` or `2M`: lists are cut, and say so; no page is
    /// smaller than some 160 kB [default: 5,000,000 bytes]
    #[arg(long, value_name = "SIZE", value_parser = plan::size, help_heading = "Output")]
    pub(super) max_bytes: Option<u64>,

    /// When to use colours
    #[arg(long, value_name = "WHEN", default_value = "auto", help_heading = "Output")]
    pub(super) color: ColorChoice,

    /// No progress and no notes on standard error
    #[arg(short, long, help_heading = "Output")]
    pub(super) quiet: bool,
}

/// What a report for people shows, and how wide.
#[derive(Debug, ClapArgs)]
pub(super) struct TextFlags {
    /// Columns of the text, from 80 to 200 [default on standard output: COLUMNS, else those of the terminal; else 110]
    #[arg(long, value_name = "COLUMNS", value_parser = clap::value_parser!(u16), help_heading = "Text")]
    pub(super) width: Option<u16>,

    /// Show this part alone, repeatable; also in Markdown
    #[arg(
        long,
        value_name = "PART",
        value_parser = PossibleValuesParser::new(report::parts()),
        help_heading = "Text"
    )]
    pub(super) section: Vec<String>,

    /// Show so many incidents and count the rest; also in Markdown [default: all]
    #[arg(long, value_name = "N", help_heading = "Text")]
    pub(super) top: Option<usize>,

    /// Say of each incident what its score is made of, why its root is the root, and what puts it above the next
    #[arg(long, help_heading = "Text")]
    pub(super) explain_rank: bool,
}

impl TextFlags {
    /// What they say of a report's layout; its width depends on where it goes.
    pub(super) fn layout(&self, to: &OutputFlags) -> Layout {
        Layout {
            ticket: to.for_tracker.map(|tracker| Tracker::from(tracker).into()),
            max_bytes: to.max_bytes.and_then(|bytes| usize::try_from(bytes).ok()),
            sections: self.section.clone(),
            top: self.top.unwrap_or(usize::MAX),
            ranks: if self.explain_rank { Ranks::Explained } else { Ranks::Shown },
            ..Layout::default()
        }
    }
}

/// When a run fails.
#[derive(Debug, ClapArgs)]
pub(super) struct GateFlags {
    /// Exit with 1 if there is a finding of this severity or above
    #[arg(
        long,
        value_name = "SEVERITY",
        default_value = "never",
        env = "CORONER_FAIL_ON",
        help_heading = "Gate"
    )]
    pub(super) fail_on: FailOn,

    /// Let --fail-on look at what is new, worse or back alone
    #[arg(long, requires = "fail_on", help_heading = "Gate")]
    pub(super) fail_on_new: bool,

    /// Exit with 0 or 1 even if some evidence could not be read
    #[arg(long, help_heading = "Gate")]
    pub(super) allow_partial: bool,
}

/// Where settings come from besides the environment.
#[derive(Debug, ClapArgs)]
pub(super) struct SettingFlags {
    /// A file of settings [default: coroner.toml in this folder, if there is one]
    #[arg(long, value_name = "FILE", env = "CORONER_CONFIG", help_heading = "Settings")]
    pub(super) config: Option<PathBuf>,

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
pub(super) enum TrackerChoice {
    Github,
    Gitlab,
    Jira,
    Slack,
}

impl From<TrackerChoice> for Tracker {
    fn from(choice: TrackerChoice) -> Tracker {
        match choice {
            TrackerChoice::Github => Tracker::Github,
            TrackerChoice::Gitlab => Tracker::Gitlab,
            TrackerChoice::Jira => Tracker::Jira,
            TrackerChoice::Slack => Tracker::Slack,
        }
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum FailOn {
    Never,
    Warning,
    Error,
    Critical,
}
