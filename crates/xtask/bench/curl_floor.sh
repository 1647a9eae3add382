#!/bin/sh
# The least that listing all pods can cost: curl, pages of 500, the body only searched for the next page's token.
# usage: curl_floor.sh CURL_OPTION TOKEN {CA_FILE URL}...     (all servers side by side)
option=$1 token=$2
shift 2
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT

list() { # CA_FILE URL PAGE_FILE
    next=''
    while :; do
        curl -s --fail --noproxy '*' $option --cacert "$1" -H "Authorization: Bearer $token" \
            -o "$3" "$2/api/v1/pods?limit=500$next" || return 1
        token_of_next=$(head -c 300 "$3" | sed -n 's/.*"continue":"\([^"]*\)".*/\1/p')
        [ -n "$token_of_next" ] || return 0
        next="&continue=$token_of_next"
    done
}

number=0 children=
while [ $# -ge 2 ]; do
    number=$((number + 1))
    list "$1" "$2" "$scratch/$number" &
    children="$children $!"
    shift 2
done
code=0
for child in $children; do wait "$child" || code=1; done
exit $code
