#!/bin/sh
# Print a Python that is new enough: $PYTHON if set, else the first of the usual names.
set -eu

for candidate in ${PYTHON:+"$PYTHON"} python3 python3.14 python3.13 python3.12 python3.11 python; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        "$candidate" -c 'import sys; print(sys.executable)'
        exit
    fi
done
echo "thinkaloud needs Python 3.11 or newer, and found none. Install one (Debian: apt-get install python3)," >&2
echo "or say where it is: make PYTHON=/path/to/python3.12 ..." >&2
exit 1
