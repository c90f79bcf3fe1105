#!/usr/bin/env bash
# How long coroner takes beside the tools that people reach for, on one question:
#
#   a dump of ten million events: is a version missing or taken twice in any stream, does an event id come twice?
#
#   benches/compare_dumps.sh [--install] [EVENTS]      (default 10000000)
#
# What is fair, and what is not:
# - coroner does more than it is asked here: it checks every id, time and payload, and hashes the evidence. It has no
#   switch that leaves these out.
# - DuckDB reads the CSV with as many threads as coroner, is told columns and types, and asks in three ways: a query
#   for each question; one window for all questions of versions; and that over a table loaded first, of the three
#   columns that the questions need. The fastest of them is its number. One way more has it check that payloads are
#   JSON, as coroner always does. Starting Python is in its time where the Python module is used.
# - PostgreSQL restores the plain dump as fast as it can: it may lose everything in a power failure, writes no log of
#   what a new table holds, and gets a gigabyte for its indexes. Its time has no question in it: a restore finds
#   versions taken twice (its unique indexes fail), but gaps would have to be asked for afterwards.
# - The dump that coroner and DuckDB answer for has twenty faults of each kind; their counts must equal the truth, and
#   a difference is printed loudly and fails the run. PostgreSQL gets the dump without faults, or it would stop early.
# - All files are in the page cache, and are made up (benches/support/generate_dump.py).
# - Tools take turns, so that other work on the machine meets them all. Seconds are medians of the rounds; ratios are
#   medians of each round's own ratio. The restore of more than a million events is measured once. Where the machine
#   is busy, the processor's seconds tell more than the clock's: they are less of a lottery.
#
# Nothing is installed without --install: time and postgresql from Debian, and duckdb by pip into the folder of
# compare.sh, ${TMPDIR:-/tmp}/coroner-bench. What this script writes is in its folder dumps and may be deleted.
# CORONER=path measures that program instead of building one; THREADS=n changes 2 threads to n; ROUNDS=n changes 5
# rounds to n; DATA=folder and CLUSTER=folder (for PostgreSQL) keep the large files elsewhere.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
work=${TMPDIR:-/tmp}/coroner-bench
runs=$work/runs-dumps
data=${DATA:-$work/dumps}
cluster=${CLUSTER:-$work/cluster}
threads=${THREADS:-2}
rounds=${ROUNDS:-5}
install=no
events=10000000
for argument in "$@"; do
    case $argument in
        --install) install=yes ;;
        *[!0-9]* | '') echo "usage: $0 [--install] [EVENTS]" >&2 && exit 2 ;;
        *) events=$argument ;;
    esac
done

say() { echo "compare: $*" >&2; }
have() { command -v "$1" >/dev/null; }

mkdir -p "$runs" "$data"
rm -f "$runs"/*

# --- tools ---

postgres=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n1 || true)
if [[ $install == yes ]]; then
    sudo=()
    ((EUID == 0)) || sudo=(sudo)
    wanted=()
    [[ -x /usr/bin/time ]] || wanted+=(time)
    [[ -n $postgres ]] || wanted+=(postgresql)
    if ((${#wanted[@]})); then
        "${sudo[@]}" apt-get update -qq
        "${sudo[@]}" apt-get install -y -qq --no-install-recommends "${wanted[@]}" >&2
        postgres=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -n1)
    fi
    [[ -x $work/venv/bin/python ]] || python3 -m venv "$work/venv"
    "$work/venv/bin/python" -c 'import duckdb' 2>/dev/null || "$work/venv/bin/pip" install --quiet duckdb
fi
[[ -x /usr/bin/time ]] || { say "GNU time is needed (apt-get install time)" && exit 2; }

# Prints the answers of a file of statements, a "name count" a line.
cat >"$runs/ask.py" <<'PY'
import sys, duckdb
for statement in open(sys.argv[1]).read().split(";\n"):
    answer = duckdb.execute(statement)
    if statement.lstrip().startswith("SELECT"):
        for name, count in zip([column[0] for column in answer.description], answer.fetchone()):
            print(name, count)
PY
duckdb=()
for python in "$work/venv/bin/python" python3; do
    if have "$python" && "$python" -c 'import duckdb' 2>/dev/null; then
        duckdb=("$python" "$runs/ask.py")
        break
    fi
done

coroner=${CORONER:-}
if [[ -z $coroner ]]; then
    say "building coroner"
    (cd "$root" && cargo build --release --quiet)
    coroner=${CARGO_TARGET_DIR:-$root/target}/release/coroner
fi

# --- data ---

name=$events
((events % 1000000)) || name=$((events / 1000000))m
faulty=$data/events-$name-faulty
clean=$data/events-$name
for kind in "$faulty" "$clean"; do
    if [[ ! -f $kind.json || $root/benches/support/generate_dump.py -nt $kind.json ]]; then
        say "writing $kind.csv and $kind.sql"
        option=()
        [[ $kind == *-faulty ]] && option=(--faulty)
        nice python3 "$root/benches/support/generate_dump.py" "$events" "$data" "${option[@]}" >&2
    fi
done
cat "$faulty.csv" "$clean.sql" >/dev/null # into the page cache

{
    echo "SET threads = $threads;"
    echo "SET enable_progress_bar = false;"
    echo "SET preserve_insertion_order = false;"
    echo "SET temp_directory = '$runs/spill';"
} >"$runs/settings.sql"
csv="read_csv('$faulty.csv', header = true, auto_detect = false, delim = ',', quote = '\"', escape = '\"', columns = {
    event_id: 'UUID', stream_id: 'VARCHAR', stream_version: 'BIGINT', event_type: 'VARCHAR', event_data: 'VARCHAR',
    metadata: 'VARCHAR', created_at: 'VARCHAR'})"

# questions FROM: the questions of versions, in one window.
questions() {
    cat <<SQL
SELECT count(*) AS events,
    count(*) FILTER (stream_version > before + 1) AS gaps,
    count(*) FILTER (before IS NULL AND stream_version <> 1) AS beginnings,
    count(*) FILTER (stream_version = before) AS duplicate_versions
FROM (SELECT stream_version, lag(stream_version) OVER (PARTITION BY stream_id ORDER BY stream_version) AS before FROM $1);
SQL
}
# ids FROM: the question of ids.
ids() { echo "SELECT count(*) AS duplicate_ids FROM (SELECT 1 FROM $1 GROUP BY event_id HAVING count(*) > 1)"; }

{
    cat "$runs/settings.sql"
    cat <<SQL
SELECT count(*) FILTER (stream_version > before + 1) AS gaps
FROM (SELECT stream_version, lag(stream_version) OVER (PARTITION BY stream_id ORDER BY stream_version) AS before FROM $csv);
SELECT count(*) FILTER (first <> 1) AS beginnings FROM (SELECT min(stream_version) AS first FROM $csv GROUP BY stream_id);
SELECT count(*) AS duplicate_versions
FROM (SELECT 1 FROM $csv GROUP BY stream_id, stream_version HAVING count(*) > 1);
SQL
    ids "$csv"
} >"$runs/duckdb-each.sql"
{ cat "$runs/settings.sql" && questions "$csv" && ids "$csv"; } >"$runs/duckdb-window.sql"
{
    cat "$runs/settings.sql"
    echo "CREATE TABLE events AS SELECT event_id, stream_id, stream_version FROM $csv;"
    questions events && ids events
} >"$runs/duckdb-table.sql"
{
    cat "$runs/settings.sql"
    echo "CREATE TABLE events AS SELECT event_id, stream_id, stream_version,"
    echo "    json_valid(event_data) AND json_valid(metadata) AS sound FROM $csv;"
    questions events
    echo "SELECT count(*) FILTER (NOT sound) AS payloads FROM events;"
    ids events
} >"$runs/duckdb-json.sql"

# --- PostgreSQL ---

as_owner() { # the server refuses to be root
    if ((EUID == 0)); then runuser -u postgres -- "$@"; else "$@"; fi
}
sql() { "$postgres/psql" -X -q -h "$cluster" -U postgres -v ON_ERROR_STOP=1 "$@"; }
stop() { as_owner "$postgres/pg_ctl" -D "$cluster" -m immediate stop >/dev/null 2>&1 || true; }
if [[ -n $postgres ]]; then
    rm -rf "$cluster"
    mkdir -p "$cluster"
    ((EUID != 0)) || chown postgres "$cluster"
    as_owner "$postgres/initdb" -D "$cluster" -U postgres -A trust -E UTF8 --locale=C >/dev/null
    cat >>"$cluster/postgresql.conf" <<CONF
listen_addresses = ''
unix_socket_directories = '$cluster'
fsync = off
full_page_writes = off
synchronous_commit = off
wal_level = minimal
max_wal_senders = 0
max_wal_size = 16GB
shared_buffers = 2GB
maintenance_work_mem = 1GB
autovacuum = off
CONF
    trap stop EXIT
    as_owner "$postgres/pg_ctl" -D "$cluster" -l "$cluster/log" -w start >/dev/null
    sql -c "CREATE ROLE bank"
fi

# --- measuring ---

# measure ROUND NAME COMMAND...: appends the seconds, the processor's seconds and the peak KiB of one run.
measure() {
    local round=$1 name=$2
    shift 2
    say "round $round: $name"
    /usr/bin/time -o "$runs/time" -f '%e %U %S %M' "$@" >"$runs/$name.out"
    echo "$round $name $(tail -n1 "$runs/time")" >>"$runs/rounds"
}

restore() {
    sql -c "DROP DATABASE IF EXISTS bank" 2>/dev/null
    sql -c "CREATE DATABASE bank TEMPLATE template0"
    sql -c CHECKPOINT
    measure "$1" postgres "$postgres/psql" -X -q -h "$cluster" -U postgres -v ON_ERROR_STOP=1 -1 -d bank -f "$clean.sql"
}

say "load before measuring: $(cut -d' ' -f1-3 /proc/loadavg)"
for round in $(seq "$rounds"); do
    measure "$round" coroner-csv "$coroner" integrity "$faulty.csv" -j "$threads" -q -o "$runs/csv.json"
    if ((${#duckdb[@]})); then
        for way in each window table json; do
            measure "$round" "duckdb-$way" "${duckdb[@]}" "$runs/duckdb-$way.sql"
        done
    fi
done
# By themselves, as a restore keeps the disk busy after its end: coroner would have to run beside that.
for round in $(seq "$rounds"); do
    measure "$round" coroner-plain "$coroner" integrity "$clean.sql" -j "$threads" -q -o "$runs/plain.json"
    if [[ -n $postgres ]] && ((round == 1 || events <= 1000000)); then
        restore "$round"
        sql -c CHECKPOINT
        sync
    fi
done
say "load after measuring: $(cut -d' ' -f1-3 /proc/loadavg)"

# --- the table ---

python3 - "$runs" "$faulty" "$clean" "$events" <<'PY'
import collections, json, os, statistics, sys

runs, faulty, clean, events = sys.argv[1:]
events = int(events)
read = lambda name: open(os.path.join(runs, name)).read()
taken = collections.defaultdict(dict)  # of each tool, its rounds: seconds, processor's seconds, KiB
for line in read("rounds").splitlines():
    round, name, seconds, user, system, kib = line.split()
    taken[name][round] = float(seconds), float(user) + float(system), int(kib)

ways = {
    "coroner-csv": "CSV: full report",
    "duckdb-each": "CSV: a query for each question",
    "duckdb-window": "CSV: one window for versions, one query for ids",
    "duckdb-table": "CSV: those two, over a table loaded first",
    "duckdb-json": "CSV: the same, and payloads checked to be JSON",
    "coroner-plain": "plain dump: full report",
    "postgres": "plain dump: restored, nothing asked",
}
median = lambda name, at: statistics.median(values[at] for values in taken[name].values())
asked = [name for name in ("duckdb-each", "duckdb-window", "duckdb-table") if name in taken]
ratio = lambda name, base, at: statistics.median(taken[name][n][at] / taken[base][n][at] for n in taken[name])
fastest = min(asked, key=lambda name: ratio(name, "coroner-csv", 0), default=None)
print(f"| tool | what it does, {events:,} events, {os.path.getsize(faulty + '.csv') / 1e6:.0f} MB of CSV, {os.path.getsize(clean + '.sql') / 1e6:.0f} MB of plain dump"
      " | rounds | seconds | spread | CPU seconds | peak MiB | MiB a million events | times coroner's | times its CPU |")
print("|---|---|--:|--:|--:|--:|--:|--:|--:|--:|")
for name, what in ways.items():
    if name not in taken:
        print(f"| {name} | not here (see --install) | | | | | | | | |")
        continue
    rounds = taken[name]
    base = "coroner-plain" if what.startswith("plain") else "coroner-csv"
    seconds = [values[0] for values in rounds.values()]
    mib = max(values[2] for values in rounds.values()) / 1024
    # The server's memory and time are not psql's.
    rest = " | | " if name == "postgres" else f"{median(name, 1):.1f} | {mib:.0f} | {mib / events * 1e6:.0f}"
    bold = "**" if name == fastest else ""
    print(f"| {name} | {what} | {len(rounds)} | {median(name, 0):.2f} | {min(seconds):.2f} to {max(seconds):.2f} | {rest}"
          f" | {bold}{ratio(name, base, 0):.2f}{bold} | {'' if name == 'postgres' else f'{ratio(name, base, 1):.2f}'} |")

def coroner(name):
    report = json.loads(read(name))["integrity"]
    seen = collections.Counter(fault["kind"] for fault in report["faults"])
    return {
        "events": sum(store["events"] for store in report["stores"]),
        "gaps": seen.pop("version-gap", 0), "beginnings": seen.pop("head-truncated", 0),
        "duplicate_versions": seen.pop("duplicate-version", 0), "duplicate_ids": seen.pop("duplicate-event", 0),
        "payloads": seen.pop("invalid-payload", 0), "other": seen.total(),
    }

truth = lambda name: {"beginnings": 0, "payloads": 0, "other": 0} | json.load(open(name + ".json"))
answers = {"coroner-csv": (coroner("csv.json"), truth(faulty)), "coroner-plain": (coroner("plain.json"), truth(clean))}
for name in asked + [name for name in ("duckdb-json",) if name in taken]:
    counts = {line.split()[0]: int(line.split()[1]) for line in read(f"{name}.out").splitlines()}
    answers[name] = counts, truth(faulty)
kinds = ("events", "gaps", "beginnings", "duplicate_versions", "duplicate_ids", "payloads", "other")
print("\n| counts | " + " | ".join(kinds) + " |")
print("|---|" + "--:|" * len(kinds))
for name, (counts, _) in answers.items():
    print(f"| {name} | " + " | ".join(str(counts.get(kind, "")) for kind in kinds) + " |")
wrong = [f"{name}, {kind}: {count}, planted {expected[kind]}"
         for name, (counts, expected) in answers.items() for kind, count in counts.items() if count != expected[kind]]
if wrong:
    print("\n**THE COUNTS DIFFER**\n\n- " + "\n- ".join(wrong), flush=True)
    sys.exit("compare: THE COUNTS DIFFER: " + "; ".join(wrong))
print("\nEvery count is what was planted.")
PY

say "versions:"
{
    "$coroner" --version
    if ((${#duckdb[@]})); then "${duckdb[0]}" -c 'import duckdb; print("duckdb", duckdb.__version__)'; fi
    if [[ -n $postgres ]]; then "$postgres/postgres" --version; fi
} >&2
