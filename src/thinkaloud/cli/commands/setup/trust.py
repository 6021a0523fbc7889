"""Runs `thinkaloud config trust`."""

import sys
from pathlib import Path

from thinkaloud.cli.exit_codes import ExitCode
from thinkaloud.cli.options import TrustOptions
from thinkaloud.cli.ui.sanitize import sanitize
from thinkaloud.config import FILE_NAME, trust_file


def run(options: TrustOptions) -> ExitCode:
    """Trust a file. Raises `ConfigurationError`."""
    file = options.file or Path(FILE_NAME)
    sections = trust_file(file)
    names = ", ".join(f"[{name}]" for name in sections) or "none yet"
    shown = sanitize(str(file.resolve()))
    sys.stdout.write(f"Trusted {shown}. Sections that can start programs: {names}.\n")
    return ExitCode.OK
