"""A bot with Feishu's own library, as a process: it answers the fake Feishu as it would answer the real one."""

import json
import sys
import threading

import lark_oapi as lark
import lark_oapi.ws.client
from lark_oapi.api.cardkit.v1 import (
    ContentCardElementRequest,
    ContentCardElementRequestBody,
    CreateCardRequest,
    CreateCardRequestBody,
)
from lark_oapi.api.im.v1 import (
    CreateMessageRequest,
    CreateMessageRequestBody,
    P2ImMessageReceiveV1,
)

DOMAIN, APP_ID, SECRET = sys.argv[1:]
CARD = {
    "schema": "2.0",
    "config": {"streaming_mode": True, "update_multi": True},
    "body": {"elements": [{"tag": "markdown", "element_id": "text", "content": "…"}]},
}
client = lark.Client.builder().app_id(APP_ID).app_secret(SECRET).domain(DOMAIN).build()


def answer(received: P2ImMessageReceiveV1) -> None:
    """Answer in a thread: the library's calls block, and its loop has to acknowledge the event."""
    threading.Thread(target=reply, args=(received,)).start()


def reply(received: P2ImMessageReceiveV1) -> None:
    text = json.loads(received.event.message.content)["text"]
    body = CreateCardRequestBody.builder().type("card_json").data(json.dumps(CARD)).build()
    made = client.cardkit.v1.card.create(CreateCardRequest.builder().request_body(body).build())
    content = json.dumps({"type": "card", "data": {"card_id": made.data.card_id}})
    message = CreateMessageRequestBody.builder().receive_id(received.event.sender.sender_id.open_id)
    message = message.msg_type("interactive").content(content).build()
    request = (
        CreateMessageRequest.builder().receive_id_type("open_id").request_body(message).build()
    )
    sent = client.im.v1.message.create(request)
    for sequence in (2, 2):
        grown = (
            ContentCardElementRequestBody.builder().content(text.upper()).sequence(sequence).build()
        )
        change = ContentCardElementRequest.builder().card_id(made.data.card_id).element_id("text")
        changed = client.cardkit.v1.card_element.content(change.request_body(grown).build())
        sys.stdout.write(f"{made.code} {sent.code} {changed.code}\n")
        sys.stdout.flush()


handler = (
    lark.EventDispatcherHandler.builder("", "").register_p2_im_message_receive_v1(answer).build()
)
lark.ws.Client(APP_ID, SECRET, lark.LogLevel.CRITICAL, event_handler=handler, domain=DOMAIN).start()
