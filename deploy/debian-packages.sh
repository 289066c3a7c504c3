#!/bin/sh
# Install the Debian packages that a make target needs: `venv`, `test`, `bench`, `bench-edge` or
# `bench-imaging`.
# As root by apt; otherwise it says what is missing, and the tests that need it skip with that reason.
set -eu

missing=""
need() { # program, package
    command -v "$1" >/dev/null 2>&1 || [ -x "/usr/sbin/$1" ] || missing="$missing $2"
}

need_varnish() {
    need varnishd varnish
    [ -n "$(find /usr/lib -name libvmod_xkey.so 2>/dev/null | head -n 1)" ] || missing="$missing varnish-modules"
}

need_edges() {
    need_varnish
    [ -n "$(find /usr/lib -name libvmod_digest.so 2>/dev/null | head -n 1)" ] || missing="$missing varnish-vmod-digest"
    need nginx nginx
    [ -e /usr/lib/nginx/modules/ngx_http_js_module.so ] || missing="$missing libnginx-mod-http-js"
}

case "${1:-}" in
venv) python3 -c 'import ensurepip, venv' 2>/dev/null || missing="python3-venv" ;;
test)
    need_edges
    need chromium chromium
    need pg_lsclusters postgresql
    ;;
bench)
    need wrk wrk
    need curl curl
    need nginx nginx
    need_varnish
    ;;
bench-edge)
    need wrk wrk
    need_edges
    ;;
bench-imaging)
    need nginx nginx
    need node nodejs
    need npm npm
    [ -e /usr/lib/nginx/modules/ngx_http_image_filter_module.so ] || missing="$missing libnginx-mod-http-image-filter"
    ;;
*)
    echo "usage: $0 venv|test|bench|bench-edge|bench-imaging" >&2
    exit 2
    ;;
esac

[ -n "$missing" ] || exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "Installing Debian packages:$missing" >&2
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq >/dev/null
    # shellcheck disable=SC2086
    apt-get install -y -qq --no-install-recommends $missing >/dev/null
else
    echo "MISSING Debian packages:$missing (not root: install them yourself; tests that need them are skipped)" >&2
    [ "$1" != venv ] || exit 1
fi
