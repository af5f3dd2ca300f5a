#!/bin/sh
# Send the digest of a day to a target; called again, send what is missing.
day=${1:?a day} target=${2:?--sandbox or --profile=NAME}
state=.runner/$day$target
if [ -e "$state" ]; then
    exec runner send --resume last --state-dir "$state"
fi
exec runner send specs/daily_digest.yaml --rows warehouse.duckdb --query "$(sed "s/DAY/$day/" digest.sql)" \
    --check-keys --state-dir "$state" "$target"
