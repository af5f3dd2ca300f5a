#!/bin/sh
# Send the digest of a day (in UTC) to a target; called again, send what is missing.
target=${2:?--sandbox or --profile=NAME}
case $1 in
    yesterday) day=$(date -u -d yesterday +%F) ;;
    [0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]) day=$1 ;;
    *) echo "expected yesterday or a day such as 2026-11-28, got '$1'" >&2; exit 64 ;;
esac
rows=rows/$day.csv state=.runner/$day$target
[ -e "$rows" ] || python export.py "$day" "$rows" || exit
if [ -e "$state" ]; then
    exec runner send --resume first --state-dir "$state"
fi
exec runner send specs/daily_digest.yaml --rows "$rows" --check-keys --state-dir "$state" "$target"
