"""Errors can be caught, copied, and sent to another process."""

import copy
import importlib
import multiprocessing
import pickle
import pkgutil
from collections.abc import Iterator

import pytest

import thinkaloud
from thinkaloud import ProviderError, RunFailed, UnsupportedEffort, UserError
from thinkaloud.errors import (
    InvalidRequest,
    ThinkaloudError,
    ToolError,
    UnknownModel,
)
from thinkaloud.runtime.runs.hooks import HookFailed


class CustomError(ThinkaloudError):
    """An error of a user's own, with a constructor that takes no message."""

    def __init__(self, line: int, *, file: str) -> None:
        super().__init__(f"{file}:{line}")
        self.line = line


SAMPLES = [
    ProviderError("provider_overloaded", "Busy.", status=529, retry_after=2.5, retryable=True),
    RunFailed(
        "run_timeout", "Late.", run_id="run_1", partial="Half", reasoning="Hm", retryable=True
    ),
    InvalidRequest("Wrong.", field="text", valid=["a", "b"]),
    UnknownModel("x/y", ["x/z"]),
    UnsupportedEffort("x/y", 12, ["low"]),
    HookFailed("before_run", ValueError("mine")),
    ToolError("No."),
    CustomError(7, file="a.txt"),
]


def every_error() -> Iterator[type[ThinkaloudError]]:
    for module in pkgutil.walk_packages(thinkaloud.__path__, "thinkaloud."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    found = [ThinkaloudError]
    for kind in found:
        yield kind
        found.extend(kind.__subclasses__())


@pytest.mark.parametrize("error", SAMPLES, ids=lambda error: type(error).__name__)
def test_an_error_survives_pickling_and_copying(error: ThinkaloudError) -> None:
    error.add_note("while testing")
    copies = [
        copy.copy(error),
        copy.deepcopy(error),
        *(pickle.loads(pickle.dumps(error, n)) for n in range(pickle.HIGHEST_PROTOCOL + 1)),
    ]
    for each in copies:
        assert type(each) is type(error)
        assert (str(each), each.args) == (str(error), error.args)
        assert repr(vars(each)) == repr(vars(error))
        assert each.__notes__ == ["while testing"]


def test_every_kind_of_error_can_be_pickled() -> None:
    kinds = list(every_error())
    assert {ProviderError, RunFailed, UserError, HookFailed} <= set(kinds)
    for kind in kinds:
        error = kind.__new__(kind, "Said.")
        error.message = "Said."
        assert type(pickle.loads(pickle.dumps(error))) is kind


def raise_sample(number: int) -> None:
    raise SAMPLES[number]


def test_an_error_of_a_worker_process_reaches_its_parent() -> None:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        with pytest.raises(RunFailed) as caught:
            pool.apply(raise_sample, (1,))
        assert (caught.value.run_id, caught.value.partial) == ("run_1", "Half")
        with pytest.raises(ProviderError) as refused:
            pool.apply(raise_sample, (0,))
        assert refused.value.status == 529
