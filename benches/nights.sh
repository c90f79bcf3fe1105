#!/usr/bin/env bash
# What a night costs with a state: the first reads all, the next only what was written since.
#
#   benches/nights.sh [MEGABYTES] [MORE]      (default 1000 and 10)
#
# A made-up log of so many megabytes is read, grows by MORE, is read again, and again with nothing new. Beside it stands
# what MORE megabytes alone take. Works in ${TMPDIR:-/tmp}/coroner-bench/nights, which may be deleted. CORONER=path
# measures that program instead of building one. Fails where the second night takes longer than its own new bytes and a
# second.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
work=${TMPDIR:-/tmp}/coroner-bench/nights
megabytes=${1:-1000}
more=${2:-10}

if [ -z "${CORONER:-}" ]; then
    (cd "$root" && cargo build --release --locked --quiet)
    CORONER=$root/target/release/coroner
fi
rm -rf "$work" && mkdir -p "$work/log" "$work/alone"
# One generator for both: the longer file goes on where the shorter one ends.
python3 "$root/benches/support/generate.py" "$((megabytes + more))" "$work/all.json"
first=$(head -c "$((megabytes * 1000000))" "$work/all.json" | tee "$work/log/app.json" | wc -c)
tail -c "+$((first + 1))" "$work/all.json" > "$work/alone/app.json"

seconds() {
    local from to
    from=$(date +%s.%N)
    "$CORONER" analyze "$@" --quiet -o "$work/report.json" > /dev/null
    to=$(date +%s.%N)
    awk -v from="$from" -v to="$to" 'BEGIN { printf "%.2f", to - from }'
}

plain=$(seconds "$work/log/app.json")
night1=$(seconds "$work/log/app.json" --state "$work/state")
cat "$work/alone/app.json" >> "$work/log/app.json"
night2=$(seconds "$work/log/app.json" --state "$work/state")
night3=$(seconds "$work/log/app.json" --state "$work/state")
alone=$(seconds "$work/alone/app.json")
size=$(du -sk "$work/state" | cut -f1)

printf '%-44s %8s\n' \
    "$megabytes MB without a state" "$plain s" \
    "first night" "$night1 s" \
    "second night, $more MB more" "$night2 s" \
    "third night, nothing new" "$night3 s" \
    "$more MB alone" "$alone s" \
    "state" "$size kB"
awk -v night="$night2" -v alone="$alone" 'BEGIN { exit night > alone + 1 }'
