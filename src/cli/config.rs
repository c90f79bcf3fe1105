//! Where the value of each setting comes from: its default, `coroner.toml`, the environment or a flag, the later over
//! the earlier. Every run and `coroner config show` decide it here, so that what is shown is what judges.

use std::{
    collections::BTreeMap,
    env, fmt, fs, io,
    path::{Path, PathBuf},
};

use anyhow::{Context, anyhow, bail};
use serde::Deserialize;
use toml::Spanned;

use crate::model::{SETTINGS, Setting, Settings};

use super::flags::SettingFlags;

/// Read from the folder that coroner is started in, where no `--config` names another.
pub(super) const FILE: &str = "coroner.toml";

/// Where a value was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    Default,
    File { path: PathBuf, line: usize },
    Environment(String),
    Flag,
}

/// Every setting's value with its origin.
#[derive(Debug)]
pub(super) struct Configured {
    pub(super) settings: Settings,
    origins: BTreeMap<&'static str, Origin>,
}

impl Configured {
    pub(super) fn origin(&self, setting: &Setting) -> &Origin {
        self.origins.get(setting.name).unwrap_or(&Origin::Default)
    }
}

/// Reads the file, the environment and the flags, in this order.
///
/// # Errors
///
/// A name that is no setting, a text that is no value of its kind, two values that cannot both be meant.
pub(super) fn configured(flags: &SettingFlags) -> anyhow::Result<Configured> {
    let from_environment = |name: &str| env::var(name).ok();
    decide(file(flags.config.as_deref())?, &from_environment, &flags.set)
}

/// A configuration file's path and text.
type File = Option<(PathBuf, String)>;

/// The file that was named must be there; the one of this folder may be.
fn file(named: Option<&Path>) -> anyhow::Result<File> {
    let path = named.unwrap_or(Path::new(FILE));
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some((path.to_owned(), text))),
        Err(err) if named.is_none() && err.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(err) => Err(err).with_context(|| format!("{}: the configuration cannot be read", path.display())),
    }
}

fn decide(
    file: File,
    environment: &dyn Fn(&str) -> Option<String>,
    flags: &[String],
) -> anyhow::Result<Configured> {
    let mut configured = Configured { settings: Settings::default(), origins: BTreeMap::new() };
    if let Some((path, text)) = file {
        configured.read_file(&path, &text)?;
    }
    for setting in SETTINGS {
        let name = variable(setting);
        if let Some(text) = environment(&name) {
            configured.take(setting, &text, Origin::Environment(name))?;
        }
    }
    for flag in flags {
        let (name, text) =
            flag.split_once('=').with_context(|| format!("--set {flag}: write it as NAME=VALUE"))?;
        let setting = named(name.trim()).with_context(|| format!("--set {flag}"))?;
        configured.take(setting, text, Origin::Flag)?;
    }
    match configured.settings.contradiction() {
        Some(contradiction) => Err(anyhow!(contradiction)),
        None => Ok(configured),
    }
}

/// The environment variable of a setting: `CORONER_LAG_WARNING`.
pub(super) fn variable(setting: &Setting) -> String {
    format!("CORONER_{}", setting.name.to_ascii_uppercase())
}

/// What `coroner.toml` may hold.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default)]
    settings: BTreeMap<Spanned<String>, toml::Value>,
}

impl Configured {
    fn read_file(&mut self, path: &Path, text: &str) -> anyhow::Result<()> {
        let document: Document =
            toml::from_str(text).with_context(|| format!("{}: no configuration", path.display()))?;
        for (name, value) in document.settings {
            let line = text[..name.span().start].matches('\n').count() + 1;
            let place = || format!("{}:{line}", path.display());
            let setting = named(name.get_ref()).with_context(place)?;
            let text = match value {
                toml::Value::String(text) => text,
                toml::Value::Integer(number) => number.to_string(),
                toml::Value::Float(number) => number.to_string(),
                other => bail!(
                    "{}: {} is a {}; write it as `{} = {}`",
                    place(),
                    setting.name,
                    other.type_str(),
                    setting.name,
                    as_toml(setting, &Settings::default())
                ),
            };
            self.take(setting, &text, Origin::File { path: path.to_owned(), line })?;
        }
        Ok(())
    }

    fn take(&mut self, setting: &Setting, text: &str, origin: Origin) -> anyhow::Result<()> {
        setting.read(&mut self.settings, text).with_context(|| format!("{origin}: {}", setting.name))?;
        self.origins.insert(setting.name, origin);
        Ok(())
    }
}

/// The setting of a name; an unknown one is told with the names that share a word with it.
fn named(name: &str) -> anyhow::Result<&'static Setting> {
    if let Some(setting) = SETTINGS.iter().find(|setting| setting.name == name) {
        return Ok(setting);
    }
    let near: Vec<&str> = SETTINGS
        .iter()
        .map(|setting| setting.name)
        .filter(|known| known.split('_').any(|word| word.len() > 2 && name.contains(word)))
        .collect();
    if near.is_empty() {
        bail!("`{name}` is no setting; `coroner config show` lists them");
    }
    bail!("`{name}` is no setting; did you mean {}?", near.join(" or "));
}

/// A setting's value as `coroner.toml` holds it.
pub(super) fn as_toml(setting: &Setting, settings: &Settings) -> String {
    match setting.value(settings) {
        value @ crate::model::SettingValue::Duration(_) => format!("\"{value}\""),
        value => value.to_string(),
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Default => f.write_str("default"),
            Origin::File { path, line } => write!(f, "{}:{line}", path.display()),
            Origin::Environment(name) => f.write_str(name),
            Origin::Flag => f.write_str("--set"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(file: &str, variables: &[(&str, &str)], flags: &[&str]) -> Result<Vec<String>, String> {
        let file = (!file.is_empty()).then(|| (PathBuf::from(FILE), file.to_owned()));
        let environment = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, text)| (*text).to_owned())
        };
        let flags: Vec<String> = flags.iter().map(|flag| (*flag).to_owned()).collect();
        let configured = decide(file, &environment, &flags).map_err(|err| format!("{err:#}"))?;
        let changed = SETTINGS.iter().filter(|setting| configured.origin(setting) != &Origin::Default);
        let shown = changed.map(|setting| {
            let value = as_toml(setting, &configured.settings);
            format!("{} = {value} # {}", setting.name, configured.origin(setting))
        });
        Ok(shown.collect())
    }

    #[test]
    fn the_later_source_wins() {
        let file = "# ours\n[settings]\nlag_warning = \"2m\"\npool_high = 0.9\nindex_scans_under = 7\n";
        for (variables, flags, expected) in [
            (
                &[][..],
                &[][..],
                [
                    "index_scans_under = 7 # coroner.toml:5",
                    "lag_warning = \"2m\" # coroner.toml:3",
                    "pool_high = 0.9 # coroner.toml:4",
                ],
            ),
            (
                &[("CORONER_POOL_HIGH", "0.5")],
                &[],
                [
                    "index_scans_under = 7 # coroner.toml:5",
                    "lag_warning = \"2m\" # coroner.toml:3",
                    "pool_high = 0.5 # CORONER_POOL_HIGH",
                ],
            ),
            (
                &[("CORONER_POOL_HIGH", "0.5")],
                &["pool_high=0.7", "pool_high=1"],
                [
                    "index_scans_under = 7 # coroner.toml:5",
                    "lag_warning = \"2m\" # coroner.toml:3",
                    "pool_high = 1 # --set",
                ],
            ),
        ] {
            assert_eq!(told(file, variables, flags).expect("valid"), expected, "{variables:?} {flags:?}");
        }
    }

    #[test]
    fn a_mistake_names_its_place_and_what_to_do() {
        for (file, variables, flags, expected) in [
            (
                "[settings]\n\nlag_warn = \"5m\"\n",
                &[][..],
                &[][..],
                "coroner.toml:3: `lag_warn` is no setting; did you mean lag_critical or lag_warning?",
            ),
            (
                "[settings]\nslow_over = 5\n",
                &[],
                &[],
                "coroner.toml:2: slow_over: `5` is no duration; write it as 1500ms, 90s, 5m, 2h, 3d or 10y",
            ),
            (
                "[settings]\nslow_over = true\n",
                &[],
                &[],
                "coroner.toml:2: slow_over is a boolean; write it as `slow_over = \"1s\"`",
            ),
            (
                "",
                &[("CORONER_POOL_HIGH", "80")],
                &[],
                "CORONER_POOL_HIGH: pool_high: `80` is no share; write it as a number from 0 to 1, such as 0.8",
            ),
            ("", &[], &["pool_high"], "--set pool_high: write it as NAME=VALUE"),
            ("", &[], &["xyz=1"], "--set xyz=1: `xyz` is no setting; `coroner config show` lists them"),
            (
                "",
                &[],
                &["lag_warning=1h"],
                "lag_warning (1h) is above lag_critical (30m); a warning comes first",
            ),
        ] {
            assert_eq!(told(file, variables, flags).expect_err("a mistake"), expected);
        }
        let unknown = told("[thresholds]\n", &[], &[]).expect_err("a mistake");
        assert!(
            unknown.contains("coroner.toml: no configuration") && unknown.contains("thresholds"),
            "{unknown}"
        );
    }
}
