#!/bin/sh
# What `make setup` needs from the system: Java and Maven (Kafka), npm (public schemas), a C compiler, a PostgreSQL server (tests).
# On Debian or Ubuntu as root it installs what is missing; elsewhere it says in one line what that is.
set -eu

missing=""
command -v java >/dev/null 2>&1 || missing="$missing openjdk-17-jre-headless"
[ -n "${KAFKA_HOME:-}" ] || command -v mvn >/dev/null 2>&1 || missing="$missing maven"
command -v npm >/dev/null 2>&1 || missing="$missing nodejs npm"
command -v cc >/dev/null 2>&1 || missing="$missing gcc libc6-dev"
header='import os, sysconfig; raise SystemExit(not os.path.exists(sysconfig.get_path("include") + "/Python.h"))'
"${PYTHON:-python3}" -c "$header" || missing="$missing python3-dev"
if ! command -v initdb >/dev/null 2>&1 && ! ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; then
    missing="$missing postgresql"
elif [ "$(id -u)" = 0 ] && ! id postgres >/dev/null 2>&1; then
    missing="$missing postgresql" # the server refuses root: it runs as the user that this package brings
fi
# Only tests of publishers use kcat, javac and go, only clock steps in fault runs use faketime; older systems have no such packages.
wanted=""
command -v kcat >/dev/null 2>&1 || wanted="kcat"
command -v javac >/dev/null 2>&1 || wanted="${wanted:+$wanted }openjdk-17-jdk-headless"
command -v go >/dev/null 2>&1 || wanted="${wanted:+$wanted }golang-go"
command -v faketime >/dev/null 2>&1 || wanted="${wanted:+$wanted }faketime"
[ -n "$missing$wanted" ] || exit 0

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    [ -z "$missing" ] ||
        echo "setup: missing on this system (Debian names):$missing - demo needs Java and Maven, the tests PostgreSQL and a C compiler too" >&2
    [ -z "$wanted" ] || echo "setup: without $wanted (Debian names) what uses it is skipped" >&2
    exit 0
fi

echo "setup: installing$missing${wanted:+ $wanted}"
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT
quietly() { "$@" >"$log" 2>&1 || { tail -20 "$log" >&2; return 1; }; }
quietly apt-get update
case "$missing" in *postgresql*)
    # We start servers of our own: Debian's package must not start one beside them.
    quietly apt-get install -y --no-install-recommends postgresql-common
    sed -i 's/^#\?create_main_cluster.*/create_main_cluster = false/' /etc/postgresql-common/createcluster.conf ;;
esac
# shellcheck disable=SC2086  # a list of names
[ -z "$missing" ] || quietly apt-get install -y --no-install-recommends $missing
for package in $wanted; do
    apt-get install -y --no-install-recommends "$package" >"$log" 2>&1 ||
        echo "setup: no package $package here: what uses it is skipped"
done
