#!/bin/sh
# What the browser tests need: Debian's Chromium and Chinese fonts. Elsewhere any Chromium on the PATH serves.
set -eu

missing=""
command -v chromium >/dev/null 2>&1 || command -v google-chrome >/dev/null 2>&1 || missing="$missing chromium"
[ -d /usr/share/fonts/opentype/noto ] || [ "$(id -u)" != 0 ] || missing="$missing fonts-noto-cjk"
[ -n "$missing" ] || exit 0

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    echo "setup: missing on this system (Debian names):$missing - the browser tests need it" >&2
    exit 0
fi
echo "setup: installing$missing"
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT
apt-get update >"$log" 2>&1 || { tail -20 "$log" >&2; exit 1; }
# shellcheck disable=SC2086  # a list of names
apt-get install -y --no-install-recommends $missing >"$log" 2>&1 || { tail -20 "$log" >&2; exit 1; }
