#!/usr/bin/env bash
# The same, live: Server-Sent Events.
URL=${URL:-http://127.0.0.1:8484}

curl -sN "$URL/api/v1/chat/stream-sse" \
  -H 'Content-Type: application/json' \
  -d '{"text": "What is 12 * (3 + 4)?", "include_reasoning": true}'
