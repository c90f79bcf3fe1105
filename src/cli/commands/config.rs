//! `coroner config show`: every setting as a run would take it, as a `coroner.toml` that can be kept.

use std::io::{self, Write};

use crate::{
    cli::{
        Exit,
        args::{Config, ConfigAction},
        config,
    },
    model::SETTINGS,
};

pub(crate) fn run(args: &Config) -> anyhow::Result<Exit> {
    let ConfigAction::Show { origin, flags } = &args.action;
    let configured = config::configured(flags)?;
    let mut out = io::stdout().lock();
    writeln!(out, "[settings]")?;
    for setting in SETTINGS {
        let value = config::as_toml(setting, &configured.settings);
        writeln!(out, "# {} Default: {}, {}.", setting.about, setting.default, setting.basis)?;
        if *origin {
            let line = format!("{} = {value}", setting.name);
            writeln!(out, "{line:<34} # {}", configured.origin(setting))?;
        } else {
            writeln!(out, "{} = {value}", setting.name)?;
        }
    }
    Ok(Exit::Success)
}
