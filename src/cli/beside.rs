//! Files beside a state that people write through coroner and may read: what is suppressed, what is normal.

use std::{
    fs,
    io::{self, Write as _},
    path::Path,
};

use anyhow::Context;
use serde::{Serialize, de::DeserializeOwned};

use super::output;

/// What a file of the state's folder says; where there is none, nothing was said yet.
pub(super) fn load<T: DeserializeOwned + Default>(folder: &Path, name: &str) -> anyhow::Result<T> {
    let path = folder.join(name);
    let within = || path.display().to_string();
    match fs::read_to_string(&path) {
        Ok(text) => toml::from_str(&text).with_context(within),
        Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(T::default()),
        Err(err) => Err(err).with_context(within),
    }
}

pub(super) fn save(value: &impl Serialize, folder: &Path, name: &str) -> anyhow::Result<()> {
    let path = folder.join(name);
    let text = toml::to_string(value)?;
    output::write_file(&path, |file| Ok(file.write_all(text.as_bytes())?))
        .with_context(|| path.display().to_string())
}
