//! The judgements a user may change. Read when concluding, never when folding.
//!
//! One table describes each: reading files, the environment and flags, `coroner config show` and the report all go
//! through it, so that a new setting is one row here and nothing elsewhere.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::time::{SECOND, Timestamp};

const MINUTE: i64 = 60 * SECOND;
const YEAR: i64 = 365 * 86_400 * SECOND;

/// Where the as-of time comes from. Default: [`AsOf::Newest`]; `--as-of` overrides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AsOf {
    /// The newest trustworthy time in the evidence.
    Newest,
    At(Timestamp),
}

/// A setting's value, which is also its kind.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SettingValue {
    /// Microseconds.
    Duration(i64),
    /// From 0 to 1.
    Share(f64),
    Count(u64),
}

/// What there is to know of one setting.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    pub name: &'static str,
    pub default: SettingValue,
    /// One sentence: what it decides.
    pub about: &'static str,
    /// Where the default comes from.
    pub basis: &'static str,
    get: fn(&Settings) -> SettingValue,
    set: fn(&mut Settings, SettingValue),
}

macro_rules! settings {
    ($($name:ident: $kind:ident($type:ty) = $default:expr, $about:literal, $basis:literal;)*) => {
        /// Thresholds, with the source chapter's values as defaults. Durations are in microseconds.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        pub struct Settings {
            /// When "now" is for this evidence.
            pub as_of: AsOf,
            $(
                #[doc = $about]
                #[doc = ""]
                #[doc = concat!("Default: ", $basis, ".")]
                pub $name: $type,
            )*
        }

        impl Default for Settings {
            fn default() -> Settings {
                Settings { as_of: AsOf::Newest, $($name: $default),* }
            }
        }

        /// Every setting, in order of name.
        pub const SETTINGS: &[Setting] = &[$(
            Setting {
                name: stringify!($name),
                default: SettingValue::$kind($default),
                about: $about,
                basis: $basis,
                get: |settings| SettingValue::$kind(settings.$name),
                set: |settings, value| {
                    if let SettingValue::$kind(value) = value {
                        settings.$name = value;
                    }
                },
            }
        ),*];
    };
}

settings! {
    ancient_before: Duration(i64) = 10 * YEAR,
        "An event dated earlier than this before the as-of time is a fault.",
        "the source chapter, years of 365 days";
    future_after: Duration(i64) = 5 * MINUTE,
        "An event dated later than this after the as-of time is a fault.",
        "the source chapter";
    id_time_apart: Duration(i64) = 5 * MINUTE,
        "An event id made further than this from its event's own time is a fault; below it, lock waits and clocks explain it.",
        "as far as the source chapter trusts a clock";
    idle_in_transaction: Duration(i64) = MINUTE,
        "A session that holds a transaction open for longer than this without working is a finding.",
        "PostgreSQL practice advises timeouts from one minute upwards; the source chapter has none";
    incident_gap: Duration(i64) = 5 * MINUTE,
        "Findings of one incident are at most this far apart in time.",
        "how far effects trail their cause in the incidents it was measured on";
    index_scans_under: Count(u64) = 100,
        "An index with fewer scans than this is hardly used.",
        "the source chapter";
    lag_critical: Duration(i64) = 30 * MINUTE,
        "A projection this far behind its store is critical.",
        "the source chapter";
    lag_warning: Duration(i64) = 5 * MINUTE,
        "A projection this far behind its store is a warning.",
        "the source chapter";
    lock_wait_over: Duration(i64) = SECOND,
        "A wait for a lock that takes longer than this is a finding.",
        "PostgreSQL's deadlock_timeout, after which log_lock_waits speaks";
    long_query: Duration(i64) = 5 * MINUTE,
        "A statement that runs for longer than this is a finding.",
        "the source chapter";
    memory_high: Share(f64) = 0.8,
        "Memory above this share of its limit is a finding.",
        "the share that the source chapter takes for connection pools";
    pool_high: Share(f64) = 0.8,
        "A connection pool used above this share is a finding.",
        "the source chapter";
    regression_over: Duration(i64) = 10 * SECOND,
        "A stream whose time runs back by more than this is a fault.",
        "clocks and lock waits of the healthy systems measured stay below 2.1 s";
    slow_over: Duration(i64) = SECOND,
        "An operation that takes longer than this is slow.",
        "the source chapter alerts over 1000 ms";
    snapshot_stale_after: Duration(i64) = 15 * MINUTE,
        "A snapshot this far from an incident says nothing about it.",
        "three runs of a collector that runs every five minutes";
    stalled_after: Duration(i64) = 5 * MINUTE,
        "A checkpoint that others have left this far behind has stopped.",
        "the source chapter's first lag of a projection";
}

/// Why a text is no value of a setting.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingError {
    #[error("`{0}` is no duration; write it as 1500ms, 90s, 5m, 2h, 3d or 10y")]
    Duration(String),
    #[error("`{0}` is longer than time is counted here; the longest is 290000y")]
    TooLong(String),
    #[error("`{0}` is no share; write it as a number from 0 to 1, such as 0.8")]
    Share(String),
    #[error("`{0}` is no count; write it as a whole number, such as 100")]
    Count(String),
}

impl Setting {
    pub fn value(&self, settings: &Settings) -> SettingValue {
        (self.get)(settings)
    }

    /// Takes a value as a user writes it.
    ///
    /// # Errors
    ///
    /// A text that is no value of this setting's kind.
    pub fn read(&self, settings: &mut Settings, text: &str) -> Result<(), SettingError> {
        (self.set)(settings, self.default.same_kind(text.trim())?);
        Ok(())
    }
}

impl Settings {
    /// Two values that cannot both be meant, in words.
    pub fn contradiction(&self) -> Option<String> {
        (self.lag_warning > self.lag_critical).then(|| {
            let shown = SettingValue::Duration;
            let (warning, critical) = (shown(self.lag_warning), shown(self.lag_critical));
            format!("lag_warning ({warning}) is above lag_critical ({critical}); a warning comes first")
        })
    }
}

/// Units of durations, the largest first; the name is what a user writes.
const UNITS: [(&str, i64); 7] = [
    ("y", YEAR),
    ("d", 86_400 * SECOND),
    ("h", 60 * MINUTE),
    ("m", MINUTE),
    ("s", SECOND),
    ("ms", SECOND / 1000),
    ("us", 1),
];

impl SettingValue {
    /// A text as a value of the same kind as this one.
    fn same_kind(self, text: &str) -> Result<SettingValue, SettingError> {
        match self {
            SettingValue::Duration(_) => duration(text).map(SettingValue::Duration),
            SettingValue::Share(_) => match text.parse() {
                Ok(share) if (0.0..=1.0).contains(&share) => Ok(SettingValue::Share(share)),
                _ => Err(SettingError::Share(text.to_owned())),
            },
            SettingValue::Count(_) => match text.parse() {
                Ok(count) => Ok(SettingValue::Count(count)),
                Err(_) => Err(SettingError::Count(text.to_owned())),
            },
        }
    }
}

/// `5m` in microseconds.
///
/// # Errors
///
/// What is no duration.
pub fn duration(text: &str) -> Result<i64, SettingError> {
    let no_duration = || SettingError::Duration(text.to_owned());
    let digits = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(no_duration)?;
    let (number, unit) = text.split_at(digits);
    let (_, micros) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(no_duration)?;
    if number.is_empty() {
        return Err(no_duration());
    }
    let number: Option<i64> = number.parse().ok();
    number
        .and_then(|number| number.checked_mul(*micros))
        .ok_or_else(|| SettingError::TooLong(text.to_owned()))
}

/// As a user writes it: durations in the largest unit that they are whole numbers of.
impl fmt::Display for SettingValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SettingValue::Duration(0) => f.write_str("0s"),
            SettingValue::Duration(micros) => {
                let whole = UNITS.iter().find(|(_, unit)| micros % unit == 0).unwrap_or(&("us", 1));
                write!(f, "{}{}", micros / whole.1, whole.0)
            }
            SettingValue::Share(share) => write!(f, "{share}"),
            SettingValue::Count(count) => write!(f, "{count}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_says_what_each_is() {
        assert!(SETTINGS.is_sorted_by(|a, b| a.name < b.name));
        for setting in SETTINGS {
            assert!(setting.about.ends_with('.') && setting.basis.len() > 10, "{}", setting.name);
            assert_eq!(setting.value(&Settings::default()), setting.default, "{}", setting.name);
        }
    }

    #[test]
    fn what_is_shown_can_be_read() {
        for setting in SETTINGS {
            let mut settings = Settings::default();
            setting.read(&mut settings, &setting.default.to_string()).expect("its own words");
            assert_eq!(settings, Settings::default(), "{}", setting.name);
        }
    }

    #[test]
    fn durations_have_a_unit() {
        for (text, shown) in [
            ("5m", Some("5m")),
            ("300s", Some("5m")),
            ("90s", Some("90s")),
            ("1500ms", Some("1500ms")),
            ("24h", Some("1d")),
            ("365d", Some("1y")),
            ("7us", Some("7us")),
            ("0m", Some("0s")),
            ("5", None),
            ("5 m", None),
            ("-5m", None),
            ("1.5s", None),
            ("m", None),
            ("", None),
            ("5min", None),
            ("300000y", None),
            ("99999999999999999999s", None),
        ] {
            let read = SettingValue::Duration(0).same_kind(text).ok().map(|value| value.to_string());
            assert_eq!(read.as_deref(), shown, "{text}");
        }
    }

    #[test]
    fn shares_and_counts_are_numbers() {
        for (kind, text, shown) in [
            (SettingValue::Share(0.0), "0.8", Some("0.8")),
            (SettingValue::Share(0.0), "1", Some("1")),
            (SettingValue::Share(0.0), "80", None),
            (SettingValue::Share(0.0), "NaN", None),
            (SettingValue::Count(0), "250", Some("250")),
            (SettingValue::Count(0), "-1", None),
            (SettingValue::Count(0), "2.5", None),
        ] {
            let read = kind.same_kind(text).ok().map(|value| value.to_string());
            assert_eq!(read.as_deref(), shown, "{text}");
        }
    }
}
