#!/usr/bin/env python3
"""Replays bundles of evidence night by night: replay_nights.py CORONER BUNDLES [SEEDS]

For each seed the logs of one bundle are cut at random bytes into thirty nights, with rotation by rename (odd seeds) or
copytruncate (even ones), compression a rotation later, missed nights, a late file now and then, copies that stay behind,
logs that grow while they are read, and runs killed with -9 at random points; dumps and snapshots come one by one. The last
night's report must be that of one run over everything, but for states. Exits with 1 where one is not, and keeps its folder
below ${TMPDIR:-/tmp}/coroner-bench/replay to look at.
"""

import gzip
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

CORONER = os.path.abspath(sys.argv[1])
BUNDLES = sorted(path for path in Path(sys.argv[2]).iterdir() if path.is_dir())
SEEDS = int(sys.argv[3]) if len(sys.argv) > 3 else 20
WORK = Path(os.environ.get("TMPDIR", "/tmp")) / "coroner-bench" / "replay"
NIGHTS = 30


def logs_of(bundle):
    """Each service's log as bytes, its rotated files joined, the oldest first."""
    parts = {}
    for path in sorted((bundle / "logs").iterdir()):
        if path.suffix in (".zst", ".csv"):
            continue
        data = gzip.open(path).read() if path.suffix == ".gz" else path.read_bytes()
        name = path.name.removesuffix(".gz")
        stem, _, number = name.rpartition(".")
        name, number = (stem, int(number)) if number.isdigit() else (name, 0)
        parts.setdefault(name, []).append((-number, data))
    logs = {name: b"".join(data for _, data in sorted(files)) for name, files in parts.items()}
    return {name: data for name, data in logs.items() if data}


class Replay:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.renames = seed % 2 == 1
        self.bundle = BUNDLES[seed % len(BUNDLES)]
        self.dir = WORK / str(seed)
        shutil.rmtree(self.dir, ignore_errors=True)
        self.evidence = self.dir / "evidence"
        self.evidence.mkdir(parents=True)
        self.logs = logs_of(self.bundle)
        self.written = {name: 0 for name in self.logs}
        self.cuts = {
            name: sorted(self.random.randrange(len(data) + 1) for _ in range(NIGHTS - 1)) + [len(data)]
            for name, data in self.logs.items()
        }
        self.kills = 0
        # Everything else comes one by one.
        self.arrivals = {}
        for folder in ("dumps", "snapshots"):
            for path in sorted((self.bundle / folder).iterdir()):
                self.arrivals.setdefault(self.random.randrange(NIGHTS), []).append(path)

    def command(self, *args):
        return [CORONER, "analyze", "evidence", "-q", *args]

    def run(self, *args):
        done = subprocess.run(self.command(*args), cwd=self.dir, capture_output=True, text=True)
        if done.returncode not in (0, 3, 4):
            raise SystemExit(f"{self.dir}: exit {done.returncode}: {done.stderr}")

    def append(self, name, to):
        """Writes a log up to a byte."""
        if to > self.written[name]:
            with open(self.evidence / name, "ab") as log:
                log.write(self.logs[name][self.written[name] : to])
            self.written[name] = to

    def killed_run(self):
        run = subprocess.Popen(self.command("--state", "state", "-o", "killed.json"), cwd=self.dir,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(self.random.random() * 0.15)
        run.send_signal(signal.SIGKILL)
        run.wait()
        self.kills += 1

    def run_while_logs_grow(self, night):
        """Half of the next night's bytes come while this night's run reads."""
        run = subprocess.Popen(self.command("--state", "state", "-o", "night.json"), cwd=self.dir,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for part in range(1, 9):
            for name, cuts in self.cuts.items():
                begin, end = cuts[night], cuts[night + 1]
                self.append(name, begin + (end - begin) * part // 16)
            time.sleep(0.005)
        run.wait()

    def rotate(self):
        for name, data in self.logs.items():
            # At a line's end, as loggers do.
            at = self.written[name]
            end = data.find(b"\n", max(at - 1, 0)) + 1 or len(data)
            self.append(name, end)
            log, first = self.evidence / name, self.evidence / f"{name}.1"
            log.touch()
            for number in range(NIGHTS + 1, 1, -1):
                packed = self.evidence / f"{name}.{number}.gz"
                if packed.exists():
                    packed.rename(self.evidence / f"{name}.{number + 1}.gz")
            if first.exists():
                with gzip.open(self.evidence / f"{name}.2.gz", "wb") as packed:
                    packed.write(first.read_bytes())
                first.unlink()
            if self.renames:
                log.rename(first)
            else:
                shutil.copy(log, first)
            log.write_bytes(b"")

    def night(self, night):
        for path in self.arrivals.get(night, []):
            to = self.evidence / path.parent.name / path.name
            to.parent.mkdir(exist_ok=True)
            (shutil.copytree if path.is_dir() else shutil.copy)(path, to)
        for name in self.logs:
            self.append(name, self.cuts[name][night])
        # Some nights nothing ran.
        if night < NIGHTS - 1 and self.random.random() < 0.17:
            return
        if self.random.random() < 0.3:
            self.killed_run()
        if night < NIGHTS - 1:
            if self.random.random() < 0.2:
                self.run_while_logs_grow(night)
            else:
                self.run("--state", "state", "-o", "night.json")
            if self.random.random() < 0.25:
                self.rotate()
        name = self.random.choice(list(self.logs))
        if self.random.random() < 0.12:
            part = self.logs[name][: self.logs[name].find(b"\n", 2000) + 1]
            (self.evidence / f"late-{night}.log").write_bytes(part)
        if self.random.random() < 0.08 and (self.evidence / name).exists():
            (self.evidence / "aside").mkdir(exist_ok=True)
            shutil.copy(self.evidence / name, self.evidence / "aside" / f"{night}-{name}")

    def differs_in(self):
        """Parts of the last report that one run over everything tells otherwise."""
        self.run("--state", "state", "-o", "nights.json")
        self.run("-o", "once.json")
        nights, once = (without_states(self.dir / f"{name}.json") for name in ("nights", "once"))
        self.findings = len(once["findings"])
        return [key for key in once if json.dumps(nights.get(key), sort_keys=True) != json.dumps(once[key], sort_keys=True)]


def without_states(path):
    report = json.loads(path.read_text())
    report["run"].pop("state", None)
    for told in ("findings", "patterns", "templates"):
        for item in report[told]:
            item["state"] = ""
    return report


bad = 0
for seed in range(1, SEEDS + 1):
    replay = Replay(seed)
    for night in range(NIGHTS):
        replay.night(night)
    differs = replay.differs_in()
    bad += bool(differs)
    verdict = f"DIFFERS in {', '.join(differs)}" if differs else f"same, {replay.findings} findings"
    print(f"seed {seed} {replay.bundle.name} {verdict}, {replay.kills} kills", flush=True)
print(f"{bad} of {SEEDS} differ")
sys.exit(bad > 0)
