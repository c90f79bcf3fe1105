//! Logs that were exported as CSV: a header, a time, a message, and who wrote it, as log stores and collectors write
//! them. The message may be a line as a container runtime wrapped it.

use std::{borrow::Cow, sync::Arc};

use crate::decode::{
    Chunk, Context, Cutter, Format, Head, Kind, Lexicon, Shape,
    csv_text::{self, CsvCutter},
    entry, lines, time,
};
use crate::model::{Batch, Entry, Field, Level, Place, Value};

use super::{json_log, text_log};

#[derive(Debug)]
pub(crate) struct CsvLog;

/// What a column is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Column {
    Time,
    Level,
    Message,
    /// A pod's name, which begins with that of its service.
    Pod,
    Named(&'static str),
    /// Known to nobody here: a value under its own name.
    Other,
}

/// Fewest columns of an export that says who wrote what; two make any list of dates.
const FEWEST: usize = 3;

impl Format for CsvLog {
    fn id(&self) -> &'static str {
        "csv-log"
    }

    fn kind(&self) -> Kind {
        Kind::Log
    }

    fn about(&self) -> &'static str {
        "logs exported as CSV: a header with a time and a message, and columns for pod, trace and the like"
    }

    fn sniff(&self, head: &Head<'_>, _: &Lexicon) -> u8 {
        let Some((names, shape)) = header(head) else { return 0 };
        let Some(row) = csv_text::row(head.text.as_bytes(), shape.header, &shape, head.whole) else {
            return 0;
        };
        let cells = cells(&head.text[shape.header..row.end]);
        let dated = |(name, cell): (&String, &Cow<'_, str>)| {
            column(name) == Column::Time && time::parse(cell).is_some()
        };
        if names.iter().zip(&cells).any(dated) { 60 } else { 0 }
    }

    fn lacks(&self, head: &Head<'_>, _: &Lexicon) -> Option<String> {
        let (names, _) = header(head)?;
        Some(match names.iter().find(|name| column(name) == Column::Time) {
            Some(name) => format!("its first row has no time in `{name}`"),
            None => format!("no column for a time among {}", names.join(", ")),
        })
    }

    fn cutter(&self, head: &Head<'_>, _: &Arc<Lexicon>) -> Box<dyn Cutter> {
        let context = header(head)
            .map_or(Context::None, |(names, shape)| Context::Columns { names: Arc::new(names), shape });
        Box::new(CsvCutter::new(context))
    }

    fn decode<'a>(&self, chunk: &Chunk<'a>, _: &Lexicon) -> Batch<'a> {
        let mut batch = Batch::default();
        let Context::Columns { names, shape } = chunk.context else { return batch };
        let bytes = chunk.text.as_bytes();
        let mut at = shape.header.min(bytes.len());
        let mut place = chunk.place(0, chunk.line);
        if at > 0 {
            batch.account.skipped(at);
            advance(&mut place, &chunk.text[..at]);
        }
        while let Some(row) = (at < bytes.len()).then(|| csv_text::row(bytes, at, shape, true)).flatten() {
            let record = &chunk.text[at..row.end];
            if record.trim_ascii().is_empty() {
                batch.account.skipped(record.len());
            } else if row.closed && csv_text::well_formed(record.as_bytes(), shape) {
                push(&mut batch, names, &cells(record), place);
                batch.account.decoded(record.len());
            } else {
                let width = csv_text::fields(record.as_bytes(), b',').len();
                let why = if width == names.len() {
                    "a quote out of place".to_owned()
                } else {
                    format!("{width} columns, expected {}", names.len())
                };
                batch.reject(place, record.len(), why);
            }
            advance(&mut place, record);
            at = row.end;
        }
        batch
    }
}

fn advance(place: &mut Place, text: &str) {
    place.byte += text.len() as u64;
    place.line += memchr::memchr_iter(b'\n', text.as_bytes()).count() as u64;
}

/// The names of the columns, if they are those of a log.
fn header(head: &Head<'_>) -> Option<(Vec<String>, Shape)> {
    let end = memchr::memchr(b'\n', head.text.as_bytes())? + 1;
    let line = head.text[..end].trim_start_matches('\u{feff}');
    let names: Vec<String> = cells(line).into_iter().map(Cow::into_owned).collect();
    let has = |wanted| names.iter().any(|name| column(name) == wanted);
    let fits = names.len() >= FEWEST && has(Column::Time) && has(Column::Message);
    let shape = Shape {
        name: String::new(),
        delimiter: b',',
        fields: (names.len(), names.len()),
        header: end,
        zoned: false,
    };
    fits.then_some((names, shape))
}

fn cells(row: &str) -> Vec<Cow<'_, str>> {
    let ranges = csv_text::fields(row.as_bytes(), b',');
    ranges.into_iter().map(|range| csv_text::unquote(&row[range]).0).collect()
}

fn column(name: &str) -> Column {
    let plain: String =
        name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    match plain.as_str() {
        "timestamp" | "time" | "ts" | "datetime" | "date" | "eventtime" | "timegenerated" | "logtime" => {
            Column::Time
        }
        "level" | "severity" | "loglevel" | "severitytext" => Column::Level,
        "log" | "message" | "msg" | "body" | "content" | "text" | "line" | "logmessage" => Column::Message,
        "pod" | "podname" | "kubernetespodname" | "k8spodname" => Column::Pod,
        "service" | "servicename" | "app" | "application" | "component" => Column::Named("service"),
        "traceid" | "trace" => Column::Named("trace_id"),
        "spanid" | "span" => Column::Named("span_id"),
        "node" | "nodename" | "host" | "hostname" => Column::Named("host"),
        "container" | "containername" => Column::Named("container"),
        _ => Column::Other,
    }
}

fn push(batch: &mut Batch<'_>, names: &[String], cells: &[Cow<'_, str>], place: Place) {
    let columns = || names.iter().map(|name| column(name)).zip(names).zip(cells);
    let of =
        |wanted: Column| columns().find(|((column, _), _)| *column == wanted).map(|(_, cell)| cell.as_ref());
    // Of several times the first that is one; a wall clock inside the message says no zone and is no better.
    let times = columns().filter(|((column, _), _)| *column == Column::Time);
    let time = times.filter_map(|(_, cell)| time::parse(cell)).map(|(time, _)| time).next();
    let message = of(Column::Message).unwrap_or_default();
    let wrapped = json_log::docker(message);
    let text = wrapped.as_ref().map_or(message, |wrapped| lines::trim_end(&wrapped.line));
    let mut inner = Batch::default();
    let mut said = text_log::text_entry(&mut inner, text, place);
    said.time = time;
    if said.level == Level::Unknown {
        said.level = of(Column::Level).and_then(|level| entry::level(level, "")).unwrap_or_default();
    }
    let ids: Vec<&str> = columns()
        .filter(|((column, _), cell)| {
            matches!(column, Column::Named("trace_id" | "span_id")) && !cell.is_empty()
        })
        .map(|(_, cell)| cell.as_ref())
        .collect();
    let (location, rest) =
        said.message.as_deref().map_or((None, ""), |message| place_and_message(message, &ids));
    let (location, rest) = (location.map(str::to_owned), rest.to_owned());
    said.message = Some(rest).filter(|rest| !rest.is_empty()).map(Cow::Owned);
    let mut field = |name: &'static str, value: &str| {
        if !value.is_empty() {
            inner.fields.push(Field::new(Cow::Borrowed(name), Value::Text(Cow::Owned(value.to_owned()))));
        }
    };
    for ((column, _), cell) in columns() {
        match column {
            Column::Named(name) => field(name, cell),
            Column::Pod => {
                field("pod", cell);
                if of(Column::Named("service")).is_none_or(str::is_empty) {
                    field("service", service(cell));
                }
            }
            Column::Time | Column::Level | Column::Message | Column::Other => {}
        }
    }
    field("location", location.as_deref().unwrap_or_default());
    for ((_, name), cell) in columns().filter(|((column, _), _)| *column == Column::Other) {
        let value = Value::Text(Cow::Borrowed(cell.as_ref()));
        inner.fields.push(Field::new(Cow::Borrowed(name), value));
    }
    let entry = Entry { fields: said.fields.start..inner.fields.len(), ..said };
    inner.entries.push(entry);
    json_log::adopt(batch, inner, time);
}

/// The service of a pod: its name without the hash of its replica set and its own, or its number in a stateful set.
/// The ends of pod names are drawn from letters and digits that make no words (Kubernetes, `apimachinery/util/rand`).
fn service(pod: &str) -> &str {
    let random = |part: &str| part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    let digit = |part: &str| part.bytes().any(|byte| byte.is_ascii_digit());
    let Some((rest, own)) = pod.rsplit_once('-') else { return pod };
    match rest.rsplit_once('-') {
        Some((name, set))
            if own.len() == 5
                && random(own)
                && (6..=10).contains(&set.len())
                && random(set)
                && digit(set) =>
        {
            name
        }
        _ if !own.is_empty() && own.bytes().all(|byte| byte.is_ascii_digit()) => rest,
        _ if own.len() == 5 && random(own) && digit(own) => rest,
        _ => pod,
    }
}

/// Where in the code a message was written, if it begins with that, and the message without it and without the ids that
/// stand in columns of their own.
fn place_and_message<'m>(message: &'m str, ids: &[&str]) -> (Option<&'m str>, &'m str) {
    let (first, behind) = message.split_once(' ').unwrap_or((message, ""));
    let is_place = first.rsplit_once(['#', ':']).is_some_and(|(name, line)| {
        name.len() > 1
            && !line.is_empty()
            && line.bytes().all(|byte| byte.is_ascii_digit())
            && name.contains('.')
    });
    let (place, mut rest) = if is_place { (Some(first), behind) } else { (None, message) };
    // `TraceID: 96b4 SpanID: a118`
    while let Some((name, behind)) = rest.trim_start().split_once([':', '=']) {
        let (value, after) = behind.trim_start().split_once(' ').unwrap_or((behind.trim_start(), ""));
        if name.contains(' ') || !ids.contains(&value) {
            break;
        }
        rest = after;
    }
    (place, rest.trim_start())
}

#[cfg(test)]
mod tests {
    use crate::decode::testing::check;

    use super::*;

    #[test]
    fn reads_rows_with_wrapped_lines() {
        check(
            &CsvLog,
            concat!(
                "Timestamp,TimeUnixNano,Node,PodName,Container,TraceID,SpanID,Log\n",
                "2026-01-29T08:59:14.315323886Z,1674982754315323886,10.0.0.1,shop-cart-64469b5b48-25zj6,server,96b4,a118,",
                "\"{\"\"log\"\":\"\"16:59:14.315 WARN  t.s.CartImpl#532 TraceID: 96b4 SpanID: a118 [get][id is: 7]\\n\"\",",
                "\"\"stream\"\":\"\"stdout\"\",\"\"time\"\":\"\"2026-01-29T08:59:14.315323886Z\"\"}\"\n",
                "2026-01-29T08:59:15Z,1,n,shop-cart-0,,,,\"ERROR two\nlines\"\n",
                "short,row\n",
            ),
            &[
                "2 08:59:14 warn [get][id is: 7] host=10.0.0.1 pod=shop-cart-64469b5b48-25zj6 service=shop-cart container=server trace_id=96b4 span_id=a118 location=t.s.CartImpl#532 TimeUnixNano=1674982754315323886",
                "3 08:59:15 error two\\nlines host=n pod=shop-cart-0 service=shop-cart TimeUnixNano=1",
                "5 rejected 2 columns, expected 8",
                "records 2 rejected 1 skipped 1",
            ],
        );
    }

    #[test]
    fn a_pod_belongs_to_a_service() {
        for (pod, expected) in [
            ("shop-cart-64469b5b48-25zj6", "shop-cart"),
            ("db-0", "db"),
            ("agent-x7k2p", "agent"),
            ("shop-cart", "shop-cart"),
            ("shop", "shop"),
        ] {
            assert_eq!(service(pod), expected, "{pod}");
        }
    }

    #[test]
    fn another_table_is_no_log() {
        let lexicon = Lexicon::load(&[]).expect("the embedded files");
        for text in ["time,value,unit\n2026-01-29T08:59:15Z,1,s\n", "id,message,time\n1,a,never\n", "a,b\n"] {
            assert_eq!(CsvLog.sniff(&Head { text, whole: true }, &lexicon), 0, "{text}");
        }
    }
}
