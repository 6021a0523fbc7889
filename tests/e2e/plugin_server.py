"""The scripted server with a channel of another package: `python -m tests.e2e.plugin_server PORT`.

The package is installed in a folder beside the data; its channel listens on `bell.sock` there.
"""

import os
import sys
from pathlib import Path

from tests.e2e.scripted_server import ObedientModel
from thinkaloud.app.runtime import Choices, Runtime
from thinkaloud.app.server import run_server
from thinkaloud.config import load


def main() -> None:
    """Serve, and print the address once it can be reached."""
    data = Path(os.environ["THINKALOUD_DATA_DIR"])
    info = data / "site" / "bell-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Name: bell\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(
        "[thinkaloud.channels]\nbell = tests.e2e.bell_channel:BellChannel\n", encoding="utf-8"
    )
    sys.path.append(str(info.parent))

    def ready(_: Runtime, address: str) -> None:
        sys.stdout.write(f"{address}\n")
        sys.stdout.flush()

    overrides: dict[str, object] = {
        "server": {"port": int(sys.argv[1])},
        "channels": {"bell": {"path": str(data / "bell.sock")}},
    }
    run_server(load(overrides=overrides), Choices(model=ObedientModel()), ready)


if __name__ == "__main__":
    main()
