"""Holds the provider simulator against pywa, a client of the Cloud API that others wrote.

usage: pywa_check.py READY_FILE

Against a running local stack: every kind of message pywa can send goes to the simulator and its answer is parsed;
what the simulator refuses is parsed as the exception Meta's code stands for; a customer's message that the simulator
signs passes pywa's signature check and is parsed by it. Prints a line per check; exit code 1 when one failed.
"""

import base64
import http.server
import json
import queue
import sys
import threading
import urllib.request

import httpx
import pywa
from pywa import errors, types
from pywa.types.templates import BodyText, TemplateLanguage

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYGBgAAAABQABh6FO1AAAAABJRU5ErkJggg=="
)
CUSTOMER = "971501234567"


class ToSimulator(httpx.BaseTransport):
    """Sends what is meant for graph.facebook.com to the simulator, and nothing anywhere else."""

    def __init__(self, graph):
        self.graph = httpx.URL(graph)
        self.inner = httpx.HTTPTransport()

    def handle_request(self, request):
        if request.url.host != self.graph.host:
            if request.url.host != "graph.facebook.com":
                raise AssertionError(f"a call to {request.url.host}")
            path = self.graph.raw_path + request.url.raw_path
            request.url = request.url.copy_with(
                scheme=self.graph.scheme, host=self.graph.host, port=self.graph.port, raw_path=path
            )
            request.headers["host"] = f"{self.graph.host}:{self.graph.port}"
        return self.inner.handle_request(request)


class Receiver(http.server.BaseHTTPRequestHandler):
    """What a business of its own would run: answers the handshake, keeps what arrives."""

    got = queue.Queue()

    def do_GET(self):
        self.answer(self.path.partition("hub.challenge=")[2].partition("&")[0].encode())

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        self.got.put((body, self.headers["x-hub-signature-256"]))
        self.answer(b"ok")

    def answer(self, body):
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def post(url, body):
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        ready = json.load(file)
    tenant = next(one for one in ready["tenants"] if one["provider"] == "meta")
    meta, sim = tenant["meta"], ready["sim_url"]
    client = pywa.WhatsApp(
        phone_id=meta["phone_number_id"],
        token=meta["token"],
        waba_id=meta["waba_id"],
        app_secret=meta["app_secret"],
        validate_updates=False,  # checked by hand below, with a changed byte too
        verify_token=meta["verify_token"],
        server=None,
        session=httpx.Client(transport=ToSimulator(f"{sim}/graph")),
    )
    failed = []

    def check(name, does):
        try:
            found = does()
            assert found is not False and found is not None, found
            print(f"ok    {name}")
            return found
        except Exception as error:  # every failure is reported, then the next check runs
            print(f"FAIL  {name}: {type(error).__name__}: {error}")
            failed.append(name)
            return None

    def sent(name, does):
        message = check(name, does)
        if message is not None:
            check(f"{name} has an id", lambda: message.id.startswith("wamid."))
        return message

    def refused(name, expected, does):
        def tried():
            try:
                does()
            except expected:
                return True
            raise AssertionError("it was taken")

        check(name, tried)

    customers = f"{sim}/customers/%2B{CUSTOMER}/messages"
    post(customers, {"tenant_id": tenant["id"], "text": "hello"})
    to = CUSTOMER
    image = "https://files.example.ae/villa.jpg"

    text = sent("text", lambda: client.send_message(to, "Hello", preview_url=True))
    sent("quoted reply", lambda: client.send_message(to, "As I said", reply_to_message_id=text.id))
    sent("text with buttons", lambda: client.send_message(
        to, "When?", header="Viewing", footer="Hadar",
        buttons=[types.Button("Today", "today"), types.Button("Tomorrow", "tomorrow")]))
    sent("list", lambda: client.send_message(to, "Which?", buttons=types.SectionList(
        "Choose", [types.Section("Villas", [types.SectionRow("Marina", "marina", "Two bedrooms")])])))
    sent("link button", lambda: client.send_message(
        to, "Look", buttons=types.URLButton("Open", "https://example.ae/villa")))
    sent("flow", lambda: client.send_message(to, "Book", buttons=types.FlowButton(
        title="Book", flow_id="1234567890", flow_action_type=types.FlowActionType.NAVIGATE,
        flow_action_screen="START")))
    sent("image by address", lambda: client.send_image(to, image, caption="The villa"))
    sent("image with buttons", lambda: client.send_image(
        to, image, caption="The villa", buttons=[types.Button("Like", "like")]))
    sent("video", lambda: client.send_video(to, "https://files.example.ae/tour.mp4"))
    sent("document", lambda: client.send_document(to, "https://files.example.ae/plan.pdf", filename="plan.pdf"))
    sent("audio", lambda: client.send_audio(to, "https://files.example.ae/note.ogg"))
    sent("voice", lambda: client.send_voice(to, "https://files.example.ae/note.ogg"))
    sent("sticker", lambda: client.send_sticker(to, "https://files.example.ae/hi.webp"))
    sent("location", lambda: client.send_location(to, 25.0805, 55.1403, "Marina Gate", "Dubai Marina"))
    sent("ask for a location", lambda: client.request_location(to, "Where are you?"))
    sent("contact", lambda: client.send_contact(to, types.Contact(
        name=types.Contact.Name(formatted_name="Sara Haddad", first_name="Sara"),
        phones=[types.Contact.Phone(phone="+971501112233", type="WORK")])))
    sent("reaction", lambda: client.send_reaction(to, "👍", text.id))
    sent("reaction taken back", lambda: client.remove_reaction(to, text.id))

    media = check("upload", lambda: client.upload_media(PNG, mime_type="image/png", filename="a.png"))
    if media is not None:
        sent("image by id", lambda: client.send_image(to, media))
        described = check("address of a file", lambda: client.get_media_url(media.id))
        if described is not None:
            check("its type and size", lambda: (described.mime_type, described.file_size) == ("image/png", len(PNG)))
        check("a deleted file", lambda: client.delete_media(media.id))

    templates = check("templates", lambda: list(client.get_templates()))
    if templates is not None:
        check("their names", lambda: {"viewing_confirmation", "contract_ready"} <= {one.name for one in templates})
    sent("template", lambda: client.send_template(
        to, name="contract_ready", language=TemplateLanguage.ENGLISH, params=[]))
    sent("template with named values", lambda: client.send_template(
        to, name="viewing_confirmation", language=TemplateLanguage.ENGLISH,
        params=[BodyText.params(agent_name="Sara", property_name="Marina Gate", viewing_time="11:00")]))
    check("the number", lambda: client.get_business_phone_number().verified_name)
    check("the numbers of the account", lambda: len(list(client.get_business_phone_numbers())) == 1)

    refused("a recipient who never wrote", errors.ReEngagementMessage, lambda: client.send_message(
        "971559999999", "cold"))
    refused("a template that is not there", errors.TemplateNotExists, lambda: client.send_template(
        to, name="nobody_knows_it", language=TemplateLanguage.ENGLISH, params=[]))
    refused("a template without its values", errors.TemplateParamCountMismatch, lambda: client.send_template(
        to, name="viewing_confirmation", language=TemplateLanguage.ENGLISH, params=[]))
    refused("a text that is too long", errors.WhatsAppError, lambda: client.send_message(to, "x" * 4097))

    receiver = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=receiver.serve_forever, daemon=True).start()
    heard = queue.Queue()
    client.add_handlers(pywa.handlers.MessageHandler(lambda _, message: heard.put(message)))
    url = f"http://127.0.0.1:{receiver.server_address[1]}/hook"
    check("a webhook of one's own", lambda: client.override_phone_callback_url(
        callback_url=url, verify_token=meta["verify_token"]))
    written = post(customers, {"tenant_id": tenant["id"], "text": "Is it free? هل هي متاحة؟"})
    check("a customer writes", lambda: written)

    def next_body():
        while True:
            body, signature = Receiver.got.get(timeout=10)
            if b"mataha" in body or b"Is it free" in body:
                return body, signature

    arrived = check("the message arrives", next_body)
    if arrived is not None:
        body, signature = arrived
        check("its signature is good", lambda: pywa.utils.webhook_updates_validator(
            meta["app_secret"], body, signature))
        check("a changed byte is not", lambda: not pywa.utils.webhook_updates_validator(
            meta["app_secret"], body + b" ", signature))
        status = client.webhook_update_handler(body)
        check("pywa takes it", lambda: status[1] == 200)
        message = check("and reads it", lambda: heard.get(timeout=10))
        if message is not None:
            check("its text", lambda: message.text == "Is it free? هل هي متاحة؟")
            check("its sender", lambda: message.from_user.wa_id == CUSTOMER)
            check("marked as read", lambda: message.mark_as_read())
            check("typing", lambda: message.indicate_typing())
    check("the webhook is taken back", client.delete_phone_callback_url)
    receiver.shutdown()
    print(f"pywa {pywa.__version__}: {'%d failed' % len(failed) if failed else 'all passed'}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
