"""Reads event files with TensorBoard and prints what it finds, to compare with metrics.jsonl beside them.

  python Scripts/golden/event_files.py RUN/training

Requirements: tensorboard==2.21.0
"""

import json
import sys
from pathlib import Path

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

directory = Path(sys.argv[1])
events = EventAccumulator(str(directory / "tensorboard"), size_guidance={"scalars": 0})
events.Reload()
names = {"loss": "train/loss", "learning_rate": "train/learning_rate", "gradient_norm": "train/gradient_norm",
         "dev_cer": "dev/cer", "dev_wer": "dev/wer"}
lines = [json.loads(line) for line in (directory / "metrics.jsonl").read_text().splitlines()]
for key, tag in names.items():
    wanted = [(line["step"], line[key]) for line in lines if line.get(key) is not None]
    found = [(e.step, e.value) for e in events.Scalars(tag)] if wanted else []
    worst = max((abs(a[1] - b[1]) for a, b in zip(wanted, found)), default=0)
    same = [a[0] for a in wanted] == [a[0] for a in found]
    print(f"{tag}: {len(found)} of {len(wanted)} values, steps {'the same' if same else 'DIFFERENT'}, worst {worst:.2g}")
