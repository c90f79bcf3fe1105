//! The data: what is said, what a healthy system says, and what each chain of causes adds. A new chain is a new file in
//! `chains/` and needs no Rust.

use std::{collections::BTreeMap, fs, path::PathBuf};

use serde::{Deserialize, de::DeserializeOwned};

/// Everything that the folder holds.
#[derive(Debug)]
pub(crate) struct Data {
    pub(crate) names: Names,
    pub(crate) texts: Texts,
    pub(crate) quiet: Quiet,
    /// In order of name.
    pub(crate) chains: Vec<Chain>,
}

/// What a seed chooses names from.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Names {
    pub(crate) domains: Vec<String>,
    pub(crate) roles: Vec<String>,
    pub(crate) nouns: Vec<String>,
    pub(crate) verbs: Vec<String>,
    pub(crate) views: Vec<String>,
    pub(crate) jobs: Vec<String>,
    pub(crate) tools: Vec<String>,
    pub(crate) partners: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Texts {
    pub(crate) text: BTreeMap<String, Text>,
    pub(crate) span: BTreeMap<String, BTreeMap<String, String>>,
    /// The columns of each export, by the source that a text names.
    pub(crate) snapshot: BTreeMap<String, Vec<String>>,
}

/// One line, before a seed fills it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Text {
    #[serde(default = "app")]
    pub(crate) source: String,
    pub(crate) level: String,
    /// The service's own crate where nothing is said.
    pub(crate) target: Option<String>,
    pub(crate) message: Option<String>,
    #[serde(default)]
    pub(crate) fields: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) spans: Vec<String>,
    /// The kinds of finding that it is evidence for.
    #[serde(default)]
    pub(crate) tells: Vec<String>,
}

fn app() -> String {
    "app".to_owned()
}

impl Text {
    /// Whether the software itself thinks that something is wrong.
    pub(crate) fn is_loud(&self) -> bool {
        ["WARN", "ERROR", "WARNING", "FATAL", "PANIC"].contains(&self.level.as_str())
    }
}

/// A line of a unit: its text alone, or more.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Said {
    Plain(String),
    With {
        text: String,
        /// After the line before it.
        #[serde(default = "soon")]
        after_ms: String,
        /// Names that are this, and not what the unit's other lines call them.
        #[serde(default)]
        cast: BTreeMap<String, String>,
    },
}

fn soon() -> String {
    "0".to_owned()
}

impl Said {
    pub(crate) fn text(&self) -> &str {
        match self {
            Said::Plain(text) | Said::With { text, .. } => text,
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Quiet {
    pub(crate) busy: f64,
    pub(crate) unit: Vec<Unit>,
}

/// What belongs together in a healthy system.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Unit {
    pub(crate) about: String,
    pub(crate) per_hour: f64,
    #[serde(default)]
    pub(crate) ms: [u64; 2],
    pub(crate) lines: Vec<Said>,
    /// Whether it is a command, which a chain may keep from being carried out.
    #[serde(default)]
    pub(crate) traffic: bool,
    /// Whether it is a trouble that the system gets over, as rare on a busy day as on a quiet one.
    #[serde(default)]
    pub(crate) harmless: bool,
}

/// One chain of causes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Chain {
    #[serde(skip)]
    pub(crate) name: String,
    /// Its root-cause kind.
    pub(crate) kind: String,
    /// The kinds that are right as well as that.
    pub(crate) accept: Vec<String>,
    pub(crate) duration_s: f64,
    /// The share of healthy commands that still get through.
    pub(crate) traffic: f64,
    /// What a healthy system says and this one does not, by the first text of a unit.
    #[serde(default)]
    pub(crate) silent: Vec<String>,
    /// Whether all databases of a server suffer from it, so that no healthy one can share its log.
    #[serde(default)]
    pub(crate) server_wide: bool,
    /// One beyond the ten that the bounds are about: shown, and not summed.
    #[serde(default)]
    pub(crate) beyond: bool,
    #[serde(default)]
    pub(crate) text: BTreeMap<String, Text>,
    #[serde(default)]
    pub(crate) span: BTreeMap<String, BTreeMap<String, String>>,
    pub(crate) stage: Vec<Stage>,
}

/// One step of a chain.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Stage {
    pub(crate) name: String,
    pub(crate) role: Role,
    /// After the root.
    pub(crate) from_s: f64,
    #[serde(default)]
    pub(crate) for_s: f64,
    /// How often: so many times, or at this rate.
    pub(crate) count: Option<u64>,
    pub(crate) per_minute: Option<f64>,
    /// In how many seeds it is there at all: evidence is never complete in the same way twice.
    #[serde(default = "always")]
    pub(crate) chance: f64,
    /// The instance that says it, where it is always the same one.
    pub(crate) instance: Option<String>,
    /// Names that are this, and not what chance gives.
    #[serde(default)]
    pub(crate) cast: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) ms: [u64; 2],
    pub(crate) lines: Vec<Said>,
    /// The kinds of finding that its lines are evidence for, where their texts name none.
    #[serde(default)]
    pub(crate) tells: Vec<String>,
}

fn always() -> f64 {
    1.0
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Role {
    /// What is there before anything breaks; no part of the chain that a report must show.
    Before,
    Root,
    Effect,
    Symptom,
    /// What the end of it leaves; no part of the chain either.
    Aftermath,
}

impl Data {
    /// Reads the folder. Data that does not hold together is a mistake of whoever wrote it, and stops the run.
    pub(crate) fn load() -> Data {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("benches/scenarios");
        let mut files: Vec<PathBuf> = fs::read_dir(folder.join("chains"))
            .expect("the chains are beside this file")
            .map(|entry| entry.expect("a chain").path())
            .filter(|path| path.extension().is_some_and(|ending| ending == "toml"))
            .collect();
        files.sort();
        let chains = files.iter().map(|path| {
            let mut chain: Chain = read(path);
            chain.name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
            chain
        });
        let data = Data {
            names: read(&folder.join("names.toml")),
            texts: read(&folder.join("texts.toml")),
            quiet: read(&folder.join("quiet.toml")),
            chains: chains.collect(),
        };
        data.hold_together();
        data
    }

    /// A text by name; a chain's own ones come first.
    pub(crate) fn text<'a>(&'a self, chain: Option<&'a Chain>, name: &str) -> &'a Text {
        chain
            .and_then(|chain| chain.text.get(name))
            .or_else(|| self.texts.text.get(name))
            .unwrap_or_else(|| panic!("no text is called {name}"))
    }

    pub(crate) fn span<'a>(&'a self, chain: Option<&'a Chain>, name: &str) -> &'a BTreeMap<String, String> {
        chain
            .and_then(|chain| chain.span.get(name))
            .or_else(|| self.texts.span.get(name))
            .unwrap_or_else(|| panic!("no span is called {name}"))
    }

    /// The kinds of finding that a stage is evidence for: its own, then those of its texts.
    pub(crate) fn tells<'a>(&'a self, chain: &'a Chain, stage: &'a Stage) -> Vec<&'a str> {
        let texts = stage.lines.iter().flat_map(|line| &self.text(Some(chain), line.text()).tells);
        stage.tells.iter().chain(texts).map(String::as_str).collect()
    }

    fn hold_together(&self) {
        let quiet = self.quiet.unit.iter().map(|unit| (None, &unit.lines));
        let chains = self
            .chains
            .iter()
            .flat_map(|chain| chain.stage.iter().map(move |stage| (Some(chain), &stage.lines)));
        for (chain, lines) in quiet.chain(chains) {
            for text in lines.iter().map(|line| self.text(chain, line.text())) {
                for span in &text.spans {
                    self.span(chain, span);
                }
            }
        }
        for chain in &self.chains {
            for text in &chain.silent {
                assert!(
                    self.quiet.unit.iter().any(|unit| unit.lines[0].text() == text),
                    "{text}: nobody says it"
                );
            }
            assert!(chain.accept.contains(&chain.kind), "{}: its kind is not accepted", chain.name);
            assert!(
                chain.stage.iter().any(|stage| stage.role == Role::Root
                    && stage.chance >= 1.0
                    && !self.tells(chain, stage).is_empty()),
                "{}: no stage is its root",
                chain.name
            );
        }
    }
}

fn read<T: DeserializeOwned>(path: &std::path::Path) -> T {
    let text = fs::read_to_string(path).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
    toml::from_str(&text).unwrap_or_else(|why| panic!("{}: {why}", path.display()))
}
