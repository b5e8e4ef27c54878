# Features by the libraries that people use, for Scripts/compare; Worker/FeatureWork.swift has the same.
import numpy as np
import torch


def torchaudio_log_mel(samples):
    from torchaudio.transforms import MelSpectrogram

    mel = MelSpectrogram(16000, n_fft=400, hop_length=160, n_mels=80)
    return lambda: (mel(samples) + 1e-6).log().T


def torchaudio_mfcc(samples):
    from torchaudio.transforms import MFCC

    mfcc = MFCC(16000, n_mfcc=13, melkwargs=dict(n_fft=400, hop_length=160, n_mels=80))
    return lambda: mfcc(samples).T


def librosa_log_mel(samples):
    import librosa

    samples = samples.numpy()
    mel = librosa.feature.melspectrogram
    return lambda: librosa.power_to_db(mel(y=samples, sr=16000, n_fft=400, hop_length=160, n_mels=80)).T


def librosa_mfcc(samples):
    import librosa

    samples = samples.numpy()
    return lambda: librosa.feature.mfcc(y=samples, sr=16000, n_mfcc=13, n_fft=400, hop_length=160, n_mels=80).T


def python_speech_features(samples):
    import python_speech_features

    samples = samples.numpy() * 32768
    return lambda: python_speech_features.mfcc(samples, 16000)


def kaldi_fbank(samples, chunk=None):
    """At once, or in chunks: the frames that each completes."""
    import kaldi_native_fbank as knf

    options = knf.FbankOptions()
    options.frame_opts.dither = 0
    options.mel_opts.num_bins = 80
    # As this version takes them: a NumPy array, which it need not turn into a list first.
    samples = (samples * 32768).numpy()
    parts = np.split(samples, range(chunk, len(samples), chunk)) if chunk else [samples]

    def run():
        fbank = knf.OnlineFbank(options)
        found = []
        for part in parts:
            fbank.accept_waveform(16000, part)
            while len(found) < fbank.num_frames_ready:
                found.append(fbank.get_frame(len(found)))
        return np.stack(found)

    return run


CONVENTIONS = {
    "torchaudio-log-mel": torchaudio_log_mel,
    "torchaudio-mfcc": torchaudio_mfcc,
    "librosa-log-mel": librosa_log_mel,
    "librosa-mfcc": librosa_mfcc,
    "python-speech-features": python_speech_features,
    "kaldi-fbank": kaldi_fbank,
    "kaldi-fbank-stream": lambda samples: kaldi_fbank(samples, chunk=160),
}


class Features:
    def __init__(self, convention, samples):
        self.body = CONVENTIONS[convention](samples)

    def run(self):
        self.found = self.body()

    def results(self):
        return [torch.as_tensor(np.asarray(self.found))]
