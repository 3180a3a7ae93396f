"""Long-lived programs that are timed in turns, so that what slows the machine slows them alike.

A contender prints one JSON object when it is ready ({"version", "variants"}, or {"skip": reason}) and answers each
line of its stdin with another (bench/embed_runner.cc says which lines).
"""
import json
import shlex
import statistics
import subprocess


class Skipped(Exception):
    """A contender that cannot take part, and why."""


class Contender:
    def __init__(self, name, command, folder=None):
        self.name = name
        self.command = [str(word) for word in command]
        try:
            self.process = subprocess.Popen(self.command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                            stderr=subprocess.DEVNULL, text=True)
        except OSError as error:
            raise Skipped(f"{shlex.quote(self.command[0])}: {error.strerror}") from None
        hello = self.answer()
        self.version, self.variants = hello["version"], hello["variants"]
        self.variant, self.amount, self.rates = self.variants[0], 1, []

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise Skipped(f"it ended with status {self.process.wait()}")
        answer = json.loads(line)
        if "skip" in answer:
            self.close()
            raise Skipped(answer["skip"])
        return answer

    def send(self, line):
        try:
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # the answer tells

    def ask(self, line):
        self.send(line)
        return self.answer()

    def rate(self, variant, amount):
        """Images a second."""
        taken = self.ask(f"time {variant} {amount}")
        return taken["images"] / taken["seconds"]

    def choose_variant(self, slice_seconds, slow):
        """The fastest variant, and how many images make a slice. Batches are left out where an image takes `slow` s."""
        best = 0
        for variant in self.variants:
            batch = int(variant.split(",")[0])
            if best and batch > 1 and 1 / best > slow:
                continue
            first = self.rate(variant, batch)  # plans, packs weights, warms up
            rate = self.rate(variant, max(batch, round(first * slice_seconds / 2)))
            if rate > best:
                best, self.variant = rate, variant
        self.amount = max(int(self.variant.split(",")[0]), round(best * slice_seconds))

    def run_slice(self):
        self.rates.append(self.rate(self.variant, self.amount))

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def in_turns(contenders, rounds):
    """Each round one slice of everybody; who begins changes."""
    for number in range(rounds):
        shift = number % len(contenders)
        for contender in contenders[shift:] + contenders[:shift]:
            contender.run_slice()


def ratios(rates, base):
    """Of two lists of rates by round: median, least and greatest of the rounds' ratios."""
    each = [ours / theirs for ours, theirs in zip(rates, base)]
    return {"ratio": statistics.median(each), "low": min(each), "high": max(each)}
