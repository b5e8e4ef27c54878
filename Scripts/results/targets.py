"""What the bundled bases are adapted to: accents of English they know little of, and languages they never heard."""

from typing import NamedTuple

from harness import halves, shuffled

COLLECTIONS = ["indian_digits/", "mexican_digits/", "dotun_digits/", "alphanumeric/"]
PEOPLE = [f"fsdd/{who}-" for who in ("jackson", "theo", "nicolas", "yweweler")]


class Target(NamedTuple):
    base: object      # the directory of the base
    train: list       # utterances in an order of chance: the first of them are a smaller set of the same kind
    test: list
    new: bool         # whether the output layer begins anew
    lr: str           # where everything trains


def accents(harness):
    """32 people with an accent of which the base has heard others: half of each one's sentences train."""
    own, held = halves(harness.read("speechocean762/test"))
    return Target(harness.small, shuffled(own), held, False, "3e-4")


def digits(folders):
    def target(harness):
        train, test = ([e for d in folders for e in harness.read(d + part)] for part in ("adapt", "test"))
        return Target(harness.small, shuffled(train), test, False, "3e-4")
    return target


def language(train, test):
    return lambda harness: Target(
        harness.multilingual, shuffled(harness.read(train)), harness.read(test), True, "1e-3")


TARGETS = {
    "fsdd": digits(PEOPLE),           # four people, digit by digit; heard in training
    "digits": digits(COLLECTIONS),    # of other people; Indian and Mexican English, and others
    "mboshi": language("mboshi/train", "mboshi/dev"),
    "gujarati": language("gujarati_digits/train", "gujarati_digits/test"),
    "ukrainian": language("ukrainian/train", "ukrainian/dev"),
    "accents": accents,
}


def chosen(harness, names):
    """(name, target) of each of the names that --only leaves."""
    return [(name, TARGETS[name](harness)) for name in names if harness.given.only in (None, name)]
