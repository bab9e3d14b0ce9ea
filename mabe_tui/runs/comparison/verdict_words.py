"""Verdicts in words: the source of every sentence about a difference, on every screen and in every file."""

from dataclasses import dataclass

from mabe_tui.runs.comparison.judgement import Verdict
from mabe_tui.runs.comparison.yardstick import Yardstick


def signed(value: float) -> str:
    """Format with three decimals, a sign, a true minus, and no ``−0.000``."""
    text = f"{value:+.3f}"
    return "0.000" if float(text) == 0 else text.replace("-", "−")


def _difference(verdict: Verdict, by: Yardstick, note: str = "") -> str:
    """Return the difference and its interval, as far as they are known."""
    line = (
        f"{verdict.second} − {verdict.first} = {signed(verdict.difference or 0.0)}{_metric_of(by)}"
    )
    if verdict.low is None or verdict.high is None:
        return line
    return f"{line}, 95 % {signed(verdict.low)} … {signed(verdict.high)}{note}"


def _metric_of(by: Yardstick) -> str:
    """Name the metric if it is not the expected one, and say if lower is better."""
    falls = "" if by.metric.rises else " (lower is better)"
    if by.metric.name == by.task.primary and not falls:
        return ""
    return f" in {by.metric.label}{falls}"


def _too_few(verdict: Verdict, by: Yardstick) -> str | None:
    """Say why so few units allow no verdict; ``None`` if there are enough."""
    from core.evaluation.paired import (
        FEWEST_UNITS,
    )  # numpy: already imported wherever there is a difference

    if verdict.videos == 1:
        return f"one {by.unit.one} gives no interval, so no verdict"
    if (verdict.videos or 0) < FEWEST_UNITS:
        return (
            f"only {verdict.videos} {by.unit.many}, fewer than {FEWEST_UNITS},"
            " so the interval is not to be trusted and there is no verdict"
        )
    return None


def _on(verdict: Verdict, by: Yardstick) -> str:
    return f"on {verdict.videos} {by.unit.many}"


@dataclass(frozen=True)
class CheckpointWords:
    """Sentences about two single checkpoints, judged over units alone."""

    verdict: Verdict
    by: Yardstick
    versions: tuple[str, str] = ("", "")
    """Versions of the first and the second side."""
    combined: bool = False
    """Whether one of them is made of other runs, so that no seeds of its own can be trained."""

    def alone(self) -> str:
        """Describe the checkpoints only: they were named explicitly."""
        few = _too_few(self.verdict, self.by)
        line = f"{_difference(self.verdict, self.by)}: {few or self._found()}"
        if len(set(self.versions)) < 2 or few:
            return line
        return f"{line}; of versions two single checkpoints say nothing"

    def of_one_version(self, version: str) -> str:
        """Describe two runs that differ in the seed alone."""
        return (
            f"{CheckpointWords(self.verdict, self.by).alone()}; both are runs of {version} with the same"
            " settings, so this is a difference between seeds"
        )

    def of_two_versions(self) -> str:
        """Describe the checkpoints, and say that nothing is known about the versions."""
        line = _difference(self.verdict, self.by, f" over {self.by.unit.many} alone")
        few, on = _too_few(self.verdict, self.by), _on(self.verdict, self.by)
        if few is not None:
            return f"{line}: {few}"
        differ = self.verdict.checkpoints_differ
        found = f"these two checkpoints {'differ' if differ else 'cannot be told apart'}"
        if self.combined:
            return f"{line}: {found} {on}; made of runs of other seeds, they may compare otherwise"
        if len(set(self.versions)) < 2:  # other settings: the registry's would be a third kind
            return (
                f"{line}: {found} {on}; of their settings one seed each says"
                " nothing: train both with 2 or more seeds"
            )
        commands = " and ".join(f"`mabe run {version} --seeds 1,2,3`" for version in self.versions)
        return (
            f"{line}: {found} {on}; of the versions one seed each says"
            f" nothing: train 2 or more of each ({commands})"
        )

    def _found(self) -> str:
        on = _on(self.verdict, self.by)
        if not self.verdict.checkpoints_differ:
            return f"not distinguishable {on}"
        return f"{self.verdict.better} is better {on}"


@dataclass(frozen=True)
class VersionWords:
    """Sentences about two versions, judged over units and seeds."""

    verdict: Verdict
    by: Yardstick

    def sentence(self) -> str:
        """Say whether one version is better, and on what evidence."""
        verdict = self.verdict
        line = _difference(verdict, self.by)
        if (few := _too_few(verdict, self.by)) is not None:
            return f"{line}: {few}"
        on = f"{_on(verdict, self.by)} {self._seeds()}"
        if verdict.told_apart:
            return f"{line}: {verdict.better} is better {on}"
        return f"{line}: {self._undecided(on)}"

    @property
    def _single(self) -> bool:
        return self.verdict.first_seeds == self.verdict.second_seeds == 1

    def _seeds(self) -> str:
        verdict = self.verdict
        first, second = verdict.first_seeds, verdict.second_seeds
        if self._single:
            return f"with one seed each, {self._spread()}"
        if first == second:
            return f"with {first} seeds each"
        return f"with {_count(second)} of {verdict.second} and {first} of {verdict.first}{self._taken()}"

    def _taken(self) -> str:
        """Name the assumption about a side whose one run shows no spread."""
        verdict = self.verdict
        single, other = verdict.first, verdict.second
        if verdict.second_seeds == 1:
            single, other = other, single
        elif verdict.first_seeds != 1:
            return ""
        if single in verdict.seed_sd_from:
            return ""
        return f", taking {single}'s seeds to spread as {other}'s"

    def _spread(self) -> str:
        names = " and ".join(f"{name}'s" for name in self.verdict.seed_sd_from)
        return f"{names} seeds spread by ± {self.verdict.seed_sd:.3f}"

    def _undecided(self, on: str) -> str:
        verdict = self.verdict
        if self._single:
            differ = "differ" if verdict.checkpoints_differ else "cannot be told apart"
            told = (
                f"these two checkpoints {differ} {_on(verdict, self.by)}, {self._spread()}:"
                " this difference tells nothing about the versions"
            )
        else:
            told = f"not distinguishable {on}, {self._spread()}"
        if verdict.seeds_needed is None:
            return told
        return (
            f"{told}; about {verdict.seeds_needed} seeds each would tell a difference of this size"
        )


def _count(seeds: int) -> str:
    return "1 seed" if seeds == 1 else f"{seeds} seeds"
