# NONCE PATH: what is to be fetched.
n=$1
if [ -d "$2" ]; then printf '%s look folder\n' "$n"
elif [ -f "$2" ] && [ -r "$2" ]; then
  bytes "$2"
  facts "$2"
  first "$size" <"$2" | { digest "$size"; printf '%s look file %s %s %s\n' "$n" "$size" "$f" "$d"; }
elif [ -f "$2" ]; then printf '%s look unreadable\n' "$n"
elif [ -e "$2" ]; then printf '%s look special\n' "$n"
else printf '%s look absent\n' "$n"
fi
