# NONCE MODE|- OWNER|- PATH: mends mode and owner of a file whose content is right.
n=$1
failed() {
  printf '%s failed %s\n' "$n" "$1"
  exit 1
}
facts "$4"
before=$f
if [ "$3" != - ]; then chown "$3" "$4" || failed owner; fi
if [ "$2" != - ]; then chmod "$2" "$4" || failed mode; fi
facts "$4"
if [ "$f" = "$before" ]; then printf '%s kept\n' "$n"; else printf '%s mended\n' "$n"; fi
