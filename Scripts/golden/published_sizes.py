"""Golden data for networks of the sizes that are published, from transformers: too large to keep.

Writes DIR/transformers/<name>/ as wav2vec2.py does, some gigabytes each: random weights as transformers draws them, two
utterances. Networks of more than 400 million parameters are not trained for ten steps.
Run: python Scripts/golden/published_sizes.py DIR [NAME …]   (requirements: Scripts/golden/requirements.txt)
For what transformers does not have: python Scripts/golden/{deepspeech,wavenet,nemo_archives}.py DIR
Then: IDIOLECT_PUBLISHED_SIZES=DIR swift test -c release --skip-build --filter PublishedSizeTests
"""

import sys
from pathlib import Path

import torch
from transformers import (
    Data2VecAudioConfig, Data2VecAudioForCTC, HubertConfig, HubertForCTC, ParakeetCTCConfig, ParakeetForCTC, SEWConfig,
    SEWForCTC, Wav2Vec2BertConfig, Wav2Vec2BertForCTC, Wav2Vec2Config, Wav2Vec2ConformerConfig, Wav2Vec2ConformerForCTC,
    Wav2Vec2ForCTC, WavLMConfig, WavLMForCTC,
)

from common import true_double
from parakeet import ADAM, QUIET as PARAKEET_QUIET
from wav2vec2 import QUIET, write

LARGE = dict(hidden_size=1024, num_hidden_layers=24, num_attention_heads=16, intermediate_size=4096)
STABLE = dict(feat_extract_norm="layer", do_stable_layer_norm=True, conv_bias=True)
SAMPLES = [48010, 20990]
# Even numbers of frames: to an odd one transformers' SEW adds one that heard nothing.
SEW_SAMPLES = [48330, 20670]
# At the small networks' rate of 1e-3 float32 is 0.3 % off after six steps of wav2vec2-base.
FINE_TUNING = dict(ADAM, lr=5e-5)
# What differs from the configuration's defaults, which are those of the smallest network published.
CASES = {
    "wav2vec2-base": (Wav2Vec2Config, Wav2Vec2ForCTC, {}),
    "xls-r-300m": (Wav2Vec2Config, Wav2Vec2ForCTC, {**LARGE, **STABLE}),
    "mms-adapters": (Wav2Vec2Config, Wav2Vec2ForCTC, {**LARGE, **STABLE, "adapter_attn_dim": 16}),
    "hubert-base": (HubertConfig, HubertForCTC, {}),
    "data2vec-audio-base": (Data2VecAudioConfig, Data2VecAudioForCTC, {}),
    "wavlm-base": (WavLMConfig, WavLMForCTC, {}),
    "sew": (SEWConfig, SEWForCTC, {}),
    "wav2vec2-conformer": (Wav2Vec2ConformerConfig, Wav2Vec2ConformerForCTC, dict(
        **LARGE, **STABLE, position_embeddings_type="relative", hidden_act="swish", conformer_conv_dropout=0.0)),
    "wav2vec2-bert-2.0": (Wav2Vec2BertConfig, Wav2Vec2BertForCTC, dict(conformer_conv_dropout=0.0)),
    "parakeet-ctc": (ParakeetCTCConfig, ParakeetForCTC, {}),
}


def main():
    folder, names = Path(sys.argv[1]) / "transformers", sys.argv[2:] or list(CASES)
    for name in names:
        config, network, sizes = CASES[name]
        torch.manual_seed(1)
        if config is ParakeetCTCConfig:
            made = config(vocab_size=32, pad_token_id=0, encoder_config=dict(**sizes, **PARAKEET_QUIET))
            inputs = [(301, 80), (132, 80)]
        else:
            made = config(vocab_size=32, pad_token_id=0, **sizes, **QUIET)
            inputs = ([(150, 160), (66, 160)] if config is Wav2Vec2BertConfig
                      else SEW_SAMPLES if config is SEWConfig else SAMPLES)
        made._attn_implementation = "eager"
        model = network(made).eval()
        parameters = sum(p.numel() for p in model.parameters())
        print(name, f"{parameters:,} parameters", flush=True)
        write(name, model, inputs, [[3, 3, 11, 1, 19, 8, 8, 2, 6], [9, 4, 4, 17]], 1, folder, parameters < 400e6,
              FINE_TUNING)


if __name__ == "__main__":
    torch.set_num_threads(2)
    with true_double():
        main()
