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
With a folder, DIR/nemo/<name>/ are written instead, networks of the sizes that are published, their weights as NeMo
draws them; see published_sizes.py.
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
        dropout_pre_encoder=0.1, dropout_emb=0.0, dropout_att=0.1) | sizes


def block(filters, kernel, **other):
    return dict(filters=filters, repeat=1, kernel=[kernel], stride=[1], dilation=[1], dropout=0.0, residual=False,
                separable=True, **{}) | other


def convolutions(*blocks):
    return dict(_target_="nemo.collections.asr.modules.ConvASREncoder", feat_in=80, activation="relu",
                conv_mask=True, jasper=list(blocks))


def settings(encoder, classes, vocabulary, width=16):
    return dict(
        preprocessor=PREPROCESSOR, encoder=encoder,
        decoder=dict(_target_="nemo.collections.asr.modules.ConvASRDecoder", feat_in=width, num_classes=classes,
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


def write(name, model, encode, samples, seed, folder=GOLDEN):
    random = np.random.default_rng(seed)
    directory = folder / "nemo" / name
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    torch.manual_seed(seed)
    model = randomise(model) if folder == GOLDEN else model.eval()
    model.save_to(str(directory / "model.nemo"))
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


def published(folder):
    """FastConformer and Conformer of the large size, QuartzNet 15x5, Citrinet 512."""
    large = dict(n_layers=17, d_model=512, n_heads=8, ff_expansion_factor=4, pos_emb_max_len=5000)
    characters = EncDecCTCModel, CHARACTERS, lambda text: [CHARACTERS.index(c) for c in text]
    fast = conformer(**large, conv_kernel_size=9, subsampling="dw_striding", subsampling_factor=8,
                     subsampling_conv_channels=256, xscaling=False)
    quartz = convolutions(
        block(256, 33, stride=[2]),
        *(block(width, kernel, repeat=5, residual=True)
          for width, kernel in ((256, 33), (256, 39), (512, 51), (512, 63), (512, 75)) for _ in range(3)),
        block(512, 87, dilation=[2]), block(1024, 1, separable=False))
    with tempfile.TemporaryDirectory() as scratch:
        processor = pieces(Path(scratch))
        merged = EncDecCTCModelBPE, [], processor.encode
        squeezed = dict(se=True, se_context_size=-1)
        deep = dict(repeat=5, residual=True, residual_mode="stride_add", **squeezed)
        kernels = (11, 13, 15, 17, 19, 21), (13, 15, 17, 19, 21, 23, 25), (25, 27, 29, 31, 33, 35, 37, 39)
        citri = convolutions(
            block(512, 5, **squeezed),
            *(block(512, kernel, **deep, **(dict(stride=[2], stride_last=True) if kernel == row[0] else {}))
              for row in kernels for kernel in row),
            block(640, 41, **squeezed))
        plain = conformer(**(large | dict(n_layers=18)), conv_kernel_size=31, subsampling="striding",
                          subsampling_factor=4, subsampling_conv_channels=-1)
        cases = [("fastconformer-large", fast, 512, characters), ("quartznet-15x5", quartz, 1024, characters),
                 ("citrinet-512", citri, 640, merged), ("conformer-large", plain, 512, merged)]
        for seed, (name, encoder, width, (kind, labels, encode)) in enumerate(cases):
            configuration = settings(encoder, len(labels) or -1, labels, width)
            if not labels:
                configuration["tokenizer"] = dict(dir=scratch, type="bpe")
            torch.manual_seed(seed)
            write(name, kind(OmegaConf.create(configuration)), encode, [48000, 30010, 12000], seed, folder)


if __name__ == "__main__":
    with true_double():
        if sys.argv[1:]:
            torch.set_num_threads(2)
            published(Path(sys.argv[1]))
        else:
            main()
