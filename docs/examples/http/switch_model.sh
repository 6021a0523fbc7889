#!/usr/bin/env bash
# The models, and another one for new runs: switch_model.sh MODEL
URL=${URL:-http://127.0.0.1:8484}
MODEL=$1

curl -s "$URL/api/v1/models"
curl -s "$URL/api/v1/models/switch" \
  -H 'Content-Type: application/json' \
  -d "{\"model_id\": \"$MODEL\"}"
