# Features of a folder of recordings in one safetensors file, as a careful user's script would make them:
# FOLDER OUTPUT PROCESSES. Run by Scripts/compare.
import multiprocessing
import pathlib
import sys

import soundfile
import torch
from safetensors.torch import save_file
from torchaudio.transforms import MelSpectrogram

torch.set_num_threads(1)
mel = MelSpectrogram()


def features(path):
    samples, _ = soundfile.read(path, dtype="float32")
    return path.name, mel(torch.from_numpy(samples)).T.contiguous().numpy()


if __name__ == "__main__":
    paths = sorted(pathlib.Path(sys.argv[1]).iterdir())
    with multiprocessing.Pool(int(sys.argv[3])) as pool:
        found = pool.imap_unordered(features, paths, chunksize=16)
        save_file({name: torch.from_numpy(values) for name, values in found}, sys.argv[2])
