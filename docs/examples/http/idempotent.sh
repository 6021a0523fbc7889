#!/usr/bin/env bash
# Sent twice, run once: the second request gets the first run.
URL=${URL:-http://127.0.0.1:8484}
KEY=order-66

for _ in 1 2; do
  curl -s "$URL/api/v1/chat/message" \
    -H 'Content-Type: application/json' \
    -H "Idempotency-Key: $KEY" \
    -d '{"text": "What is 6 * 7?"}'
  echo
done
