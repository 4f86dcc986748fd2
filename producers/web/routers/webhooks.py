"""Webhooks: how a key's receiver is, what was delivered, and having it delivered again."""
# Without `from __future__ import annotations`: FastAPI evaluates the annotations of its endpoints.

from typing import Annotated, Any, Final, TypeAlias

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response

from producers.hooks.views import DeliveryState, Replay
from producers.web import problems
from producers.web.answers import as_json
from producers.web.callers import Caller, counted, note
from producers.web.describing import RATE_HEADERS, refusals
from producers.web.gateway import gateway_of, too_fast
from producers.web.hook_answers import DELIVERIES, DeliveryAnswer, DeliveryPage, WebhookAnswer
from producers.web.hook_errands import Seen
from producers.web.keys import Key
from producers.web.problems import Problem
from producers.web.webhook import Webhook

router = APIRouter(tags=["webhooks"])

_JSON: Final = "application/json"
_LOCATION: Final[dict[str, Any]] = {
    "description": "Where to ask what became of the delivery.",
    "schema": {"type": "string", "format": "uri-reference"},
    "example": f"{DELIVERIES}evt_1f0c3ab0-1d1e-4c8e-9a4e-6f0d5c8f7a11_1",
}
#: Characters that an id has at most; what a request has in its place is not logged.
_LONGEST_ID: Final = 64

DeliveryId: TypeAlias = Annotated[
    str, Path(description="The `webhook-id` of the delivery.", examples=["evt_1f0c3ab0_1"])
]


def _links(*operations: str, at: str = "/id") -> dict[str, Any]:
    return {
        operation: {"operationId": operation, "parameters": {"delivery_id": f"$response.body#{at}"}}
        for operation in operations
    }


_QUEUED: Final[dict[str, Any]] = {
    "description": "It is delivered as soon as a sender takes it.",
    "headers": {"Location": _LOCATION, **RATE_HEADERS},
    "links": _links("getDelivery", "replayDelivery"),
}


@router.get(
    "/v1/webhooks",
    operation_id="getWebhook",
    summary="Ask how the webhook is",
    response_model=WebhookAnswer,
    responses={
        200: {"description": "The webhook of this API key.", "headers": dict(RATE_HEADERS)},
        **refusals(problems.NO_WEBHOOK),
    },
)
async def get_webhook(request: Request, key: Caller) -> Response:
    """
    Say where the ends of this API key's emails are told, and whether that succeeds.

    Webhooks are given and changed with `postroom hooks`; their secrets are never told.
    """
    gateway, webhook = gateway_of(request), _webhook(key)
    allowance, health = await gateway.call(gateway.hooks.health, key, webhook)
    headers = counted(request, allowance)
    if health is None:
        raise too_fast(headers)
    return Response(as_json(WebhookAnswer.of(webhook, health)), 200, headers, _JSON)


@router.get(
    "/v1/webhooks/deliveries",
    operation_id="listDeliveries",
    summary="Find deliveries again",
    response_model=DeliveryPage,
    responses={
        200: {
            "description": "A page, newest first.",
            "headers": dict(RATE_HEADERS),
            "links": _links("getDelivery", "replayDelivery", at="/deliveries/0/id"),
        },
        **refusals(problems.INVALID),
    },
)
async def list_deliveries(
    request: Request,
    key: Caller,
    state: Annotated[DeliveryState | None, Query(description="Those in this state now.")] = None,
    limit: Annotated[int, Query(ge=1, le=100, description="The most on one page.")] = 20,
    cursor: Annotated[
        str | None,
        Query(
            pattern="^[0-9]{1,16}$", description="`next` of the page before.", examples=["1896091200000000"]
        ),
    ] = None,
) -> Response:
    """
    List the deliveries to this API key's webhook, newest first, as long as they are kept.

    A search for a state looks at a thousand deliveries at most; follow `next` until it is null.
    """
    gateway = gateway_of(request)
    before = int(cursor) if cursor else None
    found = await gateway.call(gateway.hooks.page, key, state=state, before=before, size=limit)
    headers = counted(request, found.allowance)
    if not found.allowance.is_granted:
        raise too_fast(headers)
    page = DeliveryPage(
        deliveries=tuple(DeliveryAnswer.of(delivery) for delivery in found.deliveries),
        next=None if found.before is None else str(found.before),
    )
    return Response(as_json(page), 200, headers, _JSON)


@router.get(
    "/v1/webhooks/deliveries/{delivery_id}",
    operation_id="getDelivery",
    summary="Ask what became of a delivery",
    response_model=DeliveryAnswer,
    responses={
        200: {"description": "Where it stands, and its last attempts.", "headers": dict(RATE_HEADERS)},
        **refusals(problems.NO_SUCH_DELIVERY),
    },
)
async def get_delivery(request: Request, key: Caller, delivery_id: DeliveryId) -> Response:
    """
    Say where a delivery stands, and what its attempts met.

    An id that never was, one of another API key, and one that is forgotten are all answered with 404.
    """
    gateway = gateway_of(request)
    seen = await gateway.call(gateway.hooks.get, key, delivery_id)
    return _answer(request, seen, 200)


@router.post(
    "/v1/webhooks/deliveries/{delivery_id}/replay",
    operation_id="replayDelivery",
    summary="Have a delivery made again",
    status_code=202,
    response_model=DeliveryAnswer,
    responses={
        202: _QUEUED,
        **refusals(problems.NO_SUCH_DELIVERY, problems.NO_WEBHOOK, problems.WEBHOOK_DISABLED),
    },
)
async def replay_delivery(request: Request, key: Caller, delivery_id: DeliveryId) -> Response:
    """
    Deliver again, whatever became of it: the same body under the same id, from its first attempt on.

    One that waits for its next attempt is tried now.
    """
    gateway, webhook = gateway_of(request), _webhook(key)
    seen = await gateway.call(gateway.hooks.replay, key, webhook, delivery_id)
    headers = counted(request, seen.allowance)
    if seen.replay is Replay.DISABLED:
        raise Problem(
            problems.WEBHOOK_DISABLED,
            "nothing is delivered to it; it is enabled again when POST /v1/webhooks/test succeeds",
            headers=headers,
        )
    return _answer(request, seen, 202)


@router.post(
    "/v1/webhooks/test",
    operation_id="testWebhook",
    summary="Try the webhook out",
    status_code=202,
    response_model=DeliveryAnswer,
    responses={202: _QUEUED, **refusals(problems.NO_WEBHOOK)},
)
async def test_webhook(request: Request, key: Caller) -> Response:
    """
    Deliver an event `webhook.test`, which is about no email, once.

    A webhook that is disabled gets it, too, and is enabled again by an answer of 2xx.
    """
    gateway = gateway_of(request)
    _webhook(key)
    seen = await gateway.call(gateway.hooks.try_out, key)
    return _answer(request, seen, 202)


def _answer(request: Request, seen: Seen, status: int) -> Response:
    headers = counted(request, seen.allowance)
    if not seen.allowance.is_granted:
        raise too_fast(headers)
    if seen.delivery is None:
        raise Problem(
            problems.NO_SUCH_DELIVERY, "this API key has no delivery of this id, or it is forgotten"
        )
    document = DeliveryAnswer.of(seen.delivery)
    note(request, delivery=document.id)
    if status == 202:  # noqa: PLR2004 (accepted)
        headers["Location"] = document.location
    return Response(as_json(document), status, headers, _JSON)


def _webhook(key: Key) -> Webhook:
    if key.webhook is None:
        raise Problem(problems.NO_WEBHOOK, f"`postroom hooks set {key.id} --url URL` gives it one")
    return key.webhook
