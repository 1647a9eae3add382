# Begins every script: POSIX sh, and what busybox, GNU, BSD and macOS have in common.
LC_ALL=C
export LC_ALL
if command -v sha256sum >/dev/null 2>&1; then sum() { sha256sum; }
elif command -v shasum >/dev/null 2>&1; then sum() { shasum -a 256; }
elif command -v openssl >/dev/null 2>&1; then sum() { openssl dgst -sha256 -r; }
elif command -v sha256 >/dev/null 2>&1; then sum() { sha256 -q; }
elif busybox sha256sum </dev/null >/dev/null 2>&1; then sum() { busybox sha256sum; }
else sum() { echo -; }
fi
# SIZE: of what is read. OpenSSL uses the processor's own instructions, others hardly do: it pays from some MiB on.
digest() {
  d=
  if [ "$1" -ge 4000000 ] && command -v openssl >/dev/null 2>&1; then
    d=$(openssl dgst -sha256 -r 2>/dev/null)
    d=${d%% *}
  fi
  [ ${#d} -eq 64 ] || d=$(sum 2>/dev/null)
  d=${d%% *}
  [ ${#d} -eq 64 ] || d=-
}
first() {
  if head -c 0 </dev/null >/dev/null 2>&1; then head -c "$1"
  else cat
  fi
}
bytes() {
  size=$({ wc -c <"$1"; } 2>/dev/null) && size=$((size)) || size=-1
}
facts() {
  f=$(stat -Lc '%a %u %g' "$1" 2>/dev/null || stat -Lf '%Lp %u %g' "$1" 2>/dev/null)
  case $f in '' | *[!0-9\ ]*) f='- - -' ;; esac
}
