//! `coroner report`: the reports of a JSON report, written again without its evidence.

use std::path::Path;

use crate::cli::{Exit, args::Report, deliver::Delivery, stored};

pub(crate) fn run(args: &Report) -> anyhow::Result<Exit> {
    let delivery = Delivery::decide(&args.output, &args.text, &args.gate)?;
    delivery.deliver(&stored::read(Path::new(&args.result))?)
}
