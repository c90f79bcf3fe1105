#!/usr/bin/env bash
# How long coroner takes beside the tools that people reach for, on one question:
#
#   a JSON log of a gigabyte: how many messages match each of the five patterns of patterns/chapter.toml?
#
#   benches/compare.sh [--install] [MEGABYTES]      (default 1000)
#   benches/compare.sh --dumps [EVENTS]             (an event store instead of a log: benches/compare_dumps.sh)
#
# What is fair, and what is not:
# - coroner does more than it is asked here: it writes its full report, with every embedded pattern, times, levels,
#   samples, and a hash of the evidence. It has no switch that leaves these out.
# - DuckDB answers the very same question: it parses every line, is told the one column it needs, and gets as many
#   threads as coroner. Starting Python is in its time where the Python module is used. Its counts must equal
#   coroner's; a difference is printed loudly and fails the run.
# - ripgrep parses nothing: it sees raw lines, so it also finds keys and other fields. Once with all expressions in
#   one (a single total), once for each (as many passes as patterns). It reads one file with one thread.
# - jq and jaq parse every line on one thread. They are slow, so they get the first 50 MB and their seconds are
#   scaled to the whole; on these 50 MB their counts must equal coroner's.
# - Seconds are the fastest of three runs after one that does not count: other work on the machine only ever adds.
# - The file is in the page cache for everyone, and is made up (benches/support/generate.py): few distinct messages
#   favour tools that remember answers, coroner among them.
#
# Nothing is installed without --install: hyperfine, ripgrep, jq and time from Debian; jaq by cargo and duckdb by pip,
# both into the working folder, ${TMPDIR:-/tmp}/coroner-bench, which is kept for the next run and may be deleted.
# CORONER=path measures that program instead of building one; THREADS=n changes 2 threads to n.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
work=${TMPDIR:-/tmp}/coroner-bench
threads=${THREADS:-2}
head_mb=50
runs=3
install=no
size_mb=1000
if [ "${1:-}" = --dumps ]; then
    shift
    exec "$root/benches/compare_dumps.sh" "$@"
fi
for argument in "$@"; do
    case $argument in
        --install) install=yes ;;
        *[!0-9]* | '') echo "usage: $0 [--install] [MEGABYTES]" >&2 && exit 2 ;;
        *) size_mb=$argument ;;
    esac
done
((head_mb <= size_mb)) || head_mb=$size_mb

ids=(connection_pool_exhaustion command_timeout concurrency_conflict memory_pressure projection_lag)
expressions=(
    'connection.*pool.*exhausted|too many connections'
    'command.*timeout|execution.*timeout'
    'concurrency.*conflict|version.*conflict'
    'out of memory|memory.*limit|allocation.*failed'
    'projection.*lag|projection.*behind'
)

say() { echo "compare: $*" >&2; }
have() { command -v "$1" >/dev/null; }

mkdir -p "$work/runs" "$work/tools"
rm -f "$work"/runs/*
export PATH="$work/tools/bin:$PATH"

# --- tools ---

if [[ $install == yes ]]; then
    sudo=()
    ((EUID == 0)) || sudo=(sudo)
    wanted=()
    have hyperfine || wanted+=(hyperfine)
    have rg || wanted+=(ripgrep)
    have jq || wanted+=(jq)
    [[ -x /usr/bin/time ]] || wanted+=(time)
    if ((${#wanted[@]})); then
        "${sudo[@]}" apt-get update -qq
        "${sudo[@]}" apt-get install -y -qq --no-install-recommends "${wanted[@]}" >&2
    fi
    have jaq || cargo install --quiet --locked --root "$work/tools" jaq
    [[ -x $work/venv/bin/python ]] || python3 -m venv "$work/venv"
    "$work/venv/bin/python" -c 'import duckdb' 2>/dev/null || "$work/venv/bin/pip" install --quiet duckdb
fi
[[ -x /usr/bin/time ]] || { say "GNU time is needed (apt-get install time)" && exit 2; }

duckdb=()
for python in "$work/venv/bin/python" python3; do
    if have "$python" && "$python" -c 'import duckdb' 2>/dev/null; then
        # shellcheck disable=SC2016 # Python, not the shell, reads this.
        duckdb=("$python" -c 'import duckdb, json, sys
for statement in open(sys.argv[1]).read().split(";\n"):
    answer = duckdb.execute(statement)
print(json.dumps([dict(zip([column[0] for column in answer.description], answer.fetchone()))]))')
        break
    fi
done
if ((${#duckdb[@]} == 0)) && have duckdb; then duckdb=(duckdb -json -f); fi

coroner=${CORONER:-}
if [[ -z $coroner ]]; then
    say "building coroner"
    (cd "$root" && cargo build --release --quiet)
    coroner=${CARGO_TARGET_DIR:-$root/target}/release/coroner
fi

# --- data ---

log=$work/log-$size_mb.json
if [[ ! -f $log || $root/benches/support/generate.py -nt $log ]]; then
    say "writing $size_mb MB to $log"
    python3 "$root/benches/support/generate.py" "$size_mb" "$log.part"
    mv "$log.part" "$log"
fi
beginning=$work/log-$size_mb-beginning.json
head -c "$((head_mb * 1000000))" "$log" | sed -n '$!p' >"$beginning" # whole lines only
cat "$log" "$beginning" >/dev/null                                  # into the page cache
say "load before measuring: $(cut -d' ' -f1-3 /proc/loadavg)"

# --- measuring ---

# measure NAME FILE WHAT: times $work/runs/NAME.sh, written from standard input; its output goes to NAME.out.
measure() {
    local name=$1 file=$2 what=$3 script=$work/runs/$1.sh seconds kib
    { echo 'set -euo pipefail' && cat; } >"$script"
    say "$name"
    if have hyperfine; then
        hyperfine -N --warmup 1 --runs "$runs" --style none --export-json "$work/runs/$name.json" "bash '$script'" >&2
        seconds=$(python3 -c 'import json; print(json.load(open(0))["results"][0]["min"])' <"$work/runs/$name.json")
    else
        bash "$script"
        for _ in $(seq "$runs"); do /usr/bin/time -a -o "$work/runs/$name.times" -f %e bash "$script"; done
        seconds=$(sort -n "$work/runs/$name.times" | sed -n 1p)
    fi
    /usr/bin/time -o "$work/runs/$name.rss" -f %M bash "$script"
    kib=$(tail -n1 "$work/runs/$name.rss")
    printf '%s\t%s\t%s\t%s\t%s\n' "$name" "$what" "$(stat -c %s "$file")" "$seconds" "$kib" >>"$work/runs/table.tsv"
}

missing() { printf '%s\t%s\n' "$1" "not here (how to install: $2, or --install)" >>"$work/runs/table.tsv"; }

q() { printf '%q ' "$@"; } # quoted for a script

measure coroner "$log" "full report, all patterns, $threads threads" <<SH
exec $(q "$coroner" analyze "$log" -j "$threads" -q -o "$work/runs/coroner.out.json")
SH
"$coroner" analyze "$beginning" -j "$threads" -q -o "$work/runs/coroner-beginning.out.json"

if ((${#duckdb[@]})); then
    {
        echo "SET threads = $threads;"
        echo "SET enable_progress_bar = false;"
        echo "SET preserve_insertion_order = false;"
        echo "SELECT"
        for at in "${!ids[@]}"; do
            echo "  count(*) FILTER (regexp_matches(message, '(?i)${expressions[at]}')) AS ${ids[at]},"
        done
        echo "FROM (SELECT fields.message AS message"
        echo "  FROM read_ndjson('$log', columns = {fields: 'STRUCT(message VARCHAR)'}))"
    } >"$work/runs/duckdb.sql"
    measure duckdb "$log" "the five counts, $threads threads" <<SH
exec $(q "${duckdb[@]}" "$work/runs/duckdb.sql") >$(q "$work/runs/duckdb.out")
SH
else
    missing duckdb "pip install duckdb"
fi

if have rg; then
    every=()
    for expression in "${expressions[@]}"; do every+=(-e "$expression"); done
    measure ripgrep-total "$log" "raw lines, one total" <<SH
exec $(q rg -c -i "${every[@]}" "$log") >$(q "$work/runs/ripgrep-total.out")
SH
    {
        echo "{"
        for at in "${!ids[@]}"; do
            # Exit code 1 is an answer: no line matches, and nothing is printed.
            echo "  echo ${ids[at]} \$($(q rg -c -i -e "${expressions[at]}" "$log") || [[ \$? == 1 ]])"
        done
        echo "} >$(q "$work/runs/ripgrep-each.out")"
    } | measure ripgrep-each "$log" "raw lines, five passes, one a pattern"
else
    missing ripgrep "apt-get install ripgrep"
fi

{
    echo 'reduce (inputs | .fields.message // "") as $message ({};'
    for at in "${!ids[@]}"; do
        ((at == 0)) || echo '  |'
        echo "  (if (\$message | test(\"${expressions[at]}\"; \"i\")) then .${ids[at]} += 1 else . end)"
    done
    echo ')'
} >"$work/runs/count.jq"
for tool in jq jaq; do
    if have "$tool"; then
        measure "$tool" "$beginning" "the five counts, one thread" <<SH
exec $(q "$tool" -n -c -f "$work/runs/count.jq" "$beginning") >$(q "$work/runs/$tool.out")
SH
    else
        missing "$tool" "$([[ $tool == jq ]] && echo apt-get install jq || echo cargo install jaq)"
    fi
done

# --- the table ---

python3 - "$work/runs" "$log" "${ids[@]}" <<'PY'
import json, os, sys

runs, log, *ids = sys.argv[1:]
whole = os.path.getsize(log)
read = lambda name: open(os.path.join(runs, name)).read()
rows = [line.split("\t") for line in read("table.tsv").splitlines()]
base = float(rows[0][3])  # coroner is first

print(f"| tool | what it does, on {whole / 1e6:.0f} MB | seconds | MB/s | peak MiB | times coroner's |")
print("|---|---|--:|--:|--:|--:|")
for name, what, *figures in rows:
    if not figures:
        print(f"| {name} | {what} | | | | |")
        continue
    size, seconds, kib = int(figures[0]), float(figures[1]), int(figures[2])
    rate = size / 1e6 / seconds
    total = seconds
    shown = f"{seconds:.2f}"
    if size != whole:
        total = seconds * whole / size
        shown = f"about {total:.0f} (scaled: {seconds:.1f} for {size / 1e6:.0f} MB)"
    print(f"| {name} | {what} | {shown} | {rate:.0f} | {kib / 1024:.0f} | {total / base:.2f} |")

def coroner(name):
    seen = {row["id"]: row["occurrences"] for row in json.loads(read(name))["patterns"]}
    return {id: seen.get(id, 0) for id in ids}

def other(name, load):
    if not os.path.exists(os.path.join(runs, name)):
        return None
    counts = load(read(name))
    return {id: int(counts.get(id) or 0) for id in ids}

each = lambda text: {line.split()[0]: (line.split() + ["0"])[1] for line in text.splitlines()}
whole_counts = {
    "coroner": coroner("coroner.out.json"),
    "duckdb": other("duckdb.out", lambda text: json.loads(text)[0]),
    "ripgrep (raw lines)": other("ripgrep-each.out", each),
}
beginning = {
    "coroner, beginning": coroner("coroner-beginning.out.json"),
    "jq, beginning": other("jq.out", json.loads),
    "jaq, beginning": other("jaq.out", json.loads),
}
print("\n| counts | " + " | ".join(ids) + " |")
print("|---|" + "--:|" * len(ids))
for name, counts in (whole_counts | beginning).items():
    if counts:
        print(f"| {name} | " + " | ".join(str(counts[id]) for id in ids) + " |")

wrong = []
for mine, theirs in [("coroner", "duckdb")] + [("coroner, beginning", name) for name in list(beginning)[1:]]:
    mine_counts, their_counts = (whole_counts | beginning)[mine], (whole_counts | beginning)[theirs]
    for id in ids if their_counts else []:
        if mine_counts[id] != their_counts[id]:
            wrong.append(f"{id}: {mine} {mine_counts[id]}, {theirs} {their_counts[id]}")
if wrong:
    print("\n**THE COUNTS DIFFER**\n\n- " + "\n- ".join(wrong), flush=True)
    sys.exit("compare: THE COUNTS DIFFER: " + "; ".join(wrong))
if whole_counts["duckdb"] or beginning["jq, beginning"] or beginning["jaq, beginning"]:
    print("\nThe counts agree wherever the question is the same.")
PY

say "versions:"
{
    "$coroner" --version
    if ((${#duckdb[@]})); then
        case ${duckdb[0]} in
            duckdb) duckdb --version ;;
            *) "${duckdb[0]}" -c 'import duckdb; print("duckdb", duckdb.__version__)' ;;
        esac
    fi
    for tool in rg jq jaq hyperfine; do if have "$tool"; then "$tool" --version | sed -n 1p; fi; done
} >&2
