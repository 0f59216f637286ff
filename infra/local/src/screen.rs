//! The first screen: what runs, whose keys, and commands that work as printed.

use crate::demo;
use crate::ready::{DemoMeta, DemoTenant, Ready};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fmt::{self, Write};
use std::path::Path;

/// "Hello, is the apartment available?", as Meta spells it on the wire.
const ARABIC: &str = "\\u0645\\u0631\\u062d\\u0628\\u0627\\u060c \\u0647\\u0644 \\u0627\\u0644\\u0634\\u0642\\u0629 \
                      \\u0645\\u062a\\u0627\\u062d\\u0629\\u061f";

/// The first screen of a stack. `now_s` is the Unix time of the message in the commands.
#[must_use]
pub fn first(ready: &Ready, data_dir: Option<&Path>, now_s: u64, colour: bool) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _infallible = write(&mut out, ready, data_dir, now_s, Style { colour });
    out
}

#[derive(Clone, Copy)]
struct Style {
    colour: bool,
}

impl Style {
    fn heading(self, text: &str) -> String {
        if self.colour { format!("\u{1b}[1m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

fn write(out: &mut String, ready: &Ready, data_dir: Option<&Path>, now_s: u64, style: Style) -> fmt::Result {
    writeln!(out, "{}", style.heading("Hadar is running on this machine."))?;
    writeln!(out)?;
    writeln!(out, "  API   {}/v1", ready.base_url)?;
    writeln!(out, "  AWS   {}   aws --endpoint-url {0} sqs list-queues", ready.aws_endpoint_url)?;
    writeln!(out, "  Sim   {}   the providers; {0}/sent is what they were asked to send", ready.sim_url)?;
    match data_dir {
        Some(dir) => writeln!(out, "  Data  {}   kept over restarts", dir.display())?,
        None => writeln!(out, "  Data  in memory, gone when this stops")?,
    }
    for tenant in &ready.tenants {
        write_tenant(out, tenant, style)?;
    }
    if let Some((tenant, meta)) =
        ready.tenants.iter().find_map(|tenant| Some((tenant, tenant.meta.as_ref()?)))
    {
        writeln!(out)?;
        writeln!(out, "{}", style.heading("A customer writes in Arabic. Paste this:"))?;
        writeln!(out)?;
        write_post(out, tenant, meta, now_s)?;
        writeln!(out, "{}", style.heading("And look at the conversation:"))?;
        writeln!(out)?;
        writeln!(out, "curl -s '{}/v1/conversations' \\", ready.base_url)?;
        writeln!(out, "  -H 'Authorization: Bearer {}'", tenant.keys.live_viewer)?;
        if let Some(form) = &tenant.form_id {
            writeln!(out)?;
            writeln!(out, "{}", style.heading("A visitor of the website fills in the form:"))?;
            writeln!(out)?;
            writeln!(out, "curl -s '{}/v1/forms/{form}/submissions' \\", ready.base_url)?;
            writeln!(out, "  -d 'name=Aisha' -d 'phone=0501234567' -d 'consent=on'")?;
        }
    }
    writeln!(out)?;
    writeln!(out, "Ctrl-C stops it.")
}

fn write_tenant(out: &mut String, tenant: &DemoTenant, style: Style) -> fmt::Result {
    writeln!(out)?;
    let name = style.heading(demo::name_of(&tenant.provider));
    writeln!(out, "{name}   {}, {}   {}", tenant.provider, tenant.plan, tenant.id)?;
    for (role, key) in [
        ("admin ", &tenant.keys.live_admin),
        ("agent ", &tenant.keys.live_agent),
        ("viewer", &tenant.keys.live_viewer),
        ("test  ", &tenant.keys.test_admin),
    ] {
        writeln!(out, "  {role}  {key}")?;
    }
    Ok(())
}

/// A signed post, with the signature worked out in the shell, and what it comes to for a shell without openssl.
fn write_post(out: &mut String, tenant: &DemoTenant, meta: &DemoMeta, now_s: u64) -> fmt::Result {
    let body = body(meta, now_s);
    let secret = &meta.app_secret;
    writeln!(out, "BODY='{body}'")?;
    writeln!(out, "SIG=$(printf %s \"$BODY\" | openssl dgst -sha256 -hmac '{secret}' | sed 's/^.* //')")?;
    writeln!(out, "curl -s '{}' -H 'Content-Type: application/json' \\", tenant.webhook_url)?;
    writeln!(out, "  -H \"X-Hub-Signature-256: sha256=$SIG\" -d \"$BODY\"")?;
    writeln!(out)?;
    writeln!(out, "Without openssl the second line is:")?;
    writeln!(out)?;
    writeln!(out, "SIG={}", signature(secret, &body))?;
    writeln!(out)
}

/// A text message as Meta sends it.
fn body(meta: &DemoMeta, now_s: u64) -> String {
    let (waba, number) = (&meta.waba_id, &meta.phone_number_id);
    format!(
        r#"{{"object":"whatsapp_business_account","entry":[{{"id":"{waba}","changes":[{{"field":"messages","value":{{"messaging_product":"whatsapp","metadata":{{"display_phone_number":"97145550100","phone_number_id":"{number}"}},"contacts":[{{"profile":{{"name":"Layla"}},"wa_id":"971501234567"}}],"messages":[{{"from":"971501234567","id":"wamid.demo{now_s}","timestamp":"{now_s}","type":"text","text":{{"body":"{ARABIC}"}}}}]}}}}]}}]}}"#
    )
}

/// What Meta puts into `X-Hub-Signature-256`.
fn signature(secret: &str, body: &str) -> String {
    // HMAC takes keys of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { return String::new() };
    mac.update(body.as_bytes());
    hex::encode(mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meta() -> DemoMeta {
        DemoMeta {
            app_secret: "s3cret".into(),
            verify_token: "v".into(),
            phone_number_id: "1".into(),
            waba_id: "2".into(),
            token: "t".into(),
        }
    }

    #[test]
    fn the_printed_message_is_json_in_arabic_and_safe_between_single_quotes() {
        let body = body(&meta(), 1_700_000_000);
        assert!(body.is_ascii() && !body.contains('\''), "{body}");
        let read: serde_json::Value = serde_json::from_str(&body).unwrap();
        let message = &read["entry"][0]["changes"][0]["value"]["messages"][0];
        assert_eq!(message["text"]["body"], "مرحبا، هل الشقة متاحة؟");
        assert_eq!(message["timestamp"], "1700000000");
    }

    #[test]
    fn the_printed_signature_is_the_published_one() {
        let known = "f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8";
        assert_eq!(signature("key", "The quick brown fox jumps over the lazy dog"), known);
    }

    #[test]
    fn a_stack_without_demo_tenants_shows_no_commands() {
        let ready = Ready {
            base_url: "http://127.0.0.1:1".into(),
            aws_endpoint_url: "http://127.0.0.1:2".into(),
            sim_url: String::new(),
            queues: [].into(),
            tables: [].into(),
            tenants: Vec::new(),
        };
        let shown = first(&ready, None, 0, false);
        assert!(shown.contains("http://127.0.0.1:1/v1") && !shown.contains("curl"), "{shown}");
    }
}
