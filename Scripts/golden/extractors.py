"""The settings of feature extractors as transformers writes them: Tests/Golden/features/extractors.

requirements: Scripts/golden/requirements.txt

    python Scripts/golden/extractors.py

Golden arrays of the same settings are those of presets.py.
"""

import json
import pathlib

from transformers import SeamlessM4TFeatureExtractor, Wav2Vec2FeatureExtractor, WhisperFeatureExtractor

output = pathlib.Path(__file__).resolve().parents[2] / "Tests" / "Golden" / "features" / "extractors"
output.mkdir(exist_ok=True)

whisper = WhisperFeatureExtractor()
EXTRACTORS = {
    "whisper": whisper,
    "whisper-128": WhisperFeatureExtractor(feature_size=128),
    "wav2vec2": Wav2Vec2FeatureExtractor(),
    "wav2vec2-bert": SeamlessM4TFeatureExtractor(),
}
for name, extractor in EXTRACTORS.items():
    (output / f"{name}.json").write_text(extractor.to_json_string())

# As versions of transformers before 4.28 wrote it, with the bands' weights.
older = json.loads(whisper.to_json_string()) | {"mel_filters": whisper.mel_filters.T.tolist()}
(output / "whisper-older.json").write_text(json.dumps(older))
