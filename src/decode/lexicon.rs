//! The names that loggers and stores use, loaded from data: `patterns/fields.toml` and `patterns/stores/*.toml`.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::model::{FieldNames, Role, StoreProfile, Table, TableRole, profile::Columns};

/// What every decoder may ask: field roles and store profiles.
#[derive(Clone, Debug, Default)]
pub struct Lexicon {
    pub fields: FieldNames,
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
}

/// The embedded files, by path below `patterns/`. A test holds the list against the folder.
const EMBEDDED: &[(&str, &str)] = &[
    ("fields.toml", include_str!("../../patterns/fields.toml")),
    ("stores/eventcore-0.1.toml", include_str!("../../patterns/stores/eventcore-0.1.toml")),
    ("stores/eventcore-fs.toml", include_str!("../../patterns/stores/eventcore-fs.toml")),
    ("stores/eventcore-postgres.toml", include_str!("../../patterns/stores/eventcore-postgres.toml")),
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FieldsFile {
    roles: BTreeMap<Role, Vec<String>>,
    objects: Objects,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Objects {
    flatten: Vec<String>,
    nested: Vec<String>,
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
            if path == "fields.toml" || path.starts_with("stores/") {
                all.insert(path, text);
            }
        }
        let mut lexicon = Lexicon::default();
        for (path, text) in all {
            if path == "fields.toml" {
                lexicon.fields = field_names(path, text)?;
            } else {
                lexicon.stores.push(store(path, text)?);
            }
        }
        Ok(lexicon)
    }

    /// The role of a field, and its rank among the names of that role.
    pub(super) fn role(&self, name: &str) -> Option<(Role, usize)> {
        self.fields.roles.get(name).copied()
    }

    /// The table that these columns are, if a profile knows them. `name` is `schema.table`, or empty in an export.
    pub fn table(&self, name: &str, names: &[String]) -> Option<Table> {
        let (schema, table) = name.rsplit_once('.').unwrap_or(("", name));
        let matches = self.stores.iter().flat_map(|profile| {
            let events = events_table(profile, schema, table, names);
            events.into_iter().chain(checkpoint_table(profile, schema, table, names))
        });
        // The name decides between profiles whose columns both fit; then the more columns, the surer.
        matches.max_by_key(|(score, _)| *score).map(|(_, table)| table)
    }
}

fn field_names(path: &str, text: &str) -> Result<FieldNames, LexiconError> {
    let file: FieldsFile = parse(path, text)?;
    let mut roles = std::collections::HashMap::default();
    for (role, names) in file.roles {
        for (rank, name) in names.into_iter().enumerate() {
            roles.insert(name, (role, rank));
        }
    }
    Ok(FieldNames { roles, flatten: file.objects.flatten, nested: file.objects.nested })
}

fn store(path: &str, text: &str) -> Result<StoreProfile, LexiconError> {
    let profile: StoreProfile = parse(path, text)?;
    if path != format!("stores/{}.toml", profile.id) {
        return Err(LexiconError::Misnamed { path: path.to_owned(), id: profile.id });
    }
    Ok(profile)
}

fn parse<T: serde::de::DeserializeOwned>(path: &str, text: &str) -> Result<T, LexiconError> {
    toml::from_str(text).map_err(|why| LexiconError::Toml { path: path.to_owned(), why: Box::new(why) })
}

fn events_table(
    profile: &StoreProfile,
    schema: &str,
    table: &str,
    names: &[String],
) -> Option<(usize, Table)> {
    let events = &profile.events;
    let find =
        |wanted: &[String]| wanted.iter().find_map(|wanted| names.iter().position(|name| name == wanted));
    let columns = Columns {
        names: names.to_vec(),
        stream: find(&events.stream),
        version: find(&events.version),
        id: find(&events.id),
        payload: find(&events.payload),
        metadata: find(&events.metadata),
        time: find(&events.time),
    };
    let required =
        [(&events.stream, columns.stream), (&events.version, columns.version), (&events.id, columns.id)];
    let all_there = required.iter().all(|(wanted, found)| wanted.is_empty() || found.is_some());
    let also = events.also.iter().all(|wanted| names.contains(wanted));
    if !all_there || !also {
        return None;
    }
    let found =
        [columns.payload, columns.metadata, columns.time].iter().flatten().count() + events.also.len();
    let named = usize::from(events.tables.iter().any(|known| known == table)) * 100;
    let table = Table {
        profile: profile.id.clone(),
        schema: schema.to_owned(),
        role: TableRole::Events,
        id_shape: events.id_shape,
        first_versions: events.first_version.clone(),
        columns,
    };
    Some((named + 10 + found, table))
}

fn checkpoint_table(
    profile: &StoreProfile,
    schema: &str,
    table: &str,
    names: &[String],
) -> Option<(usize, Table)> {
    let checkpoints = profile.checkpoints.as_ref()?;
    let find =
        |wanted: &[String]| wanted.iter().find_map(|wanted| names.iter().position(|name| name == wanted));
    let columns = Columns {
        names: names.to_vec(),
        stream: Some(find(&checkpoints.name)?),
        version: Some(find(&checkpoints.position)?),
        time: find(&checkpoints.updated),
        ..Columns::default()
    };
    let named = usize::from(checkpoints.tables.iter().any(|known| known == table)) * 100;
    let table = Table {
        profile: profile.id.clone(),
        schema: schema.to_owned(),
        role: TableRole::Checkpoints,
        id_shape: profile.events.id_shape,
        first_versions: profile.events.first_version.clone(),
        columns,
    };
    Some((named + 5, table))
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
