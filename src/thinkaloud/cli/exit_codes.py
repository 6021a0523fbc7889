"""How the program ends: exit codes for scripts. `docs/reference/cli.md` lists them."""

from enum import IntEnum

from thinkaloud.errors import (
    ConfigurationError,
    ProviderError,
    RunFailed,
    ThinkaloudError,
    UserError,
)
from thinkaloud.events.event import RunEnded


class ExitCode(IntEnum):
    """What `$?` is."""

    OK = 0
    FAILED = 1
    """The run failed, or ended without an answer; a check of `doctor` found something wrong;
    a backup had conversations that cannot be read."""
    USAGE = 2
    """An option, a name or the input is wrong."""
    CONFIGURATION = 3
    """The configuration is wrong, or a key is missing."""
    PROVIDER = 4
    """The model's provider refused, failed, or could not be reached."""
    MAX_ITERATIONS = 5
    """The run reached its limit of model calls; what was done so far was printed."""
    HUNG_UP = 129
    """The terminal was closed (SIGHUP)."""
    INTERRUPTED = 130
    """Stopped by Ctrl-C."""
    BROKEN_PIPE = 141
    """Whoever read the output has gone."""
    TERMINATED = 143
    """Ended by SIGTERM."""


def exit_code_for_error(error: ThinkaloudError) -> ExitCode:
    """Return the exit code for an error that nothing was left to do about."""
    match error:
        case UserError():
            return ExitCode.USAGE
        case ConfigurationError():
            return ExitCode.CONFIGURATION
        case ProviderError():
            return ExitCode.PROVIDER
        case RunFailed():
            return _of_failure(error.code)
        case _:
            return ExitCode.FAILED


def exit_code_for_run(ended: RunEnded) -> ExitCode:
    """Return the exit code for the end of a run."""
    match ended.status:
        case "completed":
            unanswered = ended.outcome is not None and ended.outcome.code != "output_limit"
            return ExitCode.FAILED if unanswered else ExitCode.OK
        case "stopped":
            return ExitCode.INTERRUPTED
        case "max_iterations":
            return ExitCode.MAX_ITERATIONS
        case "failed":
            return _of_failure(ended.error.code if ended.error else "")


def _of_failure(code: str) -> ExitCode:
    return ExitCode.PROVIDER if code.startswith("provider_") else ExitCode.FAILED
