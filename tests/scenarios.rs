//! The scenario benchmark itself: the same seed gives the same evidence, coroner reads all of it, and what its chains say is
//! what the patterns and checks look for. How well incidents are told is measured by `cargo bench --bench scenarios`.

#[path = "../benches/scenarios/mod.rs"]
mod scenarios;

use scenarios::{
    data::{Data, Role},
    generate::{self, Variant},
    run, score,
    sum::Sum,
};

#[test]
fn the_same_seed_gives_the_same_evidence() {
    let data = Data::load();
    for (chain, variant) in (0..data.chains.len()).zip(Variant::ALL.into_iter().cycle()) {
        let again = |seed| generate::scenario(&data, chain, seed, variant).lines;
        assert_eq!(again(1), again(1), "{} {}", data.chains[chain].name, variant.name());
        assert_ne!(again(1), again(2), "{} {}", data.chains[chain].name, variant.name());
    }
    assert_eq!(generate::quiet_day(&data, 7).lines, generate::quiet_day(&data, 7).lines);
}

#[test]
fn every_stage_of_every_chain_is_seen() {
    let (mut data, plan) = (Data::load(), run::plan());
    // No seed keeps a stage back here.
    data.chains.iter_mut().flat_map(|chain| &mut chain.stage).for_each(|stage| stage.chance = 1.0);
    assert!(data.chains.len() >= 10, "{} chains", data.chains.len());
    for (index, chain) in data.chains.iter().enumerate() {
        let scenario = generate::scenario(&data, index, 1, Variant::Clean);
        let report = run::report(&plan, &data, &scenario, None);
        assert_eq!(report.verdict.incomplete, Vec::<String>::new(), "{}", chain.name);
        let rejected: u64 = report.ledger.evidence.iter().map(|row| row.rejected).sum();
        assert_eq!(rejected, 0, "{}: lines that coroner cannot read", chain.name);
        let mut seen: Vec<&str> = report.patterns.iter().map(|pattern| pattern.id.as_str()).collect();
        seen.extend(report.findings.iter().map(|finding| finding.kind.as_str()));
        for stage in chain.stage.iter().filter(|stage| !matches!(stage.role, Role::Before | Role::Aftermath))
        {
            let tells = data.tells(chain, stage);
            assert!(
                tells.is_empty() || tells.iter().any(|kind| seen.contains(kind)),
                "{}: nothing tells that {}: none of {tells:?} in {seen:?}",
                chain.name,
                stage.name
            );
        }
        assert!(score::told(&scenario).count() > 0, "{}: no line tells of it", chain.name);
        let score = score::score(&data, &scenario, &report);
        assert!((0.0..=1.0).contains(&score.root) && (0.0..=1.0).contains(&score.f1), "{score:?}");
    }
}

/// The part of the benchmark that is quick enough for every day.
#[test]
fn the_bounds_hold_for_one_seed() {
    let (data, plan) = (Data::load(), run::plan());
    for variant in [Variant::Clean, Variant::Two] {
        let mut sum = Sum::default();
        for chain in (0..data.chains.len()).filter(|chain| !data.chains[*chain].beyond) {
            let scenario = generate::scenario(&data, chain, 1, variant);
            sum.add(&score::score(&data, &scenario, &run::report(&plan, &data, &scenario, None)));
        }
        assert!(sum.holds(variant), "{}: {sum:?}", variant.name());
    }
}

#[test]
fn b_cubed_punishes_what_is_merged_and_what_is_torn_apart() {
    let of = |cells: &[(usize, &'static str, u64)], alone: &[(usize, u64)]| {
        let cells = cells.iter().map(|(truth, cluster, lines)| ((*truth, *cluster), *lines)).collect();
        score::b_cubed(&cells, &alone.iter().copied().collect())
    };
    let close = |is: f64, expected: f64| assert!((is - expected).abs() < 1e-9, "{is} is not {expected}");
    close(of(&[(0, "a", 10), (1, "b", 10)], &[]), 1.0);
    // Merged: precision 1/2, recall 1.
    close(of(&[(0, "a", 10), (1, "a", 10)], &[]), 2.0 / 3.0);
    // Torn in two halves: precision 1, recall 1/2.
    close(of(&[(0, "a", 10), (0, "b", 10)], &[]), 2.0 / 3.0);
    // Not told at all: each line is alone, so recall is 1/10.
    close(of(&[], &[(0, 10)]), 2.0 * 0.1 / 1.1);
    // A harmless line that nobody tells of is right.
    close(of(&[(0, "a", 10)], &[(1, 1)]), 1.0);
}

/// A rule that knew what the generator makes up would make the benchmark worthless.
#[test]
fn no_rule_names_what_a_seed_makes_up() {
    let data = Data::load();
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut rules = String::new();
    for folder in ["patterns", "src/check", "src/correlate", "src/rank"] {
        read_all(&root.join(folder), &mut rules);
    }
    for seed in 1..=5 {
        for chain in 0..data.chains.len() {
            for name in generate::made_up(&data, chain, seed) {
                assert!(!rules.contains(&name), "a rule names {name}");
            }
        }
    }
}

fn read_all(folder: &std::path::Path, out: &mut String) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            read_all(&path, out);
        } else {
            let text = std::fs::read_to_string(&path).expect("text");
            // Samples and tests name things, and decide nothing.
            let rules = text.split("[[pattern]]").filter_map(|part| part.split("[pattern.samples]").next());
            rules.filter_map(|part| part.split("#[cfg(test)]").next()).for_each(|part| out.push_str(part));
        }
    }
}

#[test]
fn a_variant_changes_what_it_says() {
    let data = Data::load();
    let lines = |variant| generate::scenario(&data, 0, 1, variant).lines;
    let clean = lines(Variant::Clean).len();
    let background = |variant| lines(variant).iter().filter(|line| !line.is_of_an_incident()).count();
    assert!(background(Variant::Noise) > 8 * background(Variant::Clean));
    let kept = lines(Variant::Loss).len() as f64 / clean as f64;
    assert!((0.85..0.95).contains(&kept), "{kept}");
    assert_ne!(lines(Variant::Skew), lines(Variant::Clean));
    assert_eq!(generate::scenario(&data, 0, 1, Variant::Two).incidents.len(), 2);
}
