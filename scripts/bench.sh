#!/bin/sh
# bench.sh PATTERN [ARGS]: run every benchmark of that name in turn, with the Python in $PYTHON.
set -eu

pattern=$1
shift
found=
for script in benchmarks/$pattern; do
    [ -e "$script" ] || continue
    found=yes
    module=$(basename "$script" .py)
    echo "== $module"
    "$PYTHON" -m "benchmarks.$module" "$@"
done
[ -n "$found" ] || echo "There is no benchmarks/$pattern yet."
