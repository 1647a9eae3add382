#!/bin/sh
# restore.sh LINK TARGET: if LINK points to TARGET, lets it point where it pointed before (LINK.previous), or removes it.
set -eu
LC_ALL=C
export LC_ALL
link=$1 target=$2
fail() { printf '%s\n' "$1" >&2; exit 1; }
[ -L "$link" ] || exit 0
now=$(readlink -- "$link"; printf x)
now=${now%x}
now=${now%?}
[ "$now" = "$target" ] || exit 0
if [ ! -L "$link.previous" ]; then
    rm -f -- "$link"
    exit 0
fi
before=$(readlink -- "$link.previous"; printf x)
before=${before%x}
before=${before%?}
temporary=$link.sre-$$
trap 'rm -f -- "$temporary"' EXIT
trap 'exit 1' HUP INT TERM
rm -f -- "$temporary"
ln -s -- "$before" "$temporary"
mv -fT -- "$temporary" "$link" 2>/dev/null || mv -fh -- "$temporary" "$link" 2>/dev/null || fail "mv cannot replace the link $link"
