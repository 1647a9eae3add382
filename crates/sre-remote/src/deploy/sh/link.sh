#!/bin/sh
# link.sh LINK TARGET: lets LINK point to TARGET, in one step; keeps where it pointed in LINK.previous.
set -eu
LC_ALL=C
export LC_ALL
link=$1 target=$2
fail() { printf '%s\n' "$1" >&2; exit 1; }
folder=${link%/*}
cd -- "${folder:-/}"
[ -L "$link" ] || [ ! -e "$link" ] || fail "$link is there and is not a symbolic link"
[ -e "$target" ] || fail "$target does not exist"
now=
[ ! -L "$link" ] || now=$(readlink -- "$link"; printf x)
now=${now%x}
now=${now%?}
[ "$now" != "$target" ] || exit 0
temporary=$link.sre-$$
trap 'rm -f -- "$temporary"' EXIT
trap 'exit 1' HUP INT TERM
# A link that points to a folder must be replaced, not moved into that folder: GNU and busybox say -T, BSD says -h.
put() { mv -fT -- "$temporary" "$1" 2>/dev/null || mv -fh -- "$temporary" "$1" 2>/dev/null || fail "mv cannot replace the link $1"; }
rm -f -- "$temporary"
if [ -n "$now" ]; then
    ln -s -- "$now" "$temporary"
    put "$link.previous"
else
    rm -f -- "$link.previous"
fi
ln -s -- "$target" "$temporary"
put "$link"
