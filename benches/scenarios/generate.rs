//! From a seed to evidence and its truth: background, one or two chains, and what is done to the lines afterwards.

use std::{collections::BTreeMap, fs, io, path::Path};

use super::{
    data::{Chain, Data, Role, Said, Stage, Text, Unit},
    fill::{Cast, Fill},
    random::Random,
    render::{Pen, Rendered},
    system::System,
};

/// What is done to a scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Variant {
    Clean,
    /// Ten times the background, with the harmless troubles in it.
    Noise,
    /// One source's clock is two seconds off.
    Skew,
    /// A tenth of all lines is gone.
    Loss,
    /// Another chain in another system: 40 minutes later, or while the first still lasts.
    Two,
}

impl Variant {
    pub(crate) const ALL: [Variant; 5] =
        [Variant::Clean, Variant::Noise, Variant::Skew, Variant::Loss, Variant::Two];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Variant::Clean => "clean",
            Variant::Noise => "noise",
            Variant::Skew => "skew",
            Variant::Loss => "loss",
            Variant::Two => "two",
        }
    }
}

/// Evidence, and what is true of it.
#[derive(Debug)]
pub(crate) struct Scenario<'a> {
    pub(crate) lines: Vec<Line>,
    /// In order of their roots.
    pub(crate) incidents: Vec<Injected<'a>>,
}

/// A chain that happened.
#[derive(Debug)]
pub(crate) struct Injected<'a> {
    pub(crate) chain: &'a Chain,
    pub(crate) root_at: i64,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Line {
    /// By the clock of whoever wrote it, in microseconds.
    pub(crate) at: i64,
    pub(crate) rendered: Rendered,
    pub(crate) truth: Option<Truth>,
}

/// Why a line is there.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Truth {
    /// The incident and its stage; `None` for a trouble that the system got over.
    pub(crate) stage: Option<(usize, usize)>,
    /// The kinds of finding that it is evidence for; none if nobody has to tell of it.
    pub(crate) tells: Vec<String>,
    /// What it names: its stream, its service, ...
    pub(crate) names: Vec<(&'static str, String)>,
}

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
/// 2026-03-02T00:00:00Z. Each seed has a day of its own.
const FIRST_DAY: i64 = 1_772_409_600 * SECOND;
const DAY: i64 = 24 * 60 * MINUTE;
const SKEW: i64 = 2 * SECOND;
const LOST: f64 = 0.1;
const NOISE: f64 = 10.0;

/// A chain of a seed, in a variant.
pub(crate) fn scenario(data: &Data, chain: usize, seed: u64, variant: Variant) -> Scenario<'_> {
    let first = &data.chains[chain];
    let mut random = Random::of(seed, &first.name);
    let start = FIRST_DAY + seed as i64 * DAY + random.below(20 * 60) as i64 * MINUTE;
    let root_at = start + (40 * MINUTE) + random.below(600_000_000) as i64;
    let pace = 0.8 + 0.6 * random.share();
    let mut incidents = vec![Injected { chain: first, root_at }];
    if variant == Variant::Two {
        let others: Vec<&Chain> =
            data.chains.iter().filter(|other| !other.beyond && other.name != first.name).collect();
        let second = *random.pick(&others);
        let apart = if seed % 2 == 1 {
            40 * MINUTE + random.below(300_000_000) as i64
        } else {
            (first.duration_s * pace * (0.3 + 0.4 * random.share())) as i64 * SECOND
        };
        incidents.push(Injected { chain: second, root_at: root_at + apart });
    }
    let end = incidents.last().map_or(root_at, |last| last.root_at) + 50 * MINUTE;
    let mut maker = Maker { data, random, lines: Vec::new() };
    // Two systems may well have their databases on one server, and so in one log.
    let share_server = matches!(seed % 4, 0 | 3) && !incidents.iter().any(|each| each.chain.server_wide);
    let mut beside: Option<System> = None;
    for (number, injected) in incidents.iter().enumerate() {
        let mut system = System::new(&data.names, &mut maker.random, start - 5 * DAY, beside.as_ref());
        if let Some(first) = beside.as_ref().filter(|_| share_server) {
            for shared in ["server", "host"] {
                system.cast.insert(shared.to_owned(), first.cast[shared].clone());
            }
        }
        let busy = data.quiet.busy * if variant == Variant::Noise { NOISE } else { 1.0 };
        let troubles = if variant == Variant::Noise { NOISE } else { 1.0 };
        maker.background(&system, (start, end), (busy, troubles), Some((injected, pace)));
        maker.chain(&system, number, injected, pace);
        beside = Some(system);
    }
    let mut lines = maker.lines;
    alter(&mut lines, variant, &mut maker.random);
    lines.sort_by_key(|line| line.at);
    Scenario { lines, incidents }
}

/// The names that only this seed has.
pub(crate) fn made_up(data: &Data, chain: usize, seed: u64) -> Vec<String> {
    let lines = scenario(data, chain, seed, Variant::Clean).lines;
    let truths = lines.iter().filter_map(|line| line.truth.as_ref());
    let names = truths.flat_map(|truth| &truth.names);
    // A database or a role may be called what many are called.
    let unusual = names.filter(|(key, _)| !["dbname", "user", "host"].contains(key));
    let mut names: Vec<String> = unusual.map(|(_, name)| name.clone()).collect();
    names.sort();
    names.dedup();
    names
}

/// A day on which nothing happens.
pub(crate) fn quiet_day(data: &Data, seed: u64) -> Scenario<'_> {
    let mut maker = Maker { data, random: Random::of(seed, "quiet"), lines: Vec::new() };
    let start = FIRST_DAY + seed as i64 * DAY;
    let system = System::new(&data.names, &mut maker.random, start - 5 * DAY, None);
    maker.background(&system, (start, start + DAY), (1.0, 1.0), None);
    let mut lines = maker.lines;
    lines.sort_by_key(|line| line.at);
    Scenario { lines, incidents: Vec::new() }
}

fn alter(lines: &mut Vec<Line>, variant: Variant, random: &mut Random) {
    match variant {
        Variant::Skew => {
            let mut files: Vec<&String> = lines
                .iter()
                .filter(|line| line.is_of_an_incident())
                .map(|line| &line.rendered.file)
                .collect();
            files.retain(|file| file.starts_with("logs/"));
            files.sort();
            files.dedup();
            let skewed = (*random.pick(&files)).clone();
            let by = if random.chance(0.5) { SKEW } else { -SKEW };
            for line in lines.iter_mut().filter(|line| line.rendered.file == skewed) {
                line.skew(by);
            }
        }
        Variant::Loss => {
            lines.retain(|line| line.rendered.file.starts_with("snapshots/") || !random.chance(LOST));
        }
        Variant::Clean | Variant::Noise | Variant::Two => (),
    }
}

struct Maker<'a> {
    data: &'a Data,
    random: Random,
    lines: Vec<Line>,
}

#[derive(Clone, Copy)]
enum Why<'a> {
    /// Nothing is wrong.
    Healthy,
    /// A trouble that the system gets over.
    Harmless,
    /// A stage of an incident, by number.
    Stage(usize, usize, &'a Stage),
}

/// What is written together, and why.
struct Written<'a> {
    chain: Option<&'a Chain>,
    lines: &'a [Said],
    cast: &'a [&'a Cast],
    grown: f64,
    why: Why<'a>,
}

impl<'a> Maker<'a> {
    fn background(
        &mut self,
        system: &System,
        (start, end): (i64, i64),
        (busy, troubles): (f64, f64),
        chain: Option<(&Injected<'_>, f64)>,
    ) {
        let hours = (end - start) as f64 / (60 * MINUTE) as f64;
        for unit in &self.data.quiet.unit {
            let times = 2.0 * unit.per_hour * hours * if unit.harmless { troubles } else { busy };
            for _ in 0..self.random.rounded(times) {
                let at = start + self.random.below((end - start) as u64) as i64;
                if chain.is_some_and(|(injected, pace)| self.keeps_out(unit, at, injected, pace)) {
                    continue;
                }
                let cast = system.occurrence(&mut self.random, at, unit.ms, None);
                let casts = [&cast, &system.cast];
                let why = if unit.harmless { Why::Harmless } else { Why::Healthy };
                let written = Written { chain: None, lines: &unit.lines, cast: &casts, grown: 0.0, why };
                self.write(at, &written);
            }
        }
    }

    /// Whether a chain keeps a healthy unit from happening.
    fn keeps_out(&mut self, unit: &Unit, at: i64, injected: &Injected<'_>, pace: f64) -> bool {
        let chain = injected.chain;
        let begins = chain.stage.iter().map(|stage| stage.from_s).fold(0.0, f64::min);
        let second = |seconds: f64| injected.root_at + (seconds * pace * SECOND as f64) as i64;
        let during = |from: f64| (second(from)..second(chain.duration_s)).contains(&at);
        let silent = chain.silent.iter().any(|text| text == unit.lines[0].text());
        (silent && during(begins)) || (unit.traffic && during(0.0) && !self.random.chance(chain.traffic))
    }

    fn chain(&mut self, system: &System, number: usize, injected: &Injected<'a>, pace: f64) {
        let rate = 0.7 + 0.8 * self.random.share();
        for (index, stage) in injected.chain.stage.iter().enumerate() {
            let lasts = stage.for_s * pace;
            let by_rate = stage.per_minute.map(|each| self.random.rounded(each * rate * lasts / 60.0).max(1));
            let there = self.random.chance(stage.chance);
            let times = stage.count.or(by_rate).unwrap_or(1) * u64::from(there);
            for turn in 0..times {
                let share = (turn as f64 + 0.8 * self.random.share()) / times as f64;
                let after = stage.from_s * pace + lasts * share;
                let at = injected.root_at + (after * SECOND as f64) as i64;
                let mut cast = system.occurrence(&mut self.random, at, stage.ms, stage.instance.as_deref());
                let since = super::render::shown(injected.root_at, "%Y-%m-%d %H:%M:%S%.6f+00");
                cast.insert("since".to_owned(), since);
                cast.insert("lag".to_owned(), ((at - injected.root_at) / SECOND + 30).max(0).to_string());
                for (name, template) in &stage.cast {
                    let mut fill = Fill { casts: &[&system.cast], grown: share, random: &mut self.random };
                    cast.insert(name.clone(), fill.text(template));
                }
                let casts = [&cast, &system.cast];
                let written = Written {
                    chain: Some(injected.chain),
                    lines: &stage.lines,
                    cast: &casts,
                    grown: share,
                    why: Why::Stage(number, index, stage),
                };
                self.write(at, &written);
            }
        }
    }

    fn write(&mut self, at: i64, written: &Written<'_>) {
        let mut clock = at;
        for said in written.lines {
            let text = self.data.text(written.chain, said.text());
            let mut own = Cast::new();
            if let Said::With { after_ms, cast, .. } = said {
                let mut fill = Fill { casts: written.cast, grown: written.grown, random: &mut self.random };
                clock += fill.text(after_ms).parse::<i64>().expect("milliseconds") * 1000;
                own.extend(cast.iter().map(|(name, template)| (name.clone(), fill.text(template))));
            }
            let casts: Vec<&Cast> = [&own].into_iter().chain(written.cast.iter().copied()).collect();
            if self.data.texts.snapshot.contains_key(&text.source) {
                // All rows of an export are of one moment.
                clock = at / SECOND * SECOND;
            }
            let fill = Fill { casts: &casts, grown: written.grown, random: &mut self.random };
            let mut pen = Pen { data: self.data, chain: written.chain, fill };
            let rendered = pen.write(text, clock);
            let truth = match written.why {
                Why::Healthy => None,
                Why::Harmless => Some((None, text.tells.clone())),
                Why::Stage(incident, index, stage) => Some((Some((incident, index)), tells(text, stage))),
            };
            let truth = truth.map(|(stage, tells)| Truth { stage, tells, names: named(&casts, &rendered) });
            self.lines.push(Line { at: clock, rendered, truth });
            clock += 40 + self.random.below(900) as i64;
        }
    }
}

/// A text's own kinds; those of its stage where it is loud and says none. What comes before and after tells nothing.
fn tells(text: &Text, stage: &Stage) -> Vec<String> {
    match stage.role {
        Role::Before | Role::Aftermath => Vec::new(),
        _ if text.tells.is_empty() && text.is_loud() => stage.tells.clone(),
        _ => text.tells.clone(),
    }
}

/// What a line names, as keys of findings are called.
fn named(casts: &[&Cast], rendered: &Rendered) -> Vec<(&'static str, String)> {
    let names = [
        ("stream", "stream"),
        ("service", "instance"),
        ("projection", "projection"),
        ("projection", "poisoned_projection"),
        ("dbname", "database"),
        ("user", "user"),
        ("host", "node"),
    ];
    let value = |name: &str| casts.iter().find_map(|cast| cast.get(name)).cloned();
    let all = names.iter().filter_map(|(key, name)| value(name).map(|value| (*key, value)));
    all.filter(|(_, value)| rendered.text.contains(value.as_str())).collect()
}

impl Line {
    pub(crate) fn is_of_an_incident(&self) -> bool {
        self.truth.as_ref().is_some_and(|truth| truth.stage.is_some())
    }

    /// Sets the clock of whoever wrote it: the time stands at the start of each kind of line, written once.
    fn skew(&mut self, by: i64) {
        use super::render::shown;
        for how in ["%Y-%m-%dT%H:%M:%S%.6fZ", "%Y-%m-%d %H:%M:%S%.3f UTC"] {
            self.rendered.text =
                self.rendered.text.replacen(&shown(self.at, how), &shown(self.at + by, how), 1);
        }
        let (was, is) = (format!("\"{}\"", self.at), format!("\"{}\"", self.at + by));
        self.rendered.text = self.rendered.text.replacen(&was, &is, 1);
        self.at += by;
    }
}

impl Scenario<'_> {
    /// The files, by path: lines in order of time, exports with their header.
    pub(crate) fn files(&self, data: &Data) -> BTreeMap<&str, String> {
        let mut files: BTreeMap<&str, String> = BTreeMap::new();
        for line in &self.lines {
            let file = files.entry(&line.rendered.file).or_default();
            let export = line.rendered.file.strip_prefix("snapshots/").and_then(|name| name.split_once('-'));
            if let Some((export, _)) = export.filter(|_| file.is_empty()) {
                file.push_str(&data.texts.snapshot[export].join(","));
                file.push('\n');
            }
            file.push_str(&line.rendered.text);
            file.push('\n');
        }
        files
    }

    pub(crate) fn save(&self, data: &Data, folder: &Path) -> io::Result<()> {
        for (name, text) in self.files(data) {
            let path = folder.join(name);
            fs::create_dir_all(path.parent().unwrap_or(folder))?;
            fs::write(path, text)?;
        }
        Ok(())
    }
}
