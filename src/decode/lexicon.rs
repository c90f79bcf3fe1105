//! The names that loggers, exporters and stores use, loaded from data: `patterns/fields.toml`, `patterns/metrics.toml`
//! and `patterns/stores/*.toml`.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::model::{
    FieldNames, Meaning, Means, Meant, Role, StoreProfile, Table, TableRole, TraceWords, Unit,
};

use super::{
    metrics::{Metrics, MetricsFile},
    tables,
};

/// What every decoder may ask: field roles, meanings of metrics and store profiles.
#[derive(Clone, Debug, Default)]
pub struct Lexicon {
    pub fields: FieldNames,
    pub metrics: Metrics,
    /// Sorted by id.
    pub stores: Vec<StoreProfile>,
}

/// A data file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LexiconError {
    #[error("{path}: {why}")]
    Toml { path: String, why: Box<toml::de::Error> },
    #[error("{path}: profile id `{id}` must be the file's name")]
    Misnamed { path: String, id: String },
    #[error("{path}: table {table} of role {role:?} needs a column for {lacks:?}")]
    Incomplete { path: String, table: usize, role: TableRole, lacks: Meaning },
    #[error("there is no store profile `{id}`; there are {known}")]
    NoProfile { id: String, known: String },
}

/// The embedded files, by path below `patterns/`. A test holds the list against the folder.
const EMBEDDED: &[(&str, &str)] = &[
    ("fields.toml", include_str!("../../patterns/fields.toml")),
    ("metrics.toml", include_str!("../../patterns/metrics.toml")),
    ("stores/akka-persistence-jdbc.toml", include_str!("../../patterns/stores/akka-persistence-jdbc.toml")),
    ("stores/axon.toml", include_str!("../../patterns/stores/axon.toml")),
    ("stores/castore.toml", include_str!("../../patterns/stores/castore.toml")),
    ("stores/commanded.toml", include_str!("../../patterns/stores/commanded.toml")),
    ("stores/cqrs-es.toml", include_str!("../../patterns/stores/cqrs-es.toml")),
    ("stores/emmett.toml", include_str!("../../patterns/stores/emmett.toml")),
    ("stores/eventcore-0.1.toml", include_str!("../../patterns/stores/eventcore-0.1.toml")),
    ("stores/eventcore-fs.toml", include_str!("../../patterns/stores/eventcore-fs.toml")),
    ("stores/eventcore-postgres.toml", include_str!("../../patterns/stores/eventcore-postgres.toml")),
    ("stores/eventuous.toml", include_str!("../../patterns/stores/eventuous.toml")),
    ("stores/kafka.toml", include_str!("../../patterns/stores/kafka.toml")),
    ("stores/kurrentdb.toml", include_str!("../../patterns/stores/kurrentdb.toml")),
    ("stores/marten.toml", include_str!("../../patterns/stores/marten.toml")),
    ("stores/message-db.toml", include_str!("../../patterns/stores/message-db.toml")),
    ("stores/patchlevel.toml", include_str!("../../patterns/stores/patchlevel.toml")),
    ("stores/pg-eventstore.toml", include_str!("../../patterns/stores/pg-eventstore.toml")),
    ("stores/pyeventsourcing.toml", include_str!("../../patterns/stores/pyeventsourcing.toml")),
    ("stores/rails-event-store.toml", include_str!("../../patterns/stores/rails-event-store.toml")),
    ("stores/sql-stream-store.toml", include_str!("../../patterns/stores/sql-stream-store.toml")),
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FieldsFile {
    roles: BTreeMap<Role, Vec<String>>,
    objects: Objects,
    #[serde(default, rename = "value")]
    values: Vec<ValueNames>,
    outcomes: Outcomes,
    #[serde(default)]
    traces: TraceWords,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ValueNames {
    means: Means,
    #[serde(default)]
    unit: Unit,
    names: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Outcomes {
    timed_out: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Objects {
    flatten: Vec<String>,
    nested: Vec<String>,
    #[serde(default)]
    context: Vec<String>,
}

impl Lexicon {
    /// Builds from the embedded files and then `files` (path below a patterns folder, text): a file of the same
    /// path replaces the embedded one, another store profile joins.
    ///
    /// # Errors
    ///
    /// A file that is no TOML of its kind.
    pub fn load(files: &[(String, String)]) -> Result<Lexicon, LexiconError> {
        let mut all: BTreeMap<&str, &str> = EMBEDDED.iter().copied().collect();
        for (path, text) in files {
            if path == "fields.toml" || path == "metrics.toml" || path.starts_with("stores/") {
                all.insert(path, text);
            }
        }
        let mut lexicon = Lexicon::default();
        for (path, text) in all {
            if path == "fields.toml" {
                lexicon.fields = field_names(path, text)?;
            } else if path == "metrics.toml" {
                lexicon.metrics = Metrics::new(parse::<MetricsFile>(path, text)?);
            } else {
                lexicon.stores.push(store(path, text)?);
            }
        }
        Ok(lexicon)
    }

    /// The table that these columns are, if a profile knows them. `name` is `schema.table`, or empty in an export.
    pub fn table(&self, name: &str, names: &[String]) -> Option<Table> {
        tables::find(&self.stores, name, names)
    }

    /// Which store these columns are nearly of, and what they lack.
    pub(super) fn nearest_table(&self, names: &[String]) -> Option<String> {
        tables::nearest(&self.stores, names)
    }

    /// Takes one profile alone, or one that the caller maps by hand, for stores that cannot be told by their columns.
    ///
    /// # Errors
    ///
    /// A profile that is not there.
    pub fn only(&mut self, choice: &StoreChoice) -> Result<(), LexiconError> {
        if let Some(id) = &choice.profile {
            if !self.stores.iter().any(|store| store.id == *id) {
                let known = self.stores.iter().map(|store| store.id.as_str()).collect::<Vec<_>>().join(", ");
                return Err(LexiconError::NoProfile { id: id.clone(), known });
            }
            self.stores.retain(|store| store.id == *id);
        }
        if !choice.columns.is_empty() {
            let base = choice.profile.as_ref().and_then(|_| self.stores.first());
            let mapped = tables::mapped(base, choice);
            self.stores.insert(0, mapped);
        }
        Ok(())
    }
}

/// Which store an export is of, where its user says so.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoreChoice {
    pub profile: Option<String>,
    pub columns: BTreeMap<Meaning, String>,
    pub first_version: Option<i64>,
}

fn field_names(path: &str, text: &str) -> Result<FieldNames, LexiconError> {
    let file: FieldsFile = parse(path, text)?;
    let mut names =
        FieldNames { timed_out: file.outcomes.timed_out, traces: file.traces, ..FieldNames::default() };
    for (role, called) in file.roles {
        for (rank, name) in called.into_iter().enumerate() {
            names.entry(name).role = Some((role, rank));
        }
    }
    let Objects { flatten, nested, context } = file.objects;
    for name in flatten {
        names.entry(name).flatten = true;
    }
    for name in nested {
        names.entry(name).nested = true;
    }
    for name in context {
        names.entry(name).context = true;
    }
    let mut ranks: BTreeMap<Means, usize> = BTreeMap::new();
    for ValueNames { means, unit, names: called } in file.values {
        for name in called {
            let rank = ranks.entry(means).or_default();
            names.entry(name).values.push(Meant { means, unit, rank: *rank });
            *rank += 1;
        }
    }
    Ok(names)
}

fn store(path: &str, text: &str) -> Result<StoreProfile, LexiconError> {
    let profile: StoreProfile = parse(path, text)?;
    if path != format!("stores/{}.toml", profile.id) {
        return Err(LexiconError::Misnamed { path: path.to_owned(), id: profile.id });
    }
    for (at, rules) in profile.tables.iter().enumerate() {
        let lacks = tables::needed(rules.role).iter().find(|meaning| !rules.columns.contains_key(meaning));
        if let Some(lacks) = lacks {
            let (table, role, lacks) = (at + 1, rules.role, *lacks);
            return Err(LexiconError::Incomplete { path: path.to_owned(), table, role, lacks });
        }
    }
    Ok(profile)
}

fn parse<T: serde::de::DeserializeOwned>(path: &str, text: &str) -> Result<T, LexiconError> {
    toml::from_str(text).map_err(|why| LexiconError::Toml { path: path.to_owned(), why: Box::new(why) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(names: &str) -> Vec<String> {
        names.split(',').map(str::to_owned).collect()
    }

    #[test]
    fn knows_tables_by_their_columns_in_any_order() {
        let lexicon = Lexicon::load(&[]).expect("the embedded files");
        for (name, names, expected) in [
            (
                "",
                "event_id,stream_id,stream_version,event_type,event_data,metadata,created_at",
                "eventcore-postgres",
            ),
            ("public.eventcore_events", "created_at,stream_version,event_id,stream_id", "eventcore-postgres"),
            (
                "public.events_2026_11",
                "event_id,stream_id,event_version,event_type,event_data,created_at",
                "eventcore-0.1",
            ),
            ("", "record,event_id,stream_id,stream_version,event_type,event_data,metadata", "eventcore-fs"),
            ("", "subscription_name,last_position,updated_at", "eventcore-postgres"),
        ] {
            let table = lexicon.table(name, &columns(names)).unwrap_or_else(|| panic!("{names}"));
            assert_eq!(table.profile, expected, "{names}");
        }
        assert!(lexicon.table("", &columns("schemaname,tablename,size")).is_none());
    }

    #[test]
    fn says_which_file_is_wrong() {
        let wrong = [("stores/mine.toml".to_owned(), "id = 3".to_owned())];
        assert!(Lexicon::load(&wrong).expect_err("no profile").to_string().starts_with("stores/mine.toml: "));
    }
}
