#!/bin/sh
# soak.sh [ARGS]: run every endurance test in turn, with the Python in $PYTHON.
set -eu

for script in benchmarks/soak_*.py; do
    module=$(basename "$script" .py)
    echo "== $module"
    "$PYTHON" -m "benchmarks.$module" "$@"
done
