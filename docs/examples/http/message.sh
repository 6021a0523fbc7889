#!/usr/bin/env bash
# One request, one reply.
URL=${URL:-http://127.0.0.1:8484}

curl -s "$URL/api/v1/chat/message" \
  -H 'Content-Type: application/json' \
  -d '{"text": "What is 12 * (3 + 4)?", "include_reasoning": true}'
