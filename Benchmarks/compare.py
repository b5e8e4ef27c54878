# Runs Idiolect and its peers turn by turn and prints one table; called by Scripts/compare.
import argparse
import datetime
import importlib.metadata
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
import wave

import numpy as np

import cases

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)


class Side:
    """One worker process: requests by line, answers by line."""

    def __init__(self, command):
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, *words):
        self.process.stdin.write(" ".join(str(w) for w in words) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().strip()
        if not answer or answer.startswith("error"):
            sys.exit(f"compare: {' '.join(map(str, words))}: {answer or 'the worker ended'}")
        return answer

    def results(self, scratch, name):
        prefix = f"{scratch}/{name}-"
        return [np.load(f"{prefix}{i}.npy") for i in range(int(self.ask("write", prefix)))]

    def end(self):
        self.process.stdin.close()
        self.process.wait()


class Bench:
    def __init__(self, options, scratch):
        self.options, self.scratch = options, scratch
        worker = f"{ROOT}/.build/release/IdiolectBenchmark"
        os.environ.setdefault("GOMP_SPINCOUNT", "2000")  # ours, as the program sets it for itself
        self.start_ours = lambda: Side([worker])
        self.start_peer = lambda: Side(
            ["env", "-u", "GOMP_SPINCOUNT", sys.executable, f"{HERE}/peer.py"])
        self.ours, self.rows = None, []

    def open(self):
        self.ours, self.peers = self.start_ours(), {}
        self.engine = self.ours.ask("threads", self.options.threads).removeprefix("ok ")

    def peer(self, variant):
        """One process for each variant, so that one case can keep all of them prepared."""
        if variant not in self.peers:
            self.peers[variant] = self.start_peer()
            self.torch = self.peers[variant].ask("threads", self.options.threads).removeprefix("ok ")
        return self.peers[variant]

    def measure(self, case):
        rounds, numbers = self.options.rounds, case.numbers
        sides = {"ours": self.ours} | {v: self.peer(f"peer {i}") for i, v in enumerate(case.peers)}
        for name, side in sides.items():
            side.ask("prepare", case.kind, case.precision if name == "ours" else name, *numbers)
        times = {name: [] for name in sides}
        repeats = {}
        for name, side in sides.items():
            side.ask("run", 1)
            once = min(float(side.ask("run", 1)) for _ in range(2))
            repeats[name] = max(1, round(0.03 / max(1e-6, once)))
            side.ask("run", max(1, round(0.2 / max(1e-6, once))))  # until memory and caches have settled
        for _ in range(rounds):
            for name, side in sides.items():
                time.sleep(0.1)  # so that the other side's threads have gone to sleep
                times[name].append(float(side.ask("run", repeats[name])) / repeats[name])
        middle = {name: statistics.median(t) for name, t in times.items()}
        best = min(case.peers, key=lambda v: middle[v])
        error = self.agreement(case, sides) if case.bound else None
        return middle["ours"], middle[best], best, error

    def agreement(self, case, sides):
        reference = self.peer("peer 0")
        if case.checks or case.reference not in case.peers or sides[case.peers[0]] is not reference \
                or case.peers[0] != case.reference:
            reference.ask("prepare", case.checks or case.kind, case.reference, *case.numbers)
            reference.ask("run", 1)
            if case.checks:
                self.ours.ask("prepare", case.checks, case.precision, *case.numbers)
                self.ours.ask("run", 1)
        expected = reference.results(self.scratch, "peer")
        found = self.ours.results(self.scratch, "ours")
        if len(found) != len(expected):
            return float("inf")
        return max(difference(a, b) for a, b in zip(found, expected))

    def run(self, case):
        ours, peer, variant, error = self.measure(case)
        wrong = error is not None and not error <= case.bound
        self.rows.append(
            Row(case.group, case.name, ours, peer, variant, case.goal, error, wrong, case.giga, case.precision))
        print(self.rows[-1].line(), flush=True)

    def ceilings(self):
        """The library's own matmul rate, multiply-adds a second, best of several."""
        found = {}
        for precision in ("float32", "bfloat16"):
            self.ours.ask("prepare", "ceiling", precision, 2048)
            self.ours.ask("run", 2)
            found[precision] = 2048**3 / min(float(self.ours.ask("run", 1)) for _ in range(8)) / 1e9
        return found

    def memory(self, name, kind, numbers, goal):
        """Peak resident memory of new processes that do only this."""
        peaks = []
        for side, variants in ((self.start_ours, ("bfloat16",)), (self.start_peer, ("float32", "autocast"))):
            found = []
            for variant in variants:
                process = side()
                process.ask("threads", self.options.threads)
                process.ask("prepare", kind, variant, *numbers)
                process.ask("run", 3)
                found.append(int(process.ask("memory")))
                process.end()
            peaks.append(min(found))
        self.rows.append(Row("memory", name, *peaks, "", goal, unit="MB"))
        print(self.rows[-1].line(), flush=True)

    def transcription(self, model):
        clip = f"{self.scratch}/ten.wav"
        ten_seconds(clip)
        program = f"{ROOT}/.build/release/idiolect"
        ours = [program, "transcribe", "--precision", "float32", "--model", model, "--threads",
                self.options.threads, clip]
        peer = ["env", "-u", "GOMP_SPINCOUNT", sys.executable, f"{HERE}/transcribe_peer.py", model, clip,
                self.options.threads]
        found = {"ours": [], "peer": []}
        for turn in range(self.options.rounds + 1):
            for name, command in (("ours", ours), ("peer", peer)):
                found[name].append(process(command))
        texts = [found[n][0][2].strip().split("\t")[-1] for n in ("ours", "peer")]
        seconds, bytes = (
            [statistics.median(r[i] for r in found[n][1:]) for n in ("ours", "peer")] for i in (0, 1))
        error = 0 if texts[0] == texts[1] else float("inf")
        for row in (
            Row("whole process", "transcribe 10 s", *seconds, "float32", 10, error, error > 0),
            Row("memory", "transcribe 10 s, peak", *bytes, "", 2, unit="MB"),
        ):
            self.rows.append(row)
            print(row.line(), flush=True)


    def folder(self):
        """A thousand recordings to one file of features."""
        from safetensors.numpy import load_file

        recordings = f"{self.scratch}/recordings"
        thousand_files(recordings)
        outputs = {name: f"{self.scratch}/{name}.safetensors" for name in ("ours", "peer")}
        ours = [f"{ROOT}/.build/release/idiolect", "features", recordings, "--preset", "torchaudio-mel",
                "--threads", self.options.threads, "--output", outputs["ours"]]
        peer = ["env", "-u", "GOMP_SPINCOUNT", sys.executable, f"{HERE}/features_script.py", recordings,
                outputs["peer"], self.options.threads]
        found = {"ours": [], "peer": []}
        for turn in range(self.options.rounds + 1):
            for name, command in (("ours", ours), ("peer", peer)):
                found[name].append(process(command)[0])
        seconds = [statistics.median(found[name][1:]) for name in ("ours", "peer")]
        a, b = (load_file(outputs[name]) for name in ("ours", "peer"))
        error = max(difference(a[k], b[k]) if k in b else float("inf") for k in a) if len(a) == len(b) else 1
        self.rows.append(
            Row("features", "process: 1,000 files of 5 s, FLAC", *seconds, "float32", 3, error, error > 1e-4))
        print(self.rows[-1].line(), flush=True)

    def ten_hours(self):
        """The peak of memory on one long recording; what it is compared with is a limit."""
        clip, array = f"{self.scratch}/hours.wav", f"{self.scratch}/hours.npy"
        ten_seconds(clip, times=3600)
        peak = process([f"{ROOT}/.build/release/idiolect", "features", clip, "--output", array])[1]
        os.remove(clip)
        os.remove(array)
        self.rows.append(Row("features", "process: 10 hours (nemo), peak memory", peak, 100e6, "a limit", 1, unit="MB"))
        print(self.rows[-1].line(), flush=True)


class Row:
    def __init__(
        self, group, name, ours, peer, variant, goal, error=None, wrong=False, giga=0, precision="", unit="ms"
    ):
        self.group, self.name, self.ours, self.peer, self.variant = group, name, ours, peer, variant
        self.goal, self.error, self.wrong, self.giga, self.unit = goal, error, wrong, giga, unit
        self.precision = precision
        self.ratio = peer / ours

    def figures(self, ceilings=None):
        scale = 1e3 if self.unit == "ms" else 1e-6
        share = f"{self.giga / self.ours / ceilings[self.precision]:.0%}" if self.giga and ceilings else ""
        mark = "WRONG" if self.wrong else f"{self.ratio:.2f}"
        short = "" if not self.goal or self.ratio >= self.goal else " (short)"
        return [
            self.name, f"{three(self.ours * scale)} {self.unit}", f"{three(self.peer * scale)} {self.unit}",
            self.variant, mark + short, f"{self.goal:g}" if self.goal else "",
            "" if self.error is None else "same text" if self.name.startswith("transcribe") and not self.error
            else f"{self.error:.1e}", share]

    def line(self):
        name, ours, peer, variant, ratio, goal, error, _ = self.figures()
        return f"{name:48} {ours:>10} {peer:>10} {variant:14} {ratio:>13} {goal:>5} {error:>9}"


def three(number):
    """To three digits, without an exponent."""
    return f"{number:,.0f}" if number >= 99.95 else f"{number:.3g}"


def difference(a, b):
    """The worst element, relative to the largest."""
    a, b = a.astype(np.float64).ravel(), b.astype(np.float64).ravel()
    if a.shape != b.shape or not np.isfinite(a).all():
        return float("inf")
    return float(np.abs(a - b).max() / max(np.abs(b).max(), 1e-30))


# Runs in a small interpreter of its own: a child's peak counts what its parent held when it began.
MEASURE = """
import os, sys, time
start = time.perf_counter()
pid = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ)
_, status, usage = os.wait4(pid, 0)
print(time.perf_counter() - start, usage.ru_maxrss * 1024, file=sys.stderr)
sys.exit(os.waitstatus_to_exitcode(status))
"""


def process(command):
    """Wall seconds, peak bytes and output of a new process."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", MEASURE, *map(str, command)], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"compare: {' '.join(map(str, command))}:\n{done.stderr}")
    seconds, peak = done.stderr.strip().splitlines()[-1].split()
    return float(seconds), float(peak), done.stdout


def bundled(count):
    """So many samples of the bundled recordings, at 16 kHz."""
    import soundfile

    samples = np.zeros(0)
    for name in sorted(os.listdir(f"{ROOT}/AudioSamples/audio")):
        data, rate = soundfile.read(f"{ROOT}/AudioSamples/audio/{name}", always_2d=True)
        samples = np.append(samples, data.mean(1)[:: rate // 16000])
        if len(samples) >= count:
            break
    return np.resize(samples, count)


def thousand_files(folder):
    """FLACs of five seconds, each another stretch of the bundled recordings."""
    import soundfile

    os.makedirs(folder, exist_ok=True)
    samples = bundled(16000 * 600)
    for index in range(1000):
        start = index * 9000
        soundfile.write(f"{folder}/{index:04}.flac", samples[start : start + 80000], 16000, subtype="PCM_16")


def ten_seconds(path, times=1):
    """Ten seconds of the bundled recordings, so many times, in a WAV of 16 kHz."""
    samples = bundled(160000)
    with wave.open(path, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16000)
        for _ in range(times):
            file.writeframes((samples * 32767).astype("<i2").tobytes())


def large_model(scratch):
    """Networks of published sizes; the 110-million one has the tokenizer and front end of english-small: the numbers matter here."""
    directory = f"{scratch}/large"
    if not os.path.exists(f"{directory}/model.safetensors"):
        subprocess.run([sys.executable, f"{HERE}/make_large.py", scratch], check=True)
        small = f"{ROOT}/Models/english-small"
        for name in ("processor_config.json", "tokenizer_config.json"):
            with open(f"{small}/{name}") as source, open(f"{directory}/{name}", "w") as copy:
                copy.write(source.read())
        tokenizer = json.load(open(f"{small}/tokenizer.json"))
        pad_vocabulary(tokenizer, 1025)
        json.dump(tokenizer, open(f"{directory}/tokenizer.json", "w"))
    return directory


def pad_vocabulary(tokenizer, count):
    """More labels, with invented names, the blank last."""
    vocabulary = tokenizer["model"]["vocab"]
    blank = max(vocabulary, key=vocabulary.get)
    labels = [w for w in sorted(vocabulary, key=vocabulary.get) if w != blank]
    labels += [f"label{i}" for i in range(len(labels), count - 1)] + [blank]
    tokenizer["model"]["vocab"] = {word: i for i, word in enumerate(labels)}
    for token in tokenizer["added_tokens"]:
        token["id"] = tokenizer["model"]["vocab"][token["content"]]


def geometric_means(rows):
    """Of each group of operations, by the group."""
    for precision, goal in (("float32", 1.8), ("bfloat16", 1.1)):
        group = f"operations, {precision}"
        ratios = [r.ratio for r in rows if r.group == group and not r.wrong]
        if len(ratios) > 1:
            yield group, f"geometric mean of {len(ratios)} operations, {precision}: " \
                f"{statistics.geometric_mean(ratios):.2f} (to reach: {goal})"


def sections(bench, ceilings):
    """The tables of Documentation/Performance.md, by group: each tells its machine, for they may be of several."""
    processor = re.search(r"model name\s*: (.*)", open("/proc/cpuinfo").read()).group(1)
    swift = re.search(r"Swift version (\S+)", subprocess.run(
        ["swift", "--version"], capture_output=True, text=True).stdout).group(1)
    peers = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in (
        "transformers", "torchaudio", "librosa", "kaldi-native-fbank", "python_speech_features"))
    machine = (
        f"{datetime.date.today()}, {processor}, {os.cpu_count()} cores, {bench.options.threads} threads, Linux "
        f"{platform.release().split('-')[0]}; Swift {swift}, {bench.engine}; PyTorch {bench.torch}, "
        f"{peers}. Medians of {bench.options.rounds} rounds, turn by turn.")
    means = dict(geometric_means(bench.rows))
    found = {}
    for group in dict.fromkeys(r.group for r in bench.rows):
        rows = [r for r in bench.rows if r.group == group]
        lines = [machine, ""]
        if ceilings and any(r.giga for r in rows):
            lines += ["Ceiling, oneDNN's product of 2,048 × 2,048 in the same run: "
                      + ", ".join(f"{2 * v:.0f} GFLOP/s in {k}" for k, v in ceilings.items()) + ".", ""]
        lines += ["| Work | Idiolect | Peer | Peer's variant | Ratio | To reach | Agreement | Of the ceiling |",
                  "|---|---|---|---|---|---|---|---|"]
        lines += ["| " + " | ".join(row.figures(ceilings)) + " |" for row in rows]
        if group in means:
            lines += ["", f"{means[group][0].upper()}{means[group][1:]}."]
        found[f"{group[0].upper()}{group[1:]}"] = "\n".join(lines)
    return found


def write(found, path):
    """Puts tables in place of those of the same name; new ones come last."""
    begin, end = "<!-- table: Scripts/compare --write -->", "<!-- end of the table -->"
    before, _, rest = open(path).read().partition(begin)
    tables, _, after = rest.partition(end)
    kept = dict(part.split("\n", 1) for part in tables.split("\n### ")[1:])
    text = "\n\n".join(f"### {title}\n\n{body.strip()}" for title, body in {**kept, **found}.items())
    open(path, "w").write(f"{before}{begin}\n\n{text}\n\n{end}{after}")


def main():
    parser = argparse.ArgumentParser(prog="Scripts/compare")
    parser.add_argument("--work", default="", help="only cases whose name or group has this (a pattern)")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--write", action="store_true",
                        help="into Documentation/Performance.md, in place of its tables of the same groups: run whole groups")
    options = parser.parse_args()
    wanted = lambda name, group: re.search(options.work, f"{group}: {name}", re.IGNORECASE)
    with tempfile.TemporaryDirectory() as temporary:
        scratch = os.environ.get("IDIOLECT_BENCH_SCRATCH", temporary)
        os.makedirs(scratch, exist_ok=True)
        small = f"{ROOT}/Models/english-small"
        large, samples = f"{scratch}/large", f"{scratch}/samples"
        chosen = [c for c in [*cases.operations(), *cases.losses(), *cases.networks(small, large, samples),
                              *cases.features()]
                  if wanted(c.name, c.group)]
        if any(large in c.numbers or samples in c.numbers for c in chosen):
            large_model(scratch)
        bench = Bench(options, scratch)
        bench.open()
        print(f"{'work':48} {'ours':>10} {'peer':>10} {'variant':14} {'ratio':>13} {'goal':>5} {'differs':>9}")
        for case in chosen:
            bench.run(case)
        ceilings = bench.ceilings() if any(c.giga for c in chosen) else None
        if ceilings:
            print("ceiling: " + ", ".join(f"{2 * v:.0f} GFLOP/s in {k}" for k, v in ceilings.items()))
            for row in bench.rows:
                if row.giga:
                    print(f"  {row.name}: {row.figures(ceilings)[-1]} of {row.precision}'s")
        for side in [bench.ours, *bench.peers.values()]:
            side.end()
        if wanted("training step, peak", "memory"):
            bench.memory("english-small training step, 16 × 10 s, peak", "step", (small, 10, 16), 2)
        if wanted("transcribe 10 s", "whole process"):
            bench.transcription(small)
        if wanted("process: 1,000 files of 5 s, FLAC", "features"):
            bench.folder()
        if wanted("process: 10 hours (nemo), peak memory", "features"):
            bench.ten_hours()
        for _, line in geometric_means(bench.rows):
            print(line)
        if options.write:
            write(sections(bench, ceilings), f"{ROOT}/Documentation/Performance.md")
    wrong = [r.name for r in bench.rows if r.wrong]
    if wrong:
        sys.exit(f"compare: the results differ: {'; '.join(wrong)}")


if __name__ == "__main__":
    main()
