"""The smallest set of files beside model.safetensors that transformers opens as a speech recogniser.

Writes Tests/Golden/parakeet/processor-example/ by hand (config.json, processor_config.json,
tokenizer.json, tokenizer_config.json; no weights), for a network that reads 80 mels and writes one
character a label: WordLevel, a space like any other label, a decoder that fuses, the blank at index 5.
Then it proves, with random weights in a temporary directory, that AutoModelForCTC and AutoProcessor
open it and that text survives encoding and decoding; and prints what fails when each part is left out.

Run: python Scripts/golden/processor_example.py   (requirements: Scripts/golden/requirements.txt)
"""

import copy
import json
import tempfile
from pathlib import Path

import numpy as np
import torch
from transformers import AutoConfig, AutoModelForCTC, AutoProcessor, ParakeetForCTC
from transformers.utils import logging

from common import GOLDEN

logging.set_verbosity_error()
logging.disable_progress_bar()
BLANK = 5
LABELS = [" ", "'", "a", "b", "c", "<pad>", "d", "é", "ɔ", "n"]

FILES = {
    "config.json": {
        "architectures": ["ParakeetForCTC"],
        "model_type": "parakeet_ctc",
        "dtype": "float32",
        "vocab_size": len(LABELS),
        "pad_token_id": BLANK,
        "ctc_loss_reduction": "mean",
        "ctc_zero_infinity": True,
        "encoder_config": {
            "model_type": "parakeet_encoder",
            "hidden_size": 32,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "intermediate_size": 64,
            "hidden_act": "silu",
            "attention_bias": True,
            "convolution_bias": True,
            "conv_kernel_size": 9,
            "subsampling_factor": 4,
            "subsampling_conv_channels": 16,
            "subsampling_conv_kernel_size": 3,
            "subsampling_conv_stride": 2,
            "num_mel_bins": 80,
            "scale_input": True,
            "max_position_embeddings": 5000,
            "dropout": 0.1,
            "dropout_positions": 0.0,
            "layerdrop": 0.0,
            "activation_dropout": 0.1,
            "attention_dropout": 0.1,
        },
    },
    "processor_config.json": {
        "processor_class": "ParakeetProcessor",
        "decoder_type": "ctc",
        # Deliberately no label: a version that ignores decoder_type then still decodes as CTC.
        "blank_token": "<blank>",
        "feature_extractor": {
            "feature_extractor_type": "ParakeetFeatureExtractor",
            "feature_size": 80,
            "sampling_rate": 16000,
            "hop_length": 160,
            "n_fft": 512,
            "win_length": 400,
            "preemphasis": 0.97,
            "padding_side": "right",
            "padding_value": 0.0,
            "return_attention_mask": True,
        },
    },
    "tokenizer_config.json": {
        "tokenizer_class": "ParakeetTokenizer",
        "pad_token": "<pad>",
        "clean_up_tokenization_spaces": False,
    },
    "tokenizer.json": {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {
                "id": BLANK, "content": "<pad>", "single_word": False, "lstrip": False, "rstrip": False,
                "normalized": False, "special": True,
            }
        ],
        "normalizer": None,
        "pre_tokenizer": {"type": "Split", "pattern": {"Regex": "."}, "behavior": "Isolated", "invert": False},
        "post_processor": None,
        "decoder": {"type": "Fuse"},
        "model": {"type": "WordLevel", "vocab": {c: i for i, c in enumerate(LABELS)}, "unk_token": "<pad>"},
    },
}
# unk_token: a character that is no label becomes the blank, and the loss drops blanks from its targets.


def write(directory, files):
    for name, values in files.items():
        (directory / name).write_text(json.dumps(values, indent=2, ensure_ascii=False) + "\n")


def check(directory, expected=None):
    """Returns what is wrong with the directory (or None), and the logits of one clip."""
    processor = AutoProcessor.from_pretrained(directory, local_files_only=True)
    model = AutoModelForCTC.from_pretrained(directory, local_files_only=True)
    wrong = []
    if type(processor).__name__ != "ParakeetProcessor" or type(model) is not ParakeetForCTC:
        wrong.append(f"opens as {type(processor).__name__}, {type(model).__name__}")
    text = " a'b  ɔcé  nn "
    want = [LABELS.index(c) for c in text]
    audio = np.random.default_rng(0).standard_normal(16000).astype(np.float32)
    inputs = processor(audio, text=text, sampling_rate=16000)
    if inputs["labels"][0].tolist() != want:
        wrong.append(f"encodes to {inputs['labels'][0].tolist()}, not {want}")
    # A network that emits the text: blanks about, a frame repeated, and a blank between equal neighbours.
    frames = torch.tensor([[i for label in want for i in (BLANK, label, label)] + [BLANK] * 3])
    for skip in [False, True]:
        got = processor.batch_decode(frames, skip_special_tokens=skip)
        if got != [text]:
            wrong.append(f"decodes to {got} (skip_special_tokens={skip}), not {[text]}")
    ids = model.generate(**{k: inputs[k] for k in ["input_features", "attention_mask"]})
    plain = processor.batch_decode(ids)
    if plain != processor.batch_decode(ids, skip_special_tokens=True):
        wrong.append("skip_special_tokens matters")
    output = model(**{k: inputs[k] for k in ["input_features", "attention_mask", "labels"]})
    if not torch.isfinite(output.loss):
        wrong.append(f"loss {output.loss}")
    if expected is not None and not torch.allclose(output.logits, expected, atol=1e-5):
        wrong.append("opens without complaint, with other logits")
    return "; ".join(wrong) or None, output.logits.detach()


def variants():
    """Yields other ways to write the same thing."""

    def change(name, *path, to):
        files = copy.deepcopy(FILES)
        inner = files[name]
        for key in path[:-1]:
            inner = inner[key]
        inner[path[-1]] = to
        return files

    yield "with an unk_token that is no label", change("tokenizer.json", "model", "unk_token", to="<unk>")
    yield "with no added tokens", change("tokenizer.json", "added_tokens", to=[])
    files = change("processor_config.json", "blank_token", to="<pad>")
    yield "with <pad> as blank_token", files
    del files["processor_config.json"]["decoder_type"]
    yield "with <pad> as blank_token and no decoder_type", files
    files = copy.deepcopy(FILES)
    files["preprocessor_config.json"] = files.pop("processor_config.json")["feature_extractor"]
    yield "with preprocessor_config.json in place of processor_config.json", files
    yield "with dtype float16", change("config.json", "dtype", to="float16")


def ablations():
    """Yields each file, and each key of each file (nested ones too), left out."""
    for name, values in FILES.items():
        yield name, {k: v for k, v in FILES.items() if k != name}

        def keys(values, path=()):
            for key, value in values.items():
                yield (*path, key)
                if isinstance(value, dict) and key not in ("vocab", "pattern"):
                    yield from keys(value, (*path, key))

        for path in keys(values):
            files = copy.deepcopy(FILES)
            inner = files[name]
            for key in path[:-1]:
                inner = inner[key]
            del inner[path[-1]]
            yield f"{name} {'.'.join(path)}", files


if __name__ == "__main__":
    example = GOLDEN / "parakeet" / "processor-example"
    example.mkdir(parents=True, exist_ok=True)
    write(example, FILES)
    with tempfile.TemporaryDirectory() as temporary:
        torch.manual_seed(3)
        whole = Path(temporary) / "whole"
        ParakeetForCTC(AutoConfig.from_pretrained(example)).save_pretrained(whole)
        (whole / "generation_config.json").unlink(missing_ok=True)
        write(whole, FILES)
        wrong, expected = check(whole)
        print("the example:", wrong or "opens, encodes, decodes, generates")
        others = [(f"without {name}", files) for name, files in ablations()]
        for number, (what, files) in enumerate([*others, *variants()]):
            part = Path(temporary) / str(number)
            part.mkdir()
            (part / "model.safetensors").symlink_to(whole / "model.safetensors")
            write(part, files)
            try:
                outcome, _ = check(part, expected)
            except Exception as error:
                outcome = f"{type(error).__name__}: {' '.join(str(error).split())[:110]}"
            # What works where a key is left out is often only a default that happens to agree.
            print(f"{what}: {outcome or 'works'}")
    if wrong:
        raise SystemExit(1)
