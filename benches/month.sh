#!/usr/bin/env bash
# What a night costs when a month of them is known: a made-up log of 192 MB a day, an hour's entries each hour.
#
#   benches/month.sh [DAYS]                    (default 35)
#
# So many days are read with a state, then one more, then nothing new; beside it stands what that one day alone takes,
# and all of them without a state. Works in ${TMPDIR:-/tmp}/coroner-bench/month (7 GB for 35 days), which may be deleted.
# CORONER=path measures that program instead of building one. Fails where the last night takes longer than its own new
# bytes and a second.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
work=${TMPDIR:-/tmp}/coroner-bench/month
days=${1:-35}

if [ -z "${CORONER:-}" ]; then
    (cd "$root" && cargo build --release --locked --quiet)
    CORONER=$root/target/release/coroner
fi
rm -rf "$work" && mkdir -p "$work/log" "$work/next"
for day in $(seq -w 0 "$days"); do
    python3 "$root/benches/support/generate.py" 192 "$work/log/app.$day.json" 60 $((1440 * 10#$day))
done
mv "$work/log/app.$day.json" "$work/next/"

# Seconds and the most memory, as GNU time sees them.
run() {
    /usr/bin/time -f '%e s  %M kB' -o "$work/time" "$CORONER" analyze "$@" --quiet -o "$work/report.json" > /dev/null
    cat "$work/time"
}

first=$(run "$work/log" --state "$work/state")
alone=$(run "$work/next")
mv "$work/next/"* "$work/log/"
next=$(run "$work/log" --state "$work/state")
nothing=$(run "$work/log" --state "$work/state")
without=$(run "$work/log")

printf '%-36s %s\n' \
    "$days days, the first night" "$first" \
    "one day more" "$next" \
    "nothing new" "$nothing" \
    "that day alone, without a state" "$alone" \
    "all days without a state" "$without" \
    "state" "$(du -sk "$work/state" | cut -f1) kB"
awk -v night="${next%% *}" -v alone="${alone%% *}" 'BEGIN { exit night > alone + 1 }'
