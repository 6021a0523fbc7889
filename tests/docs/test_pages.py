"""The pages agree with each other, with the examples, and with the code."""

import ast
import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, cast, get_args

import click
import msgspec
import pytest
import typer.main

from scripts import configuration_page
from scripts.tree import ROOT, project_files
from tests.docs.examples import DOCS, EXAMPLES, server
from thinkaloud.app.runtime import Choices, open_runtime
from thinkaloud.cli.main import app
from thinkaloud.config import load
from thinkaloud.errors import ProviderCode
from thinkaloud.events.event import OutcomeCode
from thinkaloud.server.http.problems import status_of
from thinkaloud.server.schema.requests import ChatRequest
from thinkaloud.server.wires.chat.frames import Frame
from thinkaloud.server.wires.page.commands import COMMANDS
from thinkaloud.server.wires.page.frames import Frame as ChatFrame
from thinkaloud.testing import ScriptedModel, say, think

PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
WRITTEN_ELSEWHERE = {
    "cli.md",
    "providers.md",
    "promises.md",
    "python-api.md",
    "events.md",
    "clients.md",
}
OURS = [page for page in PAGES if page.name not in WRITTEN_ELSEWHERE]
CODE = {"python", "toml", "bash", "js", "tsx"}
PROGRAMS = {"make", "thinkaloud", "python", "curl", "export"}


class Block(NamedTuple):
    page: str
    language: str
    file: str
    text: str


def blocks() -> Iterator[Block]:
    """Every fenced block of our pages; the second word behind the fence is the example it is from."""
    for page in OURS:
        text = page.read_text(encoding="utf-8")
        for language, file, body in re.findall(
            r"^```(\w+)(?: (\S+))?\n(.*?)^```", text, re.MULTILINE | re.DOTALL
        ):
            yield Block(page.relative_to(ROOT).as_posix(), language, file, body)


def shown_in(block: Block, source: str) -> bool:
    """Whether these lines stand in the source one after another."""
    # A page may write the address out that a script takes from its environment.
    source = source.replace("$URL", "http://127.0.0.1:8484")
    text = block.text.replace("$URL", "http://127.0.0.1:8484")
    return f"\n{text}" in f"\n{source}"


def test_every_piece_of_code_on_a_page_is_a_part_of_an_example_that_runs() -> None:
    wrong = []
    for block in blocks():
        if block.language in CODE:
            source = EXAMPLES / block.file
            if not block.file or not shown_in(block, source.read_text(encoding="utf-8")):
                wrong.append((block.page, block.language, block.file, block.text))
    assert wrong == []


def test_every_code_block_has_a_language() -> None:
    assert {block.language for block in blocks()} <= CODE | {"console", "text", "json"}


def test_json_on_a_page_is_json() -> None:
    for block in blocks():
        if block.language == "json":
            json.loads(block.text)


def test_the_documented_proxy_configuration_is_the_tested_one() -> None:
    page = (DOCS / "how-to" / "run-behind-nginx.md").read_text(encoding="utf-8")
    assert (EXAMPLES / "nginx" / "thinkaloud.conf").read_text(encoding="utf-8") in page


def test_every_example_is_shown_or_linked_on_a_page() -> None:
    shown = {EXAMPLES / block.file for block in blocks() if block.file}
    linked = {
        (page.parent / target).resolve()
        for page in PAGES
        for target in re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8"))
    }
    examples = {path for path in project_files() if EXAMPLES in path.parents}
    tools = {EXAMPLES / "ruff.toml", EXAMPLES / "pyrightconfig.json"}
    assert examples - shown - linked - tools == set()


def commands() -> Iterator[tuple[str, list[str]]]:
    for block in blocks():
        if block.language == "console":
            for line in block.text.splitlines():
                assert line.startswith("$ "), f"{block.page}: {line}"
                words = shlex.split(line[2:])
                yield block.page, [words[0].removeprefix(".venv/bin/"), *words[1:]]


def test_commands_on_a_page_can_be_typed() -> None:
    program = cast("click.Group", typer.main.get_command(app))
    for page, words in commands():
        assert words[0] in PROGRAMS, f"{page}: {words}"
        if words[0] == "thinkaloud":
            name, command, arguments = program.resolve_command(click.Context(program), words[1:])
            assert command is not None
            command.make_context(name, arguments)
        if words[0] == "python":
            assert (ROOT / words[1]).is_file(), f"{page}: {words}"


def slug(heading: str) -> str:
    """The anchor of a heading, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def anchors(page: Path) -> set[str]:
    text = re.sub(
        r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL
    )
    return {slug(heading) for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE)}


def links(page: Path) -> Iterator[tuple[Path, str]]:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if not re.match(r"[a-z]+:", target):
            path, _, anchor = target.partition("#")
            yield (page.parent / path).resolve() if path else page, anchor


def test_links_lead_to_pages_and_headings_that_exist() -> None:
    broken = [
        f"{page.relative_to(ROOT)} → {target.relative_to(ROOT)}#{anchor}"
        for page in PAGES
        for target, anchor in links(page)
        if not target.exists() or (anchor and anchor not in anchors(target))
    ]
    assert broken == []


def test_every_page_can_be_reached_from_the_index() -> None:
    indexes = (DOCS / "index.md", DOCS / "how-to" / "channels" / "index.md")
    linked = {target for index in indexes for target, _ in links(index)}
    assert {page for page in PAGES if page not in linked} == {DOCS / "index.md"}


def table_rows(page: str) -> list[list[str]]:
    text = (DOCS / page).read_text(encoding="utf-8")
    return [
        [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        for line in text.splitlines()
        if line.startswith("| `")
    ]


async def test_the_http_page_lists_exactly_the_existing_routes() -> None:
    async with server() as served:
        document = await served.document("openapi")
    offered = {
        (method.upper(), path) for path, methods in document["paths"].items() for method in methods
    }
    listed = {
        (row[0].strip("`"), row[1].strip("`"))
        for row in table_rows("reference/http-api.md")
        if len(row) == 3 and row[1].startswith("`/")
    }
    assert listed == offered


def test_the_http_page_lists_every_field_of_a_message() -> None:
    page = (DOCS / "reference" / "http-api.md").read_text(encoding="utf-8")
    section = page.partition("## A message")[2].partition("\n## ")[0]
    listed = re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)
    assert set(listed) == {field.encode_name for field in msgspec.structs.fields(ChatRequest)}


def test_the_http_page_names_every_field_of_every_frame() -> None:
    listed = {
        row[0].strip("`"): set(re.findall(r"`(\w+)`", row[1]))
        for row in table_rows("reference/http-api.md")
    }
    for frame in get_args(Frame):
        (data,) = [field.type for field in msgspec.structs.fields(frame) if field.name == "data"]
        kinds = get_args(data) or (data,)
        if kinds[0].__module__.endswith(".frames"):
            members = {
                field.encode_name for kind in kinds for field in msgspec.structs.fields(kind)
            }
            tagged = {kind.__struct_config__.tag_field for kind in kinds} - {None}
            assert listed[frame.__struct_config__.tag] == members | tagged
        else:
            assert frame.__struct_config__.tag in listed


def test_the_page_of_the_sockets_names_every_frame_and_every_command_of_the_chat_pages() -> None:
    page = (DOCS / "reference" / "websocket.md").read_text(encoding="utf-8")
    section = page.partition("# `/ws`")[2]
    names = [frame.__struct_config__.tag for frame in get_args(ChatFrame)]
    assert [name for name in names if f"`{name}`" not in section] == []
    listed = {
        row[0].strip("`"): set(re.findall(r"`(\w+)`", row[1]))
        for row in table_rows("reference/websocket.md")
        if len(row) == 3
    }
    for name, command in COMMANDS.items():
        members = {field.encode_name for field in msgspec.structs.fields(command)}
        assert members <= listed[name], name


def codes_of_the_source() -> dict[str, set[int]]:
    """Every code that the code can give, with the status that it gives beside it."""
    found: dict[str, set[int]] = {}
    for path in sorted((ROOT / "src" / "thinkaloud").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            for code, status in codes_of(node):
                found.setdefault(code, set()).update(status)
    for code in (*get_args(ProviderCode), *get_args(OutcomeCode)):
        found.setdefault(code, set())
    return found


def codes_of(node: ast.AST) -> Iterator[tuple[str, set[int]]]:
    match node:
        case ast.Call(
            func=ast.Name(id="Refused"),
            args=[ast.Constant(value=int(status)), ast.Constant(value=str(code)), *_],
        ):
            yield code, {status}
        case ast.Call(
            func=ast.Name(id="RunError" | "Notice"), args=[ast.Constant(value=str(code)), *_]
        ):
            yield code, set()
        case ast.ClassDef(body=body):
            for line in body:
                match line:
                    case (
                        ast.Assign(
                            targets=[ast.Name(id="code")], value=ast.Constant(value=str(code))
                        )
                        | ast.AnnAssign(
                            target=ast.Name(id="code"), value=ast.Constant(value=str(code))
                        )
                    ):
                        yield code, set()
                    case _:
                        pass
        case _:
            pass


def test_the_page_of_errors_has_every_code_with_its_status() -> None:
    listed = {
        row[0].strip("`"): {int(number) for number in re.findall(r"\d+", row[1])}
        for row in table_rows("reference/errors.md")
    }
    source = codes_of_the_source()
    assert set(listed) == set(source)
    for code, statuses in listed.items():
        given = source[code] or ({status_of(code)} if statuses else set())
        assert statuses == given, code


@pytest.mark.parametrize("page", ["events.md", "python-api.md", "configuration.md"])
def test_every_field_on_a_generated_page_is_explained(page: str) -> None:
    rows = table_rows(f"reference/{page}")
    assert len(rows) > 30
    assert [row for row in rows if not row[1]] == []


def test_every_setting_is_on_the_page_of_the_configuration() -> None:
    page = (DOCS / "reference" / "configuration.md").read_text(encoding="utf-8")
    for key in configuration_page.settings():
        section, _, name = key.rpartition(".")
        _, _, rest = page.partition(f"## `[{section}]`\n")
        row = re.search(rf"^\| `{name}` \| (.*?) \|", rest.partition("\n## ")[0], re.MULTILINE)
        assert row is not None, key
        assert row[1], f"{key} has no docstring"


@pytest.mark.parametrize(
    "name", ["thinkaloud.toml", *(f"config/{each.name}" for each in EXAMPLES.glob("config/*"))]
)
async def test_an_example_of_a_configuration_starts(name: str) -> None:
    environment = dict.fromkeys(
        ("ANTHROPIC_API_KEY", "LAB_API_KEY", "WORK_ANTHROPIC_KEY", "HOME_ANTHROPIC_KEY"), "secret"
    )
    configuration = load(EXAMPLES / name, environment=environment)
    wanted = configuration.settings.model.default
    choices = Choices(model=wanted or "demo/thinkaloud")
    async with open_runtime(configuration, choices) as runtime:
        assert runtime.models.current == choices.model
        for host, section in configuration.settings.hosts.items():
            for model in section.models:
                assert runtime.models.open(f"{host}/{model}").info.id == f"{host}/{model}"


async def test_reasoning_that_the_example_denies_is_never_sent() -> None:
    policy = load(EXAMPLES / "config" / "hidden.toml", environment={}).settings.server
    body = {"text": "Hello", "include_reasoning": True}
    async with (
        server(
            ScriptedModel([think("Secret."), say("Hi.")]), show_reasoning=policy.show_reasoning
        ) as served,
        served.session.post(f"{served.api}/chat/message", json=body) as response,
    ):
        text = await response.text()
    assert "Secret" not in text
    assert response.headers["X-Reasoning-Withheld"] == "policy"
