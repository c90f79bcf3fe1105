//! What the tests that run the built program share: one builder, and nothing else touches a process.
//!
//! Each run has a fresh folder of its own, no settings from the environment, and a time limit: a program that waits
//! for a pipe nobody writes to must fail a test, not hang it.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::{
    fmt::Write as _,
    fs::{self, File},
    io::{self, Read, Seek, Write as _},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;

/// Far above what any run of the tests needs, for a machine that does other things as well.
const LIMIT: Duration = Duration::from_secs(120);

/// One run of the program: what it is given, and what is expected of it.
pub(crate) struct Run {
    home: TempDir,
    within: Option<PathBuf>,
    args: Vec<String>,
    stdin: Vec<u8>,
    env: Vec<(String, String)>,
    stdout: Expected,
    stderr: Expected,
    code: i32,
}

#[derive(Default)]
struct Expected {
    has: Vec<String>,
    lacks: Vec<String>,
}

/// What came of a run. Its folder lives as long as this does.
pub(crate) struct Ran {
    home: TempDir,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    /// Expects exit code 0 and nothing else, until told otherwise.
    pub(crate) fn new() -> Run {
        Run {
            home: tempfile::tempdir().expect("a folder for this run"),
            within: None,
            args: Vec::new(),
            stdin: Vec::new(),
            env: Vec::new(),
            stdout: Expected::default(),
            stderr: Expected::default(),
            code: 0,
        }
    }

    pub(crate) fn arg(mut self, arg: impl Into<String>) -> Run {
        self.args.push(arg.into());
        self
    }

    /// Arguments between blanks.
    pub(crate) fn args(mut self, args: &str) -> Run {
        self.args.extend(args.split_whitespace().map(str::to_owned));
        self
    }

    /// A file below the folder of the run.
    pub(crate) fn file(self, name: &str, content: impl AsRef<[u8]>) -> Run {
        let path = self.home.path().join(name);
        fs::create_dir_all(path.parent().expect("below a folder")).expect("a folder");
        fs::write(path, content).expect("a file");
        self
    }

    /// An empty folder below the folder of the run.
    pub(crate) fn folder(self, name: &str) -> Run {
        fs::create_dir_all(self.home.path().join(name)).expect("a folder");
        self
    }

    /// Whatever else the folder needs.
    pub(crate) fn prepare(self, prepare: impl FnOnce(&Path)) -> Run {
        prepare(self.home.path());
        self
    }

    /// Runs in a folder that exists, instead of the fresh one.
    pub(crate) fn within(mut self, folder: &Path) -> Run {
        self.within = Some(folder.to_owned());
        self
    }

    pub(crate) fn stdin(mut self, bytes: impl AsRef<[u8]>) -> Run {
        bytes.as_ref().clone_into(&mut self.stdin);
        self
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Run {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn stdout_has(mut self, text: &str) -> Run {
        self.stdout.has.push(text.to_owned());
        self
    }

    pub(crate) fn stdout_lacks(mut self, text: &str) -> Run {
        self.stdout.lacks.push(text.to_owned());
        self
    }

    pub(crate) fn stderr_has(mut self, text: &str) -> Run {
        self.stderr.has.push(text.to_owned());
        self
    }

    pub(crate) fn stderr_lacks(mut self, text: &str) -> Run {
        self.stderr.lacks.push(text.to_owned());
        self
    }

    pub(crate) fn code(mut self, code: i32) -> Run {
        self.code = code;
        self
    }

    /// Runs and compares; shows everything where something differs.
    pub(crate) fn run(self) -> Ran {
        let (mut stdout, mut stderr) = (scratch(), scratch());
        let mut command = self.command();
        command.stdin(Stdio::piped()).stdout(handle(&stdout)).stderr(handle(&stderr));
        let mut child = command.spawn().expect("the program starts");
        let mut pipe = child.stdin.take().expect("was asked for");
        let input = self.stdin.clone();
        // A program that does not read its input closes the pipe on the writer, who need not care.
        let writer = thread::spawn(move || pipe.write_all(&input).is_ok());
        let status = wait_for(&mut child);
        writer.join().expect("the writer ends with the program");
        let (stdout, stderr) = (content(&mut stdout), content(&mut stderr));
        let mut wrong = self.stdout.compare("stdout", &stdout);
        wrong.extend(self.stderr.compare("stderr", &stderr));
        match status {
            None => wrong.push(format!("it did not end within {} s", LIMIT.as_secs())),
            Some(status) if status.code() != Some(self.code) => {
                wrong.push(format!("{status}, expected exit code {}", self.code));
            }
            Some(_) => (),
        }
        assert!(wrong.is_empty(), "{}", self.complaint(&wrong, &stdout, &stderr));
        Ran { home: self.home, stdout, stderr }
    }

    /// The program in its folder, with this run's arguments and no settings but this run's.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_coroner"));
        command.current_dir(self.within.as_deref().unwrap_or(self.home.path())).args(&self.args);
        for (name, _) in std::env::vars() {
            if name.starts_with("CORONER_")
                || name == "NO_COLOR"
                || name == "COLUMNS"
                || name.starts_with("CLICOLOR")
            {
                command.env_remove(name);
            }
        }
        command.envs(self.env.iter().cloned());
        command
    }

    /// A file in the folder of the run.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    fn complaint(&self, wrong: &[String], stdout: &str, stderr: &str) -> String {
        let mut text = format!("coroner {}\n", self.args.join(" "));
        for line in wrong {
            let _ = writeln!(text, "  {line}");
        }
        let _ = write!(text, "--- stdout\n{stdout}\n--- stderr\n{stderr}\n---");
        text
    }
}

impl Expected {
    fn compare(&self, name: &str, text: &str) -> Vec<String> {
        let missing = self.has.iter().filter(|has| !text.contains(*has));
        let present = self.lacks.iter().filter(|lacks| text.contains(*lacks));
        missing
            .map(|has| format!("{name} lacks {has:?}"))
            .chain(present.map(|lacks| format!("{name} has {lacks:?}, which it should not")))
            .collect()
    }
}

impl Ran {
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|err| panic!("{name}: {err}"))
    }

    /// A report in JSON that the run has written.
    pub(crate) fn report(&self, name: &str) -> Value {
        serde_json::from_str(&self.read(name)).expect("a report is valid JSON")
    }

    /// The names in the folder of the run, sorted.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.home.path()).expect("the folder is there");
        let mut names: Vec<String> = entries
            .map(|entry| entry.expect("readable").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }
}

/// Waits for the end, and makes one where none comes.
pub(crate) fn wait_for(child: &mut Child) -> Option<ExitStatus> {
    let start = Instant::now();
    while start.elapsed() < LIMIT {
        if let Some(status) = child.try_wait().expect("a child of ours") {
            return Some(status);
        }
        thread::sleep(Duration::from_millis(5));
    }
    say(&format!("ending process {}, which does not end by itself", child.id()));
    child.kill().expect("a child of ours");
    child.wait().expect("a child of ours");
    None
}

/// Says something that is seen even where the test passes: the harness keeps back what the printing macros say.
pub(crate) fn say(text: &str) {
    // Standard error is gone only with whoever would have read it.
    let _ = writeln!(io::stderr(), "{text}");
}

/// A file without a name: unlike a pipe, it never fills up while nobody reads.
fn scratch() -> File {
    tempfile::tempfile().expect("a scratch file")
}

fn handle(file: &File) -> Stdio {
    Stdio::from(file.try_clone().expect("a second handle"))
}

fn content(file: &mut File) -> String {
    let mut bytes = Vec::new();
    file.rewind().expect("a scratch file can be read again");
    file.read_to_end(&mut bytes).expect("a scratch file can be read");
    String::from_utf8_lossy(&bytes).into_owned()
}
