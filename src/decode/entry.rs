//! From the members of a JSON object to a log entry, whatever the logger calls them.

use std::borrow::Cow;

use crate::model::{Batch, Entry, Field, Level, Place, Role, Timestamp, Value, Zone};

use super::{
    Lexicon,
    json::{self, Json},
    time,
};

/// What was found of an entry so far. The lower rank of two names wins a role.
#[derive(Default)]
struct Draft<'a> {
    time: Ranked<(Timestamp, Zone)>,
    level: Ranked<Level>,
    message: Ranked<Cow<'a, str>>,
    error: Ranked<Cow<'a, str>>,
    /// Of the second that the time names, where a logger writes the two apart (log4j2's `instant`).
    nanos: Option<i64>,
}

type Ranked<T> = Option<(usize, T)>;

/// Reads one JSON object as a log entry into `batch`.
///
/// # Errors
///
/// The text is not one JSON object; nothing was added.
pub(super) fn json_entry<'a>(
    batch: &mut Batch<'a>,
    text: &'a str,
    place: Place,
    lexicon: &Lexicon,
) -> Result<(), json::Error> {
    let first = batch.fields.len();
    let mut draft = Draft::default();
    let fields = &mut batch.fields;
    let read = json::members(text, |key, value| member(&mut draft, fields, key, value, lexicon));
    if let Err(err) = read {
        batch.fields.truncate(first);
        return Err(err);
    }
    let (time, zone) = draft.time.map_or((None, Zone::Unknown), |(_, (time, zone))| (Some(time), zone));
    let time = time
        .map(|time| if time.0 % 1_000_000 == 0 { time.plus(draft.nanos.unwrap_or(0) / 1000) } else { time });
    batch.saw_zone(zone);
    batch.entries.push(Entry {
        place,
        time,
        level: draft.level.map(|(_, level)| level).unwrap_or_default(),
        message: draft.message.map(|(_, message)| message),
        error: draft.error.map(|(_, error)| error),
        fields: first..batch.fields.len(),
    });
    Ok(())
}

fn member<'a>(
    draft: &mut Draft<'a>,
    fields: &mut Vec<Field<'a>>,
    key: &'a str,
    value: Json<'a>,
    lexicon: &Lexicon,
) {
    if matches!(value, Json::Null) {
        return;
    }
    let number = lexicon.fields.get(key);
    let known = lexicon.fields.of(number);
    match value {
        Json::Object(object) if known.is_some_and(|known| known.flatten) => {
            // The object was valid when its line was; a member of it cannot fail now.
            let _ = json::members(object, |key, value| member(draft, fields, key, value, lexicon));
        }
        Json::Object(object) => {
            if known.is_some_and(|known| known.nested) {
                let _ = json::members(object, |inner, value| {
                    if inner == "nanoOfSecond" {
                        draft.nanos = value.text().and_then(|text| text.parse().ok());
                    }
                    let name = format!("{key}.{inner}");
                    let role = lexicon.fields.of(lexicon.fields.get(&name)).and_then(|known| known.role);
                    assign(draft, role, inner, value);
                });
            }
            let value = Value::Nested(Cow::Borrowed(object));
            fields.push(Field { name: name(key), value, known: number });
        }
        Json::Array(list) if key == "attributes" => {
            let _ = json::elements(list, |attribute| {
                if let Some((name, value)) = attribute_of(attribute) {
                    member(draft, fields, name, value, lexicon);
                }
            });
        }
        Json::Text { .. } | Json::Bare(_) | Json::Array(_) => {
            let role = assign(draft, known.and_then(|known| known.role), key, value);
            if !matches!(role, Some(Role::Time | Role::Level | Role::Message)) {
                fields.push(Field { name: name(key), value: field_value(value), known: number });
            }
        }
        Json::Null => {}
    }
}

/// An attribute of OpenTelemetry: `{"key":"error","value":{"stringValue":"..."}}`.
fn attribute_of(attribute: Json<'_>) -> Option<(&str, Json<'_>)> {
    let Json::Object(text) = attribute else { return None };
    let (mut name, mut inner) = (None, None);
    let _ = json::members(text, |key, value| match (key, value) {
        ("key", Json::Text { raw, .. }) => name = Some(raw),
        // `stringValue`, `intValue`, `boolValue`, `doubleValue`: one member, whatever its name.
        ("value", Json::Object(typed)) => {
            let _ = json::members(typed, |_, value| inner = Some(value));
        }
        _ => (),
    });
    Some((name?, inner?))
}

/// Gives the value to the role that its name has, if it has one and the value fits it.
fn assign<'a>(
    draft: &mut Draft<'a>,
    role: Option<(Role, usize)>,
    key: &str,
    value: Json<'a>,
) -> Option<Role> {
    let (role, rank) = role?;
    let text = value.text()?;
    let fits = match role {
        Role::Time => keep(&mut draft.time, rank, time::parse(&text)),
        Role::Level => keep(&mut draft.level, rank, level(&text, key)),
        Role::Message => keep(&mut draft.message, rank, Some(text)),
        Role::Error => keep(&mut draft.error, rank, Some(text)),
    };
    fits.then_some(role)
}

fn keep<T>(slot: &mut Ranked<T>, rank: usize, found: Option<T>) -> bool {
    let fits = found.is_some();
    if let Some(found) = found
        && slot.as_ref().is_none_or(|(known, _)| rank < *known)
    {
        *slot = Some((rank, found));
    }
    fits
}

fn name(key: &str) -> Cow<'_, str> {
    if key.contains('\\') { Cow::Owned(json::unescape(key)) } else { Cow::Borrowed(key) }
}

fn field_value(value: Json<'_>) -> Value<'_> {
    match value {
        Json::Text { raw, escaped: false } => Value::Text(Cow::Borrowed(raw)),
        Json::Text { raw, escaped: true } => Value::Text(Cow::Owned(json::unescape(raw))),
        Json::Bare(text) => Value::Bare(Cow::Borrowed(text)),
        Json::Object(text) | Json::Array(text) => Value::Nested(Cow::Borrowed(text)),
        Json::Null => Value::Bare(Cow::Borrowed("null")),
    }
}

/// A level by name or number, in any logger's scale.
///
/// Numbers: bunyan and pino count 10 to 60; syslog and journald 0 to 7 downwards; OpenTelemetry 1 to 24. The key
/// tells the last two apart.
pub(super) fn level(text: &str, key: &str) -> Option<Level> {
    if let Ok(number) = text.parse::<u32>() {
        return numbered(number, key);
    }
    let mut lower = [0_u8; 12];
    let lower = lower.get_mut(..text.len())?;
    lower.copy_from_slice(text.as_bytes());
    lower.make_ascii_lowercase();
    Some(match &*lower {
        b"trace" | b"trc" | b"finest" | b"finer" | b"verbose" | b"vrb" => Level::Trace,
        b"debug" | b"dbg" | b"fine" | b"config" | b"debug1" | b"debug2" | b"debug3" | b"debug4"
        | b"debug5" => Level::Debug,
        b"info" | b"inf" | b"information" | b"notice" | b"log" | b"informational" => Level::Info,
        b"warn" | b"warning" | b"wrn" => Level::Warn,
        b"error" | b"err" | b"severe" | b"eror" => Level::Error,
        b"fatal" | b"critical" | b"crit" | b"panic" | b"emerg" | b"emergency" | b"alert" | b"ftl"
        | b"dpanic" => Level::Fatal,
        _ => return None,
    })
}

fn numbered(number: u32, key: &str) -> Option<Level> {
    if key.to_ascii_lowercase().contains("number") {
        // OpenTelemetry logs data model, "SeverityNumber".
        return Some(match number {
            1..=4 => Level::Trace,
            5..=8 => Level::Debug,
            9..=12 => Level::Info,
            13..=16 => Level::Warn,
            17..=20 => Level::Error,
            21..=24 => Level::Fatal,
            _ => return None,
        });
    }
    Some(match number {
        // RFC 5424, 6.2.1.
        0..=2 => Level::Fatal,
        3 => Level::Error,
        4 => Level::Warn,
        5 | 6 => Level::Info,
        7 => Level::Debug,
        10..20 => Level::Trace,
        20..30 => Level::Debug,
        30..40 => Level::Info,
        40..50 => Level::Warn,
        50..60 => Level::Error,
        60..=100 => Level::Fatal,
        _ => return None,
    })
}

/// Whether a JSON object has what makes a log entry: a time or a level, and a message or fields.
pub(super) fn looks_like_entry(text: &str, lexicon: &Lexicon) -> bool {
    let mut draft = Draft::default();
    let mut fields = Vec::new();
    let valid =
        json::members(text, |key, value| member(&mut draft, &mut fields, key, value, lexicon)).is_ok();
    let says = draft.message.is_some() || draft.error.is_some() || !fields.is_empty();
    valid && says && (draft.level.is_some() || (draft.time.is_some() && draft.message.is_some()))
}

/// What a JSON object lacks of a log entry, and which keys it has.
pub(super) fn lacks(text: &str, lexicon: &Lexicon) -> Option<String> {
    let (mut draft, mut fields, mut keys) = (Draft::default(), Vec::new(), Vec::new());
    let valid = json::members(text, |key, value| {
        keys.push(key);
        member(&mut draft, &mut fields, key, value, lexicon);
    });
    if valid.is_err() {
        return Some("its first line that begins with `{` is no whole JSON object".to_owned());
    }
    let missing = [
        ("time", draft.time.is_none()),
        ("level", draft.level.is_none()),
        ("message", draft.message.is_none()),
    ];
    let missing: Vec<&str> =
        missing.into_iter().filter(|(_, missing)| *missing).map(|(name, _)| name).collect();
    let keys: Vec<&str> = keys.into_iter().take(KEYS).collect();
    (!missing.is_empty()).then(|| {
        format!(
            "no {} among its keys: {}; `fields.toml` in a --patterns folder can name them",
            missing.join(", no "),
            keys.join(", ")
        )
    })
}

/// Keys that are shown of an object.
const KEYS: usize = 12;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_loggers_write() {
        let lexicon = Lexicon::load(&[]).expect("the embedded files");
        for (text, expected) in [
            // tracing-subscriber
            (
                r#"{"timestamp":"2026-11-23T15:56:42.870774Z","level":"ERROR","target":"pg","fields":{"message":"m","error":"e"},"span":{"name":"execute"}}"#,
                "2026-11-23T15:56:42.870774Z error m e",
            ),
            // zap, slog, logrus
            (
                r#"{"level":"warn","ts":1795448109.877,"msg":"m","err":"e"}"#,
                "2026-11-23T15:35:09.877Z warn m e",
            ),
            (
                r#"{"time":"2026-11-23T15:35:09+01:00","level":"INFO","msg":"m"}"#,
                "2026-11-23T14:35:09.000Z info m -",
            ),
            // bunyan, pino
            (
                r#"{"name":"a","level":50,"msg":"m","time":"2026-11-23T15:35:09Z","err":{"message":"e"}}"#,
                "2026-11-23T15:35:09.000Z error m e",
            ),
            (r#"{"level":30,"time":1795448109877,"msg":"m"}"#, "2026-11-23T15:35:09.877Z info m -"),
            // ECS, both spellings
            (
                r#"{"@timestamp":"2026-11-23T15:35:09Z","log.level":"error","message":"m","error.message":"e"}"#,
                "2026-11-23T15:35:09.000Z error m e",
            ),
            (
                r#"{"@timestamp":"2026-11-23T15:35:09Z","log":{"level":"error"},"message":"m","error":{"message":"e"}}"#,
                "2026-11-23T15:35:09.000Z error m e",
            ),
            // OpenTelemetry
            (
                r#"{"timeUnixNano":"1795448109877000000","severityNumber":17,"body":{"stringValue":"m"}}"#,
                "2026-11-23T15:35:09.877Z error m -",
            ),
            // journald
            (
                r#"{"__REALTIME_TIMESTAMP":"1795448109877736","PRIORITY":"3","MESSAGE":"m"}"#,
                "2026-11-23T15:35:09.877736Z error m -",
            ),
            // An entry without a message.
            (r#"{"level":"ERROR","fields":{"max_retries":4}}"#, "- error - -"),
        ] {
            let mut batch = Batch::default();
            json_entry(&mut batch, text, Place::default(), &lexicon).expect("valid");
            let entry = &batch.entries[0];
            let time = entry.time.map_or("-".to_owned(), |time| time.to_string());
            let shown = |text: &Option<Cow<'_, str>>| text.as_deref().unwrap_or("-").to_owned();
            let found =
                format!("{time} {} {} {}", entry.level.name(), shown(&entry.message), shown(&entry.error));
            assert_eq!(found, expected, "{text}");
            assert!(looks_like_entry(text, &lexicon), "{text}");
        }
        for text in [r#"{"event_id":"x","stream_id":"y","stream_version":1}"#, "[1]", r#"{"a":1"#] {
            assert!(!looks_like_entry(text, &lexicon), "{text}");
        }
    }
}
