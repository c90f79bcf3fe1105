//! Times, as loggers and databases write them. Reading one from text; the type is `model::time`.

use crate::model::{
    Timestamp, Zone,
    time::{DAY, SECOND},
};

/// Reads a whole text as one time.
pub fn parse(text: &str) -> Option<(Timestamp, Zone)> {
    usual(text.as_bytes()).map(|time| (time, Zone::Explicit)).or_else(|| any_kind(text.trim_ascii()))
}

/// `2026-11-23 15:32:51.121371+00` and `2026-11-23T15:32:51Z`: what databases and most loggers write, read without
/// asking what else it could be. `None`: it may be a time of another kind.
fn usual(text: &[u8]) -> Option<Timestamp> {
    let (date_and_clock, rest) = text.split_first_chunk::<19>()?;
    let &[y3, y2, y1, y0, b'-', m1, m0, b'-', d1, d0, b' ' | b'T', h1, h0, b':', n1, n0, b':', s1, s0] =
        date_and_clock
    else {
        return None;
    };
    let all = [y3, y2, y1, y0, m1, m0, d1, d0, h1, h0, n1, n0, s1, s0];
    if all.iter().fold(false, |wrong, byte| wrong | !byte.is_ascii_digit()) {
        return None;
    }
    let two = |tens: u8, ones: u8| i64::from(tens - b'0') * 10 + i64::from(ones - b'0');
    let date = days(two(y3, y2) * 100 + two(y1, y0), two(m1, m0), two(d1, d0))?;
    let clock = clock(two(h1, h0), two(n1, n0), two(s1, s0))?;
    let (fraction, zone) = match rest {
        [b'.', rest @ ..] => {
            let digits = rest.iter().take(7).take_while(|byte| byte.is_ascii_digit()).count();
            (1..=6).contains(&digits).then(|| rest.split_at(digits))?
        }
        rest => (&[][..], rest),
    };
    let micros = (0..6)
        .fold(0, |micros, at| micros * 10 + i64::from(fraction.get(at).map_or(0, |digit| digit - b'0')));
    matches!(zone, b"+00" | b"Z" | b"+00:00").then_some(Timestamp(date * DAY + clock * SECOND + micros))
}

/// A time in any of the ways that are known, nothing around it.
fn any_kind(text: &str) -> Option<(Timestamp, Zone)> {
    match text {
        "infinity" => return Some((Timestamp(i64::MAX), Zone::Explicit)),
        "-infinity" => return Some((Timestamp(i64::MIN), Zone::Explicit)),
        _ => (),
    }
    if let Some(time) = epoch(text) {
        return Some((time, Zone::Epoch));
    }
    let (time, zone, len) = prefix(text)?;
    // What follows must be nothing, or a zone name that we do not know: then it is read as UTC and said so.
    let rest = text[len..].trim_ascii();
    match (rest, zone) {
        ("", zone) => Some((time, zone)),
        ("BC", _) => Some((Timestamp(i64::MIN), Zone::Explicit)),
        (name, Zone::AssumedUtc) if is_zone_name(name) => Some((time, zone)),
        _ => None,
    }
}

/// A count since 1970 in s, ms, us or ns, told by its size: each unit's range below holds the years 1973 to 5138.
pub(super) fn epoch(text: &str) -> Option<Timestamp> {
    if !text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') || text.len() < 9 {
        return None;
    }
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let count: i64 = whole.parse().ok()?;
    let micros = match count {
        i64::MIN..100_000_000 => return None,
        100_000_000..100_000_000_000 => count * SECOND + micros_of(fraction)?,
        100_000_000_000..100_000_000_000_000 => count * 1000,
        100_000_000_000_000..100_000_000_000_000_000 => count,
        _ => count / 1000,
    };
    Some(Timestamp(micros))
}

/// Reads a time at the start of a text. Returns its length, the zone included.
pub(super) fn prefix(text: &str) -> Option<(Timestamp, Zone, usize)> {
    let bytes = text.as_bytes();
    match bytes {
        [b'0'..=b'9', b'0'..=b'9', b'0'..=b'9', b'0'..=b'9', b'-' | b'/', ..] => iso(text),
        [b'0'..=b'9', b'0'..=b'9', b'/', b'A'..=b'Z', ..] => common_log(text),
        [b'A'..=b'Z', b'a'..=b'z', b'a'..=b'z', b' ' | b',', ..] => ctime(text),
        _ => None,
    }
}

/// `2026-11-23T15:32:51.121371+00:00` and its cousins: blank for `T`, comma for point, `/` for `-`, any zone.
fn iso(text: &str) -> Option<(Timestamp, Zone, usize)> {
    let bytes = text.as_bytes();
    let separator = bytes[4];
    if bytes.len() < 19 || bytes[7] != separator || !matches!(bytes[10], b'T' | b't' | b' ' | b'_') {
        return None;
    }
    if bytes[13] != b':' || bytes[16] != b':' {
        return None;
    }
    let date = days(digits(bytes, 0, 4)?, digits(bytes, 5, 2)?, digits(bytes, 8, 2)?)?;
    let clock = clock(digits(bytes, 11, 2)?, digits(bytes, 14, 2)?, digits(bytes, 17, 2)?)?;
    let mut at = 19;
    let mut micros = 0;
    if matches!(bytes.get(19), Some(b'.' | b',')) && bytes.get(20).is_some_and(u8::is_ascii_digit) {
        let end = 20 + bytes[20..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        micros = micros_of(&text[20..end])?;
        at = end;
    }
    let (offset, zone, end) = offset(text, at)?;
    Some((Timestamp(date * DAY + clock * SECOND + micros - offset * SECOND), zone, end))
}

/// `23/Nov/2026:15:32:51 +0000`, of the common log format.
fn common_log(text: &str) -> Option<(Timestamp, Zone, usize)> {
    let bytes = text.as_bytes();
    if bytes.len() < 20 || bytes[6] != b'/' || bytes[11] != b':' || bytes[14] != b':' || bytes[17] != b':' {
        return None;
    }
    let date = days(digits(bytes, 7, 4)?, month(text.get(3..6)?)?, digits(bytes, 0, 2)?)?;
    let clock = clock(digits(bytes, 12, 2)?, digits(bytes, 15, 2)?, digits(bytes, 18, 2)?)?;
    let (offset, zone, end) = offset(text, 20)?;
    Some((Timestamp(date * DAY + clock * SECOND - offset * SECOND), zone, end))
}

/// `Sun Dec 04 04:47:44 2005` (ctime) and `Mon, 23 Nov 2026 15:32:51 +0000` (RFC 2822).
fn ctime(text: &str) -> Option<(Timestamp, Zone, usize)> {
    let mut words = text.splitn(7, ' ').filter(|word| !word.is_empty());
    let weekday = words.next()?;
    if !["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"].contains(&weekday.trim_end_matches(',')) {
        return None;
    }
    let (second, third, fourth, fifth) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let (day, mon, year, time) =
        if weekday.ends_with(',') { (second, third, fourth, fifth) } else { (third, second, fifth, fourth) };
    let year = year.trim_end_matches(|c: char| !c.is_ascii_digit());
    let date = days(year.parse().ok()?, month(mon)?, day.parse().ok()?)?;
    let (time, micros) = time.split_once('.').map_or((time, Some(0)), |(time, rest)| (time, micros_of(rest)));
    let mut parts = time.split(':').map(|part| part.parse::<i64>().ok());
    let clock = clock(parts.next()??, parts.next()??, parts.next()??)?;
    let last = if weekday.ends_with(',') { fifth } else { year };
    let end = last.as_ptr() as usize - text.as_ptr() as usize + last.len();
    let (offset, zone, end) = offset(text, end)?;
    Some((Timestamp(date * DAY + clock * SECOND + micros? - offset * SECOND), zone, end))
}

/// A zone at `at`, perhaps after one blank: its seconds east of UTC, what it rests on, and where it ends.
fn offset(text: &str, at: usize) -> Option<(i64, Zone, usize)> {
    let bytes = text.as_bytes();
    let from = at + usize::from(bytes.get(at) == Some(&b' '));
    let rest = bytes.get(from..).unwrap_or_default();
    let ends = |len: usize| !rest.get(len).is_some_and(u8::is_ascii_alphanumeric);
    for name in ["UTC", "GMT", "Z", "z"] {
        if rest.starts_with(name.as_bytes()) && ends(name.len()) {
            return Some((0, Zone::Explicit, from + name.len()));
        }
    }
    let sign = match rest.first() {
        Some(b'+') => 1,
        Some(b'-') if rest.get(1).is_some_and(u8::is_ascii_digit) => -1,
        _ => return Some((0, Zone::AssumedUtc, at)),
    };
    let hours = digits(rest, 1, 2)?;
    let colon = usize::from(rest.get(3) == Some(&b':'));
    let (minutes, mut len) = digits(rest, 3 + colon, 2).map_or((0, 3), |minutes| (minutes, 5 + colon));
    let mut seconds = 0;
    if rest.get(len) == Some(&b':')
        && let Some(more) = digits(rest, len + 1, 2)
    {
        seconds = more;
        len += 3;
    }
    let plausible = hours <= 15 && minutes < 60 && ends(len);
    plausible.then_some((sign * (hours * 3600 + minutes * 60 + seconds), Zone::Explicit, from + len))
}

/// `len` digits at `at`, as a number.
fn digits(bytes: &[u8], at: usize, len: usize) -> Option<i64> {
    bytes
        .get(at..at + len)?
        .iter()
        .try_fold(0, |number, byte| byte.is_ascii_digit().then(|| number * 10 + i64::from(byte - b'0')))
}

/// Digits after the point, as microseconds; what is finer is cut off.
fn micros_of(fraction: &str) -> Option<i64> {
    let mut micros = 0;
    for at in 0..6 {
        let digit =
            fraction.as_bytes().get(at).map_or(Some(0), |byte| byte.is_ascii_digit().then(|| byte - b'0'))?;
        micros = micros * 10 + i64::from(digit);
    }
    Some(micros)
}

fn clock(hours: i64, minutes: i64, seconds: i64) -> Option<i64> {
    // 60 is a leap second; 24:00:00 is PostgreSQL's end of day.
    (hours <= 24 && minutes < 60 && seconds <= 60).then_some(hours * 3600 + minutes * 60 + seconds)
}

fn month(name: &str) -> Option<i64> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    MONTHS.iter().position(|known| *known == name).map(|at| at as i64 + 1)
}

/// Days from 1970-01-01 to a date of the Gregorian calendar (Howard Hinnant, "`days_from_civil`"); the tests hold it
/// against chrono, whose own path costs three times as much.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return None,
    };
    if !(1..=length).contains(&day) {
        return None;
    }
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    Some(era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468)
}

fn is_zone_name(name: &str) -> bool {
    (3..=5).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use chrono::{Datelike, NaiveDate};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_what_loggers_and_databases_write() {
        use Zone::{AssumedUtc, Epoch, Explicit};
        for (text, expected, zone) in [
            ("2026-11-23T15:35:09.877736Z", "2026-11-23T15:35:09.877736Z", Explicit),
            ("2026-11-23T15:35:09.877736123+00:00", "2026-11-23T15:35:09.877736Z", Explicit),
            ("2026-11-23 15:35:21.289251+00", "2026-11-23T15:35:21.289251Z", Explicit),
            ("2026-11-23 15:39:34.388 UTC", "2026-11-23T15:39:34.388Z", Explicit),
            ("2026-11-23 17:39:34,388+0200", "2026-11-23T15:39:34.388Z", Explicit),
            ("2026-11-23 10:09:34-05:30", "2026-11-23T15:39:34.000Z", Explicit),
            ("2026-11-23 15:39:34 CET", "2026-11-23T15:39:34.000Z", AssumedUtc),
            ("2026-11-23 15:26:46.30371", "2026-11-23T15:26:46.303710Z", AssumedUtc),
            ("2026/11/23 15:26:46", "2026-11-23T15:26:46.000Z", AssumedUtc),
            ("23/Nov/2026:15:35:09 +0100", "2026-11-23T14:35:09.000Z", Explicit),
            ("Sun Dec 04 04:47:44 2005", "2005-12-04T04:47:44.000Z", AssumedUtc),
            ("Mon, 23 Nov 2026 15:32:51 GMT", "2026-11-23T15:32:51.000Z", Explicit),
            ("1795448109", "2026-11-23T15:35:09.000Z", Epoch),
            ("1795448109.877", "2026-11-23T15:35:09.877Z", Epoch),
            ("1795448109877", "2026-11-23T15:35:09.877Z", Epoch),
            ("1795448109877736", "2026-11-23T15:35:09.877736Z", Epoch),
            ("1795448109877736123", "2026-11-23T15:35:09.877736Z", Epoch),
            ("2024-02-29T23:59:60Z", "2024-03-01T00:00:00.000Z", Explicit),
            ("1999-12-31 23:59:59.000001+00", "1999-12-31T23:59:59.000001Z", Explicit),
            ("0001-01-01 00:00:00+00", "0001-01-01T00:00:00.000Z", Explicit),
        ] {
            let (time, basis) = parse(text).unwrap_or_else(|| panic!("{text} is a time"));
            assert_eq!((time.to_string().as_str(), basis), (expected, zone), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_time() {
        for text in [
            "",
            "abc",
            "42",
            "2026-02-30T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-11-23",
            "2026-11-23 15:3",
            "2026-11-23 15:35:21.289251+0",
            "2026-11-23T15:35:09Zebra",
            "2026-11-23 15:35:09 and more",
            "Nov 23 15:35:09",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn the_short_way_gives_what_the_long_way_does(
            text in "(1999|2024|2026)[-/](02|1[0-3])-(2[89]|3[01])[ Tt](2[0-5]|0[0-9]):[0-6][0-9]:(5[0-9]|6[01])([.,][0-9]{0,8})?(Z|[+]00|[+]00:00|-00|[+]01|[+]0| UTC)?",
            with in prop::char::any(),
            at in 0..40_usize,
        ) {
            let damaged: String =
                text.chars().enumerate().map(|(place, c)| if place == at { with } else { c }).collect();
            for text in [text, damaged] {
                let short = usual(text.as_bytes()).map(|time| (time, Zone::Explicit));
                prop_assert!(short.is_none() || short == any_kind(text.trim_ascii()), "{}", text);
            }
        }
    }

    #[test]
    fn counts_days_as_chrono_does() {
        let epoch = NaiveDate::from_ymd_opt(1970, 1, 1).expect("a date");
        for offset in (-800_000..800_000).step_by(97) {
            let date = epoch + chrono::Days::new(0) + chrono::TimeDelta::days(offset);
            let (year, month, day) = (i64::from(date.year()), i64::from(date.month()), i64::from(date.day()));
            assert_eq!(days(year, month, day), Some(offset), "{date}");
        }
    }
}
