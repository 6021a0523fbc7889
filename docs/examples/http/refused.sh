#!/usr/bin/env bash
# A request with a mistake in it: the answer names the field.
URL=${URL:-http://127.0.0.1:8484}

curl -s "$URL/api/v1/chat/message" \
  -H 'Content-Type: application/json' \
  -d '{"text": "Hello", "max_iterations": "many"}'
