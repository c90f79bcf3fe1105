//! What `--redact` promises: of what was planted nothing is left in any output, in any form; what it did is counted; and
//! what correlation needs is still there.

mod support;

use std::{collections::BTreeSet, fmt::Write as _, fs, path::Path};

use coroner::report::WRITERS;
use support::{Ran, Run, say};

/// Secrets of each kind; a run carries one of each.
const OF_EACH: usize = 20;
const KINDS: usize = 40;
/// Of the 800, those that an unredacted report must show, or the test would prove little.
const SHOWN_WITHOUT: usize = 650;

const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const DIGITS: &str = "0123456789";
const HEX: &str = "0123456789abcdef";
const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const WORD: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const BASE64: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const TYPED: &str = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789!#%*+~";

/// Numbers that are the same in every run (xorshift64).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 >> 16) % limit as u64) as usize
    }

    fn of(&mut self, alphabet: &str, count: usize) -> String {
        (0..count).map(|_| alphabet.as_bytes()[self.below(alphabet.len())] as char).collect()
    }
}

/// A secret, and a text that has it as logs do.
struct Planted {
    secret: String,
    text: String,
}

fn planted(kind: usize, random: &mut Random) -> Planted {
    let as_is = |secret: String| Planted { text: secret.clone(), secret };
    let in_text = |secret: String, before: &str, after: &str| Planted {
        text: format!("{before}{secret}{after}"),
        secret,
    };
    match kind {
        0 => as_is(format!("AKIA{}", random.of(UPPER, 16))),
        1 => in_text(random.of(BASE64, 40), "aws_secret_access_key=", ""),
        2 => as_is(format!("ghp_{}", random.of(WORD, 36))),
        3 => as_is(format!("github_pat_{}_{}", random.of(WORD, 22), random.of(WORD, 59))),
        4 => as_is(format!("glpat-{}", random.of(WORD, 20))),
        5 => {
            as_is(format!("xoxb-{}-{}-{}", random.of(DIGITS, 11), random.of(DIGITS, 12), random.of(WORD, 24)))
        }
        6 => {
            let path = format!("T{}/B{}/{}", random.of(UPPER, 8), random.of(UPPER, 8), random.of(WORD, 24));
            in_text(path, "https://hooks.slack.com/services/", "")
        }
        7 => as_is(format!("sk_live_{}", random.of(WORD, 24))),
        8 => as_is(format!("whsec_{}", random.of(WORD, 32))),
        9 => as_is(format!("AIza{}", random.of(WORD, 35))),
        10 => as_is(format!("ya29.{}", random.of(WORD, 60))),
        11 => in_text(
            format!("{}==", random.of(BASE64, 86)),
            "AccountName=bank;AccountKey=",
            ";EndpointSuffix=core",
        ),
        12 => in_text(
            format!("{}%2B{}%3D", random.of(WORD, 20), random.of(WORD, 20)),
            "https://b.example/x?se=1&sig=",
            "&sp=r",
        ),
        13 => {
            let payload =
                base64(format!("{{\"sub\":\"{}\",\"iat\":1795449219}}", random.of(WORD, 12)).as_bytes());
            as_is(format!("eyJhbGciOiJIUzI1NiJ9.{}.{}", payload.trim_end_matches('='), random.of(WORD, 43)))
        }
        14 => {
            let body = random.of(BASE64, 64);
            let text = format!(
                "-----BEGIN PRIVATE KEY-----\\n{body}\\n{}\\n-----END PRIVATE KEY-----",
                random.of(BASE64, 64)
            );
            Planted { secret: body, text }
        }
        15 => in_text(random.of(HEX, 40), "Authorization: Bearer ", ""),
        16 => in_text(base64(format!("app:{}", random.of(WORD, 14)).as_bytes()), "authorization=Basic ", ""),
        17 => in_text(random.of(TYPED, 14), "postgres://app:", "@db.internal:5432/bank"),
        18 => in_text(random.of(WORD, 20), "redis://:", "@cache.internal:6379/0"),
        19 => in_text(random.of(TYPED, 12), "password=", ""),
        20 => in_text(format!("{} {}", random.of(WORD, 6), random.of(WORD, 6)), "{\"db_password\":\"", "\"}"),
        21 => in_text(random.of(WORD, 16), "Config { user: \"app\", password: Some(\"", "\") }"),
        22 => as_is(format!("SG.{}.{}", random.of(WORD, 22), random.of(WORD, 43))),
        23 => as_is(format!("npm_{}", random.of(WORD, 36))),
        24 => as_is(format!("sk-proj-{}T3BlbkFJ{}", random.of(WORD, 74), random.of(WORD, 74))),
        25 => as_is(format!("sk-ant-api03-{}AA", random.of(WORD, 93))),
        26 => in_text(random.of(HEX, 32), "Cookie: session=", "; theme=dark"),
        27 => in_text(random.of(HEX, 32), "x-api-key: ", ""),
        28 => as_is(format!("hvs.{}", random.of(WORD, 95))),
        29 => in_text(random.of(WORD, 40), "client_secret=", "&grant_type=x"),
        30 => as_is(format!("SK{}", random.of(HEX, 32))),
        31 => in_text(random.of(WORD, 16), "app:", "@tcp(db.internal:3306)/bank"),
        32 => as_is(format!("hf_{}", random.of(LETTERS, 34))),
        33 => as_is(format!("dop_v1_{}", random.of(HEX, 64))),
        34 => as_is(format!("pypi-AgEIcHlwaS5vcmc{}", random.of(WORD, 70))),
        35 => {
            as_is(format!("{}.{}@bank-{}.example", random.of(HEX, 6), random.of(HEX, 4), random.of(HEX, 4)))
        }
        36 => as_is(format!(
            "{}.{}.{}.{}",
            11 + random.below(100),
            random.below(256),
            random.below(256),
            random.below(256)
        )),
        37 => as_is(format!(
            "2a02:{}:{}::{}",
            random.of("123456789abcdef", 4),
            random.of("123456789abcdef", 4),
            random.of("123456789", 3)
        )),
        38 => as_is(checked(&format!("4{}", random.of(DIGITS, 14)))),
        _ => as_is(iban(&random.of(DIGITS, 18))),
    }
}

/// With its check digit (Luhn).
fn checked(digits: &str) -> String {
    let sum: u32 = (digits.bytes().rev().enumerate())
        .map(|(place, digit)| {
            let digit = u32::from(digit - b'0') * if place % 2 == 0 { 2 } else { 1 };
            digit / 10 + digit % 10
        })
        .sum();
    format!("{digits}{}", (10 - sum % 10) % 10)
}

/// A German account number with its check digits (ISO 13616).
fn iban(account: &str) -> String {
    // D is 13 and E is 14.
    let rest =
        format!("{account}131400").bytes().fold(0, |rest, digit| (rest * 10 + u32::from(digit - b'0')) % 97);
    format!("DE{:02}{account}", 98 - rest)
}

fn base64(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let number =
            (0..3).fold(0_u32, |number, at| number << 8 | u32::from(chunk.get(at).copied().unwrap_or(0)));
        for at in 0..4 {
            let sextet = number >> (18 - 6 * at) & 63;
            text.push(if at > chunk.len() { '=' } else { BASE64.as_bytes()[sextet as usize] as char });
        }
    }
    text
}

/// A word of letters that no other number has: what it stands in is another template.
fn word(number: usize) -> String {
    let letter = |place: usize| (b'a' + ((number / place) % 26) as u8) as char;
    format!("{}{}{}ing", letter(676), letter(26), letter(1)).replace("aaa", "qua")
}

/// Logs and folders that carry one secret of each kind.
fn evidence(round: usize, all: &[Planted]) -> Vec<(String, String)> {
    let mut files: Vec<(String, String)> = Vec::new();
    let mut add = |name: &str, line: &str| match files.iter_mut().find(|(known, _)| known == name) {
        Some((_, text)) => text.push_str(line),
        None => files.push((name.to_owned(), line.to_owned())),
    };
    for (kind, Planted { text, .. }) in all.iter().enumerate() {
        let number = round * KINDS + kind;
        let (word, second) = (word(number), kind % 60);
        let time = format!("2026-11-23T15:00:{second:02}Z");
        let json = |mut entry: serde_json::Value| {
            entry["timestamp"] = time.clone().into();
            entry["level"] = "ERROR".into();
            format!("{entry}\n")
        };
        // Some are cut where excerpts end.
        let far = if round % 4 == 3 { "far ".repeat(38) } else { String::new() };
        match (kind + round) % 8 {
            0 => add(
                "e/app.log",
                &json(serde_json::json!({"message": format!("{word} the ledger failed {far}with {text}")})),
            ),
            1 => add(
                "e/app.log",
                &json(
                    serde_json::json!({"message": format!("{word} gave up"), "error": format!("{word} refused: {text}")}),
                ),
            ),
            2 => add("e/worker.txt", &format!("{time} ERROR worker: {word} crashed, saw {text}\n")),
            3 => add(
                "e/postgresql.log",
                &format!(
                    "2026-11-23 15:00:{second:02}.123 UTC [41] app@bank ERROR:  {word} failed near {text}\n"
                ),
            ),
            4 => add(
                "e/pool.log",
                &json(
                    serde_json::json!({"message": format!("connection pool exhausted while {word} {text}"), "service": word}),
                ),
            ),
            5 if !text.contains(['/', ' ', '"', '\\']) && text.len() < 200 => {
                let line = json(serde_json::json!({"message": format!("{word} went wrong")}));
                add(&format!("e/{text}/{word}.log"), &line);
            }
            6 => add(
                "e/streams.log",
                &json(
                    serde_json::json!({"message": "version conflict", "stream_id": format!("{word}-{text}")}),
                ),
            ),
            _ => add(
                "e/headers.log",
                &json(
                    serde_json::json!({"message": format!("{word} rejected"), "error": format!("{{\"headers\":\"{text}\"}}")}),
                ),
            ),
        }
    }
    files
}

fn analyzed(files: &[(String, String)], options: &str) -> (Ran, Vec<String>) {
    let mut run = Run::new().args("analyze e -q -o -").args(options);
    for writer in WRITERS {
        run = run.args(&format!("-o {0}:out.{0}", writer.id()));
    }
    for (name, text) in files {
        run = run.file(name, text);
    }
    let ran = run.run();
    let mut outputs: Vec<String> =
        WRITERS.iter().map(|writer| ran.read(&format!("out.{}", writer.id()))).collect();
    outputs.push(ran.stdout.clone());
    outputs.push(ran.stderr.clone());
    (ran, outputs)
}

/// What of a secret must be in no output: all of it, of a long one either end, and of what its digits part (a template
/// masks them) every long run of letters but the first, which may be its vendor's.
fn traces_of(secret: &str) -> BTreeSet<String> {
    let mut traces = BTreeSet::new();
    let runs = secret.split(|c: char| !c.is_ascii_alphabetic()).skip(1);
    traces.extend(runs.filter(|run| run.len() >= 8 && *run != "AgEIcHlwaS").map(str::to_owned));
    let ends = [
        Some(secret),
        secret.get(..24).filter(|_| secret.len() > 30),
        secret.get(secret.len().saturating_sub(20)..),
    ];
    for part in ends.into_iter().flatten() {
        let json = serde_json::to_string(part).expect("text");
        traces.insert(json[1..json.len() - 1].to_owned());
        let encoded = part.bytes().fold(String::new(), |mut text, byte| {
            let kept = byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
            let _ = if kept { write!(text, "{}", byte as char) } else { write!(text, "%{byte:02X}") };
            text
        });
        traces.insert(encoded);
        traces.insert(part.to_owned());
        for before in ["", "x", "xx"] {
            let encoded = base64(format!("{before}{part}").as_bytes());
            let from = if before.is_empty() { 0 } else { before.len() + 1 };
            traces.insert(encoded[from..encoded.len() - 4].to_owned());
        }
    }
    traces
}

#[test]
fn of_800_planted_secrets_none_is_left_in_any_output() {
    let mut random = Random(0x5eed_c0de_0000_0001);
    let (mut left, mut shown) = (Vec::new(), 0);
    for round in 0..OF_EACH {
        let all: Vec<Planted> = (0..KINDS).map(|kind| planted(kind, &mut random)).collect();
        let files = evidence(round, &all);
        let (_, open) = analyzed(&files, "");
        let (_, redacted) = analyzed(&files, "--redact");
        for (kind, Planted { secret, text }) in all.iter().enumerate() {
            let escaped = serde_json::to_string(secret).expect("text");
            let visible = [secret.as_str(), &escaped[1..escaped.len() - 1]];
            shown += usize::from(open.iter().any(|output| visible.iter().any(|form| output.contains(form))));
            let traces = traces_of(secret);
            for (writer, output) in redacted.iter().enumerate() {
                for trace in traces.iter().filter(|trace| output.contains(trace.as_str())) {
                    left.push(format!("round {round}, kind {kind}, writer {writer}: {trace} of {text}"));
                }
            }
        }
    }
    say(&format!(
        "{} secrets planted, {shown} shown without --redact, {} left with it",
        KINDS * OF_EACH,
        left.len()
    ));
    assert!(left.is_empty(), "{} left:\n{}", left.len(), left.join("\n"));
    assert!(shown >= SHOWN_WITHOUT, "only {shown} would have been shown at all");
}

const LINE: &str = "{\"timestamp\":\"2026-11-23T15:00:01Z\",\"level\":\"ERROR\",\
    \"message\":\"Connection pool exhausted in trace 4bf92f3577b34da6a3ce929d0e0e4736, customer=Lovelace\",\
    \"error\":\"postgres://app:hunter2hunter2@10.0.3.17/bank refused ada@bank.example\"}\n";

#[test]
fn a_key_or_a_map_keeps_pseudonyms_from_run_to_run() {
    let run = || Run::new().args("analyze e -q -o r.json --redact").file("e/a.log", LINE);
    let with_key =
        || run().args("--redact-key k").file("k", "a key of sixteen bytes or more").run().read("r.json");
    assert_eq!(with_key(), with_key(), "same evidence and key, same bytes");
    assert_ne!(run().run().read("r.json"), run().run().read("r.json"), "a random key");
    let first = run().args("--redact-map m.json").run();
    let map = first.read("m.json");
    assert!(
        map.contains("hunter2hunter2") && map.contains("ada@bank.example") && map.contains("10.0.3.17"),
        "{map}"
    );
    let second = run().args("--redact-map m.json").file("m.json", &map).run();
    assert_eq!(first.read("r.json"), second.read("r.json"));
    assert_eq!(map, second.read("m.json"));
    run().args("--redact-map e/a.log").stderr_has("no map of coroner's").code(2).run();
    run().args("--redact-key k").file("k", "short").stderr_has("16 bytes").code(2).run();
}

#[cfg(unix)]
#[test]
fn the_map_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let ran =
        Run::new().args("analyze e -q -o r.json --redact --redact-map m.json").file("e/a.log", LINE).run();
    let mode = fs::metadata(ran.path("m.json")).expect("written").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn the_report_says_what_was_replaced_and_keeps_what_correlates() {
    let ran = Run::new()
        .args("analyze e -q -o r.json -o r.md --redact --redact-field customer")
        .file("e/a.log", LINE)
        .run();
    let report = ran.report("r.json");
    let values = &report["run"]["redaction"]["values"];
    for (category, count) in [("secret", 1), ("email", 1), ("ip", 1), ("field", 1)] {
        assert_eq!(values[category], count, "{values}");
    }
    let text = ran.read("r.json") + &ran.read("r.md");
    assert!(text.contains("4bf92f3577b34da6a3ce929d0e0e4736"), "trace ids stay");
    assert!(!text.contains("Lovelace"), "a chosen field");
    assert!(!text.contains("bank.example") && !text.contains("hunter2") && !text.contains("10.0.3"));
}

#[test]
fn a_file_is_checked_before_it_is_shared() {
    let run = |text: &str| Run::new().args("redact check notes.md").file("notes.md", text);
    let ran = run("fine\nsee postgres://app:hunter2hunter2@db/bank\n").stdout_lacks("hunter2").code(6).run();
    assert_eq!(
        ran.stdout,
        "notes.md:2:20: url-password: The password in a URL: scheme://user:password@host\n"
    );
    run("trace 4bf92f3577b34da6a3ce929d0e0e4736 took 3 s\n").run();
}

/// What is replaced in evidence that has no secrets is a mistake; what else may change is the word about redaction.
#[test]
fn without_secrets_nothing_is_replaced() {
    let bundles = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/bundles");
    if !bundles.is_dir() {
        say("skipped: no bundles here, so no false redactions were counted");
        return;
    }
    for bundle in ["01-healthy", "06-corrupt-dump"] {
        let run = |options: &str| {
            let run = Run::new().arg("analyze").arg(bundles.join(bundle).display().to_string());
            let ran = run.args("-q -o r.json").args(options);
            ran.run().report("r.json")
        };
        let (mut redacted, mut open) = (run("--redact"), run(""));
        let done = redacted["run"].as_object_mut().expect("a run").remove("redaction").expect("said");
        say(&format!("{bundle}: {done}"));
        assert_eq!(done["values"].get("secret"), None, "{bundle}: {done}");
        if done["values"].as_object().is_some_and(serde_json::Map::is_empty) {
            redacted["run"]["arguments"] = open["run"]["arguments"].take();
            open["run"]["arguments"] = redacted["run"]["arguments"].clone();
            assert_eq!(redacted, open, "{bundle}");
        }
    }
}
