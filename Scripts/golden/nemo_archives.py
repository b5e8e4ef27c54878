"""Golden data for NeMo's archives, from NeMo.

Writes Tests/Golden/nemo/<name>/ for random networks of EncDecCTCModel (characters) and EncDecCTCModelBPE
(SentencePiece): `fastconformer` (depthwise subsampling by 8), `conformer` (plain convolutions, by 4, pieces), `quartznet` and `citrinet` (convolutions alone; the
second squeezes and excites, and has pieces).

  model.nemo                 as save_to writes it, float32
  samples-<i>.npy            [samples], utterance i
  features-<i>.npy           [frames, mels], what its preprocessor makes of them, without dither
  logits-<i>.npy             [frames, labels], utterance i alone: log-probabilities
  gradients.safetensors      d loss / d parameter, by parameter name
  case.json                  labels, texts and their pieces, losses, loss before each of ten AdamW steps and after

The loss is the mean over utterances of negative log-likelihood / label count. All is computed in float64 from the
float32 weights and features. Run: python Scripts/golden/nemo_archives.py   (requirements: Scripts/golden/nemo.txt)
"""

import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
import sentencepiece
import torch
from nemo.collections.asr.models import EncDecCTCModel, EncDecCTCModelBPE
from omegaconf import OmegaConf

from common import GOLDEN, array, randomise, record, ten_steps, tensors, true_double
from parakeet import ADAM, noise, settings_json

torch.set_num_threads(1)
WORDS = "the there then other mother brother bother both booth tooth that what hat rather gather father".split()
CHARACTERS = [" ", "a", "b", "e", "g", "h", "m", "n", "o", "r", "t", "w", "'"]
TEXTS = ["the other brother", "what then", "hat"]
PREPROCESSOR = dict(
    _target_="nemo.collections.asr.modules.AudioToMelSpectrogramPreprocessor", sample_rate=16000,
    normalize="per_feature", window_size=0.025, window_stride=0.01, window="hann", features=80, n_fft=512, log=True,
    frame_splicing=1, dither=1e-5, pad_to=0, pad_value=0.0)


def conformer(**sizes):
    return dict(
        _target_="nemo.collections.asr.modules.ConformerEncoder", feat_in=80, feat_out=-1, n_layers=2, d_model=16,
        n_heads=4, ff_expansion_factor=2, self_attention_model="rel_pos", att_context_size=[-1, -1], xscaling=True,
        untie_biases=True, pos_emb_max_len=500, conv_kernel_size=5, conv_norm_type="batch_norm", dropout=0.1,
        dropout_pre_encoder=0.1, dropout_emb=0.0, dropout_att=0.1, **sizes)


def block(filters, kernel, **other):
    return dict(filters=filters, repeat=1, kernel=[kernel], stride=[1], dilation=[1], dropout=0.0, residual=False,
                separable=True, **{}) | other


def convolutions(*blocks):
    return dict(_target_="nemo.collections.asr.modules.ConvASREncoder", feat_in=80, activation="relu",
                conv_mask=True, jasper=list(blocks))


def settings(encoder, classes, vocabulary):
    return dict(
        preprocessor=PREPROCESSOR, encoder=encoder,
        decoder=dict(_target_="nemo.collections.asr.modules.ConvASRDecoder", feat_in=16, num_classes=classes,
                     vocabulary=vocabulary),
        spec_augment=dict(_target_="nemo.collections.asr.modules.SpectrogramAugmentation", freq_masks=0, time_masks=0),
        optim=dict(name="adamw", lr=1e-3))


def pieces(directory):
    """A SentencePiece model of merges, learnt from sentences of a few words."""
    rng = np.random.default_rng(3)
    text = directory / "text"
    text.write_text("\n".join(" ".join(rng.choice(WORDS, 6)) for _ in range(300)) + "\n")
    sentencepiece.SentencePieceTrainer.train(
        input=str(text), model_prefix=str(directory / "tokenizer"), vocab_size=48, model_type="bpe",
        bos_id=-1, eos_id=-1, num_threads=1, minloglevel=2)
    processor = sentencepiece.SentencePieceProcessor(model_file=str(directory / "tokenizer.model"))
    (directory / "vocab.txt").write_text("\n".join(processor.id_to_piece(i) for i in range(len(processor))) + "\n")
    return processor


def mean_loss(model, features, labels):
    each, outputs = [], []
    for clip, row in zip(features, labels):
        length = torch.tensor([clip.shape[1]])
        encoded, frames = model.encoder(audio_signal=clip[None], length=length)
        logits = model.decoder(encoder_output=encoded)[0][: int(frames[0])]
        each.append(torch.nn.functional.ctc_loss(
            logits[:, None], torch.tensor([row]), frames.long(), torch.tensor([len(row)]), blank=logits.shape[1] - 1,
            reduction="sum"))
        outputs.append(logits)
    return sum(loss / len(row) for loss, row in zip(each, labels)) / len(labels), each, outputs


def write(name, model, encode, samples, seed):
    random = np.random.default_rng(seed)
    directory = GOLDEN / "nemo" / name
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    torch.manual_seed(seed)
    randomise(model).save_to(str(directory / "model.nemo"))
    model.preprocessor.featurizer.dither = 0.0
    features, labels = [], [encode(text) for text in TEXTS]
    for index, count in enumerate(samples):
        clip = torch.from_numpy(noise(random, count).astype(np.float32))
        array(directory / f"samples-{index}", clip)
        made, length = model.preprocessor(input_signal=clip[None], length=torch.tensor([count]))
        made = made[0, :, : int(length[0])]
        array(directory / f"features-{index}", made.T)
        features.append(made.double())
    model = model.double()
    loss, each, outputs = mean_loss(model, features, labels)
    loss.backward()
    for index, found in enumerate(outputs):
        array(directory / f"logits-{index}", found)
    trained = {k: p for k, p in model.named_parameters() if p.grad is not None}
    tensors(directory / "gradients", {k: p.grad for k, p in trained.items()})
    losses = ten_steps(trained.values(), ADAM, lambda: mean_loss(model, features, labels)[0])
    record(directory / "case.json", {
        "texts": TEXTS, "labels": labels, "loss": losses[0], "negative_log_likelihoods": [e.item() for e in each],
        "losses": losses, "optimiser": settings_json(ADAM, False), "precision": "float64 from float32 weights",
    })
    print(name, "loss", losses[0], "ten steps to", losses[-1])


def main():
    samples = [24000, 14010, 5000]
    fast = conformer(subsampling="dw_striding", subsampling_factor=8, subsampling_conv_channels=8, use_bias=False)
    # Few labels a second: so many samples that they fit at 80 ms.
    write("fastconformer", EncDecCTCModel(OmegaConf.create(settings(fast, len(CHARACTERS), CHARACTERS))),
          lambda text: [CHARACTERS.index(c) for c in text], [40000, 24010, 8000], 1)
    quartz = convolutions(
        block(12, 5, stride=[2]), block(16, 7, repeat=3, residual=True), block(12, 3, repeat=2, residual=True, separable=False),
        block(16, 5, dilation=[2]), block(16, 1))
    write("quartznet", EncDecCTCModel(OmegaConf.create(settings(quartz, len(CHARACTERS), CHARACTERS))),
          lambda text: [CHARACTERS.index(c) for c in text], [24000, 14010, 5000], 3)
    with tempfile.TemporaryDirectory() as scratch:
        processor = pieces(Path(scratch))
        squeezed = dict(se=True, se_reduction_ratio=4, se_context_size=-1)
        citri = convolutions(
            block(12, 5, **squeezed),
            block(16, 11, repeat=3, stride=[2], stride_last=True, residual=True, residual_mode="stride_add",
                  kernel_size_factor=0.5, **squeezed),
            block(16, 5, repeat=2, stride=[2], stride_last=True, residual=True, residual_mode="stride_add", **squeezed),
            block(16, 7, repeat=2, residual=True, residual_mode="stride_add", **squeezed), block(16, 5, **squeezed))
        configuration = settings(citri, -1, [])
        configuration["tokenizer"] = dict(dir=scratch, type="bpe")
        write("citrinet", EncDecCTCModelBPE(OmegaConf.create(configuration)), processor.encode, samples, 4)
        plain = conformer(subsampling="striding", subsampling_factor=4, subsampling_conv_channels=-1)
        configuration = settings(plain, -1, [])
        configuration["tokenizer"] = dict(dir=scratch, type="bpe")
        write("conformer", EncDecCTCModelBPE(OmegaConf.create(configuration)), processor.encode, samples, 2)


if __name__ == "__main__":
    with true_double():
        main()
