#!/bin/sh
# Makes what is missing and keeps what is there. A key is renamed into place when it is whole.
set -eu
umask 077
state=${STATE_FOLDER:-/var/lib/icd-cascade}
scrape=${SCRAPE_FOLDER:-/run/scrape-key}

if [ ! -e "$scrape/key" ]; then
  icd-cascade keys --file "$state/keys.json" create prometheus --scopes metrics > "$scrape/key.new"
  chmod 0444 "$scrape/key.new"  # Prometheus runs as another user; nobody else mounts this volume
  mv "$scrape/key.new" "$scrape/key"
fi
if [ ! -e "$state/backlog.key" ]; then
  icd-cascade backlog new-key > "$state/backlog.key.new"
  mv "$state/backlog.key.new" "$state/backlog.key"
fi
