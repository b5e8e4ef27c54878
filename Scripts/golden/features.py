"""Golden data for AcousticFeatures: short synthetic recordings and what the peers make of them.

requirements: Scripts/golden/requirements.txt, with which the data was made (the presets have versions of
their own, requirements-presets.txt), and the programs espeak-ng and flite, on the path.

    python Scripts/golden/features.py        # writes Tests/Golden/features
"""

import io
import pathlib
import subprocess
import tempfile

import kaldi_native_fbank as knf
import numpy as np
import soundfile
import soxr
import torch
from tokenizers import Tokenizer, models
from transformers import ParakeetFeatureExtractor, ParakeetProcessor, PreTrainedTokenizerFast

torch.set_num_threads(1)
output = pathlib.Path(__file__).resolve().parents[2] / "Tests" / "Golden" / "features"
output.mkdir(parents=True, exist_ok=True)


def save(name, array):
    np.save(output / f"{name}.npy", np.ascontiguousarray(array, dtype=np.float32))


def espeak(text):
    wav = subprocess.run(
        ["espeak-ng", "-v", "en-us", "--stdout", text], check=True, capture_output=True).stdout
    return soundfile.read(io.BytesIO(wav), dtype="float32")


def flite(text):
    with tempfile.NamedTemporaryFile(suffix=".wav") as file:
        subprocess.run(["flite", "-voice", "slt", "-t", text, "-o", file.name], check=True)
        return soundfile.read(file.name, dtype="float32")


random = np.random.default_rng(20)
first, first_rate = espeak("every voice is its own")
second, second_rate = flite("one two three")
recordings = {
    "espeak": soxr.resample(first, first_rate, 16000, "VHQ")[:20_777],
    "flite": soxr.resample(second, second_rate, 16000, "VHQ")[:16_001],
    "noise": (random.standard_normal(12_343) * np.linspace(0.001, 0.3, 12_343)).astype(np.float32),
}

for name, samples in recordings.items():
    # The tests read the FLAC, so the peers hear what its 16 bits hold.
    soundfile.write(output / f"{name}.flac", samples, 16000, subtype="PCM_16")
    samples, _ = soundfile.read(output / f"{name}.flac", dtype="float32")
    recordings[name] = samples

    result = ParakeetFeatureExtractor()(samples, sampling_rate=16000, return_tensors="pt")
    save(f"{name}.nemo", result["input_features"][0])
    save(f"{name}.nemo.valid", [result["attention_mask"].sum()])
    print(name, len(samples), result["input_features"].shape, int(result["attention_mask"].sum()))

wide = ParakeetFeatureExtractor(
    feature_size=40, hop_length=200, n_fft=600, win_length=500, preemphasis=0.5, sampling_rate=8000)
result = wide(recordings["espeak"][::2].copy(), sampling_rate=8000, return_tensors="pt")
save("espeak.nemo-wide", result["input_features"][0])


def kaldi(computer, samples, rate):
    computer.accept_waveform(rate, (samples * 32768).tolist())
    computer.input_finished()
    return np.stack([computer.get_frame(i) for i in range(computer.num_frames_ready)])


def fbank(**settings):
    options = knf.FbankOptions()
    options.frame_opts.dither = 0
    options.mel_opts.num_bins = 80
    set_all(options, settings)
    return knf.OnlineFbank(options)


def mfcc(**settings):
    options = knf.MfccOptions()
    options.frame_opts.dither = 0
    set_all(options, settings)
    return knf.OnlineMfcc(options)


def set_all(options, settings):
    for key, value in settings.items():
        owner = options
        *path, last = key.split("__")
        for part in path:
            owner = getattr(owner, part)
        assert hasattr(owner, last), key
        setattr(owner, last, value)


for name, samples in recordings.items():
    save(f"{name}.fbank", kaldi(fbank(), samples, 16000))
    save(f"{name}.fbank-edges", kaldi(fbank(frame_opts__snip_edges=False), samples, 16000))
    save(f"{name}.mfcc", kaldi(mfcc(), samples, 16000))
    save(f"{name}.mfcc-edges", kaldi(mfcc(frame_opts__snip_edges=False), samples, 16000))

unusual = dict(
    frame_opts__samp_freq=8000, frame_opts__frame_length_ms=30, frame_opts__frame_shift_ms=12.5,
    frame_opts__window_type="hamming", frame_opts__preemph_coeff=0, frame_opts__remove_dc_offset=False,
    mel_opts__low_freq=60, mel_opts__high_freq=-200)
narrow = recordings["espeak"][::2].copy()
save("espeak.fbank-unusual", kaldi(
    fbank(mel_opts__num_bins=30, use_energy=True, raw_energy=False, **unusual), narrow, 8000))
save("espeak.fbank-linear", kaldi(fbank(use_log_fbank=False, use_power=False, **unusual), narrow, 8000))
save("espeak.mfcc-unusual", kaldi(
    mfcc(mel_opts__num_bins=30, num_ceps=20, use_energy=False, cepstral_lifter=0, **unusual), narrow, 8000))
save("espeak.mfcc-floor", kaldi(mfcc(energy_floor=1e9, raw_energy=False), recordings["espeak"], 16000))

# What transformers writes: the feature extractor alone, and nested in a processor.
vocabulary = Tokenizer(models.WordLevel({"a": 0, "<unk>": 1, "<pad>": 2}, unk_token="<unk>"))
tokenizer = PreTrainedTokenizerFast(
    tokenizer_object=vocabulary, unk_token="<unk>", pad_token="<pad>")
for part, name in [
    (ParakeetFeatureExtractor(), "preprocessor_config.json"),
    (ParakeetProcessor(ParakeetFeatureExtractor(), tokenizer), "processor_config.json"),
]:
    with tempfile.TemporaryDirectory() as folder:
        part.save_pretrained(folder)
        (output / name).write_text((pathlib.Path(folder) / name).read_text())
