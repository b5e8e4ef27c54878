"""Golden data for tokenizers: what transformers writes, and what it makes of what we write.

requirements: transformers==5.23.0 tokenizers==0.23.3 numpy==2.4.6 torch==2.15.0

    python Scripts/golden/tokenizer.py make           transformers-written tokenizers, with cases
    python Scripts/golden/tokenizer.py check DIR ...  opens directories that Idiolect wrote, by
                                                      AutoTokenizer and AutoProcessor, and writes
                                                      cases.json beside each

The tests hold our files to the bytes that were checked, and our encoding and decoding to the cases.
"""

import json
import os
import random
import shutil
import sys
import tempfile

from tokenizers import Tokenizer, Regex, decoders, models, pre_tokenizers, trainers
from transformers import AutoProcessor, AutoTokenizer, ParakeetFeatureExtractor, ParakeetProcessor
from transformers import ParakeetTokenizer, Wav2Vec2CTCTokenizer, Wav2Vec2FeatureExtractor

GOLDEN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "Tests", "Golden", "text")
TEXTS = ["a", "ab  ba", " a b ", "", "aab'b", "b\u00e9e\u0301a", "ba ab"]


def cases(tokenizer, processor, vocab_size, texts, specials, pad):
    """Texts to ids, and paths to texts, as transformers has them."""
    rng = random.Random(1)
    plain = [i for i in range(vocab_size) if i not in specials]
    paths = [[pad] * 3, [], plain + plain[::-1]]
    for _ in range(40):
        path = []
        for _ in range(rng.randint(1, 12)):
            path += [rng.choice(plain + [pad] * len(plain))] * rng.randint(1, 3)
        paths.append(path)
    with_specials = [[rng.randrange(vocab_size) for _ in range(12)] for _ in range(10)]
    decoded = processor.batch_decode(paths)
    if tokenizer.__class__.__name__ == "ParakeetTokenizer":
        skipped = processor.batch_decode(paths, skip_special_tokens=True)
        assert decoded == skipped, "special tokens show in paths without any"
        paths += with_specials
        decoded += processor.batch_decode(with_specials, skip_special_tokens=True)
    # Wav2Vec2CTCTokenizer with skip_special_tokens=True drops the blank before it groups repeats, and
    # the delimiter too: nobody reads its output so.
    return {
        "encode": [{"text": t, "ids": tokenizer(t, add_special_tokens=False).input_ids} for t in texts],
        "decode": [{"path": p, "text": t} for p, t in zip(paths, decoded)],
    }


def write(directory, data):
    with open(os.path.join(directory, "cases.json"), "w") as file:
        json.dump(data, file, ensure_ascii=False, indent=0)
        file.write("\n")


def keep(directory, names):
    for name in os.listdir(directory):
        if name not in names:
            os.remove(os.path.join(directory, name))


# What the pieces are learnt from, and words that are not in it, with letters that are not either.
WORDS = "the there then other mother brother bother both booth tooth that what hat rather gather father".split()
OTHERS = ["thereabouts", "oath", "wrath", "zeal", "n\u00e4he", "\u2603", "he", "a", "x-ray"]


def pieces(name, model, trainer, byte_fallback):
    """Pieces of words as converters of SentencePiece models write them, the blank last."""
    rng = random.Random(3)
    backend = Tokenizer(model)
    backend.pre_tokenizer = pre_tokenizers.Metaspace(replacement="\u2581", prepend_scheme="always")
    backend.decoder = decoders.Metaspace(replacement="\u2581", prepend_scheme="always")
    if byte_fallback:
        backend.decoder = decoders.Sequence([
            decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)])
    corpus = [" ".join(rng.choice(WORDS) for _ in range(6)) for _ in range(200)]
    backend.train_from_iterator(corpus, trainer)
    if byte_fallback:
        learnt = json.loads(backend.to_str())["model"]
        names = ["<unk>"] + [f"<0x{byte:02X}>" for byte in range(256)]
        names += [piece for piece in learnt["vocab"] if piece != "<unk>"]
        backend.model = models.BPE({piece: i for i, piece in enumerate(names)},
                                   [tuple(pair) for pair in learnt["merges"]], unk_token="<unk>", fuse_unk=True,
                                   byte_fallback=True)
    tokenizer = ParakeetTokenizer(tokenizer_object=backend, pad_token="<pad>", unk_token="<unk>",
                                  clean_up_tokenization_spaces=False)
    directory = os.path.join(GOLDEN, name)
    tokenizer.save_pretrained(directory)
    keep(directory, {"tokenizer.json", "tokenizer_config.json"})
    processor = ParakeetProcessor(ParakeetFeatureExtractor(), tokenizer)
    texts = ["", "the"] + [" ".join(rng.choice(WORDS + OTHERS) for _ in range(rng.randint(1, 6))) for _ in range(60)]
    specials = {tokenizer.pad_token_id, tokenizer.unk_token_id}
    size = len(tokenizer)
    data = cases(tokenizer, processor, size, texts, specials, tokenizer.pad_token_id)
    write(directory, data)
    print(f"{directory}: {size} pieces, {backend.encode('thereabouts').tokens}")


def make():
    pieces("pieces-merges-by-transformers", models.BPE(unk_token="<unk>", fuse_unk=True),
           trainers.BpeTrainer(vocab_size=60, special_tokens=["<unk>"], show_progress=False), False)
    pieces("pieces-bytes-by-transformers", models.BPE(unk_token="<unk>", fuse_unk=True),
           trainers.BpeTrainer(vocab_size=60, special_tokens=["<unk>"], show_progress=False), True)
    pieces("pieces-likeliest-by-transformers", models.Unigram(),
           trainers.UnigramTrainer(vocab_size=50, special_tokens=["<unk>"], unk_token="<unk>", show_progress=False),
           False)

    # A WordLevel tokenizer with <unk> first and the blank in the middle.
    labels = ["<unk>", " ", "a", "<pad>", "b", "'", "\u00e9", "e", "\u0301"]
    backend = Tokenizer(models.WordLevel({l: i for i, l in enumerate(labels)}, unk_token="<unk>"))
    backend.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
    backend.decoder = decoders.Fuse()
    fused = ParakeetTokenizer(tokenizer_object=backend, pad_token="<pad>", unk_token="<unk>",
                              clean_up_tokenization_spaces=False)
    directory = os.path.join(GOLDEN, "parakeet-by-transformers")
    fused.save_pretrained(directory)
    keep(directory, {"tokenizer.json", "tokenizer_config.json"})
    processor = ParakeetProcessor(ParakeetFeatureExtractor(), fused)
    write(directory, cases(fused, processor, len(labels), TEXTS, {0, 3}, 3))

    # wav2vec2: capitals, a delimiter, four special tokens.
    labels = ["<pad>", "<s>", "</s>", "<unk>", "|", "A", "B", "'", "\u00c9", "E", "\u0301"]
    with tempfile.TemporaryDirectory() as scratch:
        path = os.path.join(scratch, "vocab.json")
        json.dump({l: i for i, l in enumerate(labels)}, open(path, "w"))
        plain = Wav2Vec2CTCTokenizer(path)
        directory = os.path.join(GOLDEN, "wav2vec2-by-transformers")
        plain.save_pretrained(directory)
        keep(directory, {"vocab.json", "tokenizer_config.json"})
        texts = [t.upper() for t in TEXTS]
        write(directory, cases(plain, plain, len(labels), texts, {0, 1, 2, 3}, 0))

        # MMS: a vocabulary for each language; the blank is not first in one of them.
        nested = {
            "eng": {"<pad>": 0, "<s>": 1, "</s>": 2, "<unk>": 3, "|": 4, "a": 5, "b": 6, "'": 7,
                    "e": 8, "\u00e9": 9, "\u0301": 10},
            "mdw": {"|": 0, "a": 1, "b": 2, "<pad>": 3, "<s>": 4, "</s>": 5, "<unk>": 6, "e": 7,
                    "\u00e9": 8, "\u0301": 9, "'": 10},
        }
        json.dump(nested, open(path, "w"))
        mms = Wav2Vec2CTCTokenizer(path, target_lang="mdw")
        directory = os.path.join(GOLDEN, "mms-by-transformers")
        mms.save_pretrained(directory)
        keep(directory, {"vocab.json", "tokenizer_config.json"})
        write(directory, cases(mms, mms, 11, TEXTS, {3, 4, 5, 6}, 3))


def check(directory):
    """Asserts that a directory which Idiolect wrote opens, and writes what transformers makes of it."""
    config = json.load(open(os.path.join(directory, "tokenizer_config.json")))
    parakeet = config["tokenizer_class"] == "ParakeetTokenizer"
    with tempfile.TemporaryDirectory() as scratch:
        for name in os.listdir(directory):
            shutil.copy(os.path.join(directory, name), scratch)
        # The model's own files; the acoustic side writes them, so here they are transformers'.
        extractor = ParakeetFeatureExtractor() if parakeet else Wav2Vec2FeatureExtractor()
        extractor.save_pretrained(scratch)
        model_type = "parakeet_ctc" if parakeet else "wav2vec2"
        json.dump({"model_type": model_type}, open(os.path.join(scratch, "config.json"), "w"))
        tokenizer = AutoTokenizer.from_pretrained(scratch)
        processor = AutoProcessor.from_pretrained(scratch)
    assert type(processor.tokenizer).__name__ == type(tokenizer).__name__ == config["tokenizer_class"]
    assert not tokenizer.clean_up_tokenization_spaces
    if parakeet:
        assert processor._decoder_type == "ctc"
        vocab = json.load(open(os.path.join(directory, "tokenizer.json")))["model"]["vocab"]
    else:
        vocab = json.load(open(os.path.join(directory, "vocab.json")))
    size = len(vocab)
    assert len(tokenizer) == size, f"transformers adds tokens: {len(tokenizer)} for {size}"
    assert tokenizer.get_vocab() == vocab
    pad = tokenizer.pad_token_id
    assert pad == vocab[config["pad_token"]]
    specials = {pad} | {vocab[t] for t in ("<unk>", "<s>", "</s>") if t in vocab}
    letters = [l for i, l in sorted((i, l) for l, i in vocab.items()) if i not in specials]
    letters = [" " if l == config.get("word_delimiter_token") else l for l in letters]
    rng = random.Random(2)
    texts = ["", " ", "  ", "".join(letters), "".join(reversed(letters))]
    texts += ["".join(rng.choice(letters + [" "] * 3) for _ in range(rng.randint(1, 20))) for _ in range(30)]
    data = cases(tokenizer, processor, size, texts, specials, pad)
    for case in data["encode"]:  # there and back again
        ids = [i for j in case["ids"] for i in (pad, j)]
        expected = case["text"] if parakeet else case["text"].strip()
        assert processor.batch_decode([ids]) == [expected], case
    assert pad not in [i for c in data["encode"] for i in c["ids"]]
    unknown = tokenizer("\u2603").input_ids
    assert unknown == [vocab.get("<unk>", pad)], unknown
    write(directory, data)
    print(f"{directory}: {size} labels, blank {pad}: agrees")


if __name__ == "__main__":
    if sys.argv[1:2] == ["make"]:
        make()
    elif sys.argv[1:2] == ["check"] and len(sys.argv) > 2:
        for directory in sys.argv[2:]:
            check(directory)
    else:
        sys.exit(__doc__)
