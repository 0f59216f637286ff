"""The quick start with a generated client; docs/api.md says how to make it. Needs HADAR_URL and HADAR_KEY (admin, live)."""

import json
import os
import queue
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, Protocol, TypeVar

from hadar_client import AuthenticatedClient
from hadar_client.api.conversations import list_conversations
from hadar_client.api.integrations import get_settings
from hadar_client.api.leads import create_lead, list_leads
from hadar_client.api.messages import get_message, send_message
from hadar_client.api.webhooks import create_endpoint, delete_endpoint
from hadar_client.models import CreateEndpoint, CreateLead, SendMessage
from verify import verify

T = TypeVar("T", covariant=True)


class Answer(Protocol[T]):
    @property
    def data(self) -> T | None: ...


def yes(answer: Answer[T] | None) -> T:
    """What was answered, where it is no error."""
    if answer is None or answer.data is None:
        raise SystemExit(f"refused: {getattr(answer, 'error', None)}")
    return answer.data


events: "queue.Queue[tuple[bytes, str]]" = queue.Queue()


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        events.put((self.rfile.read(int(self.headers["Content-Length"])), self.headers["X-Hadar-Signature"]))
        self.send_response(204)
        self.end_headers()


url = os.environ["HADAR_URL"]
client = AuthenticatedClient(base_url=f"{url}/v1", token=os.environ["HADAR_KEY"])

print("conversations:", len(yes(list_conversations.sync(client=client)).items))

# Events come here. A deployment takes public https addresses only.
server = HTTPServer(("127.0.0.1", 0), Receiver)
threading.Thread(target=server.serve_forever, daemon=True).start()
endpoint = yes(create_endpoint.sync(client=client, body=CreateEndpoint(
    url=f"http://127.0.0.1:{server.server_port}/", events=["message.received", "message.status"])))
secret = str(endpoint.secret)


def next_event(kind: str) -> dict[str, Any]:
    """The data of the next event of a kind whose signature is good."""
    while True:
        body, signature = events.get(timeout=150)
        assert verify(secret, signature, body), "a bad signature"
        assert not verify(secret, signature, body + b" "), "a changed body passes"
        event = json.loads(body)
        if event["type"] == kind:
            data: dict[str, Any] = event["data"]
            return data


for phone in ("+971501110001", "+971501110002"):
    lead = yes(create_lead.sync(
        client=client, body=CreateLead(name="Layla", phone=phone), idempotency_key=f"py-lead-{phone}"))
found, cursor = 0, ""
while True:
    page = yes(list_leads.sync(client=client, limit=1, cursor=cursor) if cursor else list_leads.sync(client=client, limit=1))
    found += sum(1 for item in page.items if item.id == lead.id)
    if not page.pagination.has_more:
        break
    cursor = str(page.pagination.next_cursor)
assert found == 1, found

# A customer writes: on a deployment, from a phone; here, through the simulator.
written = {"tenant_id": yes(get_settings.sync(client=client)).tenant_id, "text": "Is it free?"}
urllib.request.urlopen(urllib.request.Request(
    f"{url}/_sim/customers/%2B971501110001/messages", json.dumps(written).encode(), {"Content-Type": "application/json"}))
received = next_event("message.received")
print("received:", received["text"])

sent = yes(send_message.sync(
    client=client, body=SendMessage(conversation_id=received["conversation_id"], text="It is."),
    idempotency_key="py-answer-" + received["id"]))
while (step := next_event("message.status"))["status"] != "read":
    assert step["id"] == sent.id
print("sent:", yes(get_message.sync(sent.id, client=client)).status)
yes(delete_endpoint.sync(endpoint.id, client=client))
