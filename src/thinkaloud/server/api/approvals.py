"""Decide about tool calls, and answer questions."""

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from thinkaloud.core.approvals.shown import Resolution, approval_of, resolution_of
from thinkaloud.ports.store import RunRecord
from thinkaloud.ports.tool import Answer as QuestionAnswer
from thinkaloud.runtime.runs.waiting.approvals import Verdict
from thinkaloud.server.access.actor import actor_of
from thinkaloud.server.http.operation import Answer, Operation, json_response, principal_of
from thinkaloud.server.http.parsing import decode, read_body, read_query, refuse_form
from thinkaloud.server.schema.approvals import (
    AnswerRequest,
    ApprovalList,
    ApprovalsQuery,
    DecisionRequest,
    RememberedList,
    RememberedQuery,
    RunApproval,
    remembered_list,
    run_approval,
)
from thinkaloud.server.services import ServerServices


class ApprovalRoutes:
    """`/approvals`, and the approvals and questions of a run."""

    def __init__(self, services: ServerServices) -> None:
        self._services = services

    def operations(self) -> list[Operation]:
        """Return the operations of this resource."""
        return [
            Operation(
                method="GET",
                path="/api/v1/approvals",
                name="listApprovals",
                summary="List the open approvals of all runs",
                tag="approvals",
                requires="read",
                handler=self.list,
                query=ApprovalsQuery,
                answers={200: Answer("The open approvals.", ApprovalList)},
                problems=(422,),
            ),
            Operation(
                method="GET",
                path="/api/v1/runs/{run_id}/approvals",
                name="listRunApprovals",
                summary="List the approvals of a run",
                tag="approvals",
                requires="read",
                handler=self.of_run,
                answers={200: Answer("All approvals of the run.", ApprovalList)},
                problems=(404,),
            ),
            *self._decisions(),
            *self._remembered(),
        ]

    def _decisions(self) -> list[Operation]:
        return [
            Operation(
                method="POST",
                path="/api/v1/runs/{run_id}/approvals/{approval_id}",
                name="decide",
                summary="Approve or deny a tool call",
                description=(
                    "The first decision counts. The call starts when the decision is stored, and"
                    " the run continues."
                ),
                tag="approvals",
                requires="chat",
                handler=self.decide,
                body=DecisionRequest,
                answers={200: Answer("The decision.", Resolution)},
                problems=(404, 409, 413, 415, 422, 503),
            ),
            Operation(
                method="POST",
                path="/api/v1/runs/{run_id}/questions/{question_id}",
                name="answerQuestion",
                summary="Answer a question of a tool",
                tag="approvals",
                requires="chat",
                handler=self.answer,
                body=AnswerRequest,
                answers={204: Answer("Answered.", None, media_type=None)},
                problems=(404, 409, 413, 415, 422),
            ),
        ]

    def _remembered(self) -> list[Operation]:
        return [
            Operation(
                method="GET",
                path="/api/v1/approvals/remembered",
                name="listRememberedApprovals",
                summary="List the tools that are always approved",
                tag="approvals",
                requires="read",
                handler=self.remembered,
                answers={200: Answer("The remembered approvals.", RememberedList)},
            ),
            Operation(
                method="DELETE",
                path="/api/v1/approvals/remembered",
                name="forgetApprovals",
                summary="Ask again for tools that are always approved",
                tag="approvals",
                requires="chat",
                handler=self.forget,
                query=RememberedQuery,
                answers={204: Answer("Forgotten.", None, media_type=None)},
                problems=(415, 422),
            ),
        ]

    async def list(self, request: Request) -> Response:
        """List the open approvals of all the caller's runs."""
        read_query(request, ApprovalsQuery)
        found = self._services.runs.approvals.open(principal_of(request).owner)
        listed = [run_approval(record, approval_of(asked)) for record, asked in found]
        return json_response(ApprovalList(tuple(listed)))

    async def of_run(self, request: Request) -> Response:
        """List the approvals of a run."""
        record = await self._record(request)
        fold = await self._services.runs.fold(record)
        found: list[RunApproval] = []
        if fold is not None:
            for asked in fold.interactions.approvals.values():
                shown = run_approval(record, approval_of(asked))
                resolved = fold.interactions.resolved.get(asked.approval_id)
                if resolved is not None:
                    shown = msgspec.structs.replace(
                        shown,
                        decision=resolved.decision,
                        decision_reason=resolved.reason,
                        remember=resolved.remember,
                        by=resolved.by,
                    )
                found.append(shown)
        return json_response(ApprovalList(tuple(found)))

    async def decide(self, request: Request) -> Response:
        """Approve or deny a tool call."""
        services, principal = self._services, principal_of(request)
        body = await read_body(request, services.settings)
        given = decode(body, DecisionRequest, services.settings)
        record = await self._record(request)
        approval_id: str = request.path_params["approval_id"]
        verdict = Verdict(given.decision, given.arguments, given.reason, given.remember)
        resolved = await services.decide(
            principal,
            (record.run_id, approval_id),
            verdict,
            actor_of(services.access, request.scope, principal),
        )
        return json_response(resolution_of(resolved))

    async def answer(self, request: Request) -> Response:
        """Answer a question."""
        services = self._services
        body = await read_body(request, services.settings)
        given = decode(body, AnswerRequest, services.settings)
        record = await self._record(request)
        await services.runs.approvals.answer(
            principal_of(request),
            record.run_id,
            request.path_params["question_id"],
            QuestionAnswer(given.action, given.content),
        )
        return Response(status_code=204)

    async def remembered(self, request: Request) -> Response:
        """List what is remembered for the caller."""
        owner = principal_of(request).owner
        return json_response(
            remembered_list(tuple(await self._services.runs.remembered.remembered(owner)))
        )

    async def forget(self, request: Request) -> Response:
        """Forget what is remembered for the caller."""
        refuse_form(request)
        query = read_query(request, RememberedQuery)
        await self._services.runs.remembered.forget(principal_of(request).owner, query.action)
        return Response(status_code=204)

    async def _record(self, request: Request) -> RunRecord:
        run_id: str = request.path_params["run_id"]
        return await self._services.runs.record(principal_of(request).owner, run_id)
