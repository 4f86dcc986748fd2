#!/bin/sh
# Confirms an order by mail, with a file, and says what became of it: ./order.sh 4711 ann@example.org invoice.pdf
# Needs curl, POSTROOM_GATEWAY_URL and POSTROOM_API_KEY. Exits with 1 where the mail was not sent.
set -eu
number=$1 address=$2 file=$3
case $number$address in *[\"\\]*) echo "number and address must have no quotes and backslashes" >&2; exit 2 ;; esac

# The key comes from a file descriptor, so that no list of processes shows it. Repeats are safe: equal bytes are
# stored once, and the idempotency key makes one mail of one order.
post() {
  path=$1
  shift
  curl -sS --fail-with-body --retry 3 --max-time 60 --config /dev/fd/3 "$@" "$POSTROOM_GATEWAY_URL$path" 3<<KEY
header = "Authorization: Bearer $POSTROOM_API_KEY"
KEY
}

# Takes a text out of a flat JSON object.
text() { sed -n "s/.*\"$1\": *\"\([^\"]*\)\".*/\1/p"; }

reference=$(post /v1/attachments -F "file=@$file" | text reference)
: "${reference:?the file was not stored}"
id=$(post '/v1/emails?lane=default' -H 'Content-Type: application/json' -H "Idempotency-Key: order-$number" --data @- <<JSON | text id
{"to": ["$address"], "subject": "Your order $number", "body": "It is on its way.", "attachments": ["$reference"]}
JSON
)
: "${id:?the mail was not accepted}"
answer=$(post "/v1/emails/$id?wait=30")
echo "$answer"
case $answer in *'"success":true'* | *'"success": true'*) ;; *) exit 1 ;; esac
