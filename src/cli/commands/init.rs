//! `coroner init`: a `coroner.toml` with every setting, for those who want to change one.
//!
//! All of it is commented out: a default that a later version improves is not kept by a file that never meant to.

use std::{
    fmt::Write as _,
    io::{self, Write},
    path::Path,
};

use anyhow::{Context, bail};

use crate::{
    cli::{Exit, args::Init, config, output},
    model::{SETTINGS, Settings},
};

/// What the file says of itself.
const HEAD: &str = "\
# What coroner judges by. Every line that is commented out is the default; take the `#` away to change it.
# `coroner config show --origin` says which value a run here would take, and where it comes from: a flag
# (--set lag_warning=10m) wins over the environment (CORONER_LAG_WARNING), which wins over this file.

[settings]
";

pub(crate) fn run(args: &Init) -> anyhow::Result<Exit> {
    let text = text();
    if args.path == Path::new("-") {
        io::stdout().lock().write_all(text.as_bytes())?;
        return Ok(Exit::Success);
    }
    let shown = args.path.display();
    if args.path.exists() && !args.force {
        bail!(
            "{shown}: is there already; --force overwrites it, and `coroner init -` prints what would be written"
        );
    }
    output::write_file(&args.path, |file| Ok(file.write_all(text.as_bytes())?))
        .with_context(|| format!("{shown}: cannot be written"))?;
    eprintln!("coroner: {shown} written; `coroner config show --origin` shows what a run here takes");
    Ok(Exit::Success)
}

fn text() -> String {
    let defaults = Settings::default();
    let mut text = HEAD.to_owned();
    for setting in SETTINGS {
        let value = config::as_toml(setting, &defaults);
        let _ = write!(
            text,
            "\n# {}\n# Why this value: {}.\n# {} = {value}\n",
            setting.about, setting.basis, setting.name
        );
    }
    text
}
