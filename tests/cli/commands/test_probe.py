"""`thinkaloud models --probe`: asks a configured host what it supports."""

import json

from tests.cli.model_server import end, model_server, say, think
from tests.cli.program import Home


def test_a_models_reasoning_and_its_times_are_reported(home: Home) -> None:
    with model_server([think("Five cents."), say("0.05"), end()]) as served:
        home.configure(served.configuration())
        done = home.run("models", "--probe", "lab/m")
        data = json.loads(home.run("models", "--probe", "lab/m", "--json").stdout)

    assert done.returncode == 0, done.stderr
    assert "m: shows its reasoning as text" in done.stdout
    assert "first reasoning after" in done.stdout
    assert (data["reachable"], data["model"]["answered"]) == (True, True)


def test_an_unreachable_host_is_reported_with_a_solution(home: Home) -> None:
    with model_server([end()]) as served:
        home.configure(served.configuration())
    done = home.run("models", "--probe", "lab")

    assert done.returncode == 4
    assert "lab: unreachable" in done.stdout
    assert "Could not reach http://127.0.0.1" in done.stdout


def test_an_unknown_host_is_bad_input(home: Home) -> None:
    done = home.run("models", "--probe", "nobody")

    assert done.returncode == 2
    assert "Unknown host 'nobody'" in done.stderr
    assert "thinkaloud doctor" in done.stderr
    assert "Did you mean ollama, llamacpp?" in home.run("models", "--probe", "olama/x").stderr
