"""Providers reject parts of a request, in their own words: the call is retried without them, and succeeds."""

from pathlib import Path

import pytest

from tests.providers.refusals.picky import (
    Refuses,
    answer_of,
    asked,
    asking,
    bodies,
    error,
    extra,
    holds,
    notices,
    picky,
)
from thinkaloud.providers.hosts.host import BuiltInDialect

TOOLS: list[tuple[BuiltInDialect, int, object]] = [
    (
        "openai-chat",
        400,
        {
            "object": "error",
            "message": '"auto" tool choice requires --enable-auto-tool-choice and'
            " --tool-call-parser to be set",
            "code": 400,
        },
    ),
    ("openai-chat", 500, error("tools param requires --jinja flag", code=500)),
    ("openai-chat", 404, error("No endpoints found that support tool use.", code=404)),
    ("openai-chat", 400, error("registry.ollama.ai/library/m does not support tools")),
    ("openai-chat", 400, error("Unrecognized request argument supplied: tools")),
    ("openai-chat", 422, extra("tools")),
    ("openai-chat", 400, error("`tool calling` is not supported with this model")),
    ("openai-responses", 400, error("Unsupported parameter: 'tools'.", param="tools")),
    ("anthropic-messages", 400, error("This model does not support tool use.")),
    ("google-generate", 400, error("Function calling is not enabled for models/m")),
    ("google-interactions", 400, error("Tool use is not supported for models/m")),
    ("bedrock-converse", 400, {"message": "This model doesn't support tool use."}),
    ("cohere-chat", 400, {"message": "tools are not supported with this model"}),
    ("ollama-chat", 400, {"error": "registry.ollama.ai/library/m does not support tools"}),
]


@pytest.mark.parametrize(("dialect", "status", "words"), TOOLS)
async def test_a_model_without_tools_is_retried_without_them(
    dialect: BuiltInDialect, status: int, words: object, tmp_path: Path
) -> None:
    refuses = holds('"tools":', '"toolConfig":')
    answer = picky(dialect, refuses, words, status=status)
    async with asking(answer, tmp_path, dialect) as (runs, upstream):
        events = await asked(runs, conversation_id="c")
        assert answer_of(events) == "Yes."
        assert notices(events) == ["request_part_dropped"]
        assert len(upstream.bodies) == 2

        again = await asked(runs, conversation_id="c")
        assert answer_of(again) == "Yes."
        assert notices(again) == []
        assert len(upstream.bodies) == 3


PARAMETERS: list[tuple[str, int, object]] = [
    ("stream_options", 400, error("Unrecognized request argument supplied: stream_options")),
    ("stream_options", 422, extra("stream_options")),
    (
        "stream_options",
        400,
        error('Invalid JSON payload received. Unknown name "stream_options": Cannot find field.'),
    ),
    (
        "temperature",
        400,
        error(
            "Unsupported value: 'temperature' does not support 0.2 with this model."
            " Only the default (1) value is supported.",
            param="temperature",
            code="unsupported_value",
        ),
    ),
    ("top_k", 400, {"message": "property 'top_k' is unsupported", "code": "wrong_api_format"}),
    ("parallel_tool_calls", 400, error("Unknown parameter: 'parallel_tool_calls'.")),
    (
        "reasoning_effort",
        400,
        {"code": "x", "error": "Model m does not support parameter reasoningEffort."},
    ),
    ("reasoning_effort", 400, error("This model does not support reasoning.")),
    (
        "reasoning_effort",
        400,
        error("`reasoning_effort` must be one of `none` or `default`"),
    ),
    ("reasoning_effort", 400, b"Thinking is not supported by this model."),
]


@pytest.mark.parametrize(("name", "status", "words"), PARAMETERS)
async def test_a_parameter_that_is_refused_is_left_out_and_nothing_else(
    name: str, status: int, words: object, tmp_path: Path
) -> None:
    more = "[hosts.lab.quirks.extra]\ntemperature = 0.2\ntop_k = 5\nparallel_tool_calls = false"
    answer = picky("openai-chat", lambda body: name in body, words, status=status)
    async with asking(answer, tmp_path, more=more) as (runs, upstream):
        events = await asked(runs, reasoning_effort="high")
        assert answer_of(events) == "Yes."
        assert notices(events) == ["request_part_dropped"]
        first, second = bodies(upstream)
        assert first.keys() - second.keys() == {name}
        assert {key: first[key] for key in second} == second

        # An effort that was asked for is never ignored in silence.
        again = ["request_part_dropped"] if name == "reasoning_effort" else []
        assert notices(await asked(runs, reasoning_effort="high")) == again
        assert bodies(upstream)[2:] == [second]


OTHER_WIRES: list[tuple[BuiltInDialect, Refuses, object]] = [
    (
        "openai-responses",
        lambda body: "summary" in body.get("reasoning", {}),
        error(
            "Your organization must be verified to generate reasoning summaries.",
            param="reasoning.summary",
            code="unsupported_value",
        ),
    ),
    (
        "openai-responses",
        lambda body: "include" in body,
        error("Encrypted content is not supported with this model.", param="include"),
    ),
    (
        "openai-responses",
        lambda body: "prompt_cache_key" in body,
        error("Unsupported parameter: prompt_cache_key"),
    ),
    (
        "anthropic-messages",
        lambda body: "thinking" in body,
        error("thinking: Extra inputs are not permitted"),
    ),
    (
        "anthropic-messages",
        lambda body: "thinking" in body,
        error('"thinking.type.enabled" is not supported for this model.'),
    ),
    (
        "google-generate",
        lambda body: "thinkingConfig" in body.get("generationConfig", {}),
        error("Unable to submit request because thinking is not supported by this model."),
    ),
    (
        "google-generate",
        lambda body: "thinkingLevel" in body.get("generationConfig", {}).get("thinkingConfig", {}),
        error("Thinking level is not supported for this model. thinking_level"),
    ),
    (
        "google-generate",
        lambda body: "systemInstruction" in body,
        error("Developer instruction is not enabled for models/m"),
    ),
    (
        "bedrock-converse",
        lambda body: "additionalModelRequestFields" in body,
        {"message": "extraneous key [thinking] is not permitted"},
    ),
    ("ollama-chat", lambda body: "think" in body, {"error": '"m" does not support thinking'}),
]


@pytest.mark.parametrize(("dialect", "refuses", "words"), OTHER_WIRES)
async def test_every_dialect_leaves_out_rejected_parameters(
    dialect: BuiltInDialect, refuses: Refuses, words: object, tmp_path: Path
) -> None:
    answer = picky(dialect, refuses, words)
    bedrock = dialect == "bedrock-converse"
    more = '[hosts.lab.quirks]\nreasoning = "claude-adaptive"' if bedrock else ""
    async with asking(answer, tmp_path, dialect, more) as (runs, upstream):
        events = await asked(runs, reasoning_effort=None if bedrock else "high")
        assert answer_of(events) == "Yes."
        assert notices(events) == ["request_part_dropped"]
        assert len(upstream.bodies) == 2


async def test_the_output_limit_is_sent_under_its_other_name_if_one_is_rejected(
    tmp_path: Path,
) -> None:
    words = error(
        "Unsupported parameter: 'max_tokens' is not supported with this model."
        " Use 'max_completion_tokens' instead.",
        param="max_tokens",
        code="unsupported_parameter",
    )
    more = "[hosts.lab.quirks.extra]\nmax_tokens = 900"
    answer = picky("openai-chat", lambda body: "max_tokens" in body, words)
    async with asking(answer, tmp_path, more=more) as (runs, upstream):
        assert answer_of(await asked(runs)) == "Yes."
        assert bodies(upstream)[1]["max_completion_tokens"] == 900


@pytest.mark.parametrize(
    "words",
    [
        "max_tokens: 32000 > 8192, which is the maximum allowed number of output tokens for m",
        "input length and `max_tokens` exceed context limit: 190000 + 32000 > 200000",
    ],
)
async def test_a_limit_above_the_models_maximum_is_lowered(words: str, tmp_path: Path) -> None:
    dialect: BuiltInDialect = "anthropic-messages"
    answer = picky(dialect, lambda body: body["max_tokens"] > 8192, error(words))
    async with asking(answer, tmp_path, dialect) as (runs, upstream):
        assert answer_of(await asked(runs)) == "Yes."
        assert [body["max_tokens"] for body in bodies(upstream)] == [32_000, 4_096]


@pytest.mark.parametrize(
    ("role", "words"),
    [
        ("developer", "'developer' is not one of ['system', 'assistant', 'user', 'tool']"),
        ("developer", "Unsupported value: 'messages[0].role' does not support 'developer'."),
        ("system", "System role not supported"),
        ("system", "Unsupported value: 'messages[0].role' does not support 'system'."),
        ("system", "Only user and assistant roles are supported!"),
    ],
)
async def test_a_role_that_is_refused_is_not_used_and_the_system_prompt_is_kept(
    role: str, words: str, tmp_path: Path
) -> None:
    more = f'[hosts.lab.quirks]\nsystem_role = "{role}"'
    answer = picky("openai-chat", holds(f'"role": "{role}"'), error(words))
    async with asking(answer, tmp_path, more=more) as (runs, upstream):
        assert answer_of(await asked(runs, "Hello")) == "Yes."
        messages = bodies(upstream)[1]["messages"]
        if role == "developer":
            assert messages[0] == {"role": "system", "content": "Be brief."}
        else:
            assert messages == [{"role": "user", "content": "Be brief.\n\nHello"}]


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (404, error("No endpoints found that support image input")),
        (400, error("Invalid content type. image_url is only supported by certain models.")),
        (500, error("image input is not supported - hint: you may need to provide the mmproj")),
        (422, {"detail": [{"loc": ["body", "messages", 0, "content"], "msg": "Input should be a"
        " valid string"}]}),
        (400, error("unknown variant `image_url`, expected `text`")),
        (400, error("m is not a multimodal model")),
    ],
)  # fmt: skip
async def test_rejected_pictures_become_a_note(status: int, words: object, tmp_path: Path) -> None:
    answer = picky("openai-chat", holds("image_url"), words, status=status)
    async with asking(answer, tmp_path) as (runs, upstream):
        events = await asked(runs, "What is it?", image_path="picture")
        assert answer_of(events) == "Yes."
        assert notices(events) == ["request_part_dropped"]
        content = bodies(upstream)[1]["messages"][-1]["content"]
        assert "An image was attached" in content
        assert "What is it?" in content
