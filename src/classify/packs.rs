//! The pattern packs: those built in, and those that a folder adds or replaces.

use std::collections::BTreeMap;

use crate::model::{Causes, PackFile, PackMeta, Pattern};

use super::{CausesError, RunbookError, Runbooks, causes};

/// A pack as loaded.
#[derive(Clone, Debug)]
pub struct Pack {
    pub meta: PackMeta,
    pub patterns: usize,
    /// BLAKE3 of its text: a report says which wording judged.
    pub hash: String,
}

/// All patterns of a run, in order of pack and place in it.
#[derive(Clone, Debug, Default)]
pub struct Packs {
    pub packs: Vec<Pack>,
    /// Each with its fields resolved.
    pub patterns: Vec<Pattern>,
    /// The pack of each pattern, as an index into `packs`.
    pub pack_of: Vec<usize>,
    pub runbooks: Runbooks,
    pub causes: Causes,
}

/// A pack that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    #[error("{path}: {why}")]
    Toml { path: String, why: Box<toml::de::Error> },
    #[error("{path}: pack name `{name}` must be the file's name")]
    Misnamed { path: String, name: String },
    #[error("{path}: pattern id `{id}` is taken by pack `{by}`; ids are unique over all packs")]
    Duplicate { path: String, id: String, by: String },
    #[error(transparent)]
    Causes(#[from] CausesError),
    #[error(transparent)]
    Runbook(#[from] RunbookError),
}

macro_rules! embedded {
    ($($name:literal),* $(,)?) => {
        /// The built-in packs, sorted. A test holds the list against the folder.
        const EMBEDDED: &[(&str, &str)] = &[$((
            concat!($name, ".toml"),
            include_str!(concat!("../../patterns/", $name, ".toml")),
        )),*];
    };
}

embedded!(
    "chapter",
    "event-stores",
    "eventcore",
    "kernel",
    "kubernetes",
    "pools",
    "postgresql",
    "runtimes",
    "sqlite",
);

/// Files of a patterns folder that hold no patterns.
const NOT_PACKS: [&str; 5] = ["fields.toml", "metrics.toml", "causes.toml", "collect.toml", "redact.toml"];

impl Packs {
    /// Loads the built-in packs and then `files` (path below a patterns folder, text). A file named like a
    /// built-in pack replaces it; a pattern whose id is known replaces that pattern where it stands.
    ///
    /// # Errors
    ///
    /// A file that is no pack, with its line and column.
    pub fn load(files: &[(String, String)]) -> Result<Packs, PackError> {
        let mut all: BTreeMap<&str, (&str, bool)> =
            EMBEDDED.iter().map(|(path, text)| (*path, (*text, false))).collect();
        for (path, text) in files {
            if !path.contains('/') && !NOT_PACKS.contains(&path.as_str()) {
                all.insert(path, (text, true));
            }
        }
        // Built-in packs first, so that a folder's pattern of the same id overrides.
        let mut ordered: Vec<_> = all.into_iter().collect();
        ordered.sort_by_key(|(path, (_, own))| (*own, *path));
        let mut packs =
            Packs { runbooks: Runbooks::load(files)?, causes: causes::load(files)?, ..Packs::default() };
        for (path, (text, own)) in ordered {
            packs.add(path, text, own)?;
        }
        Ok(packs)
    }

    fn add(&mut self, path: &str, text: &str, own: bool) -> Result<(), PackError> {
        let file: PackFile = toml::from_str(text)
            .map_err(|why| PackError::Toml { path: path.to_owned(), why: Box::new(why) })?;
        let PackFile { pack, patterns } = file;
        if path != format!("{}.toml", pack.name) {
            return Err(PackError::Misnamed { path: path.to_owned(), name: pack.name });
        }
        let index = self.packs.len();
        let hash = format!("blake3:{}", blake3::hash(text.as_bytes()).to_hex());
        let count = patterns.len();
        for mut pattern in patterns {
            if pattern.fields.is_empty() {
                pattern.fields.clone_from(&pack.fields);
            }
            match self.patterns.iter().position(|known| known.id == pattern.id) {
                Some(at) if own && self.pack_of[at] != index => {
                    self.patterns[at] = pattern;
                    self.pack_of[at] = index;
                }
                Some(at) => {
                    let by = if self.pack_of[at] == index {
                        pack.name
                    } else {
                        self.packs[self.pack_of[at]].meta.name.clone()
                    };
                    return Err(PackError::Duplicate { path: path.to_owned(), id: pattern.id, by });
                }
                None => {
                    self.patterns.push(pattern);
                    self.pack_of.push(index);
                }
            }
        }
        self.packs.push(Pack { meta: pack, patterns: count, hash });
        Ok(())
    }

    /// The pattern of this id.
    pub fn get(&self, id: &str) -> Option<&Pattern> {
        self.patterns.iter().find(|pattern| pattern.id == id)
    }

    /// The name of the pack that the pattern at `index` is from.
    pub fn pack_name(&self, index: usize) -> &str {
        self.pack_of.get(index).and_then(|pack| self.packs.get(*pack)).map_or("", |pack| &pack.meta.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(name: &str, text: &str) -> Result<Packs, PackError> {
        Packs::load(&[(name.to_owned(), text.to_owned())])
    }

    const PATTERN: &str = "[[pattern]]\nid = 'mine'\ntitle = 't'\nseverity = 'error'\ncategory = 'query'\nany = ['abc']\naction = 'a'\n";

    #[test]
    fn a_folder_adds_and_overrides() {
        let built_in = Packs::load(&[]).expect("the embedded packs");
        let more =
            own("mine.toml", &format!("[pack]\nname = 'mine'\nabout = 'a'\n{PATTERN}")).expect("a pack");
        assert_eq!(more.patterns.len(), built_in.patterns.len() + 1);
        assert_eq!(more.get("mine").expect("added").fields, ["message"]);
        let text =
            format!("[pack]\nname = 'mine'\nabout = 'a'\n{}", PATTERN.replace("'mine'", "'memory_pressure'"));
        let overridden = own("mine.toml", &text).expect("a pack");
        assert_eq!(overridden.patterns.len(), built_in.patterns.len());
        assert_eq!(overridden.get("memory_pressure").expect("overridden").title, "t");
    }

    #[test]
    fn an_error_names_the_file_and_the_place() {
        for (text, expected) in [
            ("[pack]\nname = 'mine'\nabout = 3\n", "mine.toml: TOML parse error at line 3"),
            ("[pack]\nname = 'other'\nabout = 'a'\n", "mine.toml: pack name `other`"),
            (
                &format!("[pack]\nname = 'mine'\nabout = 'a'\n{PATTERN}{PATTERN}"),
                "mine.toml: pattern id `mine` is taken",
            ),
        ] {
            let err = own("mine.toml", text).expect_err("wrong").to_string();
            assert!(err.starts_with(expected), "{err}");
        }
    }
}
