//! `coroner redact check`: what a file that is about to be shared still shows.

use std::{
    fs,
    io::{self, Write},
};

use anyhow::Context;

use crate::{
    cli::{
        Exit,
        args::{Redact, RedactAction},
        plan,
    },
    redact::{Guard, Rules},
    report::printable,
};

pub(crate) fn run(args: &Redact) -> anyhow::Result<Exit> {
    let RedactAction::Check { files, patterns } = &args.action;
    let guard = Guard::of_rules(Rules::load(&plan::files(patterns.as_deref())?, &[])?)?;
    let mut out = io::BufWriter::new(io::stdout().lock());
    let mut exit = Exit::Success;
    for path in files {
        let bytes = fs::read(path).with_context(|| format!("{}: cannot be read", path.display()))?;
        for leak in guard.leaks(&bytes) {
            let path = printable(&path.display().to_string());
            let about = guard.about(&leak.rule);
            writeln!(out, "{path}:{}:{}: {}: {about}", leak.line, leak.column, leak.rule)?;
            exit = Exit::Leak;
        }
    }
    out.flush()?;
    Ok(exit)
}
