#!/bin/sh
# Run uv: the one on the PATH, else one of our own under .setup/, installed on first use, pinned by hash.
set -eu

if uv --version >/dev/null 2>&1; then
    exec uv "$@"
fi

if [ ! -e .setup/uv/ready ] || [ requirements/uv.txt -nt .setup/uv/ready ]; then
    python=$(sh scripts/find-python.sh)
    echo "Installing uv into .setup/uv" >&2
    rm -rf .setup/uv
    mkdir -p .setup
    if "$python" -m venv .setup/uv >/dev/null 2>&1; then
        .setup/uv/bin/python -m pip install --quiet --require-hashes -r requirements/uv.txt
    elif rm -rf .setup/uv && "$python" -m pip --version >/dev/null 2>&1; then
        "$python" -m pip install --quiet --require-hashes --target .setup/uv -r requirements/uv.txt
    else
        echo "$python has neither venv nor pip. Install one (Debian: apt-get install python3-venv), or uv." >&2
        exit 1
    fi
    touch .setup/uv/ready
fi
exec .setup/uv/bin/uv "$@"
