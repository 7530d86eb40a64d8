#!/usr/bin/env bash
# Writes events of a shop to standard output, as examples/purchases.yaml reads them: some fifty a second, one in a hundred
# broken and one in a hundred ten minutes late. With a number: as many, at once.
set -u
count=${1:-}
for ((n = 1; ; n++)); do
  if [ -n "$count" ]; then
    ((n > count)) && break
  else
    sleep 0.02
  fi
  now=${EPOCHREALTIME/[.,]/}
  ts=$((now / 1000))
  if ((n % 100 == 50)); then ts=$((ts - 600000)); fi
  if ((n % 100 == 99)); then
    echo "{\"event_id\":\"e$n\",\"user_id\":"
  elif ((RANDOM % 3)); then
    echo "{\"event_id\":\"e$n\",\"user_id\":\"u$((RANDOM % 200))\",\"event_type\":\"view\",\"ts\":$ts}"
  else
    amount=$((RANDOM % 200)).$((RANDOM % 90 + 10))
    echo "{\"event_id\":\"e$n\",\"user_id\":\"u$((RANDOM % 200))\",\"event_type\":\"purchase\",\"ts\":$ts,\"amount\":$amount}"
  fi
done
