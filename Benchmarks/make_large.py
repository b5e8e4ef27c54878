# A ParakeetForCTC of 110 million parameters with random weights, in DIRECTORY.
import sys

import torch
from transformers import ParakeetCTCConfig, ParakeetForCTC

torch.manual_seed(1)
config = ParakeetCTCConfig(
    vocab_size=1025, pad_token_id=1024,
    encoder_config=dict(
        hidden_size=512, num_hidden_layers=17, num_attention_heads=8, intermediate_size=2048,
        conv_kernel_size=9, subsampling_factor=8, subsampling_conv_channels=256, num_mel_bins=80))
model = ParakeetForCTC(config)
print(f"{sum(p.numel() for p in model.parameters()) / 1e6:.0f} million parameters")
model.save_pretrained(sys.argv[1])
