#!/usr/bin/env bash
# Follow a run, or resume after an event: follow.sh RUN_ID [LAST_SEQ]
URL=${URL:-http://127.0.0.1:8484}
RUN=$1
LAST=${2:-0}

curl -sN "$URL/api/v1/runs/$RUN/events?include_reasoning=true" \
  -H "Last-Event-ID: $LAST"
