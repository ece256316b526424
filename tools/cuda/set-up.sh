#!/bin/sh
# Sets Espalier up with TensorFlow on CUDA, on a plain Debian 12 or later, from Debian, PyPI and npm alone:
#
#     sh tools/cuda/set-up.sh            # 3 GB to download, 7 GB on disk
#     sh tools/cuda/set-up.sh cpu        # the same for a machine without a card: 0.3 GB, 1 GB
set -eu
cd "$(dirname "$0")/../.."
kind=${1:-cuda}

apt-get update
apt-get install -y --no-install-recommends ca-certificates g++ nodejs npm python3 python3-pip

# Debian 12 has Node 18: a newer one is in the npm package `node`.
if ! node -e 'const [major, minor] = process.versions.node.split("."); process.exit(major > 20 || (major == 20 && minor >= 19) ? 0 : 1)'; then
  npm install --global node@22
  hash -r
fi

npm ci
npx espalier tensorflow install --download "$kind"
npx espalier doctor
