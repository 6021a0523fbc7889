"""Decisions and answers that clients send on a socket."""

from thinkaloud.auth.audit import Actor
from thinkaloud.ports.principal import Principal
from thinkaloud.ports.tool import Answer
from thinkaloud.runtime.runs.waiting.approvals import Verdict
from thinkaloud.server.schema.approvals import AnswerRequest, DecisionRequest
from thinkaloud.server.services import ServerServices


async def decide(
    services: ServerServices,
    principal: Principal,
    given: DecisionRequest,
    approval_id: str,
    run_id: str | None = None,
) -> None:
    """Decide about a tool call. Raises what `Approvals.decide` raises."""
    if run_id is None:
        run_id = services.runs.approvals.run_of(principal.owner, approval_id)
    verdict = Verdict(given.decision, given.arguments, given.reason, given.remember)
    await services.decide(principal, (run_id, approval_id), verdict, Actor(principal.owner))


async def answer(
    services: ServerServices,
    principal: Principal,
    given: AnswerRequest,
    run_id: str,
    question_id: str,
) -> None:
    """Answer a question. Raises what `Approvals.answer` raises."""
    await services.runs.approvals.answer(
        services.authenticator.renew(principal),
        run_id,
        question_id,
        Answer(given.action, given.content),
    )
