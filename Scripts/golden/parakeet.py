"""Golden data for the FastConformer-CTC network, from transformers' ParakeetForCTC.

Writes Tests/Golden/parakeet/<name>/ for three random networks, `four` (subsampling 4, biases, scaled
input, 80 mels), `eight` (subsampling 8, no biases, unscaled input, 40 mels) and `two` (subsampling 2,
and odd sizes: heads of 5, 17 channels, 22 mels, utterances of 1 to 3 frames beside a long one):

  config.json, model.safetensors   as save_pretrained writes them, float32
  input_features.npy               [batch, frames, mels], zero past each utterance's valid frames
  logits.npy                       [batch, frames', labels], frames that are padding included
  logits-<i>.npy                   [1, frames_i', labels], utterance i alone
  gradients.safetensors            d loss / d parameter, by parameter name; frozen batch normalisation
  losses.npy                       [11] loss before each of ten AdamW steps and after the last
  live-input_features.npy          [batch, frames, mels], equal lengths, nothing masked
  live-losses.npy                  [11] the same with batch statistics
  live-statistics.safetensors      running_mean and running_var of each norm after those ten steps
                                   (the forward pass of the eleventh loss does not update them)
  case.json                        lengths, labels, losses, optimiser settings

All is computed in float64 from the float32 weights, with eager attention.
Run: python Scripts/golden/parakeet.py   (requirements: Scripts/golden/requirements.txt)
"""

import copy
import json
import shutil

import numpy as np
import torch
from transformers import ParakeetCTCConfig, ParakeetFeatureExtractor, ParakeetForCTC
from transformers.utils import logging

from common import GOLDEN, array, randomise, record, tensors, true_double

logging.set_verbosity_error()
torch.set_num_threads(1)

QUIET = dict(dropout=0.0, dropout_positions=0.0, layerdrop=0.0, activation_dropout=0.0, attention_dropout=0.0)
ADAM = dict(lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01)
# With batch statistics the gradient of the bias just before them is zero but for rounding, and Adam
# would blow that rounding up to full steps that move running_mean; a larger epsilon keeps it at zero.
LIVE_ADAM = dict(ADAM, eps=1e-3)


def network(seed, vocabulary, blank, **encoder):
    """A network in which no parameter and no statistic is 0 or 1."""
    torch.manual_seed(seed)
    config = ParakeetCTCConfig(
        vocab_size=vocabulary, pad_token_id=blank, encoder_config=dict(encoder, **QUIET),
    )
    config._attn_implementation = "eager"
    model = ParakeetForCTC(config)
    return randomise(model)


def noise(random, samples):
    """Coloured noise with a slow envelope: as uneven over time and frequency as speech is."""
    white = random.standard_normal(samples)
    smooth = np.convolve(white, np.hanning(9) / 4, mode="same")
    envelope = 0.55 + 0.45 * np.sin(2 * np.pi * np.arange(samples) / 16000 * 3 + random.uniform(0, 6))
    return (0.1 * envelope * (smooth + 0.1 * white)).astype(np.float32)


def steps(model, settings, inputs):
    optimiser = torch.optim.AdamW(model.parameters(), **settings)
    losses = []
    for _ in range(10):
        loss = model(**inputs).loss
        losses.append(loss.item())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    statistics = {k: v.clone() for k, v in model.named_buffers() if "running" in k}
    losses.append(model(**inputs).loss.item())
    return losses, statistics


def settings_json(settings, statistics):
    return {
        "learning_rate": settings["lr"], "beta1": settings["betas"][0], "beta2": settings["betas"][1],
        "epsilon": settings["eps"], "weight_decay": settings["weight_decay"], "batch_statistics": statistics,
    }


def write(name, model, features, valid, labels, live_features, live_labels, samples=None):
    directory = GOLDEN / "parakeet" / name
    shutil.rmtree(directory, ignore_errors=True)
    model.save_pretrained(directory)
    blank = model.config.pad_token_id
    model = model.double()
    features = features.double()
    mask = torch.arange(features.shape[1])[None] < torch.tensor(valid)[:, None]
    width = max(map(len, labels))
    padded = torch.tensor([row + [-100] * (width - len(row)) for row in labels])

    output = model(input_features=features, attention_mask=mask, labels=padded)
    lengths = model._get_subsampling_output_length(mask.sum(-1)).tolist()
    each = torch.nn.functional.ctc_loss(
        torch.nn.functional.log_softmax(output.logits, -1).transpose(0, 1),
        padded.clamp(min=0), torch.tensor(lengths), torch.tensor([len(row) for row in labels]),
        blank=blank, reduction="none",
    )
    mean = (each / torch.tensor([len(row) for row in labels])).mean()
    assert abs(mean - output.loss) < 1e-12, (mean, output.loss)
    output.loss.backward()

    array(directory / "input_features", features)
    array(directory / "logits", output.logits)
    tensors(directory / "gradients", {k: p.grad for k, p in model.named_parameters()})
    alone = []
    for i, count in enumerate(valid):
        # The extractor gives one frame more than it calls valid (its transform is centred).
        frames = min(count + 1, features.shape[1])
        single = model(input_features=features[i : i + 1, :frames], attention_mask=mask[i : i + 1, :frames])
        array(directory / f"logits-{i}", single.logits)
        worst = (single.logits[0, : lengths[i]] - output.logits[i, : lengths[i]]).abs().max()
        assert worst < 1e-9, f"{name}: utterance {i} depends on its batch: {worst}"
        alone.append({"frames": frames, "output_frames": single.logits.shape[1]})

    frozen = copy.deepcopy(model)
    losses, _ = steps(frozen, ADAM, dict(input_features=features, attention_mask=mask, labels=padded))
    array(directory / "losses", np.array(losses))

    live = copy.deepcopy(model).train()
    full = torch.ones(live_features.shape[:2], dtype=torch.bool)
    live_losses, statistics = steps(
        live, LIVE_ADAM,
        dict(input_features=live_features.double(), attention_mask=full, labels=torch.tensor(live_labels)),
    )
    array(directory / "live-input_features", live_features)
    array(directory / "live-losses", np.array(live_losses))
    tensors(directory / "live-statistics", statistics)

    record(directory / "case.json", {
        "samples": samples, "frames": features.shape[1], "valid_frames": valid,
        "output_frames": output.logits.shape[1], "valid_output_frames": lengths, "alone": alone,
        "labels": labels, "blank": blank, "loss": output.loss.item(), "negative_log_likelihoods": each.tolist(),
        "loss_reduction": "mean over the batch of negative log-likelihood / label count",
        "optimiser": settings_json(ADAM, False), "losses": losses,
        "norms_after": {k: p.norm().item() for k, p in frozen.named_parameters()},
        "live": {
            "frames": live_features.shape[1], "labels": live_labels, "losses": live_losses,
            "optimiser": settings_json(LIVE_ADAM, True), "statistics_momentum": 0.1,
        },
        "attention": "eager", "precision": "float64 from float32 weights",
    })
    print(name, "loss", output.loss.item(), "ten steps to", losses[-1], "live", live_losses[0], "to", live_losses[-1])
    quiet = {k: p.grad.abs().max().item() for k, p in model.named_parameters() if p.grad.abs().max() < 1e-6}
    print("  gradients that are zero but for rounding:", quiet)


def four():
    random = np.random.default_rng(41)
    samples = [32000, 17123, 9000]
    clips = [noise(random, n) for n in samples]
    extractor = ParakeetFeatureExtractor(feature_size=80)
    batch = extractor(clips, sampling_rate=16000, return_tensors="pt")
    valid = batch["attention_mask"].sum(-1).tolist()
    for i, clip in enumerate(clips):
        alone = extractor(clip, sampling_rate=16000, return_tensors="pt")["input_features"][0]
        assert torch.allclose(alone, batch["input_features"][i, : len(alone)], atol=1e-4), "features depend on the batch"
    live = extractor([noise(random, 16000) for _ in range(2)], sampling_rate=16000, return_tensors="pt")
    model = network(
        42, 20, 7, hidden_size=32, num_hidden_layers=3, num_attention_heads=4, intermediate_size=64,
        conv_kernel_size=9, subsampling_factor=4, subsampling_conv_channels=16, num_mel_bins=80, scale_input=True,
    )
    # Adjacent repeats force a blank between them.
    labels = [[3, 3, 11, 0, 19, 8, 8, 1, 6, 14, 2, 5], [9, 4, 4, 17, 10, 13, 0], [12, 18, 12]]
    write(
        "four", model, batch["input_features"], valid, labels,
        live["input_features"][:, :100], [[1, 15, 15, 6, 2], [16, 0, 8, 3, 9]], samples,
    )


def eight():
    generator = torch.Generator().manual_seed(81)
    valid = [121, 77, 40]
    features = torch.randn(3, 121, 40, generator=generator)
    for i, count in enumerate(valid):
        features[i, count:] = 0
    live = torch.randn(2, 64, 40, generator=generator)
    model = network(
        82, 12, 3, hidden_size=24, num_hidden_layers=2, num_attention_heads=2, intermediate_size=40,
        conv_kernel_size=5, subsampling_factor=8, subsampling_conv_channels=8, num_mel_bins=40,
        attention_bias=False, convolution_bias=False, scale_input=False,
    )
    write(
        "eight", model, features, valid, [[0, 11, 11, 4, 7], [5, 2, 9], [1]], live, [[8, 6, 10], [2, 2, 0]],
    )


def two():
    generator = torch.Generator().manual_seed(21)
    valid = [1, 211, 2, 3]
    features = torch.randn(4, 212, 22, generator=generator)
    for i, count in enumerate(valid):
        features[i, count:] = 0
    live = torch.randn(2, 21, 22, generator=generator)
    model = network(
        22, 9, 0, hidden_size=10, num_hidden_layers=2, num_attention_heads=2, intermediate_size=33,
        conv_kernel_size=7, subsampling_factor=2, subsampling_conv_channels=17, num_mel_bins=22,
        attention_bias=False, convolution_bias=True, scale_input=True,
    )
    write("two", model, features, valid, [[5], [1, 1, 8, 4, 2, 2, 7, 3], [6], [8, 1]], live, [[3, 8], [2, 1]])


def masked_frames():
    """Prints what the eager and the fused attention put into frames that are padding."""
    directory = GOLDEN / "parakeet" / "four"
    case = json.loads((directory / "case.json").read_text())
    features = torch.from_numpy(np.load(directory / "input_features.npy"))[:1]
    mask = torch.arange(features.shape[1])[None] < case["valid_frames"][0]
    got = {}
    for kind in ["eager", "sdpa"]:
        for precision in [torch.float32, torch.float64]:
            model = ParakeetForCTC.from_pretrained(directory, attn_implementation=kind).to(precision).eval()
            kept = []
            model.encoder.layers[0].self_attn.register_forward_hook(lambda m, i, o: kept.append(o))
            logits = model(input_features=features.to(precision), attention_mask=mask).logits.double()
            got[kind, precision] = logits
            weights = kept[0][1]
            if weights is not None:
                row = weights[0, 0, -1]
                print(f"{kind} {precision}: {tuple(weights.shape)} weights of the masked query, least {row.min():.9f}"
                      f" most {row.max():.9f} (1/{len(row)} = {1 / len(row):.9f}); a valid query's weight on the masked"
                      f" key: {weights[0, :, :-1, -1].abs().max():.3g}")
    golden = torch.from_numpy(np.load(directory / "logits-0.npy")).double()
    for (kind, precision), logits in got.items():
        gap = (logits - golden).abs() / golden.abs().max()
        print(f"{kind} {precision}: {tuple(logits.shape)} from golden: valid {gap[:, :50].max():.2g} masked {gap[:, 50:].max():.2g}")


if __name__ == "__main__":
    with true_double():
        four()
        eight()
        two()
    masked_frames()
