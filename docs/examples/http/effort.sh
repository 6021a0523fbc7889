#!/usr/bin/env bash
# Think harder, for this message only.
URL=${URL:-http://127.0.0.1:8484}

curl -s "$URL/api/v1/chat/message" \
  -H 'Content-Type: application/json' \
  -d '{"text": "What is 6 * 7?", "reasoning_effort": "high", "include_reasoning": true}'
