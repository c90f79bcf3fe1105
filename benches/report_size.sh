#!/usr/bin/env bash
# Whether reports grow with their evidence: the same made-up service for a hundred times as long.
#
#   benches/report_size.sh [MEGABYTES] [TIMES]      (default 100 and 100: 100 MB beside 10 GB)
#
# Both come from one generator. Reports go to
# ${TMPDIR:-/tmp}/coroner-bench/size, which needs room for the evidence and may be deleted. CORONER=path measures that
# program instead of building one. Fails where a report of the larger one is more than a tenth larger.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
work=${TMPDIR:-/tmp}/coroner-bench/size
megabytes=${1:-100}
times=${2:-100}

if [ -z "${CORONER:-}" ]; then
    (cd "$root" && cargo build --release --locked --quiet)
    CORONER=$root/target/release/coroner
fi
mkdir -p "$work/small" "$work/large"
python3 "$root/benches/support/generate.py" "$megabytes" "$work/small/app.json"
python3 "$root/benches/support/generate.py" "$((megabytes * times))" "$work/large/app.json"

for size in small large; do
    reports=()
    for format in html json md txt sarif csv; do reports+=(-o "$work/$size.$format"); done
    (cd "$work/$size" && time "$CORONER" analyze app.json --quiet "${reports[@]}")
done

failed=0
printf '%-6s %12s %12s %6s\n' format small large ratio
for format in html json md txt sarif csv; do
    small=$(stat -c %s "$work/small.$format")
    large=$(stat -c %s "$work/large.$format")
    awk -v f="$format" -v s="$small" -v l="$large" 'BEGIN { printf "%-6s %12d %12d %6.3f\n", f, s, l, l / s; exit l > 1.1 * s }' || failed=1
done
exit $failed
