"""`thinkaloud acp`: answers an editor that speaks the Agent Client Protocol in a pipe."""

import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import msgspec

from thinkaloud.app.server_address import API_KEY
from thinkaloud.cli.acp.agent import Agent, open_agent
from thinkaloud.cli.acp.connection import INVALID_REQUEST, Output, RpcError
from thinkaloud.cli.acp.standard_streams import MAX_LINE, PipeOutput, read_lines, take_output
from thinkaloud.cli.backend.backend import open_backend
from thinkaloud.cli.backend.owner import load_for
from thinkaloud.cli.commands.one_shot import DEMO_NOTICE, print_notice
from thinkaloud.cli.exit_codes import ExitCode
from thinkaloud.cli.loop_thread import LoopThread
from thinkaloud.cli.options import AcpOptions
from thinkaloud.config import Configuration
from thinkaloud.errors import ConfigurationError
from thinkaloud.providers.demo import DEMO_MODEL_ID


def run(options: AcpOptions) -> ExitCode:
    """Answer until standard input ends. Raises `ConfigurationError` or `UnknownModel`."""
    configuration = configuration_of(options)
    for notice in configuration.notices:
        print_notice(notice)
    with take_output() as descriptor:
        opening = _open(configuration, options.model, PipeOutput(descriptor))
        with LoopThread(opening) as loop:
            agent = loop.resource
            for line in read_lines(sys.stdin.buffer):
                if line is None:
                    message = f"A message may have at most {MAX_LINE:,} bytes."
                    loop.wait(agent.reject(RpcError(INVALID_REQUEST, message)))
                else:
                    loop.wait(agent.receive(line))
    return ExitCode.OK


def configuration_of(options: AcpOptions) -> Configuration:
    """Return the configuration with the owner and the key that an editor has chosen.

    Raises `ConfigurationError`, and `InvalidRequest` if this cannot be an owner's name.
    """
    configuration = load_for(options.config, options.owner)
    if options.key_file is None:
        return configuration
    try:
        key = options.key_file.expanduser().read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"--key-file: {options.key_file} cannot be read.") from error
    environment = {**configuration.environment, API_KEY: key}
    return msgspec.structs.replace(configuration, environment=environment)


@asynccontextmanager
async def _open(
    configuration: Configuration, model: str | None, output: Output
) -> AsyncGenerator[Agent]:
    async with open_backend(configuration, model) as backend:
        if (await backend.model(model)).id == DEMO_MODEL_ID:
            print_notice(DEMO_NOTICE)
        async with open_agent(backend, output, model) as agent:
            yield agent
