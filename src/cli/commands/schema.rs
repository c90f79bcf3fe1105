//! `coroner schema report`: what `report.json` looks like, for whoever reads it by a program.

use std::io::{self, Write};

use crate::{
    cli::{
        Exit,
        args::{Schema, SchemaOf},
    },
    report,
};

pub(crate) fn run(args: &Schema) -> anyhow::Result<Exit> {
    let schema = match args.of {
        SchemaOf::Report => report::schema(),
    };
    let mut out = io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, &schema).map_err(io::Error::from)?;
    writeln!(out)?;
    Ok(Exit::Success)
}
