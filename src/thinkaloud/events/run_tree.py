"""The tree of a conversation's runs: the versions at each position, and the selected path."""

from collections.abc import Iterable, Mapping

from thinkaloud.events.run_fold import RunFold


class RunTree:
    """Every run follows another run or is the first. Runs that follow the same run are versions of
    one position, and one of them is selected. The path consists of the selected versions.
    """

    def __init__(self) -> None:
        self.runs: dict[str, RunFold] = {}
        """The path, oldest first."""
        self.all: dict[str, RunFold] = {}
        """The runs of all versions, in the order in which they started."""
        self._before: dict[str, str] = {}
        """By run: the run that it follows; "" if it is the first."""
        self._versions: dict[str, tuple[str, ...]] = {}
        """By run, or "": the runs that follow it, oldest first."""
        self._selected: dict[str, str] = {}
        """By run, or "": the selected one of the runs that follow it."""

    def copy(self) -> "RunTree":
        """Return an independent copy of the tree. The runs themselves are shared."""
        found = RunTree()
        found.runs, found.all = self.runs.copy(), self.all.copy()
        found._before = self._before.copy()
        found._versions = self._versions.copy()
        found._selected = self._selected.copy()
        return found

    @property
    def last(self) -> str:
        """The run at the end of the path; "" if the path is empty."""
        return next(reversed(self.runs), "")

    def versions(self, run_id: str) -> tuple[str, ...]:
        """Return the versions of a run's position, itself included, oldest first."""
        return self._versions[self._before[run_id]]

    def versions_of(self, runs: Iterable[RunFold]) -> Mapping[str, tuple[str, ...]]:
        """Return the versions by run, for the runs that have other versions."""
        found = [(run.run_id, self.versions(run.run_id)) for run in runs]
        return {run_id: versions for run_id, versions in found if len(versions) > 1}

    def before(self, run_id: str) -> str | None:
        """Return the run that this one follows, or None if it is the first."""
        return self._before[run_id] or None

    def is_selected(self, run_id: str) -> bool:
        """Whether a run is the selected version of its position, on the path or not."""
        return self.selected_version(run_id) == run_id

    def selected_version(self, run_id: str) -> str | None:
        """Return the selected version of a run's position."""
        return self._selected.get(self._before[run_id])

    def line(self, run_id: str) -> list[RunFold]:
        """Return this run and its ancestors, oldest first."""
        found: list[RunFold] = []
        while run_id:
            found.append(self.all[run_id])
            run_id = self._before[run_id]
        found.reverse()
        return found

    def path(self, run_id: str) -> dict[str, RunFold]:
        """Return the path as if this run were selected."""
        if run_id in self.runs:
            return self.runs
        found = {run.run_id: run for run in self.line(run_id)}
        self._extend(found, run_id)
        return found

    def add(self, run: RunFold, replaced: str | None) -> bool:
        """Add a run: as a version of the run that it replaces, or else at the end of the path.

        Returns whether to select it now: it is the only version, or the selected version gave no
        answer and is the last run of the path.
        """
        place = self._before.get(replaced or "", self.last)
        self.all[run.run_id] = run
        self._before[run.run_id] = place
        self._versions[place] = (*self._versions.get(place, ()), run.run_id)
        current = self._selected.get(place)
        return current is None or (current == self.last and not self.all[current].answered)

    def select(self, run_id: str) -> None:
        """Select a run and its ancestors. Does nothing if there is no such run."""
        if run_id in self.runs or run_id not in self.all:
            return
        # Change the path only after the last run that both paths share.
        steps: list[str] = []
        shared = run_id
        while shared and shared not in self.runs:
            steps.append(shared)
            shared = self._before[shared]
        while self.last != shared:
            self.runs.popitem()
        for step in reversed(steps):
            self._selected[self._before[step]] = step
            self.runs[step] = self.all[step]
        self._extend(self.runs, run_id)

    def drop_last(self, run_id: str) -> bool:
        """Remove a run if it is last in the path and the only version. Returns whether it was."""
        place = self._before[run_id]
        if self.last != run_id or self._versions[place] != (run_id,):
            return False
        for runs in (self.runs, self.all):
            del runs[run_id]
        del self._before[run_id], self._versions[place], self._selected[place]
        return True

    def _extend(self, path: dict[str, RunFold], run_id: str) -> None:
        following = self._selected.get(run_id)
        while following is not None:
            path[following] = self.all[following]
            following = self._selected.get(following)
