#!/bin/sh
# Print the Python that the project's .venv is made of: "$1" if it is given, else the first one found.
# It must be 3.11 or newer and able to make a virtual environment; one line says what is wrong otherwise.
set -u
fits='import sys; sys.exit(sys.version_info < (3, 11))'

if [ -n "${1:-}" ]; then
    candidates=$1
else
    candidates='python3 python3.14 python3.13 python3.12 python3.11 python'
fi
for name in $candidates; do
    "$name" -c "$fits" >/dev/null 2>&1 || continue
    if "$name" -c 'import ensurepip, venv' >/dev/null 2>&1; then
        command -v "$name"
        exit 0
    fi
    echo "error: $name cannot make a virtual environment" \
        "(hint: install its venv package, e.g. apt-get install python3-venv)" >&2
    exit 1
done
if [ -n "${1:-}" ]; then
    echo "error: PYTHON=$1 is not a Python 3.11 or newer (hint: name another, or leave PYTHON out)" >&2
else
    echo "error: no Python 3.11 or newer was found" \
        "(hint: install one, or say where it is: make install PYTHON=/path/to/python3)" >&2
fi
exit 1
