#!/usr/bin/env bash
# Stop a run: stop.sh RUN_ID
URL=${URL:-http://127.0.0.1:8484}
RUN=$1

curl -s -X POST "$URL/api/v1/runs/$RUN/stop"
