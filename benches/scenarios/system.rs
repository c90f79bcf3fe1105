//! A made-up system: its services, database, streams and sessions, all named by a seed.

use super::{data::Names, fill::Cast, random::Random, render::shown};

/// One service of two instances, with a database of its own.
#[derive(Debug)]
pub(crate) struct System {
    /// What stays the same for as long as the scenario lasts.
    pub(crate) cast: Cast,
    commands: Vec<String>,
    streams: Vec<String>,
    projections: Vec<String>,
    /// Of each instance: process id and port of each of its sessions.
    sessions: [Vec<(u64, u64)>; 2],
    /// When everything was started.
    started: i64,
}

const STREAMS: u64 = 240;
const SESSIONS: usize = 8;
const INSTANCES: [&str; 2] = ["a", "b"];

impl System {
    pub(crate) fn new(names: &Names, random: &mut Random, started: i64, beside: Option<&System>) -> System {
        let taken = beside.map(|beside| &beside.cast["domain"]);
        let free: Vec<&String> = names.domains.iter().filter(|domain| Some(*domain) != taken).collect();
        let domain = (*random.pick(&free)).clone();
        let noun = random.pick(&names.nouns).clone();
        let commands: Vec<String> = names
            .verbs
            .iter()
            .filter(|_| random.chance(0.4))
            .map(|verb| format!("{verb}{}", capital(&noun)))
            .collect();
        let digits = random.between(3, 6) as usize;
        let mark = random.pick(&["-", "-", ":", "_"]).to_owned();
        let streams: Vec<String> = (0..STREAMS)
            .map(|_| format!("{noun}{mark}{:0digits$}", random.below(10_u64.pow(digits as u32))))
            .collect();
        let projections: Vec<String> = {
            let first = random.below(names.views.len() as u64) as usize;
            names.views.iter().cycle().skip(first).take(3).map(|view| format!("{noun}-{view}")).collect()
        };
        let mut session = || (random.between(2_000, 60_000), random.between(32_768, 60_999));
        let sessions = INSTANCES.map(|_| (0..SESSIONS).map(|_| session()).collect::<Vec<_>>());
        let mut system = System { cast: Cast::new(), commands, streams, projections, sessions, started };
        if system.commands.is_empty() {
            system.commands.push(format!("Change{}", capital(&noun)));
        }
        system.name(names, random, &domain, &noun);
        system
    }

    fn name(&mut self, names: &Names, random: &mut Random, domain: &str, noun: &str) {
        let service = format!("{domain}-{}", random.pick(&names.roles));
        let pool = *random.pick(&[5_u64, 8, 10, 16]);
        let timeout = *random.pick(&[2000_u64, 3000, 5000]);
        let digits = |random: &mut Random| format!("{:010x}", random.below(1 << 40));
        let (replica, pod) = (digits(random), digits(random));
        let known = [
            ("domain", domain.to_owned()),
            ("noun", noun.to_owned()),
            ("crate", service.replace('-', "_")),
            ("database", format!("{domain}{}", random.pick(&["", "_prod", "_main", "_db"]))),
            ("user", format!("{domain}{}", random.pick(&["", "_rw", "_app", "_owner"]))),
            ("server", format!("db-{:02}", random.between(1, 40))),
            ("node", format!("node-{:02}", random.between(1, 60))),
            ("pod", format!("{service}-{replica}-{}", &pod[..5])),
            ("host", format!("10.{}.{}.{}", random.below(250), random.below(250), random.between(2, 250))),
            ("port", random.between(7_000, 9_900).to_string()),
            ("relation", random.between(16_390, 24_000).to_string()),
            ("database_oid", random.between(16_384, 16_389).to_string()),
            ("pool", pool.to_string()),
            ("digits", random.between(7, 19).to_string()),
            ("timeout", timeout.to_string()),
            ("hot_stream", random.pick(&self.streams).clone()),
            ("damaged_stream", random.pick(&self.streams).clone()),
            ("poison_stream", random.pick(&self.streams).clone()),
            ("poison_event", random.uuid7(self.started - 3_600_000_000)),
            ("poison_amount", random.between(1_000, 999_999).to_string()),
            ("poisoned_projection", random.pick(&self.projections).clone()),
            ("blocker_pid", random.between(60_001, 65_000).to_string()),
            ("job", random.pick(&names.jobs).clone()),
            ("tool", format!("{domain}-{}", random.pick(&names.tools))),
            ("partner", format!("{}-{}", random.pick(&names.partners), random.between(1, 99))),
            ("service", service),
        ];
        self.cast.extend(known.map(|(name, value)| (name.to_owned(), value)));
        let own = &self.sessions[0];
        let holders =
            own.iter().enumerate().map(|(at, (pid, _))| (format!("holder_{}", at + 1), pid.to_string()));
        self.cast.extend(holders);
    }

    /// What one command, or whatever else belongs together, is about. `instance`: a letter, where it is given.
    pub(crate) fn occurrence(
        &self,
        random: &mut Random,
        at: i64,
        ms: [u64; 2],
        instance: Option<&str>,
    ) -> Cast {
        let letter = match instance {
            Some(letter) => letter,
            None => random.pick(&INSTANCES),
        };
        let sessions = &self.sessions[usize::from(letter != INSTANCES[0])];
        let (pid, port) = *random.pick(sessions);
        let start = self.started / 1_000_000;
        let known = [
            ("instance", format!("{}-{letter}", self.cast["service"])),
            ("stream", random.pick(&self.streams).clone()),
            ("projection", random.pick(&self.projections).clone()),
            ("command", random.pick(&self.commands).clone()),
            ("correlation_id", random.uuid4()),
            ("causation_id", random.uuid4()),
            ("trace_id", random.uuid4()),
            ("command_id", random.uuid7(at)),
            ("pid", pid.to_string()),
            ("remote_port", port.to_string()),
            ("session", format!("{start:x}.{pid:x}")),
            ("session_start", shown(self.started, "%Y-%m-%d %H:%M:%S UTC")),
            ("backend_start", shown(self.started, "%Y-%m-%d %H:%M:%S%.6f+00")),
            ("ms", random.between(ms[0], ms[1]).to_string()),
            ("now", shown(at, "%Y-%m-%d %H:%M:%S%.6f+00")),
        ];
        known.map(|(name, value)| (name.to_owned(), value)).into()
    }
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
