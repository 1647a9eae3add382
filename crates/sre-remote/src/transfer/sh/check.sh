# NONCE, then PATH SIZE...: what is there now. Only what has the right size is read.
n=$1
shift
printf '%s check\n' "$n"
while [ $# -gt 1 ]; do
  if [ -L "$1" ]; then printf '%s link\n' "$n"
  elif [ -d "$1" ]; then printf '%s folder\n' "$n"
  elif [ -f "$1" ]; then
    bytes "$1"
    facts "$1"
    d=-
    if [ "$size" -eq "$2" ]; then digest "$size" <"$1"; fi
    printf '%s file %s %s %s\n' "$n" "$size" "$f" "$d"
  elif [ -e "$1" ]; then printf '%s special\n' "$n"
  else printf '%s absent\n' "$n"
  fi
  shift 2
done
