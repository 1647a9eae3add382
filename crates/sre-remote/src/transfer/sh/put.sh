# NONCE PATH SIZE SHA256 MODE OWNER|- KEEP|- PARENTS: standard input becomes PATH, whole or not at all.
n=$1 path=$2 len=$3 want=$4 mode=$5 owner=$6 keep=$7 parents=$8
failed() {
  printf '%s failed %s\n' "$n" "$1"
  exit 1
}
umask 022
dir=${path%/*}
[ -n "$dir" ] || dir=/
if [ "$parents" = 1 ] && [ ! -d "$dir" ]; then mkdir -p "$dir" || failed parents; fi
[ -d "$dir" ] || failed no-parent
[ -d "$path" ] && failed folder
umask 077
# What a run that was killed on this host left behind.
{ read -r node </proc/sys/kernel/hostname; } 2>/dev/null || node=$(uname -n)
for old in "$dir"/.sre-upload."$node".*; do
  pid=${old##*/.sre-upload."$node".}
  pid=${pid%%.*}
  case $pid in '' | *[!0-9]*) continue ;; esac
  kill -0 "$pid" 2>/dev/null || [ -e "/proc/$pid" ] || rm -f "$old"
done
tmp=$dir/.sre-upload.$node.$$.$n
trap 'rm -f "$tmp"' EXIT
trap 'exit 1' HUP INT TERM PIPE
# noclobber: never through a link that somebody else put there.
set -C
cat >"$tmp" || failed write
set +C
digest "$len" <"$tmp"
if [ "$d" != "$want" ]; then
  bytes "$tmp"
  [ "$size" -eq "$len" ] || failed "short $size"
  [ "$d" = - ] || failed checksum
fi
if [ "$owner" != - ]; then chown "$owner" "$tmp" || failed owner
elif [ "$keep" != - ]; then chown "$keep" "$tmp" 2>/dev/null || :
fi
chmod "$mode" "$tmp" || failed mode
mv -f "$tmp" "$path" || failed rename
trap - EXIT
printf '%s done %s\n' "$n" "$d"
