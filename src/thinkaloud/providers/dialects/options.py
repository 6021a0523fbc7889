"""The optional parameters of a model call in each API format. Pure.

Every function returns the fields to add to a request; parameters that the API doesn't have are left
out. A parameter that a model rejects is left out in the next attempt, like any other field.

Sources: the API reference of each provider, "create chat completion" or its equivalent.
"""

from collections.abc import Mapping
from typing import Final

from thinkaloud.events.prompt import ModelOptions, ModelRequest, NamedTool

Fields = dict[str, object]
_GOOGLE_MODES: Final = {"auto": "AUTO", "none": "NONE", "required": "ANY"}
_CLAUDE_CHOICES: Final = {"auto": "auto", "none": "none", "required": "any"}


def chat_completions(request: ModelRequest) -> Fields:
    """Return the fields of OpenAI Chat Completions."""
    options = request.options
    fields = _given(
        temperature=options.temperature,
        top_p=options.top_p,
        top_k=options.top_k,
        stop=options.stop or None,
        seed=options.seed,
        presence_penalty=options.presence_penalty,
        frequency_penalty=options.frequency_penalty,
        response_format=_chat_format(options),
    )
    if not request.tools:
        return fields
    choice: object = options.tool_choice
    if isinstance(choice, NamedTool):
        choice = {"type": "function", "function": {"name": choice.name}}
    return fields | _given(tool_choice=choice, parallel_tool_calls=options.parallel_tool_calls)


def responses(request: ModelRequest) -> Fields:
    """Return the fields of OpenAI Responses."""
    options = request.options
    form = _response_format(options)
    fields = _given(
        temperature=options.temperature,
        top_p=options.top_p,
        text=None if form is None else {"format": form},
    )
    if not request.tools:
        return fields
    choice: object = options.tool_choice
    if isinstance(choice, NamedTool):
        choice = {"type": "function", "name": choice.name}
    return fields | _given(tool_choice=choice, parallel_tool_calls=options.parallel_tool_calls)


def messages(request: ModelRequest, *, thinking: bool) -> Fields:
    """Return the fields of Anthropic Messages. Thinking excludes sampling and forced tools."""
    options = request.options
    fields = _given(stop_sequences=options.stop or None)
    if not thinking:
        temperature = options.temperature
        fields |= _given(
            temperature=None if temperature is None else min(temperature, 1.0),
            top_p=options.top_p,
            top_k=options.top_k,
        )
    choice = _claude_choice(options, thinking=thinking)
    if request.tools and choice is not None:
        fields["tool_choice"] = choice
    return fields


def google_generation(options: ModelOptions) -> Fields:
    """Return the fields of `generationConfig`."""
    form = options.response_format
    return _given(
        temperature=options.temperature,
        topP=options.top_p,
        topK=options.top_k,
        stopSequences=options.stop or None,
        seed=options.seed,
        presencePenalty=options.presence_penalty,
        frequencyPenalty=options.frequency_penalty,
        responseMimeType=None if form is None else "application/json",
        responseJsonSchema=None if form is None else form.schema,
    )


def google_tool_config(options: ModelOptions) -> Fields | None:
    """Return `toolConfig`; None for the default."""
    choice = options.tool_choice
    if choice is None:
        return None
    if isinstance(choice, NamedTool):
        return {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": [choice.name]}}
    return {"functionCallingConfig": {"mode": _GOOGLE_MODES[choice]}}


def interactions_generation(options: ModelOptions) -> Fields:
    """Return the fields of `generation_config` of Google's Interactions API."""
    return _given(
        temperature=options.temperature,
        top_p=options.top_p,
        seed=options.seed,
        stop_sequences=options.stop or None,
    )


def ollama_options(options: ModelOptions) -> Fields:
    """Return the fields of Ollama's `options`."""
    return _given(
        temperature=options.temperature,
        top_p=options.top_p,
        top_k=options.top_k,
        stop=options.stop or None,
        seed=options.seed,
        presence_penalty=options.presence_penalty,
        frequency_penalty=options.frequency_penalty,
    )


def ollama_format(options: ModelOptions) -> object:
    """Return Ollama's `format`; None for text."""
    form = options.response_format
    return None if form is None else form.schema or "json"


def cohere(request: ModelRequest) -> Fields:
    """Return the fields of Cohere v2."""
    options, form = request.options, request.options.response_format
    fields = _given(
        temperature=options.temperature,
        p=options.top_p,
        k=options.top_k,
        stop_sequences=options.stop or None,
        seed=options.seed,
        presence_penalty=options.presence_penalty,
        frequency_penalty=options.frequency_penalty,
        response_format=None
        if form is None
        else {"type": "json_object"} | _given(json_schema=form.schema),
    )
    if request.tools and options.tool_choice in {"none", "required"}:
        fields["tool_choice"] = str(options.tool_choice).upper()
    return fields


def converse_inference(options: ModelOptions, *, reasoning: bool) -> Fields:
    """Return the fields of Bedrock's `inferenceConfig`. Reasoning excludes sampling."""
    fields = _given(stopSequences=options.stop or None)
    if reasoning:
        return fields
    return fields | _given(temperature=options.temperature, topP=options.top_p)


def converse_tool_choice(options: ModelOptions, *, reasoning: bool) -> Fields | None:
    """Return Bedrock's `toolChoice`; None for the default. Reasoning excludes forced tools."""
    choice = options.tool_choice
    if reasoning or choice is None or choice in {"auto", "none"}:
        return None
    if isinstance(choice, NamedTool):
        return {"tool": {"name": choice.name}}
    return {"any": {}}


def _claude_choice(options: ModelOptions, *, thinking: bool) -> Fields | None:
    choice = options.tool_choice
    found: Fields = {"type": "auto"}
    if isinstance(choice, NamedTool):
        found = found if thinking else {"type": "tool", "name": choice.name}
    elif choice is not None and not (thinking and choice == "required"):
        found = {"type": _CLAUDE_CHOICES[choice]}
    if options.parallel_tool_calls is False and found["type"] != "none":
        found["disable_parallel_tool_use"] = True
    return None if found == {"type": "auto"} else found


def _chat_format(options: ModelOptions) -> Mapping[str, object] | None:
    form = options.response_format
    if form is None:
        return None
    if form.schema is None:
        return {"type": "json_object"}
    schema = {"name": form.name, "schema": form.schema} | _given(strict=form.strict)
    return {"type": "json_schema", "json_schema": schema}


def _response_format(options: ModelOptions) -> Mapping[str, object] | None:
    form = options.response_format
    if form is None:
        return None
    if form.schema is None:
        return {"type": "json_object"}
    named = {"type": "json_schema", "name": form.name, "schema": form.schema}
    return named | _given(strict=form.strict)


def _given(**fields: object) -> Fields:
    return {name: value for name, value in fields.items() if value is not None}
