//! Made-up evidence for the benches: the log and the store of a bank on `EventCore`.
//!
//! Shapes, fields and texts are those that tracing-subscriber, eventcore-postgres and `pg_dump` write; ids, amounts
//! and the order of things come from a seed, so that every run measures the same bytes.
#![allow(dead_code, reason = "each bench uses its part")]

use std::{fmt::Write, sync::Arc};

use coroner::{
    decode::{self, Chunk, Context, Format, Head, Identity, Lexicon},
    engine::PIECE_BYTES,
    model::Batch,
};

/// What the messages of a log are like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Texts {
    /// Fixed texts with the particulars in fields, as `EventCore` and sqlx write them.
    Fixed,
    /// Every message holds an id or an amount, so that no answer can be remembered.
    Varied,
}

/// A log of at least this many bytes: lines of 650 B on average, 4 % of them WARN or ERROR.
pub(crate) fn log(bytes: usize, texts: Texts) -> String {
    let mut log = Log { random: Random(1), clock: 0, texts, out: String::with_capacity(bytes + (16 << 10)) };
    log.line(
        "INFO",
        "bankapp",
        "Projection lag monitor started",
        "\"interval_s\":5,\"threshold_s\":30",
        None,
    );
    while log.out.len() < bytes {
        log.command();
        if log.random.below(40) == 0 {
            log.status();
        }
    }
    log.out
}

/// Splitmix64: small, fast and the same everywhere.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(end)) >> 64) as u64
    }

    /// Version 4 of RFC 9562.
    fn uuid4(&mut self) -> String {
        uuid(self.next(), self.next(), 4)
    }

    /// Version 7: begins with the time, in milliseconds.
    fn uuid7(&mut self, clock: u64) -> String {
        let ms = (DAY_START + clock) / 1000;
        uuid(ms << 16 | self.next() & 0xffff, self.next(), 7)
    }
}

fn uuid(high: u64, low: u64, version: u64) -> String {
    let high = high & !0xf000 | version << 12;
    let low = low & (u64::MAX >> 2) | 1 << 63;
    let (a, b, c) = (high >> 32, high >> 16 & 0xffff, high & 0xffff);
    format!("{a:08x}-{b:04x}-{c:04x}-{:04x}-{:012x}", low >> 48, low & 0xffff_ffff_ffff)
}

/// 2026-11-23T00:00:00Z in microseconds; clocks count from here and stay within the day.
const DAY_START: u64 = 1_795_392_000_000_000;

/// A time of the day, with what stands between date and time and after both.
fn time(clock: u64, between: char, after: &str) -> String {
    let (seconds, micros) = (clock / 1_000_000 % 86_400, clock % 1_000_000);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("2026-11-23{between}{hour:02}:{minute:02}:{second:02}.{micros:06}{after}")
}

struct Log {
    random: Random,
    /// Microseconds of the day.
    clock: u64,
    texts: Texts,
    out: String,
}

impl Log {
    /// One line. `spans`: the inner one and the list, as tracing-subscriber writes them.
    fn line(&mut self, level: &str, target: &str, message: &str, fields: &str, spans: Option<(&str, &str)>) {
        self.clock += 40 + self.random.below(900);
        let time = time(self.clock, 'T', "Z");
        let _ = write!(
            self.out,
            "{{\"timestamp\":\"{time}\",\"level\":\"{level}\",\"fields\":{{\"message\":\"{message}"
        );
        if self.texts == Texts::Varied {
            let _ = write!(self.out, " (request {:06x})", self.random.below(1 << 24));
        }
        let comma = if fields.is_empty() { "" } else { "," };
        let _ = write!(self.out, "\"{comma}{fields}}},\"target\":\"{target}\"");
        if let Some((span, spans)) = spans {
            let _ = write!(self.out, ",\"span\":{span},\"spans\":[{spans}]");
        }
        self.out.push_str("}\n");
    }

    /// All that one command logs: eight lines where it succeeds, more where it does not.
    fn command(&mut self) {
        let kind = ["Deposit", "Withdraw", "Transfer", "OpenAccount"][self.random.below(4) as usize];
        let command_type = format!("\"command_type\":\"bankapp::domain::{kind}\"");
        let command = format!(
            "{{\"causation_id\":\"{}\",\"command_id\":\"{}\",{command_type},\"correlation_id\":\"{}\",\"instance\":\"bank-app-a\",\"name\":\"command\"}}",
            self.random.uuid4(),
            self.random.uuid7(self.clock),
            self.random.uuid4()
        );
        let stream = format!("account-{:04}", self.random.below(400));
        let debug = format!("StreamId(\\\"{stream}\\\")");
        let execute = "{\"name\":\"execute\"}";
        let (read, append) = (
            format!("{{\"stream_id\":\"{debug}\",\"name\":\"postgres.read_stream\"}}"),
            "{\"name\":\"postgres.append_events\"}",
        );
        let in_execute = format!("{command},{execute}");
        let (in_read, in_append) = (format!("{in_execute},{read}"), format!("{in_execute},{append}"));
        let app = Some((command.as_str(), command.as_str()));
        let pipeline = Some((execute, in_execute.as_str()));
        let appending = Some((append, in_append.as_str()));
        let trace = format!("\"trace_id\":\"{}\",{command_type}", self.random.uuid4());

        self.line("INFO", "bankapp", "Started command trace", &trace, app);
        self.line("DEBUG", "bankapp", "Starting command execution", &command_type, app);
        let streams = format!("\"streams\":\"[{debug}]\"");
        let reads = format!("\"stream_count\":1,{streams}");
        self.line("DEBUG", "bankapp", "Command will read from streams", &reads, app);
        let fate = self.random.below(100);
        if fate < 2 {
            self.starved(app, pipeline);
            return;
        }
        let stream_field = format!("\"stream\":\"{stream}\"");
        let reading = "[postgres.read_stream] reading events from postgres";
        self.line("INFO", "eventcore_postgres", reading, &stream_field, Some((&read, &in_read)));
        if fate < 7 {
            self.conflict(&stream_field, &streams, pipeline, appending);
        }
        if (7..12).contains(&fate) {
            let (have, need) = (self.random.below(300), 300 + self.random.below(300));
            let error = format!(
                "\"total_duration_ms\":\"0\",\"error\":\"Insufficient funds: have {have}, need {need}\""
            );
            self.line("ERROR", "bankapp", "Command failed", &error, app);
        } else if fate == 12 {
            let error =
                "\"total_duration_ms\":\"2000\",\"timeout_ms\":\"2000\",\"error\":\"command timeout\"";
            self.line("ERROR", "bankapp", "Command execution timeout", error, app);
        } else {
            let appended = "[postgres.append_events] appending events to postgres";
            self.line(
                "INFO",
                "eventcore_postgres",
                appended,
                "\"stream_count\":1,\"event_count\":1",
                appending,
            );
            self.line("INFO", "eventcore::execute_pipeline", "command execution succeeded", "", pipeline);
            let done = format!("\"total_duration_ms\":\"{}\",\"attempts\":1", self.random.below(9));
            self.line("INFO", "bankapp", "Command completed successfully", &done, app);
        }
        let took = self.random.below(9);
        let done = format!("{trace},\"duration_ms\":{took},\"phases\":1,\"success\":{}", fate > 12);
        self.line("INFO", "bankapp", "Completed command trace", &done, app);
    }

    /// No connection was free.
    fn starved(&mut self, app: Option<(&str, &str)>, pipeline: Option<(&str, &str)>) {
        let waited = 1000 + self.random.below(9);
        let error =
            "\"error\":\"pool timed out while waiting for an open connection\",\"operation\":\"read_stream\"";
        self.line(
            "ERROR",
            "eventcore_postgres",
            "[postgres.database_error] database operation failed",
            error,
            pipeline,
        );
        let slow = format!("\"operation\":\"read_stream\",\"duration_ms\":\"{waited}\",\"success\":false");
        self.line("WARN", "bankapp::backends", "High latency event store operation", &slow, pipeline);
        let pool = format!(
            "\"max_connections\":5,\"current_size\":5,\"idle_connections\":0,\"waited_ms\":\"{waited}\""
        );
        self.line("ERROR", "bankapp", "Connection pool exhausted", &pool, app);
        let error = format!(
            "\"total_duration_ms\":\"{waited}\",\"error\":\"event store error: read_stream operation failed\""
        );
        self.line("ERROR", "bankapp", "Command failed", &error, app);
    }

    /// Somebody else appended first: three layers say so.
    fn conflict(
        &mut self,
        stream: &str,
        streams: &str,
        pipeline: Option<(&str, &str)>,
        appending: Option<(&str, &str)>,
    ) {
        let version = self.random.below(500);
        let seen = format!("{stream},\"expected\":{version},\"actual\":{}", version + 1);
        let text = "[postgres.version_conflict] optimistic concurrency check failed";
        self.line("WARN", "eventcore_postgres", text, &seen, appending);
        let delay = 8 + self.random.below(8);
        let again = format!("\"attempt\":1,\"delay_ms\":{delay},{streams}");
        self.line(
            "WARN",
            "eventcore::execute_pipeline",
            "retrying command after concurrency conflict",
            &again,
            pipeline,
        );
        let again = format!("\"retry_attempt\":1,\"delay_ms\":{delay},{streams}");
        self.line("WARN", "bankapp", "Retrying command due to concurrency conflict", &again, pipeline);
    }

    /// What the service says of itself now and then, outside of any span.
    fn status(&mut self) {
        let pool =
            "\"max_connections\":10,\"current_size\":4,\"idle_connections\":4,\"active_connections\":0";
        self.line("INFO", "bankapp", "Connection pool status", pool, None);
        let (lag, behind) = (self.random.below(60_000), self.random.below(900));
        let (level, message, threshold) = if lag < 30_000 {
            ("INFO", "Projection checkpoint status", "\"status\":\"Healthy\"")
        } else {
            ("WARN", "Projection lag exceeds threshold", "\"threshold_seconds\":30.0,\"status\":\"Lagging\"")
        };
        let lag = format!(
            "\"projection\":\"account-balances\",\"lag_seconds\":{}.{:03},\"events_behind\":{behind},{threshold}",
            lag / 1000,
            lag % 1000
        );
        self.line("DEBUG", "bankapp", "Memory usage sample", "\"memory_delta_bytes\":0", None);
        self.line(level, "bankapp", message, &lag, None);
    }
}

/// One event, as the bank's store holds it.
struct Event {
    id: String,
    stream: String,
    version: u64,
    /// As jsonb prints it.
    payload: String,
    clock: u64,
}

/// Events in the order of their appending. One in ten thousand leaves out a version, another repeats one.
fn events(count: usize) -> impl Iterator<Item = Event> {
    let mut random = Random(2);
    let mut versions = vec![0_u64; count / 50 + 1];
    let mut clock = 0;
    (0..count).map(move |_| {
        clock += random.below(200_000);
        let number = random.below(versions.len() as u64);
        let version = &mut versions[number as usize];
        *version += match random.below(10_000) {
            0 => 2,
            1 if *version > 0 => 0,
            _ => 1,
        };
        let version = *version;
        let stream = format!("account-{number:04}");
        let (kind, rest) = match version {
            1 => ("AccountOpened", format!("\"holder\": \"Holder {number}\"")),
            _ => (["MoneyDeposited", "MoneyWithdrawn"][random.below(2) as usize], format!("\"amount\": {}", random.below(90_000))),
        };
        let (cause, correlation) = (random.uuid4(), random.uuid4());
        let payload = format!(
            "{{\"{kind}\": {{\"meta\": {{\"causation_id\": \"{cause}\", \"correlation_id\": \"{correlation}\"}}, {rest}, \"account_id\": \"{stream}\"}}}}"
        );
        Event { id: random.uuid7(clock), stream, version, payload, clock: clock + 900 }
    })
}

const COLUMNS: [&str; 7] =
    ["event_id", "stream_id", "stream_version", "event_type", "event_data", "metadata", "created_at"];

/// `\copy eventcore_events to ... csv header`.
pub(crate) fn store_csv(count: usize) -> String {
    let mut out = COLUMNS.join(",") + "\n";
    for Event { id, stream, version, payload, clock } in events(count) {
        let (payload, at) = (payload.replace('"', "\"\""), time(clock, ' ', "+00"));
        let _ = writeln!(out, "{id},{stream},{version},BankEvent,\"{payload}\",{{}},{at}");
    }
    out
}

/// One event a line, as `row_to_json` prints it.
pub(crate) fn store_jsonl(count: usize) -> String {
    let mut out = String::new();
    for Event { id, stream, version, payload, clock } in events(count) {
        let at = time(clock, 'T', "+00:00");
        let _ = writeln!(
            out,
            "{{\"event_id\":\"{id}\",\"stream_id\":\"{stream}\",\"stream_version\":{version},\"event_type\":\"BankEvent\",\"event_data\":{payload},\"metadata\":{{}},\"created_at\":\"{at}\"}}"
        );
    }
    out
}

/// A plain dump, rows by COPY.
pub(crate) fn pg_dump(count: usize) -> String {
    let mut out = String::from(DUMP_HEAD);
    let _ = writeln!(out, "COPY public.eventcore_events ({}) FROM stdin;", COLUMNS.join(", "));
    for Event { id, stream, version, payload, clock } in events(count) {
        let at = time(clock, ' ', "+00");
        let _ = writeln!(out, "{id}\t{stream}\t{version}\tBankEvent\t{payload}\t{{}}\t{at}");
    }
    out + "\\.\n\n\n--\n-- PostgreSQL database dump complete\n--\n\n"
}

const DUMP_HEAD: &str = "\
--
-- PostgreSQL database dump
--

-- Dumped from database version 15.18 (Debian 15.18-0+deb12u1)
-- Dumped by pg_dump version 15.18 (Debian 15.18-0+deb12u1)

SET statement_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;

CREATE TABLE public.eventcore_events (
    event_id uuid NOT NULL,
    stream_id text NOT NULL,
    stream_version bigint NOT NULL,
    event_type text NOT NULL,
    event_data jsonb NOT NULL,
    metadata jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);


";

/// A source cut into pieces, ready to be decoded again and again.
pub(crate) struct Source {
    text: String,
    format: &'static dyn Format,
    pieces: Vec<Piece>,
}

struct Piece {
    range: std::ops::Range<usize>,
    line: u64,
    context: Context,
}

impl Source {
    /// Cuts as a run does. The text must be recognised as `format`: else the bench would measure something else.
    pub(crate) fn new(text: String, format: &str, lexicon: &Arc<Lexicon>) -> Source {
        let head = &text[..text.len().min(64 << 10)]; // all of it is ASCII
        let head = Head { text: head, whole: head.len() == text.len() };
        let Identity::Readable(found) = decode::identify(head.text.as_bytes(), &head, lexicon) else {
            panic!("{format}: not recognised");
        };
        assert_eq!(found.id(), format);
        let mut cutter = found.cutter(&head, lexicon);
        let (mut pieces, mut at, mut line) = (Vec::new(), 0, 1);
        while at < text.len() {
            let rest = &text.as_bytes()[at..];
            let (taken, context) = cutter.cut(rest, PIECE_BYTES, true).expect("all of the rest is shown");
            let range = at..at + taken;
            let lines = memchr::memchr_iter(b'\n', &rest[..taken]).count() as u64;
            pieces.push(Piece { range, line, context });
            at += taken;
            line += lines;
        }
        Source { text, format: found, pieces }
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.text.len() as u64
    }

    /// Decodes every piece, one after the other.
    pub(crate) fn batches<'s>(&'s self, lexicon: &Lexicon) -> impl Iterator<Item = Batch<'s>> {
        self.pieces.iter().map(move |piece| {
            let chunk = Chunk {
                text: &self.text[piece.range.clone()],
                start: piece.range.start as u64,
                line: piece.line,
                last: piece.range.end == self.text.len(),
                invalid: &[],
                context: &piece.context,
            };
            self.format.decode(&chunk, lexicon)
        })
    }
}
