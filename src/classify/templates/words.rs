//! The few words that a template miner must know.

/// Units that belong to the number before them: `12 KB` and `3 MB` are one shape.
pub(super) fn is_unit(word: &[u8]) -> bool {
    const UNITS: [&str; 17] = [
        "b", "kb", "mb", "gb", "tb", "kib", "mib", "gib", "tib", "ns", "us", "ms", "s", "sec", "secs", "min",
        "mins",
    ];
    word.len() <= 4 && UNITS.iter().any(|unit| word.eq_ignore_ascii_case(unit.as_bytes()))
}

pub(super) fn is_month(word: &[u8]) -> bool {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    word.len() == 3 && MONTHS.iter().any(|month| word == month.as_bytes())
}

pub(super) fn is_weekday(word: &[u8]) -> bool {
    const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    word.len() == 3 && DAYS.iter().any(|day| word == day.as_bytes())
}

/// What may stand behind a time of day.
pub(super) fn is_zone(word: &[u8]) -> bool {
    const ZONES: [&str; 12] =
        ["UTC", "GMT", "EST", "EDT", "PST", "PDT", "CET", "CEST", "AM", "PM", "am", "pm"];
    (2..=4).contains(&word.len()) && ZONES.iter().any(|zone| word == zone.as_bytes())
}

/// Endings of source files: `main.rs:12` is a place in code, `db.internal:5432` a host.
pub(super) fn is_source(ending: &[u8]) -> bool {
    const SOURCES: [&str; 16] = [
        "rs", "java", "py", "go", "js", "ts", "c", "cc", "cpp", "h", "rb", "cs", "kt", "scala", "php", "erl",
    ];
    SOURCES.iter().any(|source| ending == source.as_bytes())
}

/// Nouns behind which a name stands: that few names were seen makes them no part of the message.
pub(super) fn names_follow(word: &str) -> bool {
    const NOUNS: [&str; 17] = [
        "user", "users", "username", "account", "host", "node", "server", "service", "client", "database",
        "role", "table", "queue", "topic", "domain", "device", "tenant",
    ];
    NOUNS.iter().any(|noun| word.eq_ignore_ascii_case(noun))
}

/// Whether two words say opposite things, or how loud the line is: "link ok" and "link error" are never one template.
pub(super) fn is_outcome(word: &str) -> bool {
    OUTCOMES.iter().any(|outcome| word.eq_ignore_ascii_case(outcome))
}

const OUTCOMES: [&str; 79] = [
    "ok",
    "okay",
    "fail",
    "fails",
    "failed",
    "failure",
    "error",
    "errors",
    "success",
    "successful",
    "successfully",
    "succeeded",
    "up",
    "down",
    "enabled",
    "disabled",
    "enable",
    "disable",
    "true",
    "false",
    "open",
    "opened",
    "close",
    "closed",
    "start",
    "started",
    "starting",
    "stop",
    "stopped",
    "stopping",
    "yes",
    "no",
    "on",
    "off",
    "connected",
    "disconnected",
    "online",
    "offline",
    "available",
    "unavailable",
    "running",
    "halted",
    "allow",
    "allowed",
    "deny",
    "denied",
    "accepted",
    "rejected",
    "valid",
    "invalid",
    "begin",
    "end",
    "ready",
    "lost",
    "found",
    "read",
    "write",
    "pass",
    "passed",
    "committed",
    "aborted",
    "acquired",
    "released",
    "healthy",
    "unhealthy",
    "granted",
    "refused",
    "completed",
    "rolled",
    "warn",
    "warning",
    "info",
    "debug",
    "fatal",
    "critical",
    "trace",
    "notice",
    "panic",
    "severe",
];
