# NONCE PATH SIZE: the first SIZE bytes of a file; a log that grows meanwhile gives what was there when it was looked at.
printf '%s data\n' "$1"
first "$3" <"$2"
