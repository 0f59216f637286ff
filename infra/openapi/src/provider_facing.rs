//! The routes that providers and sources of leads post to. They are one function without a router, so they are described
//! here.

use serde_json::{Map, Value, json};

const NOTE: &str = "For providers, not for integrators. Exempt from the envelope: providers read little more than the status.";

/// Their paths.
pub(crate) fn paths() -> Map<String, Value> {
    let tenant = json!({
        "name": "tenant_id", "in": "path", "required": true, "description": "The tenant.",
        "schema": { "$ref": "#/components/schemas/TenantId" },
    });
    let token = json!({
        "name": "token", "in": "path", "required": true,
        "description": "The secret, for providers that can carry it in the address only.",
        "schema": { "type": "string", "minLength": 1 },
    });
    let source = json!({
        "name": "source", "in": "path", "required": true, "description": "The source of leads.",
        "schema": { "$ref": "#/components/schemas/LeadFeed" },
    });
    let mut paths = Map::new();
    paths.insert(
        "/webhooks/whatsapp/{tenant_id}".to_owned(),
        route("whatsapp_webhook", "WhatsApp webhooks", &json!([tenant])),
    );
    paths.insert(
        "/webhooks/whatsapp/{tenant_id}/{token}".to_owned(),
        route("whatsapp_webhook_with_token", "WhatsApp webhooks with a token", &json!([tenant, token])),
    );
    paths.insert(
        "/webhooks/leads/{tenant_id}/{source}".to_owned(),
        route("lead_webhook", "webhooks of sources of leads", &json!([tenant, source])),
    );
    let mut chatwoot = route("chatwoot_webhook", "webhooks of Chatwoot", &json!([tenant]));
    if let Some(methods) = chatwoot.as_object_mut() {
        // There is no handshake.
        methods.remove("get");
    }
    paths.insert("/webhooks/chatwoot/{tenant_id}".to_owned(), chatwoot);
    paths
}

fn route(name: &str, what: &str, parameters: &Value) -> Value {
    let refused = |description: &str| json!({ "description": description, "headers": trace(), "content": { "application/json": { "schema": problem() } } });
    let mut handshake = parameters.as_array().cloned().unwrap_or_default();
    for (name, description) in [
        ("hub.mode", "`subscribe`."),
        ("hub.verify_token", "The verify token of the number."),
        ("hub.challenge", "What is answered when the token is right."),
    ] {
        let schema = json!({ "type": "string" });
        handshake.push(json!({ "name": name, "in": "query", "description": description, "schema": schema }));
    }
    let taken = json!({
        "type": "object",
        "required": ["ok", "trace_id"],
        "properties": { "ok": { "type": "boolean", "const": true }, "trace_id": { "type": "string", "format": "uuid" } },
    });
    json!({
        "get": {
            "operationId": format!("verify_{name}"),
            "summary": format!("The handshake of {what}."),
            "description": NOTE,
            "tags": ["provider_webhooks"],
            "security": [],
            "parameters": handshake,
            "responses": {
                "200": {
                    "description": "The challenge.",
                    "headers": trace(),
                    "content": { "text/plain": { "schema": { "type": "string" }, "example": "1158201444" } },
                },
                "403": {
                    "description": "No handshake, or a token that proves nothing.",
                    "headers": trace(),
                    "content": { "text/plain": { "schema": { "type": "string" }, "example": "forbidden" } },
                },
                "503": refused("The token could not be looked up; the provider tries again."),
            },
        },
        "post": {
            "operationId": format!("receive_{name}"),
            "summary": format!("Takes {what}."),
            "description": NOTE,
            "tags": ["provider_webhooks"],
            "security": [],
            "parameters": parameters,
            "requestBody": {
                "description": "The provider's JSON, proven over its raw bytes.",
                "required": true,
                "content": { "application/json": { "schema": {}, "example": { "object": "whatsapp_business_account", "entry": [] } } },
            },
            "responses": {
                "200": {
                    "description": "It is stored.",
                    "headers": trace(),
                    "content": { "application/json": {
                        "schema": taken,
                        "example": { "ok": true, "trace_id": "019b2c1e-7d4a-7c39-9f0e-5a1b2c3d4e5f" },
                    } },
                },
                "401": refused("Nothing proves where the body is from; nothing was stored."),
                "404": refused("There is no such path."),
                "413": refused("The body is larger than any provider sends."),
                "415": refused("The body is encoded in a way that no provider uses."),
                "503": refused("It could not be stored; the provider sends it again."),
            },
        },
    })
}

fn trace() -> Value {
    json!({ "X-Trace-Id": { "$ref": "#/components/headers/TraceId" } })
}

/// A "no", which is in the envelope here as well.
fn problem() -> Value {
    json!({
        "type": "object",
        "required": ["data", "error"],
        "properties": { "data": { "type": "null" }, "error": { "$ref": "#/components/schemas/Error" } },
    })
}
