"""Golden data for Wav2Vec2ForCTC and its kin, from transformers.

Writes Tests/Golden/wav2vec2/<name>/ for random networks: smaller ones of HuBERT, UniSpeech, UniSpeech-SAT,
data2vec, WavLM, SEW, Wav2Vec2-Conformer and Wav2Vec2-BERT, and of Wav2Vec2 four, `group` (as wav2vec2-base: channels normalised over
time, layers after each part), `layer` (as wav2vec2-large-lv60 and XLS-R: frames normalised, layers before each part,
convolutions with biases, an odd positional kernel) `adapters` (as MMS: the same with an adapter in each layer) and
`shrinking` (add_adapter: convolutions after the layers):

  config.json, model.safetensors   as save_pretrained writes them, float32
  samples-<i>.npy                  [samples], utterance i; of Wav2Vec2-BERT [frames, 160], made numbers
  logits-<i>.npy                   [frames, labels], utterance i alone; of SEW one more without labels, of an odd
                                   number of frames
  gradients.safetensors            d loss / d parameter, by parameter name
  case.json                        labels, losses of each utterance, loss before each of ten AdamW steps and after

The loss is the mean over utterances of negative log-likelihood / label count, each utterance by itself: in a batch
the group norm would hear the padding. All is computed in float64 from the float32 weights, with eager attention.
Run: python Scripts/golden/wav2vec2.py   (requirements: Scripts/golden/requirements.txt)
"""

import shutil

import numpy as np
import torch
from transformers import (
    Data2VecAudioConfig, Data2VecAudioForCTC, HubertConfig, HubertForCTC, UniSpeechConfig, UniSpeechForCTC,
    SEWConfig, SEWForCTC, UniSpeechSatConfig, UniSpeechSatForCTC, Wav2Vec2BertConfig, Wav2Vec2BertForCTC,
    Wav2Vec2Config, Wav2Vec2ConformerConfig, Wav2Vec2ConformerForCTC, Wav2Vec2ForCTC, WavLMConfig, WavLMForCTC,
)
from transformers.utils import logging

from common import GOLDEN, array, randomise, record, ten_steps, tensors, true_double
from parakeet import ADAM, noise, settings_json

logging.set_verbosity_error()
torch.set_num_threads(1)

QUIET = dict(
    hidden_dropout=0.0, activation_dropout=0.0, attention_dropout=0.0, feat_proj_dropout=0.0, final_dropout=0.0,
    layerdrop=0.0, mask_time_prob=0.05, apply_spec_augment=False,
)
SMALL = dict(conv_kernel=(10, 3, 2), conv_stride=(5, 2, 2))
HEADS = dict(num_attention_heads=4)


def network(seed, kind=(Wav2Vec2Config, Wav2Vec2ForCTC), **sizes):
    torch.manual_seed(seed)
    convolutions = {} if kind[0] is Wav2Vec2BertConfig else SMALL
    config = kind[0](**convolutions, **HEADS, **sizes, **QUIET)
    config._attn_implementation = "eager"
    model = kind[1](config)
    return randomise(model)


def mean_loss(model, clips, labels):
    """(mean, each): what an utterance costs, divided by its labels."""
    each, all_logits = [], []
    for clip, row in zip(clips, labels):
        logits = model(clip[None]).logits
        frames = torch.tensor([logits.shape[1]])
        each.append(torch.nn.functional.ctc_loss(
            torch.log_softmax(logits, -1).transpose(0, 1), torch.tensor([row]), frames, torch.tensor([len(row)]),
            blank=model.config.pad_token_id, reduction="sum"))
        all_logits.append(logits[0])
    return sum(loss / len(row) for loss, row in zip(each, labels)) / len(labels), each, all_logits


def write(name, model, samples, labels, seed, folder=GOLDEN / "wav2vec2", has_steps=True, adam=ADAM):
    random = np.random.default_rng(seed)
    directory = folder / name
    shutil.rmtree(directory, ignore_errors=True)
    model.save_pretrained(directory)
    model = model.double()
    clips = []
    for index, count in enumerate(samples):
        if isinstance(count, tuple):
            clip = random.standard_normal(count)
        else:
            clip = noise(random, count)
            clip = (clip - clip.mean()) / np.sqrt(clip.var() + 1e-7)
        array(directory / f"samples-{index}", torch.from_numpy(clip))
        clips.append(torch.from_numpy(clip.astype(np.float32)).double())

    loss, each, logits = mean_loss(model, clips, labels)
    loss.backward()
    for index in range(len(clips)):
        found = logits[index] if index < len(logits) else model(clips[index][None]).logits[0]
        array(directory / f"logits-{index}", found)
    tensors(directory / "gradients", {k: p.grad for k, p in model.named_parameters() if p.grad is not None})

    trained = [p for p in model.parameters() if p.grad is not None]
    losses = ten_steps(trained, adam, lambda: mean_loss(model, clips, labels)[0]) if has_steps else [loss.item()]
    record(directory / "case.json", {
        "labels": labels, "blank": model.config.pad_token_id, "loss": losses[0],
        "negative_log_likelihoods": [e.item() for e in each],
        "output_frames": [len(found) for found in logits], "losses": losses, "optimiser": settings_json(adam, False),
        "attention": "eager", "precision": "float64 from float32 weights",
    })
    print(name, "loss", losses[0], "ten steps to", losses[-1])


def main():
    labels = [[3, 3, 11, 1, 19, 8, 8, 2, 6], [9, 4, 4, 17], [5]]
    # The last is two frames long.
    samples = [2000, 1117, 60]
    write("group", network(
        1, vocab_size=20, pad_token_id=0, hidden_size=32, num_hidden_layers=3, intermediate_size=48,
        conv_dim=(16, 12, 20), num_conv_pos_embeddings=16, num_conv_pos_embedding_groups=4), samples, labels, 1)
    write("layer", network(
        2, vocab_size=22, pad_token_id=21, hidden_size=24, num_hidden_layers=2, intermediate_size=40,
        conv_dim=(12, 12, 12), num_conv_pos_embeddings=7, num_conv_pos_embedding_groups=3, feat_extract_norm="layer",
        do_stable_layer_norm=True, conv_bias=True, hidden_act="relu"), samples, labels, 2)
    write("adapters", network(
        3, vocab_size=20, pad_token_id=0, hidden_size=24, num_hidden_layers=2, intermediate_size=40,
        conv_dim=(12, 12, 12), num_conv_pos_embeddings=8, num_conv_pos_embedding_groups=2, feat_extract_norm="layer",
        do_stable_layer_norm=True, adapter_attn_dim=6), samples, labels, 3)
    tiny = dict(vocab_size=20, pad_token_id=0, hidden_size=16, num_hidden_layers=1, intermediate_size=24,
                conv_dim=(8, 8, 8), num_conv_pos_embedding_groups=2)
    write("hubert", network(
        4, (HubertConfig, HubertForCTC), num_conv_pos_embeddings=8, feat_proj_layer_norm=False, **tiny),
        samples, labels, 4)
    write("hubert-batch-norm", network(
        5, (HubertConfig, HubertForCTC), num_conv_pos_embeddings=8, conv_pos_batch_norm=True,
        feat_extract_norm="layer", do_stable_layer_norm=True, **tiny), samples, labels, 5)
    write("unispeech", network(6, (UniSpeechConfig, UniSpeechForCTC), num_conv_pos_embeddings=5, **tiny),
          samples, labels, 6)
    write("unispeech-sat", network(
        7, (UniSpeechSatConfig, UniSpeechSatForCTC), num_conv_pos_embeddings=8, feat_extract_norm="layer",
        do_stable_layer_norm=True, **tiny), samples, labels, 7)
    write("data2vec", network(
        8, (Data2VecAudioConfig, Data2VecAudioForCTC), num_conv_pos_embeddings=3, conv_pos_kernel_size=5, **tiny),
        samples, labels, 8)
    wavlm = (WavLMConfig, WavLMForCTC)
    # Far fewer buckets than frames, so that the far ones are met.
    buckets = dict(num_conv_pos_embeddings=8, num_buckets=16, max_bucket_distance=40)
    two = {**tiny, "num_hidden_layers": 2}
    write("wavlm", network(9, wavlm, **buckets, **two), samples, labels, 9)
    write("wavlm-stable", network(
        10, wavlm, feat_extract_norm="layer", do_stable_layer_norm=True, **buckets, **two), samples, labels, 10)
    # 100, 56, 2 and 15 frames.
    even = [2010, 1140, 60, 317]
    sew = (SEWConfig, SEWForCTC)
    write("sew", network(11, sew, num_conv_pos_embeddings=8, squeeze_factor=2, **tiny), even, labels, 11)
    write("sew-unprojected", network(
        12, sew, num_conv_pos_embeddings=7, squeeze_factor=2, **{**tiny, "conv_dim": (8, 8, 16)}), even, labels, 12)
    conformer = (Wav2Vec2ConformerConfig, Wav2Vec2ConformerForCTC)
    blocks = dict(num_conv_pos_embeddings=8, conv_depthwise_kernel_size=5, conformer_conv_dropout=0.0,
                  hidden_act="swish", **two)
    write("conformer-relative", network(
        13, conformer, position_embeddings_type="relative", **blocks), samples, labels, 13)
    write("conformer-rotary", network(
        14, conformer, position_embeddings_type="rotary", **blocks), samples, labels, 14)
    write("shrinking", network(
        15, num_conv_pos_embeddings=8, add_adapter=True, num_adapter_layers=2, output_hidden_size=12, **tiny),
        samples, labels, 15)
    bert = (Wav2Vec2BertConfig, Wav2Vec2BertForCTC)
    frames = [(60, 160), (33, 160), (3, 160)]
    blocks = dict(vocab_size=20, pad_token_id=0, hidden_size=16, intermediate_size=24, num_hidden_layers=2,
                  conv_depthwise_kernel_size=5, conformer_conv_dropout=0.0)
    write("bert", network(
        16, bert, left_max_position_embeddings=6, right_max_position_embeddings=3, **blocks), frames, labels, 16)
    write("bert-shrinking", network(
        17, bert, position_embeddings_type="relative", add_adapter=True, use_intermediate_ffn_before_adapter=True,
        output_hidden_size=12, **blocks), frames, labels, 17)


if __name__ == "__main__":
    with true_double():
        main()
