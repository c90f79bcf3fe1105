//! Which table of which store a list of columns is.
//!
//! A dump names its tables and an export does not, so columns decide and a name only helps: partitions have names of
//! their own, and people rename. Profiles are data (`patterns/stores/*.toml`).

use std::sync::Arc;

use crate::model::{
    Columns, Filter, IdShape, Meaning, StoreProfile, Table, TableRole, TableRules, profile::fits,
};

use super::lexicon::StoreChoice;

/// The id of a profile that the user maps by hand.
const MAPPED: &str = "mapped";

/// The table that fits best: by its name, then by how many of its columns are known.
pub(super) fn find(profiles: &[StoreProfile], name: &str, names: &[String]) -> Option<Table> {
    let (schema, table) = name.rsplit_once('.').unwrap_or(("", name));
    let mut best: Option<(usize, &StoreProfile, &TableRules, Columns)> = None;
    for profile in profiles {
        for rules in &profile.tables {
            let Some((score, columns)) = fit(rules, table, names) else { continue };
            // The first of equals stays: profiles are in order of id, and a mapped one comes first.
            if best.as_ref().is_none_or(|(known, ..)| score > *known) {
                best = Some((score, profile, rules, columns));
            }
        }
    }
    let (_, profile, rules, columns) = best?;
    let (profile, schema) = (profile.id.clone(), schema.to_owned());
    Some(Table { profile, schema, columns, rules: Arc::new(rules.clone()) })
}

/// The table of events that comes nearest to columns which fit none, as `profile lacks ...`.
pub(super) fn nearest(profiles: &[StoreProfile], names: &[String]) -> Option<String> {
    let mut best: Option<(usize, String)> = None;
    for profile in profiles {
        for rules in profile.tables.iter().filter(|rules| rules.role == TableRole::Events) {
            let columns = columns(rules, names);
            let known = rules.columns.keys().filter(|meaning| found(&columns, **meaning)).count();
            let missing: Vec<String> = needed(rules.role)
                .iter()
                .chain(&rules.required)
                .filter(|meaning| !found(&columns, **meaning))
                .map(|meaning| called(rules, *meaning))
                .chain(
                    rules
                        .also
                        .iter()
                        .filter(|wanted| !names.contains(wanted))
                        .map(|name| format!("`{name}`")),
                )
                .collect();
            // One column in common, such as `id`, is no likeness.
            if known > 1 && !missing.is_empty() && best.as_ref().is_none_or(|(most, _)| known > *most) {
                best =
                    Some((known, format!("profile {} needs a column {}", profile.id, missing.join(" and "))));
            }
        }
    }
    best.map(|(_, text)| text)
}

/// A meaning with the names that its column may have.
fn called(rules: &TableRules, meaning: Meaning) -> String {
    let names = rules.columns.get(&meaning).map(|names| names.join("` or `")).unwrap_or_default();
    format!("`{names}`")
}

/// The meanings that a table of a role cannot do without.
pub(super) fn needed(role: TableRole) -> &'static [Meaning] {
    match role {
        TableRole::Events | TableRole::Checkpoints | TableRole::Streams => {
            &[Meaning::Stream, Meaning::Version]
        }
        TableRole::Bodies => &[Meaning::Id],
        TableRole::Snapshots => &[Meaning::Stream],
    }
}

/// How well a table fits its rules, and where its columns are.
fn fit(rules: &TableRules, table: &str, names: &[String]) -> Option<(usize, Columns)> {
    let columns = columns(rules, names);
    let named = rules.names.iter().any(|name| fits(name, table));
    let has = |meaning: &Meaning| found(&columns, *meaning);
    if !needed(rules.role).iter().chain(&rules.required).all(has) {
        return None;
    }
    let also = rules.also.iter().all(|wanted| names.contains(wanted))
        && !rules.without.iter().any(|unwanted| names.contains(unwanted));
    // Columns such as `id, version` say little: a table beside the events is known by its name, or by all of them.
    let whole = rules.columns.keys().all(has);
    if !also
        || (rules.by_name && !named)
        || !(named || rules.role == TableRole::Events || whole && rules.columns.len() > 2)
    {
        return None;
    }
    let known = rules.columns.keys().filter(|meaning| has(meaning)).count() + rules.also.len();
    Some((usize::from(named) * 100 + known, columns))
}

fn found(columns: &Columns, meaning: Meaning) -> bool {
    match meaning {
        Meaning::Stream => !columns.stream.is_empty(),
        Meaning::Version => columns.version.is_some(),
        Meaning::Id => columns.id.is_some(),
        Meaning::Type => columns.kind.is_some(),
        Meaning::Payload => columns.payload.is_some(),
        Meaning::Metadata => columns.metadata.is_some(),
        Meaning::Time => columns.time.is_some(),
        Meaning::Position => columns.position.is_some(),
        Meaning::Causation => columns.causation.is_some(),
        Meaning::Correlation => columns.correlation.is_some(),
        Meaning::Archived => columns.archived.is_some(),
        Meaning::Versions => columns.versions.is_some(),
    }
}

fn columns(rules: &TableRules, names: &[String]) -> Columns {
    let place = |wanted: &str| names.iter().position(|name| name == wanted);
    let all = |wanted: &String| wanted.split('+').map(place).collect::<Option<Vec<usize>>>();
    let parts = |meaning: Meaning| rules.columns.get(&meaning)?.iter().find_map(all);
    let one = |meaning: Meaning| parts(meaning)?.first().copied();
    let filter = |filter: &Filter| {
        let other = filter.differs_from.as_deref().map_or(Some(None), |other| place(other).map(Some));
        place(&filter.column).zip(other)
    };
    Columns {
        names: names.to_vec(),
        stream: parts(Meaning::Stream).unwrap_or_default(),
        version: one(Meaning::Version),
        id: one(Meaning::Id),
        kind: one(Meaning::Type),
        payload: one(Meaning::Payload),
        metadata: one(Meaning::Metadata),
        time: one(Meaning::Time),
        position: one(Meaning::Position),
        causation: one(Meaning::Causation),
        correlation: one(Meaning::Correlation),
        archived: one(Meaning::Archived),
        versions: one(Meaning::Versions),
        // A filter whose column is not there stands for no row, and keeps its place.
        filters: rules.leave_out.iter().map(|f| filter(f).unwrap_or((usize::MAX, None))).collect(),
    }
}

/// A profile from the columns that the user names, with the rules of `base` where there is one.
pub(super) fn mapped(base: Option<&StoreProfile>, choice: &StoreChoice) -> StoreProfile {
    let events =
        |profile: &StoreProfile| profile.tables.iter().find(|rules| rules.role == TableRole::Events).cloned();
    // Of a store that nothing is known of, nothing is demanded but JSON where it looks like JSON.
    let unknown = TableRules {
        id_shape: IdShape::Text,
        payload: crate::model::PayloadShape::Any,
        first_version: vec![0, 1],
        ..TableRules::default()
    };
    let mut rules = base.and_then(events).unwrap_or(unknown);
    rules.required = choice.columns.keys().copied().collect();
    rules.also.clear();
    for (meaning, column) in &choice.columns {
        rules.columns.insert(*meaning, vec![column.clone()]);
    }
    if let Some(first) = choice.first_version {
        rules.first_version = vec![first];
    }
    StoreProfile {
        id: base.map_or(MAPPED.to_owned(), |profile| profile.id.clone()),
        about: "mapped by hand".to_owned(),
        source: "--map".to_owned(),
        tables: vec![rules],
        samples: Vec::new(),
    }
}
