//! Sizes, shares of a processor and lengths of time, as psql and kubectl show them.

/// `1336 kB`, `8192 bytes`, `512Mi`, `1.5G`, `4096`. Both `kB` of psql and `Ki` of kubectl are 1024; a lone `K`, `M` or
/// `G` is a power of ten, as Kubernetes has it.
pub(super) fn bytes(text: &str) -> Option<u64> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let number: f64 = text[..end].parse().ok()?;
    let factor: f64 = match text[end..].trim() {
        "" | "B" | "bytes" | "byte" => 1.0,
        "kB" | "KB" | "Ki" | "KiB" => 1024.0,
        "MB" | "Mi" | "MiB" => 1024.0 * 1024.0,
        "GB" | "Gi" | "GiB" => 1024.0 * 1024.0 * 1024.0,
        "TB" | "Ti" | "TiB" => 1024.0 * 1024.0 * 1024.0 * 1024.0,
        "PB" | "Pi" | "PiB" => 1024.0 * 1024.0 * 1024.0 * 1024.0 * 1024.0,
        "k" | "K" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        _ => return None,
    };
    Some((number * factor) as u64)
}

/// Thousandths of a core: `12m`, `2`, `0.5`, `1500u`.
pub(super) fn cpu_milli(text: &str) -> Option<u64> {
    let text = text.trim();
    let (digits, factor) = if let Some(digits) = text.strip_suffix('m') {
        (digits, 1.0)
    } else if let Some(digits) = text.strip_suffix('u') {
        (digits, 1e-3)
    } else if let Some(digits) = text.strip_suffix('n') {
        (digits, 1e-6)
    } else {
        (text, 1e3)
    };
    let number: f64 = digits.parse().ok()?;
    (number >= 0.0).then(|| (number * factor).round() as u64)
}

/// Milliseconds of an interval: `00:06:12.345`, `2 days 01:00:00`, `-00:00:01`, `372.5` (seconds).
pub(super) fn interval_ms(text: &str) -> Option<i64> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<f64>() {
        return Some((seconds * 1000.0) as i64);
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    let (days, clock) = match words[..] {
        [clock] => (0, clock),
        [days, unit, clock] if unit.starts_with("day") => (days.parse::<i64>().ok()?, clock),
        [days, unit] if unit.starts_with("day") => (days.parse::<i64>().ok()?, "0:0:0"),
        _ => return None,
    };
    let (sign, clock) = clock.strip_prefix('-').map_or((1, clock), |clock| (-1, clock));
    let mut parts = clock.split(':');
    let (hours, minutes): (i64, i64) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    let seconds: f64 = parts.next().unwrap_or("0").parse().ok()?;
    let ms = (hours * 3600 + minutes * 60) * 1000 + (seconds * 1000.0) as i64;
    Some(days * 86_400_000 + sign * ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_people_are_shown() {
        for (text, expected) in [
            ("1336 kB", Some(1_368_064)),
            ("8192 bytes", Some(8192)),
            ("512Mi", Some(512 << 20)),
            ("1.5G", Some(1_500_000_000)),
            ("4096", Some(4096)),
            ("<none>", None),
            ("12 apples", None),
        ] {
            assert_eq!(bytes(text), expected, "{text}");
        }
        for (text, expected) in [("12m", Some(12)), ("2", Some(2000)), ("0.5", Some(500)), ("x", None)] {
            assert_eq!(cpu_milli(text), expected, "{text}");
        }
        for (text, expected) in [
            ("00:06:12.345", Some(372_345)),
            ("2 days 01:00:00", Some(176_400_000)),
            ("1 day", Some(86_400_000)),
            ("-00:00:01", Some(-1000)),
            ("372.5", Some(372_500)),
            ("soon", None),
        ] {
            assert_eq!(interval_ms(text), expected, "{text}");
        }
    }
}
