#!/bin/sh
# Trains the model of synthetic faces: build.sh <folder of portraits> <synthetic-face.bin>
set -eu
here=$(dirname "$0")
points=$(mktemp)
trap 'rm -f "$points"' EXIT
node "$here/landmarks.mjs" "$1" "$points"
python3 "$here/train.py" "$1" "$points" "$2"
sha256sum "$2"
