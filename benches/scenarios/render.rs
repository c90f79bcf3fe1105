//! Lines as the software writes them: tracing-subscriber's JSON, the server's jsonlog, the journal's JSON, psql's CSV.

use std::{collections::BTreeMap, fmt::Write as _};

use chrono::DateTime;

use super::{
    data::{Chain, Data, Text},
    fill::Fill,
};

/// One line of a log, or one row of an export.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Rendered {
    /// Below the evidence folder.
    pub(crate) file: String,
    pub(crate) text: String,
}

/// What a text is written with.
#[derive(Debug)]
pub(crate) struct Pen<'a> {
    pub(crate) data: &'a Data,
    pub(crate) chain: Option<&'a Chain>,
    pub(crate) fill: Fill<'a>,
}

impl Pen<'_> {
    /// `at`: by the clock of whoever writes, in microseconds.
    pub(crate) fn write(&mut self, text: &Text, at: i64) -> Rendered {
        match text.source.as_str() {
            "app" => self.app(text, at),
            "postgresql" => self.postgresql(text, at),
            "kernel" | "kubelet" | "systemd" => self.journal(text, at),
            export => self.export(text, export, at),
        }
    }

    fn app(&mut self, text: &Text, at: i64) -> Rendered {
        let mut out = format!(
            "{{\"timestamp\":\"{}\",\"level\":\"{}\",\"fields\":{{",
            shown(at, "%Y-%m-%dT%H:%M:%S%.6fZ"),
            text.level
        );
        let message =
            text.message.as_ref().map(|message| format!("\"message\":{}", quoted(&self.fill.text(message))));
        let fields: Vec<String> = message.into_iter().chain(self.members(&text.fields)).collect();
        let target = self.fill.text(text.target.as_deref().unwrap_or("{crate}"));
        let _ = write!(out, "{}}},\"target\":{}", fields.join(","), quoted(&target));
        let spans: Vec<String> = text.spans.iter().map(|name| self.span(name)).collect();
        if let Some(innermost) = spans.last() {
            let _ = write!(out, ",\"span\":{innermost},\"spans\":[{}]", spans.join(","));
        }
        out.push('}');
        Rendered { file: self.fill.text("logs/{instance}.log.json"), text: out }
    }

    /// Attributes in order of name, then the span's own name, as tracing-subscriber writes them.
    fn span(&mut self, name: &str) -> String {
        let mut attributes = self.data.span(self.chain, name).clone();
        let shown = attributes.remove("name").unwrap_or_else(|| name.to_owned());
        let mut members = self.members(&attributes);
        members.push(format!("\"name\":{}", quoted(&shown)));
        format!("{{{}}}", members.join(","))
    }

    fn members(&mut self, fields: &BTreeMap<String, String>) -> Vec<String> {
        fields.iter().map(|(name, value)| format!("{}:{}", quoted(name), self.value(value))).collect()
    }

    /// A value that begins with `=` is a number or a truth value.
    fn value(&mut self, template: &str) -> String {
        match template.strip_prefix('=') {
            Some(bare) => self.fill.text(bare),
            None => quoted(&self.fill.text(template)),
        }
    }

    fn postgresql(&mut self, text: &Text, at: i64) -> Rendered {
        let mut values: BTreeMap<&str, String> = BTreeMap::new();
        let client = !text.fields.contains_key("backend_type");
        let usual = [
            ("user", "{user}"),
            ("dbname", "{database}"),
            ("remote_host", "{host}"),
            ("remote_port", "={remote_port}"),
            ("vxid", "{n:3..30}/{n:100..9000}"),
            ("application_name", "{instance}"),
            ("backend_type", "client backend"),
        ];
        for (name, value) in usual.into_iter().filter(|_| client) {
            values.insert(name, self.value(value));
        }
        for (name, value) in [("pid", "={pid}"), ("session_id", "{session}"), ("line_num", "={n:1..400}")] {
            values.insert(name, self.value(value));
        }
        for (name, value) in &text.fields {
            values.insert(name, self.value(value));
        }
        values.insert("timestamp", quoted(&shown(at, "%Y-%m-%d %H:%M:%S%.3f UTC")));
        values.insert("session_start", quoted(&self.fill.text("{session_start}")));
        values.insert("txid", "0".to_owned());
        values.insert("error_severity", quoted(&text.level));
        values.insert("message", self.value(text.message.as_deref().unwrap_or_default()));
        values.insert("query_id", self.value("={n:1000000000..9000000000}"));
        let members: Vec<String> = JSONLOG
            .iter()
            .filter_map(|name| values.get(name).map(|value| format!("\"{name}\":{value}")))
            .collect();
        let file = self.fill.text("logs/postgresql-{server}.json");
        Rendered { file, text: format!("{{{}}}", members.join(",")) }
    }

    fn journal(&mut self, text: &Text, at: i64) -> Rendered {
        let message = self.value(text.message.as_deref().unwrap_or_default());
        let mut members = vec![
            format!("\"__REALTIME_TIMESTAMP\":\"{at}\""),
            self.fill.text("\"_HOSTNAME\":\"{node}\""),
            format!("\"SYSLOG_IDENTIFIER\":\"{}\"", text.source),
            format!("\"PRIORITY\":\"{}\"", text.level),
            format!("\"MESSAGE\":{message}"),
        ];
        members.extend(self.members(&text.fields));
        Rendered {
            file: self.fill.text("logs/journal-{node}.json"),
            text: format!("{{{}}}", members.join(",")),
        }
    }

    /// A row; the file is named after its moment.
    fn export(&mut self, text: &Text, export: &str, at: i64) -> Rendered {
        let columns =
            self.data.texts.snapshot.get(export).unwrap_or_else(|| panic!("no source is called {export}"));
        let cells: Vec<String> = columns
            .iter()
            .map(|column| {
                let template = text.fields.get(column).map_or_else(|| usual_cell(column), String::as_str);
                let cell = self.fill.text(template);
                if cell.contains([',', '"']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell }
            })
            .collect();
        let file = format!("snapshots/{export}-{}.csv", shown(at, "%Y%m%dT%H%M%SZ"));
        Rendered { file: self.fill.text(&file), text: cells.join(",") }
    }
}

/// What stands in a column of `pg_stat_activity` where a text says nothing.
fn usual_cell(column: &str) -> &'static str {
    match column {
        "datid" => "{database_oid}",
        "datname" => "{database}",
        "pid" => "{pid}",
        "usename" => "{user}",
        "application_name" => "{instance}",
        "client_addr" => "{host}",
        "client_port" => "{remote_port}",
        "backend_start" => "{backend_start}",
        "query_id" => "{n:1000000000..9000000000}",
        "backend_type" => "client backend",
        _ => "",
    }
}

/// The order in which the server writes its keys.
const JSONLOG: &[&str] = &[
    "timestamp",
    "user",
    "dbname",
    "pid",
    "remote_host",
    "remote_port",
    "session_id",
    "line_num",
    "ps",
    "session_start",
    "vxid",
    "txid",
    "error_severity",
    "state_code",
    "message",
    "detail",
    "hint",
    "context",
    "statement",
    "application_name",
    "backend_type",
    "query_id",
];

/// A time, in microseconds, as `strftime` says.
pub(crate) fn shown(at: i64, how: &str) -> String {
    DateTime::from_timestamp_micros(at).expect("a time of this millennium").format(how).to_string()
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("text is always JSON")
}
