//! How well incidents are told: root causes first, incidents kept apart, silence on quiet days. Not a measure of speed.
//!
//! ```text
//! cargo bench --bench scenarios
//! cargo bench --bench scenarios -- --only slow-query --seeds 2 --variants clean,two -v --keep /tmp/evidence
//! ```
//!
//! Exit code 1 if a bound does not hold. Options narrow what is run, and with it what is judged.
#![allow(clippy::print_stdout, reason = "the table is what it is for")]

#[path = "scenarios/mod.rs"]
mod scenarios;

use std::{path::PathBuf, process::ExitCode};

use coroner::engine::Plan;
use scenarios::{
    data::Data,
    generate::{self, Variant},
    run,
    score::{self, Score},
    sum::{F1, Sum},
};

struct Options {
    only: Option<String>,
    seeds: u64,
    variants: Vec<Variant>,
    quiet_days: u64,
    keep: Option<PathBuf>,
    verbose: bool,
}

fn main() -> ExitCode {
    let options = match options(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(why) => {
            println!("{why}");
            return ExitCode::from(2);
        }
    };
    let (data, plan) = (Data::load(), run::plan());
    if let Some(only) =
        options.only.as_ref().filter(|only| data.chains.iter().all(|chain| chain.name != **only))
    {
        let names: Vec<&str> = data.chains.iter().map(|chain| chain.name.as_str()).collect();
        println!("{only}: there are {}", names.join(", "));
        return ExitCode::from(2);
    }
    let holds = chains(&options, &data, &plan);
    let silent = quiet_days(&options, &data, &plan);
    if holds && silent { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn options(mut arguments: impl Iterator<Item = String>) -> Result<Options, String> {
    let mut options = Options {
        only: None,
        seeds: 5,
        variants: Variant::ALL.to_vec(),
        quiet_days: 100,
        keep: None,
        verbose: false,
    };
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
        let number = |text: String| text.parse::<u64>().map_err(|why| format!("{text}: {why}"));
        match argument.as_str() {
            "--only" => options.only = Some(value()?),
            "--seeds" => options.seeds = number(value()?)?,
            "--quiet-days" => options.quiet_days = number(value()?)?,
            "--keep" => options.keep = Some(PathBuf::from(value()?)),
            "--variants" => {
                let names = value()?;
                let named = |variant: &Variant| names.split(',').any(|name| name == variant.name());
                options.variants = Variant::ALL.into_iter().filter(named).collect();
                if options.variants.len() != names.split(',').count() {
                    return Err(format!("{names}: there are clean, noise, skew, loss and two"));
                }
            }
            "-v" | "--verbose" => options.verbose = true,
            // Cargo's own.
            "--bench" => (),
            other => {
                return Err(format!(
                    "{other} is not known; there are --only CHAIN, --seeds N, --variants NAMES, --quiet-days N, --keep DIR, -v"
                ));
            }
        }
    }
    Ok(options)
}

/// Prints how each chain fares in each variant; whether all bounds hold.
fn chains(options: &Options, data: &Data, plan: &Plan) -> bool {
    let mut sums: Vec<Sum> = options.variants.iter().map(|_| Sum::default()).collect();
    print!("{:<28}", "root first / B-cubed / chain");
    options.variants.iter().for_each(|variant| print!("{:>18}", variant.name()));
    println!();
    for (index, chain) in data.chains.iter().enumerate() {
        if options.only.as_ref().is_some_and(|only| *only != chain.name) {
            continue;
        }
        let mut row = format!("{:<28}", chain.name);
        for (variant, sum) in options.variants.iter().zip(&mut sums) {
            let mut cell = Sum::default();
            for seed in 1..=options.seeds {
                let score = one(options, data, plan, (index, seed, *variant));
                cell.add(&score);
                if !chain.beyond || options.only.is_some() {
                    sum.add(&score);
                }
            }
            row += &format!("{:>7.2} {:.2} {:.2} ", cell.root(), cell.f1(), cell.chain());
        }
        println!("{row}");
    }
    for (variant, sum) in options.variants.iter().zip(&sums) {
        println!(
            "{:<6} {:3} scenarios  root first {:.3}  B-cubed F1 {:.3}  chain {:.3}  incidents too many {}  {}",
            variant.name(),
            sum.scenarios,
            sum.root(),
            sum.f1(),
            sum.chain(),
            sum.extra,
            if sum.holds(*variant) { "holds" } else { "BELOW THE BOUND" }
        );
    }
    options.variants.iter().zip(&sums).all(|(variant, sum)| sum.scenarios == 0 || sum.holds(*variant))
}

fn one(options: &Options, data: &Data, plan: &Plan, (index, seed, variant): (usize, u64, Variant)) -> Score {
    let scenario = generate::scenario(data, index, seed, variant);
    let name = format!("{}-{}-{seed}", data.chains[index].name, variant.name());
    let folder = options.keep.as_ref().map(|keep| keep.join(&name));
    let report = run::report(plan, data, &scenario, folder.as_deref());
    let score = score::score(data, &scenario, &report);
    if options.verbose && (score.root < 1.0 || score.f1 < F1 || score.chain.0 < score.chain.1) {
        let expected: Vec<&str> =
            scenario.incidents.iter().map(|injected| injected.chain.kind.as_str()).collect();
        println!("  {name}: expected {}; got {}", expected.join(" and "), score.came_first.join(" | "));
        println!(
            "    root {:.2}, F1 {:.2}, incidents {}; not in the chain: {}",
            score.root,
            score.f1,
            report.incidents.len(),
            if score.not_shown.is_empty() { "-".to_owned() } else { score.not_shown.join(", ") }
        );
    }
    score
}

/// Prints how many incidents quiet days have; whether there is none.
fn quiet_days(options: &Options, data: &Data, plan: &Plan) -> bool {
    let mut incidents = 0;
    let mut lines = 0;
    for seed in 1..=options.quiet_days {
        let day = generate::quiet_day(data, seed);
        lines += day.lines.len();
        let folder = options.keep.as_ref().map(|keep| keep.join(format!("quiet-{seed}")));
        let report = run::report(plan, data, &day, folder.as_deref());
        incidents += report.incidents.len();
        if options.verbose {
            for incident in &report.incidents {
                println!("  quiet day {seed}: {}: {}", incident.root_cause.kind, incident.title);
            }
        }
    }
    println!("quiet  {:3} days, {lines} lines: {incidents} false incidents", options.quiet_days);
    incidents == 0
}
