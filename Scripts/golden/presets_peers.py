"""The libraries that `presets.py` asks: each preset's features, and the defaults they state.

A peer takes mono float32 samples and their rate in Hz and gives [frames, bins] and, where the library
masks, the number of frames that count.
"""

import functools
import importlib.metadata
import inspect

import kaldi_native_fbank as knf
import librosa
import numpy as np
import python_speech_features as psf
import tensorflow
import torch
import torchaudio
import transformers
import whisper.audio
from speechbrain.lobes.features import Fbank
from tensorflow.python.ops import gen_audio_ops as tensorflow_audio

torch.set_num_threads(1)


# Kaldi, by kaldi-native-fbank; dither off, so that every run gives the same


def kaldi_options(options, rate=16000, **settings):
    options.frame_opts.dither = 0
    options.frame_opts.samp_freq = rate
    for key, value in settings.items():
        owner = options.mel_opts if hasattr(options.mel_opts, key) else options
        setattr(owner, key, value)
    return options


def fbank_options(rate=16000):
    return kaldi_options(knf.FbankOptions(), rate, num_bins=80)


def mfcc_options(rate=16000):
    return kaldi_options(knf.MfccOptions(), rate)


def hires_options(rate=16000):
    """conf/mfcc_hires.conf of Kaldi's recipes."""
    return kaldi_options(
        knf.MfccOptions(), rate, use_energy=False, num_bins=40, num_ceps=40, low_freq=20, high_freq=-400)


def pitch_options(rate=16000):
    """The noise that Kaldi adds to the delta is off."""
    extraction, processing = knf.PitchExtractionOptions(), knf.ProcessPitchOptions()
    extraction.samp_freq = rate
    processing.delta_pitch_noise_stddev = 0
    return extraction, processing


def online(computer, width, samples, rate):
    computer.accept_waveform(rate, (samples * 32768).tolist())
    computer.input_finished()
    rows = [computer.get_frame(i) for i in range(computer.num_frames_ready)]
    return np.reshape(rows, (-1, width)), None


def kaldi_fbank(samples, rate):
    return online(knf.OnlineFbank(fbank_options(rate)), 80, samples, rate)


def kaldi_mfcc(samples, rate):
    return online(knf.OnlineMfcc(mfcc_options(rate)), 13, samples, rate)


def kaldi_mfcc_hires(samples, rate):
    return online(knf.OnlineMfcc(hires_options(rate)), 40, samples, rate)


def kaldi_pitch(samples, rate):
    values = knf.compute_and_process_kaldi_pitch(*pitch_options(rate), (samples * 32768).tolist())
    return np.reshape(values, (-1, 3)), None


def kaldi_deltas(samples, rate):
    return knf.compute_deltas(knf.DeltaOptions(), kaldi_mfcc(samples, rate)[0]), None


def kaldi_sliding(samples, rate, **settings):
    """apply-cmvn-sliding as torchaudio has it. In float64, as Kaldi does: in float32 its running sums
    drift. Kaldi alone keeps the variance at 1e-10 or more; on silence torchaudio gives NaN."""
    features = torch.tensor(kaldi_mfcc(samples, rate)[0], dtype=torch.float64)
    return torchaudio.functional.sliding_window_cmn(features, **settings).numpy(), None


# transformers and Whisper


def nemo(samples, rate):
    result = transformers.ParakeetFeatureExtractor()(samples, sampling_rate=rate, return_tensors="pt")
    return result["input_features"][0].numpy(), int(result["attention_mask"].sum())


def wav2vec2(samples, rate):
    result = transformers.Wav2Vec2FeatureExtractor()(samples, sampling_rate=rate, return_tensors="np")
    return result["input_values"][0][:, None], None


def wav2vec2_bert(samples, rate):
    extractor = transformers.SeamlessM4TFeatureExtractor()
    result = extractor(samples, sampling_rate=rate, return_tensors="np")
    return result["input_features"][0], int(result["attention_mask"].sum())


def only(rate, needed, how):
    """For the originals that take samples of one rate and are not told it."""
    if rate != needed:
        raise ValueError(f"takes {needed} Hz: {how}")


def whisper_mel(samples, rate, bins):
    only(rate, 16000, "whisper.load_audio resamples with ffmpeg")
    padded = whisper.audio.pad_or_trim(samples)
    return whisper.audio.log_mel_spectrogram(padded, n_mels=bins).numpy().T, None


# librosa, torchaudio, SpeechBrain, python_speech_features


def librosa_mel(samples, rate):
    return librosa.feature.melspectrogram(y=samples, sr=rate).T, None


def librosa_mfcc(samples, rate):
    return librosa.feature.mfcc(y=samples, sr=rate).T, None


def librosa_deltas(samples, rate):
    mfcc = librosa.feature.mfcc(y=samples, sr=rate)
    return np.vstack([librosa.feature.delta(mfcc), librosa.feature.delta(mfcc, order=2)]).T, None


def wavenet(samples, rate):
    """speech-to-text-wavenet (preprocess.py, recognize.py), which pinned librosa 0.5.0. Of what that
    did, only the mirrored ends differ from the defaults of today: 0.5.0 itself, under Python 3.6,
    gives the reference to within 1e-8."""
    if rate == 48000:  # VCTK, in preprocess.py
        samples, rate = np.ascontiguousarray(samples[::3]), 16000
    only(rate, 16000, "recognize.py resamples with librosa.load")
    return librosa.feature.mfcc(y=samples, sr=16000, pad_mode="reflect").T, None


def torchaudio_mel(samples, rate):
    return torchaudio.transforms.MelSpectrogram(rate)(torch.tensor(samples)).numpy().T, None


def torchaudio_mfcc(samples, rate):
    return torchaudio.transforms.MFCC(rate)(torch.tensor(samples)).numpy().T, None


def torchaudio_deltas(samples, rate):
    mfcc = torchaudio.transforms.MFCC(rate)(torch.tensor(samples))
    deltas = torchaudio.functional.compute_deltas(mfcc)
    return torch.cat([deltas, torchaudio.functional.compute_deltas(deltas)]).numpy().T, None


def speechbrain_fbank(samples, rate):
    return Fbank(sample_rate=rate)(torch.tensor(samples)[None])[0].numpy(), None


def sixteen_bits(samples):
    """As scipy.io.wavfile reads them, which the examples of python_speech_features use."""
    return (samples * 32768).astype(np.int16)


def psf_mfcc(samples, rate):
    return psf.mfcc(sixteen_bits(samples), rate), None


def psf_logfbank(samples, rate):
    return psf.logfbank(sixteen_bits(samples), rate), None


def psf_deltas(samples, rate):
    deltas = psf.delta(psf_mfcc(samples, rate)[0], 2)
    return np.hstack([deltas, psf.delta(deltas, 2)]), None


# DeepSpeech 0.9: its flags (flags.py, config.py), its two TensorFlow operations (feeding.py)

DEEPSPEECH = {
    "audio_sample_rate": 16000, "feature_win_len": 32, "feature_win_step": 20, "n_input": 26, "n_context": 9,
    "magnitude_squared": True, "upper_frequency_limit": 8000.0,
}


def deepspeech(samples, rate):
    only(rate, 16000, "the client resamples with SoX, training warns")
    spectrogram = tensorflow_audio.audio_spectrogram(
        samples[:, None], window_size=512, stride=320, magnitude_squared=True)
    mfcc = tensorflow_audio.mfcc(
        spectrogram, sample_rate=16000, dct_coefficient_count=26, upper_frequency_limit=8000)
    return mfcc.numpy().reshape(-1, 26), None


def deepspeech_context(samples, rate):
    """Windows cut by a convolution with the identity, as train.py does."""
    mfcc, _ = deepspeech(samples, rate)
    if len(mfcc) == 0:
        return np.zeros((0, 494)), None
    identity = np.eye(494, dtype=np.float32).reshape(19, 26, 494)
    windows = tensorflow.nn.conv1d(mfcc[None], identity, stride=1, padding="SAME")
    return windows.numpy()[0], None


def version(package):
    return f"{package} {importlib.metadata.version(package)}"


KALDI, AUDIO, LIBROSA = version("kaldi-native-fbank"), version("torchaudio"), version("librosa")
HUGGING_FACE, WHISPER = version("transformers"), version("openai-whisper")
PSF, TENSORFLOW = version("python_speech_features"), version("tensorflow-cpu")

PEERS = {
    "kaldi-fbank": (KALDI, kaldi_fbank),
    "kaldi-mfcc": (KALDI, kaldi_mfcc),
    "kaldi-mfcc-hires": (KALDI, kaldi_mfcc_hires),
    "kaldi-pitch": (KALDI, kaldi_pitch),
    "kaldi-deltas": (KALDI, kaldi_deltas),
    "kaldi-cmvn-sliding": (AUDIO, kaldi_sliding),
    "kaldi-cmvn-sliding-center": (AUDIO, functools.partial(kaldi_sliding, center=True)),
    "kaldi-cmvn-sliding-vars": (AUDIO, functools.partial(kaldi_sliding, norm_vars=True)),
    "kaldi-cmvn-sliding-center-vars": (AUDIO, functools.partial(kaldi_sliding, center=True, norm_vars=True)),
    "nemo": (HUGGING_FACE, nemo),
    "whisper-80": (WHISPER, functools.partial(whisper_mel, bins=80)),
    "whisper-128": (WHISPER, functools.partial(whisper_mel, bins=128)),
    "wav2vec2": (HUGGING_FACE, wav2vec2),
    "wav2vec2-bert": (HUGGING_FACE, wav2vec2_bert),
    "librosa-mel": (LIBROSA, librosa_mel),
    "librosa-mfcc": (LIBROSA, librosa_mfcc),
    "librosa-deltas": (LIBROSA, librosa_deltas),
    "wavenet": (LIBROSA, wavenet),
    "torchaudio-mel": (AUDIO, torchaudio_mel),
    "torchaudio-mfcc": (AUDIO, torchaudio_mfcc),
    "torchaudio-deltas": (AUDIO, torchaudio_deltas),
    "speechbrain-fbank": (version("speechbrain"), speechbrain_fbank),
    "python-speech-features-mfcc": (PSF, psf_mfcc),
    "python-speech-features-logfbank": (PSF, psf_logfbank),
    "python-speech-features-deltas": (PSF, psf_deltas),
    "deepspeech": (TENSORFLOW, deepspeech),
    "deepspeech-context": (TENSORFLOW, deepspeech_context),
}


# Defaults


def tidy(value):
    """A value as JSON holds it: float32 to its seven digits, a function by its name."""
    if isinstance(value, dict):
        return {key: tidy(item) for key, item in value.items()}
    if isinstance(value, float):
        return float(f"{value:.7g}")
    simple = isinstance(value, (bool, int, str, type(None)))
    return value if simple else getattr(value, "__name__", str(value))


def stated(*callables):
    """{name: {parameter: default}}, of the parameters that have one."""
    return {
        f"{item.__module__}.{item.__qualname__}": {
            name: parameter.default
            for name, parameter in inspect.signature(item).parameters.items()
            if parameter.default is not inspect.Parameter.empty}
        for item in callables}


def held(*items):
    """{type: {attribute: value}}, of the public attributes that are numbers, truths or text."""
    return {
        type(item).__name__: {
            name: getattr(item, name)
            for name in (vars(item) if isinstance(item, torch.nn.Module) else dir(item))
            if not name.startswith("_") and name != "training"
            and isinstance(getattr(item, name), (bool, int, float, str))}
        for item in items}


def configured(extractor):
    """What an extractor of transformers writes, without its tables."""
    tables = {"mel_filters", "window"}
    return {type(extractor).__name__: {k: v for k, v in extractor.to_dict().items() if k not in tables}}


def kaldi_defaults():
    return {
        "kaldi-fbank": fbank_options().as_dict(),
        "kaldi-mfcc": mfcc_options().as_dict(),
        "kaldi-mfcc-hires": hires_options().as_dict(),
        "kaldi-pitch": held(*pitch_options()),
        "kaldi-deltas": held(knf.DeltaOptions()) | {"of": "kaldi-mfcc"},
        "kaldi-cmvn-sliding": stated(torchaudio.functional.sliding_window_cmn) | {"of": "kaldi-mfcc"},
    }


def hugging_face_defaults():
    return {
        "nemo": configured(transformers.ParakeetFeatureExtractor()),
        "wav2vec2": configured(transformers.Wav2Vec2FeatureExtractor()),
        "wav2vec2-bert": configured(transformers.SeamlessM4TFeatureExtractor())
        | stated(transformers.SeamlessM4TFeatureExtractor.__call__),
    }


def whisper_defaults():
    names = ["SAMPLE_RATE", "N_FFT", "HOP_LENGTH", "CHUNK_LENGTH", "N_SAMPLES", "N_FRAMES"]
    constants = {"whisper.audio": {name: getattr(whisper.audio, name) for name in names}}
    return {"whisper": constants | stated(whisper.audio.log_mel_spectrogram)}


def librosa_defaults():
    feature = librosa.feature
    mel = stated(feature.melspectrogram, librosa.filters.mel)
    mfcc = mel | stated(feature.mfcc, librosa.power_to_db)
    return {
        "librosa-mel": mel,
        "librosa-mfcc": mfcc,
        "librosa-deltas": stated(feature.delta) | {"of": "librosa-mfcc"},
        "wavenet": mfcc | {"preprocess.py, librosa 0.5.0": {"sr": 16000, "pad_mode": "reflect"}},
    }


def torchaudio_defaults():
    mfcc = torchaudio.transforms.MFCC()
    mel = mfcc.MelSpectrogram
    spectrum = stated(torchaudio.transforms.MelSpectrogram) | held(mel.spectrogram, mel.mel_scale)
    return {
        "torchaudio-mel": spectrum,
        "torchaudio-mfcc": spectrum | held(mfcc, mfcc.amplitude_to_DB),
        "torchaudio-deltas": stated(torchaudio.functional.compute_deltas) | {"of": "torchaudio-mfcc"},
    }


def other_defaults():
    fbank = Fbank()
    operations = stated(tensorflow_audio.audio_spectrogram, tensorflow_audio.mfcc)
    return {
        "speechbrain-fbank": stated(Fbank) | held(fbank.compute_STFT, fbank.compute_fbanks),
        "python-speech-features-mfcc": stated(psf.mfcc),
        "python-speech-features-logfbank": stated(psf.logfbank),
        "python-speech-features-deltas": {"N": 2, "of": "python-speech-features-mfcc"},
        "deepspeech": {"DeepSpeech 0.9": DEEPSPEECH} | operations,
    }


def defaults():
    """{preset: what its library states}, for recordings at 16 kHz."""
    return tidy(
        kaldi_defaults() | hugging_face_defaults() | whisper_defaults() | librosa_defaults()
        | torchaudio_defaults() | other_defaults())
