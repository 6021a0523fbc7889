"""Versions of messages at the prompt of `thinkaloud chat`."""

import pytest

from tests.cli.commands.test_saved_chats import ANSWERS, asked, served_or_not
from tests.cli.model_server import model_server
from tests.cli.program import Home


@pytest.mark.promise("P8")
@pytest.mark.parametrize("running", [True, False])
def test_at_the_prompt_versions_are_listed_and_an_older_one_can_be_continued(
    home: Home, running: bool
) -> None:
    with model_server(*ANSWERS) as served:
        home.configure(served.configuration())
        with served_or_not(home, running), home.terminal("chat") as terminal:
            typed = ["/versions", "One?", "/edit Eins?", "/versions", "/select", "/select 1.1"]
            for prompts, line in enumerate(typed, start=1):
                terminal.until("›", times=prompts)
                terminal.type(f"{line}\n")
            lines = terminal.until("›", times=8)
            assert lines[-3:-1] == ["› One?", "Answer 1."]
            shown = "\n".join(lines)
            assert "No message has more than one version." in shown
            assert "  1.1  One?  →  Answer 1." in shown
            assert "* 1.2  Eins?  →  Answer 2." in shown
            assert "Usage: /select VERSION" in shown
            terminal.type("Two?\n")
            terminal.until("›", times=9)
        assert asked(served)[-1] == ["One?", "Answer 1.", "Two?"]
