"""Step 4: the same agent over HTTP. The argument names a model; without one the script answers."""

import sys

from shop import shopkeeper, stock
from thinkaloud.app.runtime import Choices
from thinkaloud.app.server import run_server
from thinkaloud.config import load
from watched_shop import Watcher


def ready(runtime, url):
    print(f"The shop is open at {url}", flush=True)


if __name__ == "__main__":
    model = sys.argv[1] if len(sys.argv) > 1 else shopkeeper()
    run_server(load(), Choices(model=model, tools=[stock], hooks=(Watcher,)), ready)
