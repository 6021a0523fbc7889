#!/bin/sh
# webui.sh build | test | check: the web UI's share of the Makefile. Does nothing while there is no web UI, and asks
# for npm only when there is something to do.
set -eu

[ -e webui/package.json ] || exit 0

installed=.setup/webui-installed
built=.setup/webui-built
PATH="$PWD/.setup/node/bin:$PATH"
export NPM_CONFIG_UPDATE_NOTIFIER=false NPM_CONFIG_FUND=false NPM_CONFIG_AUDIT=false

npm_in_webui() {
    if ! npm --version >/dev/null 2>&1; then
        echo "Installing Node.js into .setup/node" >&2
        sh scripts/uv.sh venv --quiet --clear --no-python-downloads --python .venv/bin/python .setup/node
        sh scripts/uv.sh pip install --quiet --python .setup/node/bin/python --require-hashes -r requirements/node.txt
    fi
    (cd webui && npm "$@")
}

mkdir -p .setup
if [ ! -d webui/node_modules ] || [ ! -e $installed ] ||
    [ webui/package.json -nt $installed ] || [ webui/package-lock.json -nt $installed ]; then
    npm_in_webui ci
    mkdir -p webui/node_modules
    touch $installed
fi

case $1 in
build)
    changed=$(find webui \( -path webui/node_modules -o -path webui/dist \) -prune -o \
        -type f -newer $built -print 2>/dev/null | head -n 1)
    if [ ! -e $built ] || [ ! -d src/thinkaloud/webui ] || [ -n "$changed" ]; then
        npm_in_webui run build
        touch $built
    fi
    ;;
test | check) npm_in_webui run --if-present "$1" ;;
esac
