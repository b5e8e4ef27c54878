"""Opens a model directory that Idiolect wrote, in transformers, and compares what both make of a clip.

  python Scripts/golden/roundtrip.py MODEL AUDIO LOGITS TEXT [--tolerance 1e-4]

  MODEL      directory: config.json, model.safetensors, processor_config.json, tokenizer.json, …
  AUDIO      a mono clip that soundfile reads, at the model's sample rate
  LOGITS     Idiolect's logits of the whole clip, .npy, [frames', labels] or [1, frames', labels];
             with or without the frame that is padding (it is compared if it is there)
  TEXT       Idiolect's greedy text, or @FILE to read it from (one trailing newline is dropped)
  TOLERANCE  the largest difference allowed, as a share of the largest logit

Prints the worst difference and both texts; ends with 1 when logits or texts disagree, else 0.
Requirements: Scripts/golden/requirements.txt
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import soundfile
import torch
from transformers import AutoModelForCTC, AutoProcessor
from transformers.utils import logging


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("audio")
    parser.add_argument("logits")
    parser.add_argument("text")
    parser.add_argument("--tolerance", type=float, default=1e-4)
    return parser.parse_args()


def main():
    given = arguments()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    processor = AutoProcessor.from_pretrained(given.model, local_files_only=True)
    # float32 is asked for: weights stored as float16 would otherwise make a float16 network.
    model, opened = AutoModelForCTC.from_pretrained(
        given.model, local_files_only=True, dtype=torch.float32, output_loading_info=True
    )
    model.eval()
    wrong = []
    for kind in ["missing_keys", "unexpected_keys", "mismatched_keys"]:
        if opened.get(kind):
            # transformers fills what is missing with random numbers, and only warns.
            wrong.append(f"{kind}: {sorted(map(str, opened[kind]))[:5]}")

    samples, rate = soundfile.read(given.audio, dtype="float32")
    if samples.ndim != 1:
        sys.exit(f"{given.audio}: {samples.shape[1]} channels; give a mono clip")
    inputs = processor(samples, sampling_rate=rate)
    with torch.no_grad():
        expected = model(**inputs).logits[0].numpy()
    valid = int(model._get_subsampling_output_length(inputs["attention_mask"].sum(-1))[0])

    logits = np.load(given.logits)
    logits = logits[0] if logits.ndim == 3 else logits
    if logits.shape[0] == valid:
        expected = expected[:valid]
    if logits.shape != expected.shape:
        wrong.append(f"logits {logits.shape} against {expected.shape} ({valid} frames are not padding)")
    elif not np.isfinite(logits).all() or not np.isfinite(expected).all():
        wrong.append("logits that are not finite")
    else:
        difference = np.abs(logits.astype(np.float64) - expected)
        worst = np.unravel_index(difference.argmax(), difference.shape)
        relative = difference.max() / np.abs(expected).max()
        print(f"logits {logits.shape}: worst relative difference {relative:.3g} at frame {worst[0]}, label {worst[1]}")
        if relative > given.tolerance:
            wrong.append(f"logits differ by {relative:.3g}, more than {given.tolerance:g}")

    text = Path(given.text[1:]).read_text().removesuffix("\n") if given.text.startswith("@") else given.text
    generated = model.generate(**inputs)
    print(f"Idiolect      {text!r}")
    for skip in [False, True]:
        got = processor.batch_decode(generated, skip_special_tokens=skip)[0]
        print(f"transformers  {got!r}  skip_special_tokens={skip}  {'same' if got == text else 'DIFFERENT'}")
        if got != text:
            wrong.append(f"texts differ (skip_special_tokens={skip})")

    for line in wrong:
        print("disagreement:", line, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
