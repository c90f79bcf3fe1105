//! `--redact`: its flags, its key and its private map, from what was typed to reports that may be shared.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use clap::Args;

use crate::{
    model::report::Report,
    redact::{Guard, KEY_BYTES, Key, PrivateMap, Redactor, Rules},
};

/// How a report is made fit to be shared.
#[derive(Debug, Args)]
pub(super) struct RedactFlags {
    /// Replace secrets, e-mail and IP addresses, card numbers and the like by pseudonyms, the same value by the same one
    /// everywhere; each finished output is read again, and removed if a secret is left (exit 6)
    #[arg(long, help_heading = "Redaction")]
    pub(super) redact: bool,

    /// Replace the values of fields of this name as well; repeatable
    #[arg(long, value_name = "NAME", requires = "redact", help_heading = "Redaction")]
    pub(super) redact_field: Vec<String>,

    /// Keep what stands behind each pseudonym here, readable by its owner alone; a map that is there already is used, so
    /// that pseudonyms stay the same from run to run
    #[arg(long, value_name = "FILE", requires = "redact", help_heading = "Redaction")]
    pub(super) redact_map: Option<PathBuf>,

    /// A file of at least 16 secret bytes that pseudonyms are made with [default: that of the map, or else random: then
    /// they differ from run to run]
    #[arg(long, value_name = "FILE", env = "CORONER_REDACT_KEY", help_heading = "Redaction")]
    pub(super) redact_key: Option<PathBuf>,
}

impl RedactFlags {
    /// What the report depends on.
    pub(super) fn arguments(&self) -> impl Iterator<Item = String> {
        let redact = self.redact.then(|| "--redact".to_owned());
        redact.into_iter().chain(self.redact_field.iter().map(|name| format!("--redact-field={name}")))
    }
}

/// Decided before anything is read, so that a wrong key costs no time.
pub(super) struct Redaction {
    redactor: Redactor,
    map: Option<PathBuf>,
}

/// `None` without `--redact`.
pub(super) fn redaction(
    flags: &RedactFlags,
    files: &[(String, String)],
) -> anyhow::Result<Option<Redaction>> {
    if !flags.redact {
        return Ok(None);
    }
    let rules = Rules::load(files, &flags.redact_field)?;
    let old = flags.redact_map.as_deref().map(old_map).transpose()?.flatten();
    let given = flags.redact_key.as_deref().map(key).transpose()?;
    let key = match (given, old.as_ref().and_then(PrivateMap::key)) {
        (Some(given), Some(of_map)) if given != of_map => {
            bail!("--redact-map was made with another key than --redact-key gives: name one of them")
        }
        (Some(key), _) | (None, Some(key)) => key,
        (None, None) => random()?,
    };
    let mut redactor = Redactor::new(rules, key);
    if let Some(old) = old {
        redactor.remember(old);
    }
    Ok(Some(Redaction { redactor, map: flags.redact_map.clone() }))
}

impl Redaction {
    /// The report to share, and what looks at its outputs. The map is there before any output is: a report that nobody
    /// can trace back is of no use to its owner.
    pub(super) fn apply(&mut self, report: &Report) -> anyhow::Result<(Report, Guard)> {
        let report = self.redactor.redact(report).context("--redact: the report cannot be redacted")?;
        if let Some(path) = &self.map {
            write_private(path, &self.redactor.map())
                .with_context(|| format!("{}: cannot be written", path.display()))?;
        }
        Ok((report, self.redactor.guard()?))
    }
}

/// The map of an earlier run, if there is one.
fn old_map(path: &Path) -> anyhow::Result<Option<PrivateMap>> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(err) => return Err(err).with_context(|| format!("--redact-map {}", path.display())),
    };
    match serde_json::from_slice::<PrivateMap>(&bytes) {
        Ok(map) if map.is_ours() => Ok(Some(map)),
        Ok(_) | Err(_) => bail!("--redact-map {}: is there, and no map of coroner's", path.display()),
    }
}

fn key(path: &Path) -> anyhow::Result<Key> {
    let secret = fs::read(path).with_context(|| format!("--redact-key {}", path.display()))?;
    let secret = secret.trim_ascii_end();
    Key::from_secret(secret)
        .with_context(|| format!("--redact-key {}: shorter than {KEY_BYTES} bytes", path.display()))
}

fn random() -> anyhow::Result<Key> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).context("the system gives no random key; name one with --redact-key")?;
    Ok(Key::from_random(bytes))
}

/// A temporary file is its owner's alone from the start, and stays so under its name.
fn write_private(path: &Path, map: &PrivateMap) -> anyhow::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new().prefix(".coroner-").tempfile_in(folder)?;
    serde_json::to_writer_pretty(file.as_file_mut(), map)?;
    writeln!(file.as_file_mut())?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}
