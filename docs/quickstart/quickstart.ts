// The quick start with generated types; docs/api.md says how to make them. Needs HADAR_URL and HADAR_KEY (admin, live).
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import assert from "node:assert/strict";
import createClient from "openapi-fetch";
import type { components, paths } from "./hadar.js";
import { verify } from "./verify.cjs";

type Message = components["schemas"]["Message"];

const url = process.env.HADAR_URL ?? "http://127.0.0.1:8787";
const client = createClient<paths>({
  baseUrl: `${url}/v1`,
  headers: { Authorization: `Bearer ${process.env.HADAR_KEY}` },
});

// What was answered, where it is no error.
async function yes<T>(asked: Promise<{ data?: { data: T }; error?: unknown }>): Promise<T> {
  const { data, error } = await asked;
  if (data === undefined) throw new Error(`refused: ${JSON.stringify(error)}`);
  return data.data;
}

console.log("conversations:", (await yes(client.GET("/conversations"))).items.length);

// Events come here. A deployment takes public https addresses only.
const events: { body: Buffer; signature: string }[] = [];
let arrived = () => {};
const server = createServer(async (request, response) => {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  events.push({ body: Buffer.concat(parts), signature: String(request.headers["x-hadar-signature"]) });
  response.writeHead(204).end();
  arrived();
});
await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
const { port } = server.address() as AddressInfo;
const endpoint = await yes(
  client.POST("/webhooks/endpoints", {
    body: { url: `http://127.0.0.1:${port}/`, events: ["message.received", "message.status"] },
  }),
);
const secret = endpoint.secret;
assert(secret);

// The data of the next event of a kind whose signature is good.
async function next(kind: string): Promise<Message> {
  for (;;) {
    const got = events.shift();
    if (!got) {
      await new Promise<void>((resolve) => (arrived = resolve));
      continue;
    }
    assert(verify(secret as string, got.signature, got.body), "a bad signature");
    assert(!verify(secret as string, got.signature, Buffer.concat([got.body, Buffer.from(" ")])), "a changed body passes");
    const event = JSON.parse(got.body.toString());
    if (event.type === kind) return event.data;
  }
}

let lead = "";
for (const phone of ["+971501110003", "+971501110004"]) {
  const header = { "Idempotency-Key": `ts-lead-${phone}` };
  lead = (await yes(client.POST("/leads", { params: { header }, body: { name: "Layla", phone } }))).id;
}
let found = 0;
let cursor: string | undefined;
do {
  const page = await yes(client.GET("/leads", { params: { query: { limit: 1, ...(cursor ? { cursor } : {}) } } }));
  found += page.items.filter((item) => item.id === lead).length;
  cursor = page.pagination.next_cursor ?? undefined;
} while (cursor);
assert.equal(found, 1);

// A customer writes: on a deployment, from a phone; here, through the simulator.
const { tenant_id } = await yes(client.GET("/settings"));
await fetch(`${url}/_sim/customers/%2B971501110003/messages`, {
  method: "POST",
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify({ tenant_id, text: "Is it free?" }),
});
const received = await next("message.received");
console.log("received:", received.text);

const sent = await yes(
  client.POST("/whatsapp/messages", {
    params: { header: { "Idempotency-Key": `ts-answer-${received.id}` } },
    body: { conversation_id: received.conversation_id, text: "It is." },
  }),
);
let step: Message;
do {
  step = await next("message.status");
  assert.equal(step.id, sent.id);
} while (step.status !== "read");
console.log("sent:", (await yes(client.GET("/whatsapp/messages/{id}", { params: { path: { id: sent.id } } }))).status);
await yes(client.DELETE("/webhooks/endpoints/{id}", { params: { path: { id: endpoint.id } } }));
server.close();
server.closeAllConnections();
