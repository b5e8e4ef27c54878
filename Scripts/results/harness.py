"""What the scripts of this folder share: manifests, runs of the program that are not repeated, pooled
intervals, and where figures go.

Every script takes --work DIR (models and logs; an interrupted script goes on there) and --data DIR (the
recordings; default $IDIOLECT_DATA), and writes Documentation/results/NAME.json, of which page.py makes
tables and pictures. A training is run again where its base, its manifests or its options are others than before.
"""

import argparse
import datetime
import hashlib
import json
import os
import platform
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FIGURES = ROOT / "Documentation" / "results"


class Harness:
    def __init__(self, name, description):
        parser = argparse.ArgumentParser(
            description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
        parser.add_argument("--work", required=True, type=Path, help="for models, manifests and logs")
        parser.add_argument("--data", type=Path, default=os.environ.get("IDIOLECT_DATA"),
                            help="the recordings (default: $IDIOLECT_DATA)")
        parser.add_argument("--accent-free", type=Path,
                            help="the base that Scripts/train-bases --only english-accent-free left")
        parser.add_argument("--idiolect", type=Path, default=ROOT / ".build" / "release" / "idiolect")
        parser.add_argument("--threads", help="of each training (default: all cores); with fewer, scripts whose "
                            "trainings count passes can run side by side")
        self.add_arguments(parser)
        given = parser.parse_args()
        if given.data is None:
            parser.error("give --data DIR or set IDIOLECT_DATA")
        if not Path(given.data).is_dir():
            parser.error(f"{given.data}: there is no such folder; give --data DIR or set IDIOLECT_DATA")
        if not given.idiolect.is_file():
            parser.error(f"{given.idiolect} is not built: swift build -c release, or give --idiolect FILE")
        self.name, self.given = name, given
        self.work = given.work.resolve() / name
        self.data = Path(given.data).resolve()
        self.work.mkdir(parents=True, exist_ok=True)
        self.small = ROOT / "Models" / "english-small"
        self.multilingual = ROOT / "Models" / "multilingual-small"
        # What must be given to get the same figures.
        self.options = ""
        # When the newest of what is published was measured; the weights it began with.
        self.measured = 0
        self.bases = {}

    def add_arguments(self, parser):
        """For a script's own options."""

    @property
    def accent_free(self):
        if self.given.accent_free is None:
            sys.exit(f"{self.name}: give --accent-free DIR")
        self.options = " --accent-free DIR"
        return self.given.accent_free

    # Manifests

    def read(self, name):
        """The utterances of a manifest under --data, `speechocean762/test`, recordings by absolute path."""
        path = self.data / f"{name}.jsonl"
        if not path.is_file():
            sys.exit(f"{self.name}: no {path}: is that the folder of the recordings?")
        entries = [json.loads(line) for line in path.read_text().splitlines() if line.strip()]
        for entry in entries:
            entry["audio_filepath"] = str(path.parent / entry["audio_filepath"])
        return entries

    def write(self, name, entries):
        path = self.work / f"{name}.jsonl"
        text = "".join(json.dumps(entry, ensure_ascii=False) + "\n" for entry in entries)
        # Not newer than what was made of it, where it is the same.
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
        return path

    # Runs

    def run(self, arguments, log):
        """Runs the program; what it says goes to a log and, should it fail, is shown."""
        command = [str(self.given.idiolect)] + [str(a) for a in arguments]
        print("  idiolect " + " ".join(command[1:]), flush=True)
        with open(self.work / log, "a") as file:
            status = subprocess.run(command, stdout=file, stderr=subprocess.STDOUT).returncode
        if status != 0:
            sys.exit(f"{self.name}: that failed; the end of {self.work / log}:\n"
                     + "\n".join((self.work / log).read_text().splitlines()[-5:]))

    def adapt(self, name, base, train, **options):
        """A model directory; nothing is run again where it is finished."""
        self.bases[Path(base).name] = digest(Path(base) / "model.safetensors")[:16]
        given = ["--train", train] if train else []
        return self._trained("adapt", name, ["--model", base, *given], options)

    def train(self, name, train, **options):
        return self._trained("train", name, ["--train", train], options)

    def _trained(self, command, name, arguments, options):
        output = self.work / name
        for option, value in options.items():
            arguments += ["--" + option.replace("_", "-")] + ([] if value is True else [value])
        if (output / "adaptation.json").exists() and not self._stands(output, command, arguments):
            print(f"    {output.name} was made otherwise: once more", flush=True)
            shutil.rmtree(output)
        if not (output / "adaptation.json").exists():
            start = time.monotonic()
            threads = ["--threads", self.given.threads] if self.given.threads else []
            self.run([command] + arguments + ["-o", output, "--resume"] + threads, f"{name}.log")
            print(f"    {time.monotonic() - start:.0f} s", flush=True)
            self._note(output).write_text(self._what(command, arguments))
        self.measured = max(self.measured, (output / "adaptation.json").stat().st_mtime)
        return output

    def _note(self, output):
        return output.with_name(f"{output.name}.command")

    def _what(self, command, arguments):
        """The command, a hash for each file or model it reads."""
        words = [command]
        for argument in map(str, arguments):
            path = Path(argument)
            weights = path / "model.safetensors"
            words.append(digest(weights) if weights.exists() else digest(path) if path.is_file() else argument)
        return " ".join(words) + "\n"

    def _stands(self, output, command, arguments):
        """Whether a finished model is what the command would make."""
        note = self._note(output)
        return note.exists() and note.read_text() == self._what(command, arguments)

    def evaluate(self, model, manifest):
        """Scores by utterance and their sums; kept, as long as neither model nor manifest is newer."""
        model, manifest = Path(model), Path(manifest)
        if model.parent != self.work:
            self.bases[model.name] = digest(model / "model.safetensors")[:16]
        kept = self.work / "scores" / f"{model.name}--{manifest.parent.name}-{manifest.stem}.json"
        sources = [model / "model.safetensors", manifest]
        if not kept.exists() or any(s.stat().st_mtime > kept.stat().st_mtime for s in sources):
            kept.parent.mkdir(exist_ok=True)
            with open(kept.with_suffix(".partial"), "w") as file:
                subprocess.run([self.given.idiolect, "evaluate", "--model", model, "--data", manifest,
                                "--format", "json"], stdout=file, check=True)
            kept.with_suffix(".partial").rename(kept)
        self.measured = max(self.measured, kept.stat().st_mtime)
        return json.loads(kept.read_text())

    def peer(self, name, train, test, **options):
        """The same network trained and tested by PyTorch: {utterance: (reference, hypothesis)} and what the script told.

        Kept, and not run again. Needs `given.peer_python`, a python with torch and transformers.
        """
        kept = self.work / f"{name}.json"
        heard = kept.with_suffix(".hypotheses")
        if not kept.exists():
            command = [self.given.peer_python, ROOT / "Scripts/peers/train_parakeet.py", train, test, "--bfloat16",
                       "--threads", os.cpu_count(), "--hypotheses", heard]
            for option, value in options.items():
                if value is not None:
                    command += [f"--{option.replace('_', '-')}", value]
            print("  " + " ".join(map(str, command[1:])), flush=True)
            done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
            (self.work / f"{name}.log").write_text(done.stdout + done.stderr)
            if done.returncode != 0:
                sys.exit(f"{self.name}: that failed; see {self.work / name}.log")
            kept.write_text(done.stdout.splitlines()[-1])
        self.measured = max(self.measured, kept.stat().st_mtime)
        said = map(json.loads, heard.read_text().splitlines())
        return {h["utterance"]: (h["reference"], h["hypothesis"]) for h in said}, json.loads(kept.read_text())

    # Figures

    def publish(self, figures, partial=False):
        """Writes the figures with what a reader needs to judge them.

        partial: whether options left some of the work out; then they go beside the models, not into the page.
        """
        record = {
            "command": f"python3 Scripts/results/{self.name}.py --work DIR{self.options}",
            "date": datetime.date.fromtimestamp(self.measured or time.time()).isoformat(),
            "machine": f"{os.cpu_count()} cores, {processor()}",
            "bases": self.bases,
            **figures,
        }
        directory = self.work if partial else FIGURES
        directory.mkdir(exist_ok=True)
        path = directory / f"{self.name}.json"
        path.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n")
        print(f"written to {path}")


def digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def processor():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":")[1].strip()
    return platform.machine()


def minutes(entries):
    return sum(entry["duration"] for entry in entries) / 60


def shuffled(entries, seed=1):
    """The same order wherever the recordings lie."""
    entries = sorted(entries, key=lambda e: Path(e["audio_filepath"]).name)
    random.Random(seed).shuffle(entries)
    return entries


def halves(entries):
    """Of each speaker the first half of their utterances, in an order of chance, and the rest."""
    speakers = {}
    for entry in entries:
        speakers.setdefault(entry["speaker"], []).append(entry)
    own, held = [], []
    for _, spoken in sorted(speakers.items()):
        spoken = shuffled(spoken)
        own += spoken[: len(spoken) // 2]
        held += spoken[len(spoken) // 2 :]
    return own, held


def first_minutes(entries, limit):
    """As many from the beginning as last `limit` minutes; a larger limit gives the same and more."""
    taken, seconds = [], 0.0
    for entry in entries:
        seconds += entry["duration"]
        if seconds > limit * 60 and taken:
            break
        taken.append(entry)
    return taken


def counts(score, unit="characters"):
    """(errors, reference length) of an utterance, or of a rate."""
    part = score[unit] if unit in score else score
    return (part["substitutions"] + part["insertions"] + part["deletions"], part["reference_length"])


def by_speaker(items, speakers):
    """Items in the groups to draw: speakers where there are five or more, as the program does, else each by itself.

    `speakers`: of each item, in their order.
    """
    found = {}
    for item, speaker in zip(items, speakers):
        found.setdefault(speaker, []).append(item)
    return list(found.values()) if len(found) >= 5 else [[item] for item in items]


def rate(result, unit):
    """[rate, lower, upper] as the program gives them."""
    part = result[unit]
    return [part["rate"], part["lower"], part["upper"]]


def edits(a, b):
    """Levenshtein's distance."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        previous, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (x != y))
    return row[-1]


def pooled(groups, draws=2000, seed=1):
    """[rate, lower, upper] of errors over lengths; each group, such as a speaker, is drawn as a whole.

    `groups`: lists of (errors, reference length).
    """
    sums = [tuple(map(sum, zip(*group))) for group in groups]
    source = random.Random(seed)

    def of(chosen):
        return sum(s[0] for s in chosen) / max(1, sum(s[1] for s in chosen))

    rates = sorted(of(source.choices(sums, k=len(sums))) for _ in range(draws))
    return [of(sums), rates[int(0.025 * draws)], rates[int(0.975 * draws) - 1]]


def pooled_difference(groups, draws=2000, seed=1):
    """The same for rates after less rates before; `groups`: lists of (before, after, reference length)."""
    return pooled([[(after - before, length) for before, after, length in g] for g in groups], draws, seed)


def paired(before, after, unit="characters"):
    """Utterance by utterance: (errors before, errors after, reference length)."""
    other = {score["utterance"]: score for score in after["scores"]}
    return [(counts(s, unit)[0], counts(other[s["utterance"]], unit)[0], counts(s, unit)[1])
            for s in before["scores"] if s["utterance"] in other]
