//! The scenario benchmark itself: the same seed gives the same evidence, coroner reads all of it, and what its chains say is
//! what the patterns and checks look for. How well incidents are told is measured by `cargo bench --bench scenarios`.

#[path = "../benches/scenarios/mod.rs"]
mod scenarios;

use scenarios::{
    data::{Data, Role},
    generate::{self, Variant},
    run, score,
};

#[test]
fn the_same_seed_gives_the_same_evidence() {
    let data = Data::load();
    for variant in Variant::ALL {
        for chain in 0..data.chains.len() {
            let again = |seed| generate::scenario(&data, chain, seed, variant).lines;
            assert_eq!(again(1), again(1), "{} {}", data.chains[chain].name, variant.name());
            assert_ne!(again(1), again(2), "{} {}", data.chains[chain].name, variant.name());
        }
    }
    assert_eq!(generate::quiet_day(&data, 7).lines, generate::quiet_day(&data, 7).lines);
}

#[test]
fn every_stage_of_every_chain_is_seen() {
    let (data, plan) = (Data::load(), run::plan());
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

#[test]
fn a_variant_changes_what_it_says() {
    let data = Data::load();
    let lines = |variant| generate::scenario(&data, 0, 1, variant).lines;
    let clean = lines(Variant::Clean).len();
    let background = |variant| lines(variant).iter().filter(|line| line.truth.is_none()).count();
    assert!(background(Variant::Noise) > 8 * background(Variant::Clean));
    let kept = lines(Variant::Loss).len() as f64 / clean as f64;
    assert!((0.85..0.95).contains(&kept), "{kept}");
    assert_ne!(lines(Variant::Skew), lines(Variant::Clean));
    assert_eq!(generate::scenario(&data, 0, 1, Variant::Two).incidents.len(), 2);
}
