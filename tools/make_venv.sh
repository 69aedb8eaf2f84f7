#!/bin/sh
# Makes .venv from the locked versions. Needs Python 3.11 or later with venv; as root on Debian it installs that.
set -eu
cd "$(dirname "$0")/.."

usable() { "$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

find_python() {
    for candidate in "${PYTHON:-python3}" python3.13 python3.12 python3.11 /usr/bin/python3; do
        if usable "$candidate"; then
            echo "$candidate"
            return
        fi
    done
    return 1
}

install_python() {
    line="apt-get install --yes --no-install-recommends python3 python3-venv"
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        echo "make .venv: no Python 3.11 or later with venv found. On Debian 12 or 13, as root: $line" >&2
        exit 1
    fi
    export DEBIAN_FRONTEND=noninteractive
    apt-get update --quiet=2
    # shellcheck disable=SC2086 # a command line, split on purpose
    $line >/dev/null
}

# Two makes at once: the second waits, then finds the work done.
exec 9<.
flock 9
lock=$(cat requirements/controller.txt requirements/gate.txt | sha256sum)
if [ -x .venv/bin/python ] && [ "$(cat .venv/stamp 2>/dev/null)" = "$lock" ]; then
    touch .venv/stamp
    exit 0
fi

python=$(find_python) || { install_python; python=$(find_python); }
echo "make .venv: $("$python" --version), $(cat requirements/controller.txt requirements/gate.txt | grep -c '^[a-z].*==') locked packages, which takes a minute" >&2
rm -rf .venv
"$python" -m venv .venv
quiet="--quiet --disable-pip-version-check --no-input"
# shellcheck disable=SC2086
.venv/bin/pip install $quiet --require-hashes --only-binary :all: --requirement requirements/controller.txt \
    --requirement requirements/gate.txt
# shellcheck disable=SC2086
.venv/bin/pip install $quiet --no-build-isolation --no-deps --editable .
echo "$lock" >.venv/stamp
