#!/usr/bin/env python3
"""Replays bundles of evidence night by night: replay_nights.py CORONER BUNDLES [SEEDS]

For each seed the logs of one bundle are cut at random bytes into thirty nights, with rotation by rename (odd seeds) or
copytruncate (even ones), compression a rotation later, missed nights, a late file now and then, and runs killed with -9
at random points. The last night's report must be that of one run over everything, but for states. Exits with 1 where one
is not, and keeps its folder below ${TMPDIR:-/tmp}/coroner-bench/replay to look at.
"""

import glob
import gzip
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time

BIN = os.path.abspath(sys.argv[1])
WORK = os.path.join(os.environ.get("TMPDIR", "/tmp"), "coroner-bench", "replay")
SEEDS = int(sys.argv[3]) if len(sys.argv) > 3 else 20
bundles = sorted(glob.glob(os.path.join(sys.argv[2], "0*")))


def logs(bundle):
    """Each service's log, rotations joined oldest first, as bytes."""
    out = {}
    for f in sorted(p for p in glob.glob(bundle + "/logs/*") if not p.endswith(".zst")):
        name = os.path.basename(f)
        data = gzip.open(f).read() if f.endswith(".gz") else open(f, "rb").read()
        base = name[:-3] if name.endswith(".gz") else name
        stem, _, n = base.rpartition(".")
        key, num = (stem, int(n)) if n.isdigit() else (base, 0)
        out.setdefault(key, []).append((-num, data))
    return {k: b"".join(d for _, d in sorted(v)) for k, v in out.items()}


def run(d, args):
    return subprocess.run([BIN, "analyze", "logs", "-q", *args], cwd=d, capture_output=True)


def strip(r):
    r["run"].pop("state", None)
    for f in r["findings"]:
        f["state"] = ""
    for p in r["patterns"]:
        p["state"] = ""
    for p in r["templates"]:
        p["state"] = ""
    return r


bad = 0
for seed in range(1, SEEDS + 1):
    R = random.Random(seed)
    bundle = bundles[seed % len(bundles)]
    src = {k: v for k, v in logs(bundle).items() if v and not k.endswith((".csv",))}
    d = os.path.join(WORK, str(seed))
    shutil.rmtree(d, ignore_errors=True)
    os.makedirs(d + "/logs")
    pos = {k: 0 for k in src}
    cuts = {k: sorted(R.randrange(len(v) + 1) for _ in range(29)) + [len(v)] for k, v in src.items()}
    kills = 0
    for night in range(30):
        for k, v in src.items():
            open(f"{d}/logs/{k}", "ab").write(v[pos[k] : cuts[k][night]])
            pos[k] = cuts[k][night]
        if R.random() < 0.17 and night < 29:
            continue
        if R.random() < 0.3:
            p = subprocess.Popen(
                [BIN, "analyze", "logs", "-q", "--state", "state", "-o", "k.json"],
                cwd=d,
                stderr=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
            )
            time.sleep(R.random() * 0.15)
            p.send_signal(signal.SIGKILL)
            p.wait()
            kills += 1
        if night < 29:
            run(d, ["--state", "state", "-o", "n.json"])
        if R.random() < 0.25 and night < 29:
            for k in src:
                # rotate at a line's end, as loggers do
                v = src[k]
                e = v.find(b"\n", max(pos[k] - 1, 0)) + 1 or len(v)
                if e > pos[k]:
                    open(f"{d}/logs/{k}", "ab").write(v[pos[k] : e])
                    pos[k] = e
                    cuts[k] = [max(c, e) for c in cuts[k]]
                for n in range(40, 1, -1):
                    a = f"{d}/logs/{k}.{n}.gz"
                    if os.path.exists(a):
                        os.rename(a, f"{d}/logs/{k}.{n+1}.gz")
                one = f"{d}/logs/{k}.1"
                if os.path.exists(one):
                    gzip.open(f"{d}/logs/{k}.2.gz", "wb").write(open(one, "rb").read())
                    os.remove(one)
                if seed % 2:
                    os.rename(f"{d}/logs/{k}", one)
                    open(f"{d}/logs/{k}", "w")
                else:
                    shutil.copy(f"{d}/logs/{k}", one)
                    open(f"{d}/logs/{k}", "w")
        if R.random() < 0.12:
            k = R.choice(list(src))
            part = src[k][: src[k].find(b"\n", 2000) + 1]
            open(f"{d}/logs/late-{night}.log", "wb").write(part * 1)
    a = run(d, ["--state", "state", "-o", "state.json"])
    b = run(d, ["-o", "whole.json"])
    A, B = (strip(json.load(open(f"{d}/{n}.json"))) for n in ("state", "whole"))
    same = json.dumps(A, sort_keys=True) == json.dumps(B, sort_keys=True)
    if not same:
        bad += 1
        print(
            "seed",
            seed,
            os.path.basename(bundle),
            "DIFFERS in",
            [k for k in A if A.get(k) != B.get(k)],
            flush=True,
        )
    else:
        print(
            "seed",
            seed,
            os.path.basename(bundle),
            "same",
            len(A["findings"]),
            "findings",
            kills,
            "kills",
            flush=True,
        )
print(f"{bad} of {SEEDS} differ")
sys.exit(bad > 0)
