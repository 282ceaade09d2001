#!/bin/sh
# Installs the programs that some tests run ours against (Debian and its kin; needs root).
set -eu

export DEBIAN_FRONTEND=noninteractive
# The packages would start their programs as services; the tests run them by themselves.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' > "$policy"
  chmod 755 "$policy"
  trap 'rm -f "$policy"' EXIT
fi
apt-get update -qq
apt-get install -y -qq --no-install-recommends \
  tinyproxy haproxy nginx-light caddy apache2 git chromium \
  p7zip-full libarchive-tools unzip python3 python3-venv procps \
  curl wget2 axel aria2 slowhttptest ffuf wrk

# What no package of Debian has goes outside the tree.
tools="${XDG_CACHE_HOME:-$HOME/.cache}/ptth-test-programs"

# REDbot, which judges headers, in an environment of its own.
redbot="$tools/redbot"
if [ ! -x "$redbot/bin/redbot" ]; then
  python3 -m venv "$redbot"
  "$redbot/bin/pip" install -q redbot==2.7.1 httplint==2026.10.4
fi

# Vite, a dev server, which needs Node.js 20.19 or newer.
vite="$tools/vite"
if [ ! -x "$vite/node_modules/.bin/vite" ]; then
  if command -v npm >/dev/null; then
    mkdir -p "$vite"
    npm install --silent --no-audit --no-fund --prefix "$vite" vite@8.3.8
  else
    echo "WARNING: npm IS NOT INSTALLED: tests that want Vite are skipped" >&2
  fi
fi
