//! `coroner report`: the reports of a JSON report, written again without its evidence.

use std::path::Path;

use crate::cli::{Exit, args::Report, deliver::Delivery, plan, redaction, stored};

pub(crate) fn run(args: &Report) -> anyhow::Result<Exit> {
    let redaction = redaction::redaction(&args.redaction, &plan::files(args.patterns.as_deref())?)?;
    let delivery = Delivery::decide(&args.output, &args.text, &args.gate, redaction)?;
    delivery.deliver(stored::read(Path::new(&args.result))?)
}
