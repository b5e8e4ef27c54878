"""Golden data for AudioIO: one short sound in every format, as soundfile decodes and soxr resamples it.

requirements: numpy==2.4.6 soundfile==0.14.0 soxr==1.1.0

    python Scripts/golden/audio.py        # writes Tests/Golden/audio
"""

import pathlib

import numpy as np
import soundfile
import soxr

output = pathlib.Path(__file__).resolve().parents[2] / "Tests" / "Golden" / "audio"
output.mkdir(parents=True, exist_ok=True)


def save(name, array):
    np.save(output / f"{name}.npy", np.ascontiguousarray(array, dtype=np.float32))


random = np.random.default_rng(21)
time = np.arange(1003) / 8000
sound = np.stack([0.4 * np.sin(2 * np.pi * 440 * time), 0.3 * np.sin(2 * np.pi * 1000 * time)], 1)
sound += 0.01 * random.standard_normal(sound.shape)

formats = {
    "wav-u8": ("WAV", "PCM_U8"), "wav-16": ("WAV", "PCM_16"), "wav-24": ("WAV", "PCM_24"),
    "wav-32": ("WAV", "PCM_32"), "wav-float": ("WAV", "FLOAT"), "wav-double": ("WAV", "DOUBLE"),
    "wav-alaw": ("WAV", "ALAW"), "wav-ulaw": ("WAV", "ULAW"), "wav-extensible": ("WAVEX", "PCM_24"),
    "rf64-16": ("RF64", "PCM_16"), "aiff-16": ("AIFF", "PCM_16"), "caf-16": ("CAF", "PCM_16"),
    "au-ulaw": ("AU", "ULAW"), "flac-16": ("FLAC", "PCM_16"), "flac-24": ("FLAC", "PCM_24"),
    "ogg-vorbis": ("OGG", "VORBIS"), "ogg-opus": ("OGG", "OPUS"), "mp3": ("MP3", "MPEG_LAYER_III"),
}
for name, (container, encoding) in formats.items():
    path = output / f"{name}.audio"
    soundfile.write(path, sound, 8000, format=container, subtype=encoding)
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    assert rate == 8000, (name, rate)
    save(f"{name}.mono", samples.mean(1, dtype=np.float32))

# Resampling: stereo at 44,100 Hz to mono at other rates.
stereo = (random.standard_normal((9_001, 2)) * 0.1).astype(np.float32)
soundfile.write(output / "stereo-44100.flac", stereo, 44100, subtype="PCM_16")
stereo, _ = soundfile.read(output / "stereo-44100.flac", dtype="float32")
for rate in [8000, 16000, 48000]:
    save(f"stereo-44100.mono-{rate}", soxr.resample(stereo.mean(1, dtype=np.float32), 44100, rate, "VHQ"))
