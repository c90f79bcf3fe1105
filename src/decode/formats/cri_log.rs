//! Container logs as Kubernetes' runtimes write them (CRI): time, stream, `F` for a full line or `P` for a part, and
//! the line the container wrote, which is a log of its own.

use std::sync::Arc;

use crate::decode::{Chunk, Context, Cutter, Format, Head, Kind, Lexicon, entry, lines, time};
use crate::model::{Batch, Place, Timestamp};

use super::{json_log::adopt, text_log};

#[derive(Debug)]
pub(crate) struct CriLog;

impl Format for CriLog {
    fn id(&self) -> &'static str {
        "cri-log"
    }

    fn kind(&self) -> Kind {
        Kind::Log
    }

    fn about(&self) -> &'static str {
        "container logs of Kubernetes (CRI), around JSON or text"
    }

    fn sniff(&self, head: &Head<'_>, _: &Lexicon) -> u8 {
        let lines = head.text.lines().filter(|line| !line.is_empty()).take(20);
        let (ours, others): (Vec<&str>, Vec<&str>) = lines.partition(|line| wrapped(line).is_some());
        // The last line of the head may be cut off.
        if !ours.is_empty() && others.len() <= usize::from(!head.whole) { 80 } else { 0 }
    }

    fn cutter(&self, _: &Head<'_>, _: &Arc<Lexicon>) -> Box<dyn Cutter> {
        Box::new(CriCutter)
    }

    fn decode<'a>(&self, chunk: &Chunk<'a>, lexicon: &Lexicon) -> Batch<'a> {
        let mut batch = Batch::default();
        let (mut parts, mut open): (String, Option<(Place, Timestamp)>) = (String::new(), None);
        let (mut offset, mut number) = (0, 0);
        for line in chunk.text.split_inclusive('\n') {
            let place = chunk.place(offset, chunk.line + number);
            offset += line.len();
            number += 1;
            let Some(Wrapped { time, part, inner }) = wrapped(lines::trim_end(line)) else {
                batch.reject(place, line.len(), "no line of a container runtime");
                continue;
            };
            let (place, time) = *open.get_or_insert((place, time));
            parts.push_str(inner);
            batch.account.bytes_decoded += line.len() as u64;
            if !part {
                one_entry(&mut batch, &std::mem::take(&mut parts), place, time, lexicon);
                open = None;
            }
        }
        if let Some((place, time)) = open {
            one_entry(&mut batch, &parts, place, time, lexicon);
        }
        batch
    }
}

fn one_entry(batch: &mut Batch<'_>, text: &str, place: Place, time: Timestamp, lexicon: &Lexicon) {
    let mut inner = Batch::default();
    if !(text.starts_with('{') && entry::json_entry(&mut inner, text, place, lexicon).is_ok()) {
        let entry = text_log::text_entry(&mut inner, text, place);
        inner.entries.push(entry);
    }
    adopt(batch, inner, Some(time));
    batch.account.records += 1;
}

/// Ends pieces after a full line, so that its parts stay together.
struct CriCutter;

impl Cutter for CriCutter {
    fn cut(&mut self, bytes: &[u8], want: usize, last: bool) -> Option<(usize, Context)> {
        let mut from = want.min(bytes.len()).max(1) - 1;
        while let Some(newline) = lines::find(bytes, from, b'\n') {
            let line_start = bytes[..newline].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
            let head =
                String::from_utf8_lossy(&bytes[line_start..newline.min(line_start + 200)]).into_owned();
            if wrapped(&head).is_none_or(|wrapped| !wrapped.part) || newline >= lines::MAX_RECORD {
                return Some((newline + 1, Context::None));
            }
            from = newline + 1;
        }
        let endless = bytes.len() >= lines::MAX_RECORD;
        (last || endless).then_some((bytes.len(), Context::None))
    }
}

struct Wrapped<'a> {
    time: Timestamp,
    part: bool,
    inner: &'a str,
}

fn wrapped(line: &str) -> Option<Wrapped<'_>> {
    let (stamp, rest) = line.split_once(' ')?;
    let (time, _) = time::parse(stamp)?;
    let rest = rest.strip_prefix("stdout ").or_else(|| rest.strip_prefix("stderr "))?;
    let (tag, inner) = rest.split_once(' ').unwrap_or((rest, ""));
    matches!(tag, "F" | "P").then_some(Wrapped { time, part: tag == "P", inner })
}

#[cfg(test)]
mod tests {
    use crate::decode::testing::check;

    use super::*;

    #[test]
    fn joins_parts_and_reads_what_is_inside() {
        check(
            &CriLog,
            concat!(
                "2026-11-23T15:35:09.877736123Z stdout F {\"level\":\"INFO\",\"msg\":\"one\"}\n",
                "2026-11-23T15:35:10Z stderr P {\"level\":\"ERROR\",\n",
                "2026-11-23T15:35:10.5Z stderr F \"msg\":\"two\"}\n",
                "2026-11-23T15:35:11Z stdout F plain\n",
            ),
            &[
                "1 15:35:09 info one",
                "2 15:35:10 error two",
                "4 15:35:11 unknown plain",
                "records 3 rejected 0 skipped 0",
            ],
        );
    }
}
