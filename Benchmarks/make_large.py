# Networks with random weights: `large` a ParakeetForCTC of 110 million parameters, `samples` a Wav2Vec2ForCTC of the
# size of wav2vec2-base, each in a folder of DIRECTORY.
import json
import sys

import torch
from transformers import ParakeetCTCConfig, ParakeetForCTC, Wav2Vec2Config, Wav2Vec2FeatureExtractor, Wav2Vec2ForCTC

torch.manual_seed(1)
directory = sys.argv[1]
config = ParakeetCTCConfig(
    vocab_size=1025, pad_token_id=1024,
    encoder_config=dict(
        hidden_size=512, num_hidden_layers=17, num_attention_heads=8, intermediate_size=2048,
        conv_kernel_size=9, subsampling_factor=8, subsampling_conv_channels=256, num_mel_bins=80))
ParakeetForCTC(config).save_pretrained(f"{directory}/large")
Wav2Vec2ForCTC(Wav2Vec2Config(vocab_size=32, pad_token_id=0, ctc_loss_reduction="sum")).save_pretrained(
    f"{directory}/samples")
Wav2Vec2FeatureExtractor().save_pretrained(f"{directory}/samples")
labels = ["<pad>", "<unk>", "|", *"abcdefghijklmnopqrstuvwxyz'", "<s>", "</s>"]
with open(f"{directory}/samples/vocab.json", "w") as file:
    json.dump({label: index for index, label in enumerate(labels)}, file)
