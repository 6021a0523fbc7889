#!/bin/sh
# webui.sh build | test | check | clients: the share of the Makefile that needs npm. It does nothing while there is no web
# UI, and asks for npm only when there is something to do. `clients` installs the clients that tests/clients runs.
set -eu

[ -e webui/package.json ] || exit 0

built=.setup/webui-built
PATH="$PWD/.setup/node/bin:$PATH"
export NPM_CONFIG_UPDATE_NOTIFIER=false NPM_CONFIG_FUND=false NPM_CONFIG_AUDIT=false

npm_in() {
    folder=$1
    shift
    if ! npm --version >/dev/null 2>&1; then
        echo "Installing Node.js into .setup/node" >&2
        sh scripts/uv.sh venv --quiet --clear --no-python-downloads --python .venv/bin/python .setup/node
        sh scripts/uv.sh pip install --quiet --python .setup/node/bin/python --require-hashes -r requirements/node.txt
    fi
    (cd "$folder" && npm "$@")
}

# install_packages FOLDER STAMP
install_packages() {
    if [ ! -d "$1/node_modules" ] || [ ! -e "$2" ] ||
        [ "$1/package.json" -nt "$2" ] || [ "$1/package-lock.json" -nt "$2" ]; then
        npm_in "$1" ci
        mkdir -p "$1/node_modules"
        touch "$2"
    fi
}

mkdir -p .setup
if [ "$1" = clients ]; then
    install_packages tests/clients .setup/clients-installed
    exit
fi
install_packages webui .setup/webui-installed

case $1 in
build)
    changed=$(find webui \( -path webui/node_modules -o -path webui/dist \) -prune -o \
        -type f -newer $built -print 2>/dev/null | head -n 1)
    if [ ! -e $built ] || [ ! -d src/thinkaloud/webui ] || [ -n "$changed" ]; then
        npm_in webui run build
        touch $built
    fi
    ;;
test | check) npm_in webui run --if-present "$1" ;;
esac
