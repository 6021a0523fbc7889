"""The reference page of the Python API, from signatures and docstrings."""

import ast
import inspect
import re
import textwrap
from collections.abc import Iterator
from typing import Final, cast

from typing_extensions import is_typeddict

import thinkaloud
from scripts.field_descriptions import WORDS
from scripts.field_docs import cell, field_texts, paragraphs
from thinkaloud import agent_options, agent_reply, testing
from thinkaloud.runtime.runs import hooks

_INTRODUCTION: Final = """\
# Python API

<!-- Generated from signatures and docstrings by `make generate`. -->

Import everything from `thinkaloud`, unless the heading says otherwise. Importing the package is fast; its parts are loaded
on first use. For guides, see
[your first agent](../tutorial/first-agent.md), [streaming](../how-to/stream-thinking.md),
[tools](../how-to/write-tools.md), [hooks](../how-to/write-hooks.md), [tests](../how-to/test-your-agent.md).
For the events that `Agent.events` yields, see [Events](events.md); for errors, see [Errors](errors.md).

"""
_TESTING: Final = """\
## thinkaloud.testing

A model that plays a script, for tests without a provider:
[test your agent](../how-to/test-your-agent.md).

"""
_ALIASES: Final = {
    "Script": "What a `ScriptedModel` says in one call: a sequence of steps. Nested sequences are"
    " played as if they were flat, so that `think`, `say` and `call_tool` can stand in it.\n\n",
}
_WIDTH: Final = 100
_WRAPPED: Final = re.compile(r"^(?:NotRequired|Required)\[ReadOnly\[(.*)\]\]$")
_Definition = ast.FunctionDef | ast.AsyncFunctionDef


def render() -> str:
    """Return the text of docs/reference/python-api.md."""
    public = {name: getattr(thinkaloud, name) for name in thinkaloud.__all__}
    errors = {name: each for name, each in public.items() if _is_error(each)}
    main = ["Agent", "AgentHook", "SyncAgent", "run_sync", "tool"]
    beside = {
        "Agent": [
            agent_options.AgentOptions,
            agent_options.ChatOptions,
            agent_reply.ChatReply,
            agent_reply.ChatReplyWithReasoning,
            agent_reply.ActionDict,
            agent_reply.ReasoningSegmentDict,
        ],
        "AgentHook": [hooks.RunInfo],
    }
    parts = [_INTRODUCTION]
    for name in main:
        parts.append(_entry(name, public[name]))
        parts.extend(_entry(each.__name__, each) for each in beside.get(name, []))
    parts.append(
        "## Errors\n\nWhat each `code` means, and what to do, is under [errors](errors.md).\n\n"
    )
    parts.extend(_entry(name, each, level=3) for name, each in errors.items())
    parts.append(_TESTING)
    parts.extend(_entry(name, getattr(testing, name), level=3) for name in testing.__all__)
    rest = (
        set(public)
        - set(main)
        - set(errors)
        - {"ChatReply", "ChatReplyWithReasoning", "__version__"}
    )
    if rest:
        raise ValueError(f"public names without a place on the page: {sorted(rest)}")
    return "".join(parts).rstrip("\n") + "\n"


def _is_error(found: object) -> bool:
    return isinstance(found, type) and issubclass(found, thinkaloud.ThinkaloudError)


def _entry(name: str, found: object, level: int = 2) -> str:
    head = f"{'#' * level} {name}\n\n"
    if not isinstance(found, type):
        return head + (_function(found) if inspect.isfunction(found) else _ALIASES[name])
    body = f"{paragraphs(_doc(found))}\n\n"
    if is_typeddict(found) or hasattr(found, "__struct_fields__"):
        return head + body + _members(found)
    if _is_error(found):
        return f"{head}A `{found.__base__.__name__}`. {body}" if found.__base__ else head + body
    members = [each for each in _methods(found) if _shown(each)]
    heading = "#" * (level + 1)
    return head + body + "".join(_method(name, heading, each) for each in members)


def _members(kind: type) -> str:
    texts = field_texts(kind)
    hints = _hints(kind)
    if not hints:
        return ""
    rows = "".join(
        f"| `{name}` | {cell(texts.get(name) or WORDS.get(name, ''))} | `{cell(hint)}` |\n"
        for name, hint in hints.items()
    )
    return f"| field | description | type |\n|---|---|---|\n{rows}\n"


def _hints(kind: type) -> dict[str, str]:
    body = cast("ast.ClassDef", _tree(kind)).body
    return {
        each.target.id: _WRAPPED.sub(r"\1", ast.unparse(each.annotation))
        for each in body
        if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name)
    }


def _methods(kind: type) -> Iterator[_Definition]:
    for each in cast("ast.ClassDef", _tree(kind)).body:
        if isinstance(each, _Definition):
            yield each


def _shown(method: _Definition) -> bool:
    if method.name == "__init__":
        return len(method.args.args) + len(method.args.kwonlyargs) > 1
    return not method.name.startswith("_") and not any(
        isinstance(each, ast.Name) and each.id == "overload" for each in method.decorator_list
    )


def _method(owner: str, heading: str, method: _Definition) -> str:
    name = owner if method.name == "__init__" else f"{owner}.{method.name}"
    text = ast.get_docstring(method) or ""
    is_property = any(
        isinstance(each, ast.Name) and each.id == "property" for each in method.decorator_list
    )
    code = "" if is_property else f"```python\n{_signature(name, method)}\n```\n\n"
    words = f"{paragraphs(text)}\n\n" if text else ""
    return f"{heading} `{name}`\n\n{code}{words}"


def _function(found: object) -> str:
    definition = _tree(found)
    assert isinstance(definition, _Definition)
    signature = _signature(definition.name, definition)
    return f"```python\n{signature}\n```\n\n{paragraphs(_doc(found))}\n\n"


def _signature(name: str, definition: _Definition) -> str:
    arguments = definition.args
    own = [each for each in arguments.args if each.arg == "self"]
    arguments.args = [each for each in arguments.args if each not in own]
    result = f" -> {ast.unparse(definition.returns)}" if definition.returns else ""
    awaited = isinstance(definition, ast.AsyncFunctionDef) and "Generator[" not in result
    prefix = "async " if awaited else ""
    inside = re.sub(r"(?<![=!<>])=(?!=)", " = ", ast.unparse(arguments))
    whole = f"{prefix}{name}({inside}){result}"
    if len(whole) <= _WIDTH:
        return whole
    lines = "".join(f"    {each},\n" for each in _split(inside))
    return f"{prefix}{name}(\n{lines}){result}"


def _split(arguments: str) -> Iterator[str]:
    """Yield arguments one by one: cut at the commas that stand in no bracket."""
    depth, start = 0, 0
    for at, character in enumerate(arguments):
        depth += (character in "([{") - (character in ")]}")
        if character == "," and depth == 0:
            yield arguments[start:at].strip()
            start = at + 1
    yield arguments[start:].strip()


def _tree(found: object) -> ast.stmt:
    source = inspect.getsource(cast("type", found))
    return ast.parse(textwrap.dedent(source)).body[0]


def _doc(found: object) -> str:
    return inspect.getdoc(found) or ""
