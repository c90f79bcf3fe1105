//! `coroner completions` and `coroner man`: what shells and readers of manuals know of the command line, made of the
//! same arguments that parse it.

use std::{
    fs,
    io::{self, Write},
};

use anyhow::Context;
use clap::CommandFactory;

use crate::cli::{
    Exit,
    args::{Args, Completions, Man},
};

pub(crate) fn completions(args: &Completions) -> anyhow::Result<Exit> {
    // Into memory first: the generator takes a closed pipe for a bug.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Args::command(), "coroner", &mut script);
    io::stdout().lock().write_all(&script)?;
    Ok(Exit::Success)
}

pub(crate) fn man(args: &Man) -> anyhow::Result<Exit> {
    match &args.output {
        None => {
            let mut page = Vec::new();
            clap_mangen::Man::new(Args::command()).render(&mut page)?;
            io::stdout().lock().write_all(&page)?;
        }
        // Named as `man` looks them up: `coroner-config-show.1`.
        Some(folder) => fs::create_dir_all(folder)
            .and_then(|()| clap_mangen::generate_to(Args::command(), folder))
            .with_context(|| format!("{}: no place for manual pages", folder.display()))?,
    }
    Ok(Exit::Success)
}
