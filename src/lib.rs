//! coroner finds out what an event-sourced system died of.
//!
//! It is a batch tool for the hours after an incident, and for the cron job of the night before one. Point it at a
//! folder of evidence (application and `PostgreSQL` logs, event-store backups, snapshots) and it writes one ranked
//! report: what broke first, what followed, why it thinks so, what to do now, and what it could not check. It is
//! offline: no network, no database, no model, and nothing written but the report and, where asked for, what the next
//! run need not read again.
//!
//! # The way the data flows
//!
//! ```text
//! path -> source -> piece -> records -> facts .. partial -> findings -> incidents -> ranked report -> bytes
//!   \____ingest____/  \_decode_/ \classify/ \____check____/  \correlate/   \__rank__/     \__report__/
//! ```
//!
//! With `--redact`, [`redact`] stands between the ranked report and its writers, and reads what they wrote.
//!
//! Each arrow is a folder, and stages never import each other: they meet in [`model`], and [`engine`] is the one module
//! that knows their order (`tests/layers.rs` holds that).
//!
//! Three rules carry the design:
//!
//! - **Facts first, judgement last.** Folding never sees a threshold. Facts of any thread, file, night or machine join,
//!   and a threshold can change without reading the evidence again. Every state that folds has a merge that is tested by
//!   cutting its examples at every place ([`fold`]).
//! - **Bad input is data.** Decoding cannot fail: records and problems travel together, and the ledger accounts for every
//!   byte as decoded, rejected or skipped. What was not read, and which check could not run, is part of the report.
//! - **Same evidence, same bytes out**, for any number of threads, any piece size and any order of arguments. No wall
//!   clock enters a report: "now" is the newest trustworthy time in the evidence, or `--as-of`.
//!
//! # The words
//!
//! | word | meaning | where |
//! |---|---|---|
//! | evidence | a file or folder handed over | [`ingest`] |
//! | packing | how bytes are packed (gzip, ...), one inside another | [`ingest`] |
//! | renderer | reads what is no text (a custom dump, `SQLite`) and hands out text that a format reads | [`ingest`] |
//! | source | one ordered stream of unpacked bytes: a file, or a member of an archive | [`ingest`] |
//! | piece | a run of a source, cut at a record border, that one thread reads | [`ingest`] |
//! | record | one decoded thing: log entry, stored event, checkpoint, metric sample, session, lock wait | [`decode`] |
//! | pattern | a named, tested rule that one record decides (`patterns/*.toml`) | [`classify`] |
//! | shape, template | a message with its values masked; shapes that are one message | [`classify::templates`] |
//! | facts | what records add up to; mergeable, free of thresholds | [`check::facts`] |
//! | check | a rule that needs two records or more, judged once over the facts | [`check`] |
//! | finding | one stated fact with severity, window, keys, count and pointers into the evidence | [`check`] |
//! | fault | what is wrong with one event, stream or record of a store | [`check`] |
//! | incident | findings that belong together, with a root cause, a chain and a rank | [`correlate`], [`rank`] |
//! | partial | the facts of some of the evidence, by source | [`engine`] |
//! | pseudonym | what stands for a value in a report that is shared | [`redact`] |
//! | state | what earlier runs have read and found, so that a run reads only what is new | [`state`], [`engine`] |
//! | ledger | what was read, what was not, which checks ran and which could not and why | [`report`] |
//!
//! One record decides: pattern. Two records needed: check. Two findings: correlate.
//!
//! # Where things go
//!
//! A log or export format is one file in `decode/formats`, a check one in `check/checks`, a reason to link one in
//! `correlate/links`, an output one in `report/writers`: each with its tests inside, a `mod` line and a row in the table
//! beside its trait. A packing is one in `ingest/packings`. A pattern, a runbook, a logger's field names, the meaning of a
//! metric, what a store's tables mean and promise, or what a secret looks like are data in `patterns/` and need no Rust.

// In reading order.
pub mod model;

pub mod fold;

pub mod ingest;

pub mod decode;

pub mod classify;

pub mod check;

pub mod correlate;

pub mod rank;

pub mod redact;

pub mod report;

pub mod state;

pub mod engine;

pub mod cli;

// Offsets are u64 and index memory; both are the same on every machine this runs on.
const _: () = assert!(usize::BITS == 64, "coroner needs a 64-bit machine");
