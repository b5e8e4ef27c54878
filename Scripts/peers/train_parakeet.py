"""Trains a FastConformer-CTC by transformers and PyTorch for a given wall time, to measure against.

  python Scripts/peers/train_parakeet.py TRAIN DEV --minutes 10 [--choose HELD --hidden 144 --layers 8 …]
  python Scripts/peers/train_parakeet.py TRAIN DEV --minutes 3 --from Models/english-small --lr 3e-4
  python Scripts/peers/train_parakeet.py TRAIN --steps-only 20

TRAIN and DEV are manifests: one JSON object a line, `audio_filepath` (relative to the manifest), `text`.
Features are ParakeetFeatureExtractor's, computed once before the clock starts. The learning rate warms
up over the first tenth of the time and then falls as a cosine. At the end DEV is decoded greedily, by the last
weights or, with --choose, by those of ten moments (while the clock stands still) that err least on HELD.
The last line printed is JSON: seconds of audio a second of training, steps, parameters, CER, WER.

Measure on a machine that is otherwise idle: PyTorch's threads wait for each other by spinning, and
two of them on a core that something else uses fall to a tenth of their speed.

Requirements: Scripts/golden/requirements.txt and soxr==1.1.0
"""

import argparse
import json
import math
import random
import sys
import time
import unicodedata
from pathlib import Path

import numpy as np
import soundfile
import soxr
import torch
from transformers import ParakeetCTCConfig, ParakeetFeatureExtractor, ParakeetForCTC
from transformers.utils import logging

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "results"))
from harness import edits  # noqa: E402

RATE = 16000
FRAMES_A_SECOND = 100


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("train")
    parser.add_argument("dev", nargs="?", help="needed unless --steps-only")
    parser.add_argument("--minutes", type=float, default=10, help="wall time of training")
    parser.add_argument("--choose", metavar="HELD", help="manifest by which the best weights are chosen")
    parser.add_argument("--steps-only", type=int, metavar="N", help="time N steps and end")
    parser.add_argument("--from", dest="start", help="model directory to fine-tune; its sizes are kept, and its labels "
                        "where they suffice, else the output layer begins anew")
    parser.add_argument("--hidden", type=int, default=144)
    parser.add_argument("--layers", type=int, default=8)
    parser.add_argument("--heads", type=int, default=4)
    parser.add_argument("--intermediate", type=int, help="default four times --hidden")
    parser.add_argument("--kernel", type=int, default=9)
    parser.add_argument("--factor", type=int, default=4, help="subsampling: 2, 4, 8")
    parser.add_argument("--channels", type=int, default=64, help="of the subsampling convolutions")
    parser.add_argument("--mels", type=int, default=80)
    parser.add_argument("--dropout", type=float, default=0.1)
    parser.add_argument("--lr", type=float, default=1e-3, help="highest learning rate")
    parser.add_argument("--weight-decay", type=float, default=0.01)
    parser.add_argument("--clip", type=float, default=1.0, help="largest norm of the gradient")
    parser.add_argument("--batch-seconds", type=float, default=60, help="audio in a batch, padding included")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--bfloat16", action="store_true", help="autocast to bfloat16")
    parser.add_argument("--no-augment", action="store_true", help="train without SpecAugment")
    parser.add_argument("--limit", type=int, help="use only the first so many utterances of each manifest")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", help="directory to save the network in")
    parser.add_argument("--hypotheses", help="file for what was heard in DEV: JSON lines")
    given = parser.parse_args()
    if given.dev is None and given.steps_only is None:
        parser.error("DEV is needed unless --steps-only is given")
    return given


def normalise(text):
    """NFC, lower case, one apostrophe, punctuation dropped, whitespace folded."""
    text = unicodedata.normalize("NFC", text).lower().replace("\u2019", "'").replace("\u02bc", "'")
    kept = (c if c == "'" or unicodedata.category(c)[0] in "LMN" else " " for c in text)
    return " ".join("".join(kept).split())


def load(manifest, given, extractor):
    """[(features [frames, mels], text, path)], the audio resampled to 16 kHz."""
    utterances = []
    lines = [line for line in Path(manifest).read_text().splitlines() if line.strip()]
    for line in lines[: given.limit]:
        entry = json.loads(line)
        path = Path(manifest).parent / entry["audio_filepath"]
        with soundfile.SoundFile(path) as file:
            file.seek(int(entry.get("offset", 0) * file.samplerate))
            wanted = int(entry["duration"] * file.samplerate) if "offset" in entry else -1
            samples = file.read(wanted, dtype="float32", always_2d=True).mean(1)
            if file.samplerate != RATE:
                samples = soxr.resample(samples, file.samplerate, RATE)
        if len(samples) < 10 * extractor.hop_length:
            continue
        got = extractor(samples, sampling_rate=RATE, return_tensors="pt")
        utterances.append((got["input_features"][0][got["attention_mask"][0]], normalise(entry["text"]),
                           entry["audio_filepath"]))
    return utterances


def own_labels(directory):
    """A model's labels as characters, without the blank, which is last."""
    vocabulary = json.loads((Path(directory) / "tokenizer.json").read_text())["model"]["vocab"]
    pairs = vocabulary.items() if isinstance(vocabulary, dict) else ((t[0], i) for i, t in enumerate(vocabulary))
    size = json.loads((Path(directory) / "config.json").read_text())["vocab_size"]
    texts = {index: " " if token in ("▁", "|", " ") else token for token, index in pairs}
    return [texts[index] for index in range(size - 1)]


def batches(utterances, given):
    """Indices of utterances alike in length, padded length within --batch-seconds."""
    found, batch = [], []
    for index in sorted(range(len(utterances)), key=lambda i: len(utterances[i][0])):
        if batch and len(utterances[index][0]) * (len(batch) + 1) > given.batch_seconds * FRAMES_A_SECOND:
            found.append(batch)
            batch = []
        batch.append(index)
    return found + [batch]


def collate(chosen):
    features = torch.nn.utils.rnn.pad_sequence([f for f, *_ in chosen], batch_first=True)
    lengths = torch.tensor([len(f) for f, *_ in chosen])
    return features, torch.arange(features.shape[1]) < lengths[:, None], lengths


def augment(features, lengths, source):
    """SpecAugment as NeMo has it: two bands of up to 27 mels and ten spans of up to 5 % of the frames, set to the mean."""
    features = features.clone()
    for i, frames in enumerate(lengths.tolist()):
        for _ in range(2):
            width = source.randint(0, 27)
            start = source.randint(0, features.shape[2] - width)
            features[i, :, start : start + width] = 0
        for _ in range(10):
            width = source.randint(0, max(1, frames // 20))
            start = source.randint(0, frames - width)
            features[i, start : start + width] = 0
    return features


@torch.no_grad()
def score(model, utterances, labels, given):
    """(CER, WER, [(path, reference, hypothesis)])"""
    model.eval()
    letters = words = wrong_letters = wrong_words = 0
    examples = []
    for batch in batches(utterances, given):
        chosen = [utterances[i] for i in batch]
        features, mask, _ = collate(chosen)
        ids = model.generate(input_features=features, attention_mask=mask)
        for (_, reference, path), row in zip(chosen, ids.tolist()):
            blank = model.config.pad_token_id
            text = "".join(labels[k] for k, before in zip(row, [blank] + row) if k != before and k != blank)
            text = " ".join(text.split())
            letters += len(reference)
            wrong_letters += edits(reference, text)
            words += len(reference.split())
            wrong_words += edits(reference.split(), text.split())
            examples.append((path, reference, text))
    return wrong_letters / max(1, letters), wrong_words / max(1, words), examples


def main():
    given = arguments()
    logging.set_verbosity_error()
    torch.set_num_threads(given.threads)
    torch.manual_seed(given.seed)
    source = random.Random(given.seed)
    extractor = ParakeetFeatureExtractor(feature_size=given.mels)

    start = time.monotonic()
    train = load(given.train, given, extractor)
    labels = sorted(set("".join(text for _, text, _ in train)) | {" "})
    if given.start:
        known = own_labels(given.start)
        if set(labels) <= set(known):
            labels = known
    blank = len(labels)
    ids = {c: i for i, c in enumerate(labels)}
    config = ParakeetCTCConfig(
        vocab_size=len(labels) + 1, pad_token_id=blank, ctc_zero_infinity=True,
        encoder_config=dict(
            hidden_size=given.hidden, num_hidden_layers=given.layers, num_attention_heads=given.heads,
            intermediate_size=given.intermediate or 4 * given.hidden, conv_kernel_size=given.kernel,
            subsampling_factor=given.factor, subsampling_conv_channels=given.channels, num_mel_bins=given.mels,
            dropout=given.dropout, activation_dropout=given.dropout, attention_dropout=given.dropout, layerdrop=0.0,
        ),
    )
    if given.start:
        # Without the names of before, a layer of another size begins at random.
        model = ParakeetForCTC.from_pretrained(
            given.start, vocab_size=blank + 1, pad_token_id=blank, ignore_mismatched_sizes=True, ctc_zero_infinity=True)
        model = model.float()
    else:
        model = ParakeetForCTC(config)
    reach = model._get_subsampling_output_length(torch.tensor([len(f) for f, *_ in train])).tolist()
    needed = [len(t) + sum(a == b for a, b in zip(t, t[1:])) for _, t, _ in train]
    kept = [u for u, frames, least in zip(train, reach, needed) if u[1] and frames >= least]
    print(f"{len(kept)} utterances of {len(train)}, features in {time.monotonic() - start:.1f} s, "
          f"{sum(p.numel() for p in model.parameters()):,} parameters, {len(labels)} labels, {given.threads} threads")
    train = kept
    if not train:
        raise SystemExit(f"{given.train}: no utterance that can be trained on")
    if given.dev:
        dev = load(given.dev, given, extractor)
    held = load(given.choose, given, extractor) if given.choose else []
    least, best, looks = math.inf, None, 0

    def look():
        """Keeps the weights where they err least."""
        nonlocal least, best
        cer, _, _ = score(model, held, labels, given)
        print(f"step {steps}, {100 * cer:.2f} % of what chooses wrong", flush=True)
        if cer <= least:
            least, best = cer, {name: value.clone() for name, value in model.state_dict().items()}
        model.train()

    optimiser = torch.optim.AdamW(model.parameters(), lr=given.lr, betas=(0.9, 0.98), weight_decay=given.weight_decay)
    plan = batches(train, given)
    limit = given.minutes * 60
    warm = 2 if given.steps_only else 0
    steps, audio, padded, recent, epoch = 0, 0.0, 0.0, [], 0
    model.train()
    begin = time.monotonic()
    done = False
    while not done:
        source.shuffle(plan)
        for batch in plan:
            spent = time.monotonic() - begin
            if given.steps_only:
                done, rate = steps == given.steps_only + warm, given.lr
                if steps == warm:
                    # The first steps allocate memory and choose kernels.
                    begin, audio, padded = time.monotonic(), 0.0, 0.0
            else:
                part = spent / limit
                done = part >= 1
                rate = given.lr * min(part / 0.1, 0.5 + 0.5 * math.cos(math.pi * min(1, max(0, part - 0.1) / 0.9)))
            if done:
                break
            for group in optimiser.param_groups:
                group["lr"] = rate
            chosen = [train[i] for i in batch]
            features, mask, lengths = collate(chosen)
            if not given.no_augment:
                features = augment(features, lengths, source)
            rows = [torch.tensor([ids[c] for c in text]) for _, text, _ in chosen]
            target = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=-100)
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=given.bfloat16):
                loss = model(input_features=features, attention_mask=mask, labels=target).loss
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), given.clip)
            optimiser.step()
            steps += 1
            audio += lengths.sum().item() / FRAMES_A_SECOND
            padded += mask.numel() / FRAMES_A_SECOND
            recent.append(loss.item())
            if held and (time.monotonic() - begin) / limit >= (looks + 1) / 10:
                paused = time.monotonic()
                look()
                looks += 1
                begin += time.monotonic() - paused
        else:
            epoch += 1
        if recent and not given.steps_only:
            print(f"epoch {epoch}, step {steps}, {time.monotonic() - begin:.0f} s, loss {np.mean(recent):.4f}", flush=True)
            recent = []
    spent = time.monotonic() - begin
    if held:
        look()
        model.load_state_dict(best)

    result = {
        "seconds_of_audio_a_second": round(audio / spent, 2), "with_padding": round(padded / spent, 2),
        "steps": steps - warm, "whole_epochs": epoch, "training_seconds": round(spent, 1),
        "parameters": sum(p.numel() for p in model.parameters()), "threads": given.threads,
        "bfloat16": given.bfloat16, "torch": torch.__version__,
    }
    if given.output:
        model.save_pretrained(given.output)
    if given.dev and not given.steps_only:
        cer, wer, examples = score(model, dev, labels, given)
        if given.hypotheses:
            with open(given.hypotheses, "w") as file:
                for path, reference, text in examples:
                    file.write(json.dumps({"utterance": path, "reference": reference, "hypothesis": text}) + "\n")
        for _, reference, text in random.Random(0).sample(examples, min(3, len(examples))):
            print(f"  said  {reference}\n  heard {text}")
        result |= {"dev_cer": round(cer, 4), "dev_wer": round(wer, 4), "dev_utterances": len(dev)}
    print(json.dumps(result))


if __name__ == "__main__":
    main()
