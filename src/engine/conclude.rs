//! From facts to a report: judges, correlates and ranks. Small: grows with what was found.

use std::{
    collections::{BTreeMap, BTreeSet},
    iter,
};

use crate::{
    check::{
        self, Evidence, Judgement, Outcome,
        facts::{LogFacts, SourceFacts},
    },
    classify::Runbooks,
    correlate::{self, Knowledge},
    ingest,
    ingest::{Found, Shape},
    model::{
        AsOf, Compared, Fault, Finding, SETTINGS, Setting, Settings, Severity, TableRole, Window, finding,
        report::{
            CheckRow, EvidenceRow, Incident, Integrity, Ledger, PackUsed, PatternSeen, Report, ReportWindow,
            Run, SCHEMA_VERSION, Status, Store, Unlisted, Verdict,
        },
    },
    rank,
};

use super::{
    Baseline, Partial, Plan, Scope, SourcePart, Stopped, change, copies, scan::NOT_DECODED, silence, stories,
    timeline,
};

/// Clocks this close agree, in microseconds: as well as most machines keep time without care.
const CLOCKS_AGREE: i64 = 100_000;

/// Concludes. `found` tells what was passed over, for the ledger.
///
/// # Errors
///
/// What the disk says, where the index did not fit into memory.
pub fn conclude(plan: &Plan, found: &Found, partial: Partial) -> Result<Report, Stopped> {
    conclude_against(plan, found, partial, Baseline::None)
}

/// Concludes, and says what changed since the baseline.
///
/// # Errors
///
/// As [`conclude`].
pub fn conclude_against(
    plan: &Plan,
    found: &Found,
    partial: Partial,
    baseline: Baseline,
) -> Result<Report, Stopped> {
    let disk = |why| Stopped::Disk { folder: plan.room.folder.clone(), why };
    let mut listing = list(partial);
    leave_out_twins(&mut listing);
    let Listing { facts, evidence_of, ranks: _, mut ledger_rows, mut incomplete } = listing;
    show_clocks(plan, &facts, &mut ledger_rows);
    list_passed_over(found, &mut ledger_rows, &mut incomplete);

    let window = window(&plan.settings, &facts);
    let evidence = Evidence::new(facts, &plan.room).map_err(disk)?;
    incomplete.extend(nothing_verified(plan, &evidence));
    let judgement =
        Judgement { settings: &plan.settings, patterns: &plan.packs.patterns, as_of: window.as_of };
    let (mut outcome, checks) = check::conclude(&evidence, &judgement).map_err(disk)?;
    read_again(plan, &mut outcome, &evidence_of);
    let integrity = integrity(&evidence, &mut outcome);
    let compared = baseline.compared();
    let changed = change::since(baseline, &evidence.logs, &plan.packs.patterns, &mut outcome.patterns);
    let mut findings = std::mem::take(&mut outcome.findings);
    findings.sort_by(|a, b| b.severity.cmp(&a.severity).then(b.count.cmp(&a.count)).then(a.id.cmp(&b.id)));
    if compared == Compared::WithBaseline {
        take_states(&outcome.patterns, &mut findings);
    }
    let incidents = incidents(plan, &evidence, &outcome, &checks, compared, &mut findings);
    note_silences(&evidence, &mut ledger_rows);
    let incomplete = shorten(incomplete);
    let report = Report {
        schema_version: SCHEMA_VERSION.to_owned(),
        verdict: verdict(&findings, incidents.len(), incomplete),
        timeline: timeline::timeline(&evidence, &window),
        window,
        incidents,
        findings,
        suspects: changed.suspects,
        patterns: outcome.patterns,
        templates: changed.templates,
        unlisted_templates: changed.unlisted,
        integrity,
        operations: outcome.operations,
        pools: outcome.pools,
        database: outcome.database,
        projections: outcome.projections,
        memory: outcome.memory,
        traces: outcome.traces,
        conflicts: outcome.conflicts,
        hot_streams: outcome.hot_streams,
        validation: outcome.validation,
        ledger: Ledger { evidence: ledger_rows.into_values().collect(), checks },
        run: run(plan),
    };
    // A month of evidence takes a tenth of a second to be freed, and nobody has to wait for that.
    rayon::spawn(move || drop(evidence));
    Ok(report)
}

/// Joins findings into incidents, in order of rank.
fn incidents(
    plan: &Plan,
    evidence: &Evidence,
    outcome: &Outcome,
    checks: &[CheckRow],
    compared: Compared,
    findings: &mut [Finding],
) -> Vec<Incident> {
    let could_not_run: Vec<(String, String)> =
        checks.iter().filter_map(|check| Some((check.id.clone(), check.why.clone()?))).collect();
    let knowledge = Knowledge {
        settings: &plan.settings,
        causes: &plan.packs.causes,
        systems: &evidence.systems,
        compared,
        could_not_run: &could_not_run,
    };
    let extent = extent(evidence, outcome);
    let mut incidents = rank::rank(correlate::correlate(findings, &knowledge), findings, &extent, compared);
    attach_runbooks(&plan.packs.runbooks, &mut incidents, findings);
    incidents
}

/// What a pattern's entries are against the baseline, its findings are.
fn take_states(patterns: &[PatternSeen], findings: &mut [Finding]) {
    for finding in findings {
        let pattern = patterns.iter().find(|seen| finding.check == "log-patterns" && seen.id == finding.kind);
        let state = match pattern.map(|seen| seen.state.as_str()) {
            Some("new") => "new",
            Some("rising") => "worse",
            Some("falling" | "gone") => "improved",
            Some(_) => "persisting",
            // Other checks are not compared yet: they say nothing of novelty.
            None => "unknown",
        };
        state.clone_into(&mut finding.state);
    }
}

fn note_silences(evidence: &Evidence, rows: &mut BTreeMap<String, EvidenceRow>) {
    for (path, note) in silence::silences(&evidence.logs) {
        if let Some(row) = rows.get_mut(&path) {
            row.notes.push(note);
        }
    }
}

/// What was read, apart: what is checked, what the ledger says of it, and how to read it again.
#[derive(Default)]
struct Listing {
    facts: BTreeMap<String, SourceFacts>,
    evidence_of: BTreeMap<String, ingest::Evidence>,
    /// Of server logs, by name: the form that says most is believed.
    ranks: BTreeMap<String, u8>,
    ledger_rows: BTreeMap<String, EvidenceRow>,
    incomplete: Vec<String>,
}

fn list(mut partial: Partial) -> Listing {
    copies::mark(&mut partial);
    let mut listing = Listing::default();
    for (name, part) in partial.sources {
        let mut row = ledger_row(&name, &part);
        listing.incomplete.extend(part.reading.incomplete.iter().map(|why| format!("{name}: {why}")));
        if row.notes.iter().any(|note| note == NOT_DECODED) {
            listing.incomplete.push(format!("{name}: {NOT_DECODED}"));
        }
        if let Some(rank) = part.reading.server_rank {
            listing.ranks.insert(name.clone(), rank);
        }
        match part.reading.copied.note() {
            Some(note) => row.notes.push(note),
            None => {
                listing.facts.insert(name.clone(), part.facts);
            }
        }
        listing.evidence_of.extend(part.evidence.map(|evidence| (name.clone(), evidence)));
        listing.ledger_rows.insert(name, row);
    }
    listing
}

/// Of one server's log in several forms, one counts.
fn leave_out_twins(listing: &mut Listing) {
    for twin in check::twins(&listing.facts, &listing.ranks) {
        listing.facts.remove(&twin.path);
        if let Some(row) = listing.ledger_rows.get_mut(&twin.path) {
            row.notes.push(twin.note);
        }
    }
}

/// The logs of some evidence, copies left out.
pub(super) fn logs(partial: Partial) -> BTreeMap<String, LogFacts> {
    let facts = list(partial).facts.into_iter().map(|(name, facts)| (name, facts.log));
    facts.filter(|(_, log)| log.entries() > 0).collect()
}

/// A backup in which no store was recognised must not look like one that was verified.
fn nothing_verified(plan: &Plan, evidence: &Evidence) -> Option<String> {
    let nothing = plan.scope == Scope::Stores && evidence.event_stores().next().is_none();
    nothing.then(|| "evidence: no events of a store were recognised, so nothing was verified".to_owned())
}

/// What is known of each clock: how far it seems to be ahead, and what was taken off.
fn show_clocks(plan: &Plan, facts: &BTreeMap<String, SourceFacts>, rows: &mut BTreeMap<String, EvidenceRow>) {
    let seconds = |micros: i64| micros as f64 / 1e6;
    for (source, offset) in
        check::clock_offsets(facts.iter().map(|(name, facts)| (name.as_str(), &facts.log)))
    {
        let Some(row) = rows.get_mut(&source) else { continue };
        row.clock_offset_ms = Some(offset.ahead as f64 / 1e3);
        // An offset that may be none is no news.
        if offset.ahead.abs() > offset.within.max(CLOCKS_AGREE) {
            row.notes.push(format!(
                "its clock is {:+.3} s from that of {}, give or take {:.3} s ({} ids in common)",
                seconds(offset.ahead),
                offset.against,
                seconds(offset.within),
                offset.shared
            ));
        }
    }
    for (source, row) in rows {
        match plan.clocks.ahead(source) {
            0 => {}
            ahead => row.notes.push(format!("{:+.3} s taken off its times", seconds(ahead))),
        }
    }
}

fn ledger_row(name: &str, part: &SourcePart) -> EvidenceRow {
    let SourcePart { facts, reading, .. } = part;
    let mut notes = reading.notes.clone();
    notes.extend(facts.notes.values().into_iter().map(|(note, _)| note.to_owned()));
    if facts.log.without_message > 0 {
        let entries = if facts.log.without_message == 1 { "entry" } else { "entries" };
        notes.push(format!("{} {entries} without a message", facts.log.without_message));
    }
    let unlisted = facts.problems.seen - facts.problems.items.len() as u64;
    let mut problems: Vec<String> = facts
        .problems
        .items
        .iter()
        .map(|problem| format!("line {}, byte {}: {}", problem.place.line, problem.place.byte, problem.why))
        .collect();
    if unlisted > 0 {
        problems.push(format!("and {unlisted} more"));
    }
    EvidenceRow {
        path: name.to_owned(),
        kind: reading.kind.clone(),
        format: reading.format.clone(),
        compression: reading.compression.clone(),
        bytes: reading.bytes,
        records: facts.account.records,
        rejected: facts.account.rejected,
        skipped: facts.account.skipped,
        read: facts.account.into(),
        first: facts.window.from,
        last: facts.window.to,
        zone_basis: facts.zone.name().to_owned(),
        clock_offset_ms: None,
        hash: reading.hash.clone(),
        notes,
        problems,
    }
}

fn list_passed_over(found: &Found, rows: &mut BTreeMap<String, EvidenceRow>, incomplete: &mut Vec<String>) {
    for passed in &found.passed_over {
        let name = &passed.evidence.name;
        rows.insert(name.clone(), passed_over(name, &passed.why));
        if passed.missed {
            incomplete.push(format!("{name}: {}", passed.why));
        }
    }
}

fn passed_over(name: &str, why: &str) -> EvidenceRow {
    EvidenceRow {
        path: name.to_owned(),
        kind: "other".to_owned(),
        format: "unread".to_owned(),
        compression: "none".to_owned(),
        zone_basis: "none".to_owned(),
        notes: vec![why.to_owned()],
        ..EvidenceRow::default()
    }
}

/// The window of the evidence: of what is not stray, so that one event from the year 1999 does not stretch it.
fn window(settings: &Settings, facts: &BTreeMap<String, SourceFacts>) -> ReportWindow {
    let (as_of, as_of_basis) = check::as_of(settings, facts);
    let mut window = Window::default();
    for facts in facts.values() {
        window.join(&facts.log.window);
        facts.stores.values().for_each(|store| window.join(&store.window));
    }
    let within = |time: &crate::model::Timestamp| {
        as_of.is_none_or(|as_of| as_of.since(*time) <= settings.ancient_before)
    };
    let from =
        window.from.filter(within).or_else(|| facts.values().filter_map(|facts| facts.log.window.from).min());
    ReportWindow { from, to: window.to.min(as_of.or(window.to)), as_of, as_of_basis }
}

/// Facts keep places; what stands there is fetched for the few that will be printed.
fn read_again(plan: &Plan, outcome: &mut Outcome, evidence: &BTreeMap<String, ingest::Evidence>) {
    cite(outcome, evidence);
    stories::fill(plan, &mut outcome.traces, evidence);
    stories::cite(&outcome.traces, &mut outcome.findings);
}

/// Looks up line numbers and excerpts of every place that will be printed.
fn cite(outcome: &mut Outcome, evidence: &BTreeMap<String, ingest::Evidence>) {
    let mut wanted: BTreeMap<ingest::Evidence, ingest::Wanted> = BTreeMap::new();
    for fault in outcome.faults.values().flat_map(|listed| &listed.items).filter(|fault| fault.line == 0) {
        let Some(mut found) = evidence.get(&fault.path).cloned() else { continue };
        match (&fault.file, found.shape) {
            (None, _) => {}
            (Some(file), Shape::FileStore) => found = found.file(place(fault), file),
            // The file of a folder that an archive holds: its lines are counted in no file of its own.
            (Some(_), Shape::File | Shape::PgDirectory) => continue,
        }
        wanted.entry(found).or_default().entry(place(fault)).or_default().insert(fault.byte);
    }
    for place in uncited(&mut outcome.findings) {
        if let Some(found) = evidence.get(&place.path).cloned() {
            wanted.entry(found).or_default().entry(place.path.clone()).or_default().insert(place.byte);
        }
    }
    let cited: ingest::Cited =
        wanted.iter().flat_map(|(evidence, sources)| ingest::cite(evidence, sources)).collect();
    for fault in outcome.faults.values_mut().flat_map(|listed| &mut listed.items) {
        let line = cited.get(&place(fault)).and_then(|lines| lines.get(&fault.byte));
        fault.line = line.map_or(0, |citation| citation.line);
    }
    for place in uncited(&mut outcome.findings) {
        if let Some(citation) = cited.get(&place.path).and_then(|lines| lines.get(&place.byte)) {
            place.line = citation.line;
            place.excerpt = String::from_utf8_lossy(&citation.excerpt).into_owned();
        }
    }
}

/// Places of findings whose text is not known yet.
fn uncited(findings: &mut [Finding]) -> impl Iterator<Item = &mut finding::Evidence> {
    findings.iter_mut().flat_map(|finding| &mut finding.evidence).filter(|place| place.excerpt.is_empty())
}

/// The file that a fault stands in.
fn place(fault: &Fault) -> String {
    match &fault.file {
        Some(file) => format!("{}/{file}", fault.path),
        None => fault.path.clone(),
    }
}

fn integrity(evidence: &Evidence, outcome: &mut Outcome) -> Integrity {
    let mut integrity = Integrity::default();
    for (at, store) in evidence.stores.iter().enumerate() {
        let claims = |faults: &[Fault]| faults.iter().any(|fault| fault.severity > Severity::Info);
        let of_store =
            outcome.faults.iter().filter(|((path, key, _), _)| *path == store.path && *key == store.key);
        let faults =
            of_store.filter(|(_, listed)| claims(&listed.items)).map(|(_, listed)| listed.seen).sum();
        integrity.stores.push(Store {
            path: store.path.clone(),
            profile: store.key.profile.clone(),
            schema: store.key.schema.clone(),
            streams: store.events.streams(),
            events: store.events.count(),
            copy_of: evidence.copy_of(at).map(|newest| newest.path.clone()),
            checkpoints: store.facts.checkpoints.len() as u64,
            first_version: store.has(TableRole::Events).then_some(store.base),
            first: store.facts.window.from,
            last: store.facts.window.to,
            faults,
        });
    }
    for ((path, _, kind), listed) in std::mem::take(&mut outcome.faults) {
        let unlisted = listed.seen - listed.items.len() as u64;
        if unlisted > 0 {
            integrity.unlisted.push(Unlisted { path, kind: kind.name().to_owned(), count: unlisted });
        }
        integrity.faults.extend(listed.items);
    }
    integrity
}

/// Reasons that many files share are one line: a folder of a thousand transaction files is not a thousand reasons.
fn shorten(reasons: Vec<String>) -> Vec<String> {
    let mut by_reason: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for reason in reasons {
        let (path, why) = reason.split_once(": ").unwrap_or(("", &reason));
        by_reason.entry(why.to_owned()).or_default().push(path.to_owned());
    }
    let line = |(why, paths): (String, Vec<String>)| match &paths[..] {
        [path] => format!("{path}: {why}"),
        [first, ..] => format!("{} files, the first {first}: {why}", paths.len()),
        [] => why,
    };
    by_reason.into_iter().map(line).collect()
}

/// How much there is of what an incident may touch.
fn extent(evidence: &Evidence, outcome: &Outcome) -> rank::Extent {
    let services: BTreeSet<&str> =
        evidence.logs.values().flat_map(|log| log.services.values()).map(|(service, _)| service).collect();
    let commands: BTreeSet<&str> = outcome.operations.iter().map(|row| row.name.as_str()).collect();
    let streams = evidence.stores.iter().map(|store| store.events.streams()).max().unwrap_or_default();
    [
        ("command", commands.len() as u64),
        ("projection", outcome.projections.len() as u64),
        ("service", services.len() as u64),
        ("stream", streams),
    ]
    .into_iter()
    .map(|(key, count)| (key.to_owned(), count))
    .collect()
}

/// The runbook of an incident is that of its root cause; where that has none, that of the finding it rests on.
fn attach_runbooks(runbooks: &Runbooks, incidents: &mut [Incident], findings: &[Finding]) {
    for incident in incidents {
        let root = findings.iter().find(|finding| finding.id == incident.root_cause.finding);
        let words = iter::once(incident.root_cause.kind.as_str()).chain(root.map(|root| root.kind.as_str()));
        let Some(runbook) = runbooks.find(words) else { continue };
        incident.runbook = Some(runbook.id.clone());
        let keys = finding::joined(root.iter().map(|root| &root.keys).chain([&incident.keys]));
        incident.runbook_text = Some(runbook.filled(&keys));
    }
}

fn verdict(findings: &[crate::model::Finding], incidents: usize, incomplete: Vec<String>) -> Verdict {
    let worst_severity = findings.iter().map(|finding| finding.severity).max();
    let status = match worst_severity {
        _ if !incomplete.is_empty() => Status::Incomplete,
        Some(Severity::Warning | Severity::Error | Severity::Critical) => Status::Findings,
        Some(Severity::Info) | None => Status::Clean,
    };
    Verdict { status, worst_severity, incidents, findings: findings.len(), incomplete }
}

fn run(plan: &Plan) -> Run {
    let as_of = match plan.settings.as_of {
        AsOf::Newest => "newest".to_owned(),
        AsOf::At(time) => time.to_string(),
    };
    let value = |setting: &Setting| (setting.name.to_owned(), setting.value(&plan.settings).to_string());
    let mut settings: BTreeMap<String, String> = SETTINGS.iter().map(value).collect();
    settings.insert("as_of".to_owned(), as_of);
    let scope = match plan.scope {
        Scope::Everything => "everything",
        Scope::Stores => "stores",
    };
    settings.insert("scope".to_owned(), scope.to_owned());
    Run {
        state: None,
        tool: "coroner".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        arguments: plan.arguments.clone(),
        settings,
        pattern_packs: plan
            .packs
            .packs
            .iter()
            .map(|pack| PackUsed {
                name: pack.meta.name.clone(),
                patterns: pack.patterns,
                hash: pack.hash.clone(),
            })
            .collect(),
        redaction: None,
    }
}
