# NONCE PATH EACH: all that is below a folder, ended by zero bytes; EACH is the script below, for `find`.
n=$1
cd "$2" || exit 1
printf '%s list\0' "$n"
find . -exec sh -c "$3" sh {} +
printf '%s end %s\0' "$n" "$?"
