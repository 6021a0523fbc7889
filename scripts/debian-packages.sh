#!/bin/sh
# The programs that tests/e2e drives, from Debian: installed where we may, else named. Needed once there are such tests.
set -eu

PACKAGES="chromium nginx" # each package's command has its name

ls tests/e2e/test_*.py >/dev/null 2>&1 || exit 0

PATH="$PATH:/usr/sbin"
missing=
for package in $PACKAGES; do
    command -v "$package" >/dev/null || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    apt-get update -qq
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $missing
else
    echo "The end-to-end tests need:$missing. Install with: sudo apt-get install$missing" >&2
fi
