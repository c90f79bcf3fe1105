//! `coroner suppress`: what need not be read again every morning, with a reason, an owner and an end.

use anyhow::bail;
use clap::{Args as ClapArgs, Subcommand};

use crate::{
    cli::{
        Exit,
        state::StateFolder,
        suppress::{Rule, Rules},
    },
    decode,
    model::Timestamp,
    report::printable,
};

#[derive(Debug, ClapArgs)]
pub(crate) struct Suppress {
    #[command(flatten)]
    state: StateFolder,

    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Hide findings of an id or a kind until a time
    Add {
        /// The id of a finding, or a kind: for a pattern, the pattern's id
        #[arg(value_name = "ID|KIND")]
        what: String,

        /// Only where the finding's keys have this; repeatable
        #[arg(long, value_name = "NAME=VALUE")]
        key: Vec<String>,

        /// Why it is no news
        #[arg(long)]
        reason: String,

        /// Who will put it right
        #[arg(long)]
        owner: String,

        /// When it ends, by the time of the evidence, as 2026-12-31
        #[arg(long, value_name = "TIME")]
        until: String,
    },
    /// Every rule
    List,
    /// Forget rules that ended before a time
    Prune {
        #[arg(long, value_name = "TIME")]
        before: String,
    },
}

pub(crate) fn run(args: &Suppress) -> anyhow::Result<Exit> {
    let (folder, _lock) = match &args.action {
        Action::Add { .. } => args.state.open()?,
        Action::List | Action::Prune { .. } => args.state.existing()?,
    };
    let mut rules = Rules::load(folder.path())?;
    match &args.action {
        Action::Add { what, key, reason, owner, until } => {
            let pair = |pair: &String| match pair.split_once('=') {
                Some((name, value)) => Ok((name.to_owned(), value.to_owned())),
                None => bail!("--key {pair}: write it as name=value"),
            };
            rules.rules.push(Rule {
                what: what.clone(),
                reason: reason.clone(),
                owner: owner.clone(),
                until: time(until)?,
                keys: key.iter().map(pair).collect::<anyhow::Result<_>>()?,
            });
            rules.save(folder.path())?;
        }
        Action::List => {
            for rule in &rules.rules {
                let Rule { what, reason, owner, until, keys } = rule;
                let keys: Vec<String> = keys.iter().map(|(name, value)| format!("{name}={value}")).collect();
                let keys = keys.join(" ");
                println!("{}", printable(&format!("{what} {keys}  until {until}  {owner}: {reason}")));
            }
        }
        Action::Prune { before } => {
            let before = time(before)?;
            rules.rules.retain(|rule| rule.until > before);
            rules.save(folder.path())?;
        }
    }
    Ok(Exit::Success)
}

fn time(text: &str) -> anyhow::Result<Timestamp> {
    let whole = format!("{text}T00:00:00Z");
    match decode::parse_time(text).or_else(|| decode::parse_time(&whole)) {
        Some((time, _)) => Ok(time),
        None => bail!("{text}: no time; write it as 2026-12-31 or 2026-12-31T16:00:00Z"),
    }
}
