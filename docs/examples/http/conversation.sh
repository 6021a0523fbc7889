#!/usr/bin/env bash
# Two messages of one conversation, and what was said in it.
URL=${URL:-http://127.0.0.1:8484}
set -e

for text in 'What is 6 * 7?' 'What did I ask before?'; do
  curl -sf "$URL/api/v1/chat/message" \
    -H 'Content-Type: application/json' \
    -d "{\"text\": \"$text\", \"conversation_id\": \"sums\"}"
  echo
done
curl -sf "$URL/api/v1/conversations/sums/messages?include_reasoning=true"
