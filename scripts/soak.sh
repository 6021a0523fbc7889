#!/bin/sh
# soak.sh [ARGS]: run the long versions of the property tests, then every endurance test, with the Python in $PYTHON.
# ARGS goes to the endurance tests.
set -eu

echo "== property tests"
THINKALOUD_TESTS=soak "$PYTHON" -m pytest -n 2 --dist worksteal -q --timeout 1800 tests/core tests/events tests/providers

echo "== clients with environments of their own"
"$PYTHON" -m pytest -q --timeout 600 tests/clients/isolated/soak_*.py

for script in benchmarks/soak_*.py benchmarks/*/soak_*.py; do
    echo "== $(basename "$script" .py)"
    "$PYTHON" -m "$(echo "${script%.py}" | tr / .)" "$@"
done
