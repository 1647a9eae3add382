#!/bin/sh
# One kubectl after the other, as one would type them. usage: kubectl_each.sh KUBECTL CACHE_DIR OUTPUT CONTEXT...
kubectl=$1 cache=$2 output=$3
shift 3
code=0
for context in "$@"; do
    "$kubectl" --cache-dir "$cache" --context "$context" get pods --all-namespaces ${output:+--output "$output"} || code=1
done
exit $code
