"""Golden data for the acoustic presets: what each library makes of the same recordings.

    python Scripts/golden/presets.py        # writes Tests/Golden/features/presets

requirements: Scripts/golden/requirements-presets.txt, with which the data was made. Those of features.py
are others: kaldi-native-fbank 1.22.5 and torch 2.15.0 made its data, 1.23.0 and 2.13.0 this.

Written there: the recordings as 16-bit FLAC, which the tests read too; <preset>.<recording>.npy, whole
or, where index.json lists `rows`, only those; index.json; and defaults.json, the parameters as the
libraries state them. `ownError` is the largest difference from presets_reference.py divided by the
largest value of that; `ownAbsoluteError` is the difference itself; `counted`, the frames that a library
does not mask. Where there is no file, `error` has what the original says, or it gives no frames.

At rates but 16 kHz only half a second is resampled speech and has a FLAC, so that the data stays small.
The other lengths are declared: `count` samples of `source` from `offset` on, which go on from its
beginning after its end, taken for samples at `sampleRate`. Of the long ones 28 rows are kept at most.
What torchaudio finds too short to mirror has an `error` and the reference alone.

Kaldi's pitch tracker works in float32, where paths over the lags tie that differ by 1e-9 of their cost:
one frame in twelve of a minute is off by a lag or a few (0.5 % each). What the reference makes of
the recording is therefore beside it, as `reference`, for a tracker in float64 to compare with.
"""

import itertools
import json
import os
import pathlib
import warnings

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import numpy as np
import soundfile
import soxr

from presets_peers import PEERS, defaults
from presets_reference import REFERENCES

repository = pathlib.Path(__file__).resolve().parents[2]
samples_folder = repository / "AudioSamples"
output = repository / "Tests" / "Golden" / "features" / "presets"

LONG = {"speech-7s", "speech-61s"}
# What goes on from another preset's features depends on the rate and the level through them alone.
DERIVED = {"speech-20ms", "speech-500ms", "silence", *LONG}
IN_CONTEXT = {"speech-20ms", "speech-500ms", "speech-7s"}
RATES = {"8k": 8000, "22k": 22050, "44k": 44100, "48k": 48000}
# Seconds, and the sample of speech-61s that comes first: 20 ms are within a loud vowel.
LENGTHS = {"20ms": (0.02, 265_000), "7s": (7.3, 400_000), "61s": (61, 0)}
ROWS = 24  # of a declared recording, and two more at either end: 0.5 MB in all
# For no more than half a frame torchaudio refuses to mirror; the reference goes on mirroring.
MIRRORED = {"torchaudio-mel", "torchaudio-mfcc"}


def speech():
    """A minute of the Scottish test clips at 16 kHz, one after the other."""
    lines = (samples_folder / "scottish-test.jsonl").read_text().splitlines()[:20]
    clips = [samples_folder / json.loads(line)["audio_filepath"] for line in lines]
    return np.concatenate([soundfile.read(clip, dtype="float32")[0] for clip in clips])


def recordings():
    """[(name, samples, rate)], before they are rounded to 16 bits."""
    voice = speech()
    words = voice[8_000:24_000]
    short = slice(4_000, 12_000)
    yield "speech-20ms", voice[12_000:12_320], 16000
    yield "speech-500ms", words[short], 16000
    yield "speech-7s", voice[: 16000 * 73 // 10], 16000
    yield "speech-61s", 0.25 * voice[: 16000 * 61], 16000  # quieter, and a quarter smaller as FLAC
    yield "speech-odd", words[short][:4_321], 16000  # no whole number of any hop; 25 frames of Kaldi
    for name, rate in RATES.items():
        there = soxr.resample(words, 16000, rate, "VHQ")
        yield f"speech-{name}", there[rate // 4 : rate // 4 + rate // 2], rate
    yield "silence", np.zeros(8_000, np.float32), 16000
    yield "clipped", np.clip(8 * words[short], -1, 1), 16000
    yield "tone", 0.5 * np.sin(2 * np.pi * 1000 * np.arange(8_000) / 16000), 16000


def declared(minute):
    """[(name, samples, rate, what the index says of them)], of the samples of speech-61s."""
    for (length, (seconds, offset)), (name, rate) in itertools.product(LENGTHS.items(), RATES.items()):
        count = round(seconds * rate)
        samples = minute[(offset + np.arange(count)) % len(minute)]
        origin = {"source": "speech-61s", "offset": offset, "count": count}
        yield f"speech-{length}-{name}", samples, rate, origin


def written(name, samples, rate):
    """The samples as the FLAC holds them."""
    path = output / f"{name}.flac"
    soundfile.write(path, samples, rate, subtype="PCM_16")
    return soundfile.read(path, dtype="float32")[0]


def applies(preset, recording):
    if preset == "deepspeech-context":
        return recording in IN_CONTEXT
    return recording in DERIVED or not ("deltas" in preset or "cmvn" in preset)


def kept(preset, recording, frames):
    """The rows to store, or nothing for all of them."""
    if recording in LONG:
        step = 961 if preset == "wav2vec2" else 31  # a row of wav2vec2 is one sample
        return sorted({*range(0, frames, step), *range(3), *range(frames - 3, frames)})
    if preset.startswith("whisper"):
        return [*range(55), *range(frames - 3, frames)]  # half a second, then 30 s of the same
    return None


def spread(frames):
    """As `kept`, of a declared recording: at even distances, and three at either end."""
    if frames <= ROWS:
        return None
    even = np.linspace(0, frames - 1, ROWS).round().astype(int).tolist()
    return sorted({*even, *range(3), *range(frames - 3, frames)})


def difference(values, reference):
    """The largest difference from the reference, absolute and relative to the largest value; no
    relative one where the reference is zero but for rounding."""
    assert reference.shape == values.shape, (reference.shape, values.shape)
    absolute, largest = np.abs(values - reference).max(), np.abs(reference).max()
    return float(f"{absolute:.3g}"), float(f"{absolute / largest:.3g}") if largest > 1e-6 else None


def store(name, values, rows):
    """The rows, or all of them, as float32; gives the file's name."""
    chosen = values if rows is None else values[rows]
    np.save(output / f"{name}.npy", np.ascontiguousarray(chosen, np.float32))
    return f"{name}.npy"


def entry(preset, recording, samples, rate, origin=None):
    """One line of the index; stores what the original gives, if it gives numbers."""
    peer, extract = PEERS[preset]
    line = {
        "preset": preset, "recording": recording, "file": None, "sampleRate": rate, "frames": 0,
        "bins": None, "counted": None, "rows": None, "peer": peer, "ownError": None,
        "ownAbsoluteError": None, "error": None, **(origin or {}),
    }
    try:
        values, line["counted"] = extract(samples, rate)
    except Exception as error:
        line["error"] = f"{type(error).__name__}: {' '.join(str(error).split())}"[:600]
        if preset in MIRRORED:
            reference = REFERENCES[preset](samples.astype(np.float64), rate)
            line["frames"], line["bins"] = reference.shape
            line["reference"] = store(f"{preset}.{recording}.reference", reference, None)
        return line
    values = np.asarray(values, np.float32)
    line["frames"], line["bins"] = values.shape
    if values.size == 0:
        return line
    if not np.isfinite(values).all():
        line["error"] = f"{np.isnan(values).sum()} NaN of {values.size} values"
        return line
    reference = REFERENCES[preset](samples.astype(np.float64), rate)
    line["ownAbsoluteError"], line["ownError"] = difference(values, reference)
    line["rows"] = spread(len(values)) if origin else kept(preset, recording, len(values))
    line["file"] = store(f"{preset}.{recording}", values, line["rows"])
    if preset == "kaldi-pitch":
        line["reference"] = store(f"{preset}.{recording}.reference", reference, line["rows"])
    return line


def save_lines(name, lines):
    """A JSON list, an element a line."""
    (output / name).write_text("[\n" + ",\n".join(json.dumps(line) for line in lines) + "\n]\n")


def main():
    output.mkdir(parents=True, exist_ok=True)
    for old in itertools.chain(output.glob("*.npy"), output.glob("*.flac")):
        old.unlink()
    index = []
    for recording, samples, rate in recordings():
        samples = written(recording, samples, rate)
        for preset in PEERS:
            if applies(preset, recording):
                index.append(entry(preset, recording, samples, rate))
    taken = {(line["preset"], line["sampleRate"]) for line in index if line["frames"]}
    minute = soundfile.read(output / "speech-61s.flac", dtype="float32")[0]
    for recording, samples, rate, origin in declared(minute):
        for preset in PEERS:
            if applies(preset, recording) and (preset, rate) in taken:
                index.append(entry(preset, recording, samples, rate, origin))
    save_lines("index.json", sorted(index, key=lambda line: list(PEERS).index(line["preset"])))
    (output / "defaults.json").write_text(json.dumps(defaults(), indent=1) + "\n")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
