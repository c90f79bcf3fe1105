//! From arguments to decisions: after this, nobody looks at a flag again.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
};

use anyhow::{Context, bail};

use crate::{
    classify::{Matcher, Packs},
    decode::{self, Lexicon, StoreChoice},
    engine::{Clocks, PIECE_BYTES, Plan, Room, Scope},
    ingest::HashKind,
    model::{self, AsOf, Compared, Meaning, Settings},
};

use super::{
    args::{Analyze, Hash},
    config,
};

/// Nothing that could be read was named.
#[derive(Debug, thiserror::Error)]
#[error("{0}: nothing to read; name files, folders or `-`")]
pub(super) struct NothingToRead(pub(super) String);

/// Decides everything that reading and judging depend on.
pub(super) fn plan(args: &Analyze, scope: Scope) -> anyhow::Result<Plan> {
    let Data { packs, matcher, mut lexicon } = data(args.patterns.as_deref())?;
    lexicon.only(&store_choice(args)?)?;
    Ok(Plan {
        settings: settings(args)?,
        packs,
        matcher,
        lexicon: Arc::new(lexicon),
        compared: match args.baseline {
            Some(_) => Compared::WithBaseline,
            None => Compared::WithNothing,
        },
        clocks: clocks(&args.clock_offset)?,
        scope,
        threads: threads(args.threads)?,
        piece_bytes: args.piece_bytes.unwrap_or(PIECE_BYTES).max(1),
        hash: match args.hash {
            Hash::Blake3 => HashKind::Blake3,
            Hash::Sha256 => HashKind::Sha256,
        },
        room: Room {
            memory: size(&args.max_memory)?,
            folder: args.tmp_dir.clone().unwrap_or_else(std::env::temp_dir),
        },
        arguments: arguments(args),
    })
}

/// What else facts depend on: see [`super::state::made_by`].
pub(super) fn told(args: &Analyze) -> anyhow::Result<Vec<String>> {
    let mut told: Vec<String> =
        files(args.patterns.as_deref())?.into_iter().flat_map(|(name, text)| [name, text]).collect();
    told.extend(args.clock_offset.iter().chain(&args.map).chain(&args.store).cloned());
    Ok(told)
}

/// What `--clock-offset` says.
fn clocks(pairs: &[String]) -> anyhow::Result<Clocks> {
    let mut clocks = Clocks::default();
    for pair in pairs {
        let Some((sources, text)) = pair.rsplit_once('=') else {
            bail!("--clock-offset {pair}: write it as source=duration");
        };
        let (sign, length) = match text.strip_prefix('-') {
            Some(length) => (-1, length),
            None => (1, text.strip_prefix('+').unwrap_or(text)),
        };
        let within = || format!("--clock-offset {pair}");
        let ahead = sign * model::settings::duration(length).with_context(within)?;
        clocks.tell(sources, ahead).with_context(within)?;
    }
    Ok(clocks)
}

/// A run over evidence with settings as they come.
pub(super) fn plain(data: Data) -> anyhow::Result<Plan> {
    let Data { packs, matcher, lexicon } = data;
    let room = Room { memory: size("2G")?, folder: std::env::temp_dir() };
    Ok(Plan { threads: threads(None)?, room, ..Plan::plain(packs, matcher, Arc::new(lexicon)) })
}

/// What `--store` and `--map` say.
fn store_choice(args: &Analyze) -> anyhow::Result<StoreChoice> {
    let mut choice = StoreChoice { profile: args.store.clone(), ..StoreChoice::default() };
    for pair in &args.map {
        let Some((meaning, column)) = pair.split_once('=') else {
            bail!("--map {pair}: write it as meaning=column");
        };
        if meaning == "first" {
            let first = column.parse().with_context(|| format!("--map {pair}: no number"))?;
            choice.first_version = Some(first);
            continue;
        }
        let known: Result<Meaning, serde_json::Error> = serde_json::from_value(meaning.into());
        let meaning =
            known.with_context(|| format!("--map {pair}: `{meaning}` is no meaning of a column"))?;
        choice.columns.insert(meaning, column.to_owned());
    }
    let needed = [Meaning::Stream, Meaning::Version];
    if !choice.columns.is_empty()
        && choice.profile.is_none()
        && let Some(meaning) = needed.iter().find(|meaning| !choice.columns.contains_key(meaning))
    {
        bail!("--map needs a column for {meaning:?} where no --store gives one");
    }
    Ok(choice)
}

/// `512M` as bytes; units are powers of 1024.
pub(super) fn size(text: &str) -> anyhow::Result<u64> {
    let trimmed = text.trim().trim_end_matches(['B', 'b', 'i']);
    let (number, shift) = match trimmed.chars().last().map(|unit| unit.to_ascii_uppercase()) {
        Some('K') => (&trimmed[..trimmed.len() - 1], 10),
        Some('M') => (&trimmed[..trimmed.len() - 1], 20),
        Some('G') => (&trimmed[..trimmed.len() - 1], 30),
        Some('T') => (&trimmed[..trimmed.len() - 1], 40),
        _ => (trimmed, 0),
    };
    let number: u64 =
        number.trim().parse().with_context(|| format!("`{text}`: no size; write it as 512M"))?;
    number
        .checked_shl(shift)
        .filter(|bytes| bytes >> shift == number)
        .with_context(|| format!("`{text}`: too large"))
}

/// What patterns folders hold, compiled.
pub(super) struct Data {
    pub(super) packs: Packs,
    pub(super) matcher: Matcher,
    pub(super) lexicon: Lexicon,
}

/// Loads the built-in data and a folder's.
pub(super) fn data(folder: Option<&Path>) -> anyhow::Result<Data> {
    let files = files(folder)?;
    let within = || folder.map(|folder| folder.display().to_string()).unwrap_or_default();
    let packs = Packs::load(&files).with_context(within)?;
    let matcher = Matcher::new(&packs.patterns).map_err(|err| {
        let index = packs.patterns.iter().position(|pattern| pattern.id == err.pattern).unwrap_or_default();
        let file = format!("{}/{}.toml", within(), packs.pack_name(index));
        anyhow::Error::from(err).context(file)
    })?;
    let lexicon = Lexicon::load(&files).with_context(within)?;
    Ok(Data { packs, matcher, lexicon })
}

/// The field names alone: who looks for an id needs no patterns.
pub(super) fn lexicon(folder: Option<&Path>) -> anyhow::Result<Lexicon> {
    Lexicon::load(&files(folder)?)
        .with_context(|| folder.map(|folder| folder.display().to_string()).unwrap_or_default())
}

/// What a folder holds, where one is named.
pub(super) fn files(folder: Option<&Path>) -> anyhow::Result<Vec<(String, String)>> {
    Ok(folder.map(data_files).transpose()?.unwrap_or_default())
}

/// The data of a patterns folder, by path below it: its TOML files, its `stores` and its `runbooks`.
fn data_files(folder: &Path) -> anyhow::Result<Vec<(String, String)>> {
    let mut files = Vec::new();
    for (sub, kind) in [("", "toml"), ("stores", "toml"), ("runbooks", "md")] {
        let here: PathBuf = folder.join(sub);
        let entries = match fs::read_dir(&here) {
            Ok(entries) => entries,
            Err(err) if !sub.is_empty() && err.kind() == io::ErrorKind::NotFound => continue,
            Err(err) => {
                return Err(err).with_context(|| format!("{}: no folder of patterns", here.display()));
            }
        };
        for entry in entries {
            let path = entry.with_context(|| here.display().to_string())?.path();
            if path.extension().is_some_and(|extension| extension == kind) {
                let name =
                    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
                let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
                files.push((if sub.is_empty() { name } else { format!("{sub}/{name}") }, text));
            }
        }
    }
    files.sort();
    if files.is_empty() {
        bail!("{}: no pattern pack (.toml), no stores and no runbooks in this folder", folder.display());
    }
    Ok(files)
}

fn settings(args: &Analyze) -> anyhow::Result<Settings> {
    let as_of = match &args.as_of {
        None => AsOf::Newest,
        Some(text) => match decode::parse_time(text) {
            Some((time, _)) => AsOf::At(time),
            None => bail!("--as-of {text}: no time; write it as 2026-11-23T16:00:00Z"),
        },
    };
    Ok(Settings { as_of, ..config::configured(&args.settings)?.settings })
}

pub(super) fn threads(asked: Option<usize>) -> anyhow::Result<usize> {
    match asked {
        Some(0) => bail!("--threads 0: at least one thread is needed"),
        Some(threads) => Ok(threads),
        None => Ok(thread::available_parallelism().map_or(1, usize::from)),
    }
}

/// The arguments that the report depends on, in one order: evidence, then settings. Where it is written and how many
/// threads read it change nothing, and the order in which evidence is named does not either.
fn arguments(args: &Analyze) -> Vec<String> {
    let mut evidence = args.evidence.clone();
    evidence.sort();
    evidence.dedup();
    let mut arguments = evidence;
    if let Some(as_of) = &args.as_of {
        arguments.push(format!("--as-of={as_of}"));
    }
    arguments.extend(args.clock_offset.iter().map(|pair| format!("--clock-offset={pair}")));
    if args.auto_clock {
        arguments.push("--auto-clock".to_owned());
    }
    if let Some(baseline) = &args.baseline {
        arguments.push(format!("--baseline={}", baseline.display()));
    }
    arguments.extend(args.settings.set.iter().map(|pair| format!("--set={pair}")));
    if let Some(store) = &args.store {
        arguments.push(format!("--store={store}"));
    }
    if !args.map.is_empty() {
        arguments.push(format!("--map={}", args.map.join(",")));
    }
    if let Some(folder) = &args.patterns {
        arguments.push(format!("--patterns={}", folder.display()));
    }
    arguments.extend(args.redaction.arguments());
    arguments
}
