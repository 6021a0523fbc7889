"""Exit codes. `docs/reference/cli.md` documents them."""

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
    """The exit codes of `thinkaloud`."""

    OK = 0
    FAILED = 1
    """The run failed or ended without an answer, `doctor` found a problem, some conversations
    of a backup could not be restored, or a deletion was not confirmed."""
    USAGE = 2
    """An option, a name or the input is invalid."""
    CONFIGURATION = 3
    """The configuration is invalid, an API key is missing, or the data is in use."""
    PROVIDER = 4
    """The model's provider rejected the request, failed, or could not be reached."""
    MAX_ITERATIONS = 5
    """The run reached its maximum number of model calls; the output so far was printed."""
    HUNG_UP = 129
    """The terminal was closed (SIGHUP)."""
    INTERRUPTED = 130
    """Interrupted with Ctrl-C."""
    BROKEN_PIPE = 141
    """The reader of the output closed the pipe."""
    TERMINATED = 143
    """Terminated by SIGTERM."""


def exit_code_for_error(error: ThinkaloudError) -> ExitCode:
    """Return the exit code for an error that ended the program."""
    match error:
        case UserError():
            return ExitCode.USAGE
        case ConfigurationError():
            return ExitCode.CONFIGURATION
        case ProviderError():
            return ExitCode.PROVIDER
        case RunFailed():
            return _code_of_failure(error.code)
        case _:
            return ExitCode.FAILED


def exit_code_for_run(ended: RunEnded) -> ExitCode:
    """Return the exit code for a finished run."""
    match ended.status:
        case "completed":
            unanswered = ended.outcome is not None and ended.outcome.code != "output_limit"
            return ExitCode.FAILED if unanswered else ExitCode.OK
        case "stopped":
            return ExitCode.INTERRUPTED
        case "max_iterations":
            return ExitCode.MAX_ITERATIONS
        case "failed":
            return _code_of_failure(ended.error.code if ended.error else "")


def _code_of_failure(code: str) -> ExitCode:
    return ExitCode.PROVIDER if code.startswith("provider_") else ExitCode.FAILED
