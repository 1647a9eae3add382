# NONCE, then PATH...: makes folders.
n=$1
shift
umask 022
for f do
  if [ -d "$f" ]; then printf '%s folder kept\n' "$n"
  elif mkdir -p "$f"; then printf '%s folder made\n' "$n"
  else printf '%s folder failed\n' "$n"
  fi
done
