#!/usr/bin/env bash
# A file, and a message about it. Give the file's path.
URL=${URL:-http://127.0.0.1:8484}
FILE=$1

id=$(curl -sf "$URL/api/v1/upload" -F "file=@$FILE" | grep -o 'upl_[0-9a-f]*')
curl -sf "$URL/api/v1/chat/message" \
  -H 'Content-Type: application/json' \
  -d "{\"text\": \"What is in it?\", \"context_files\": [\"$id\"]}"
