#!/bin/sh
# Runs an image as docs/deploy.md says, without root, capabilities or a writable root, and sees that it holds.
#   deploy/try-image.sh icd-cascade:cpu-indexed
#   deploy/try-image.sh icd-cascade:cpu artifacts     an image without an index, and the folder to mount
# ENGINE: docker or podman with its flags (default: docker). RUN_FLAGS: more flags of every `run`.
set -eu
image=$1
index=${2:-}
engine=${ENGINE:-docker}
name=icd-cascade-trial-$$
folder=$(mktemp -d)
mkdir -m 0777 "$folder/secrets"
trap '$engine rm --force "$name" >/dev/null 2>&1; $engine volume rm "$name" >/dev/null 2>&1; rm -rf "$folder"' EXIT

fail() { echo "failed: $*" >&2; $engine logs "$name" >&2 || true; exit 1; }
runs() { [ -n "$($engine ps --quiet --filter "name=$name")" ]; }
inside() { $engine exec "$name" "$@"; }
healthy() { inside python -c "$check" 2>/dev/null; }
hardened() {
  # shellcheck disable=SC2086
  $engine run --read-only --tmpfs /tmp --cap-drop ALL --security-opt no-new-privileges ${RUN_FLAGS:-} "$@"
}

# The image's own HEALTHCHECK, run by hand: an engine without systemd does not run it.
check=$($engine image inspect "$image" | grep -o 'from urllib[^"\\]*' | head -n 1)
[ -n "$check" ] || fail "the image has no HEALTHCHECK"
hardened --rm -v "$folder/secrets:/run/secrets/icd-cascade" "$image" \
  keys --file /run/secrets/icd-cascade/keys.json create trial --scopes code > "$folder/key"
set -- --detach --name "$name" -v "$folder/secrets:/run/secrets/icd-cascade:ro" -v "$name:/var/lib/icd-cascade"
[ -z "$index" ] || set -- "$@" -v "$(realpath "$index"):/srv/icd-cascade/artifacts:ro"
hardened "$@" "$image" >/dev/null

tries=0
until healthy; do
  tries=$((tries + 1))
  [ "$tries" -lt 120 ] && runs || fail "not ready"
  sleep 1
done
echo "ready: HEALTHCHECK passes"

[ "$(inside id -u)" = 10001 ] || fail "runs as $(inside id -u)"
for place in / /opt/icd-cascade /srv/icd-cascade/artifacts /etc; do
  ! inside sh -c "touch $place/trial" 2>/dev/null || fail "$place is writable"
done
inside sh -c 'touch /tmp/trial /var/lib/icd-cascade/trial' || fail "/tmp or /var/lib/icd-cascade is not writable"
echo "user 10001; root read-only; /tmp and /var/lib/icd-cascade writable"

ask='
import json, sys, urllib.error, urllib.request
headers = {"Content-Type": "application/json"} | ({"Authorization": "Bearer " + sys.argv[1]} if sys.argv[1] else {})
note = json.dumps({"text": "ASSESSMENT: Type 2 diabetes with neuropathy."}).encode()
try:
    answer = urllib.request.urlopen(urllib.request.Request("http://127.0.0.1:8080/v1/code", note, headers), timeout=60)
    print(" ".join(code["code"] for code in json.load(answer)["codes"]))
except urllib.error.HTTPError as error:
    print(error.code)
'
codes=$(inside python -c "$ask" "$(cat "$folder/key")")
case " $codes " in *" E11.40 "*) echo "/v1/code answers: $codes" ;; *) fail "/v1/code answers: $codes" ;; esac
[ "$(inside python -c "$ask" '')" = 401 ] || fail "/v1/code answers without a key"
echo "/v1/code without a key: 401"

$engine kill --signal TERM "$name" >/dev/null
! healthy || fail "still ready after SIGTERM"
runs || fail "gone at once after SIGTERM: no drain"
echo "SIGTERM: not ready, still serving"
status=$($engine wait "$name")
[ "$status" = 0 ] || fail "exit status $status after SIGTERM"
echo "drained, exit status 0"
