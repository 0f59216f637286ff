//! Files at the providers: what is asked, and what the answers say.

use crate::outbound::{D360, META};
use crate::outbound_failures::answer;
use crate::outbound_ultramsg::ULTRAMSG;
use domain::provider::Provider;
use providers::outbound::{
    Sender, download_refusal, download_request, media_answer, media_request, upload_request, uploaded,
};

const BOUNDARY: &str = "hadar-0123456789abcdef";
const LINK: &str = r#"{"url":"https:\/\/lookaside.fbsbx.com\/whatsapp_business\/attachments\/?mid=1&ext=2&hash=A-B","mime_type":"image\/jpeg","sha256":"9f","file_size":303833,"id":"9","messaging_product":"whatsapp"}"#;

#[test]
fn an_upload_is_a_form_of_three_parts() {
    let request =
        upload_request(&META, "audio/ogg; codecs=opus", "voice.ogg", b"Ogg\r\nS\0\xff", BOUNDARY).unwrap();
    assert_eq!((request.method().as_str(), request.uri().path()), ("POST", "/v26.0/106540352242922/media"));
    assert_eq!(request.headers()["content-type"], format!("multipart/form-data; boundary={BOUNDARY}"));
    assert_eq!(request.headers()["authorization"], "Bearer EAAGm0secret");
    let head = "--hadar-0123456789abcdef\r\n\
        Content-Disposition: form-data; name=\"messaging_product\"\r\n\r\nwhatsapp\r\n\
        --hadar-0123456789abcdef\r\n\
        Content-Disposition: form-data; name=\"type\"\r\n\r\naudio/ogg; codecs=opus\r\n\
        --hadar-0123456789abcdef\r\n\
        Content-Disposition: form-data; name=\"file\"; filename=\"voice.ogg\"\r\n\
        Content-Type: audio/ogg; codecs=opus\r\n\r\n";
    let golden = [head.as_bytes(), b"Ogg\r\nS\0\xff", b"\r\n--hadar-0123456789abcdef--\r\n"].concat();
    assert_eq!(request.body(), &golden);

    let d360 = upload_request(&D360, "image/png", "a.png", b"x", BOUNDARY).unwrap();
    assert_eq!(
        (d360.uri().path(), &d360.headers()["D360-API-KEY"]),
        ("/media", &"d360-secret".parse().unwrap())
    );
    assert!(upload_request(&ULTRAMSG, "image/png", "a.png", b"x", BOUNDARY).is_none());
}

#[test]
fn nothing_in_an_upload_can_end_a_part_early() {
    let named = |name| upload_request(&META, "image/png", name, b"x", BOUNDARY).unwrap().into_body();
    let shown = String::from_utf8(named("a\"\r\nX: 1\\/عقد.pdf").to_vec()).unwrap();
    assert!(shown.contains("filename=\"a___X: 1__عقد.pdf\"\r\n"), "{shown}");
    assert!(String::from_utf8(named("").to_vec()).unwrap().contains("filename=\"file\""));
    for (mime, bytes, boundary) in [
        ("image/png\r\nX: 1", b"x".as_slice(), BOUNDARY),
        ("png", b"x", BOUNDARY),
        ("image/png", b"x", ""),
        ("image/png", b"x", "a b c d e f"),
        ("image/png", b"x", "short"),
        ("image/png", b"..hadar-0123456789abcdef..", BOUNDARY),
    ] {
        assert!(upload_request(&META, mime, "a", bytes, boundary).is_none(), "{mime} {boundary}");
    }
    let empty = upload_request(&META, "image/png", "a", b"", BOUNDARY);
    assert!(empty.is_some());
}

#[test]
fn an_uploads_id_may_be_a_text_or_a_number() {
    for (body, id) in [
        (r#"{"id":"1908647269898587"}"#, "1908647269898587"),
        (r#"{"id":1908647269898587}"#, "1908647269898587"),
        (r#"{"media":[{"id":"f043afd0"}]}"#, "f043afd0"),
    ] {
        assert_eq!(uploaded(Provider::Dialog360, &answer(200, body)).unwrap(), id);
    }
    let refused = |status, body| uploaded(Provider::Meta, &answer(status, body)).unwrap_err().code;
    assert_eq!(refused(400, r#"{"error":{"code":131053,"message":"m"}}"#), "media_upload_failed");
    assert_eq!(refused(200, r#"{"id":""}"#), "provider_unavailable");
    assert_eq!(refused(503, ""), "provider_unavailable");
}

#[test]
fn a_look_up_names_the_number_at_meta() {
    let meta = media_request(&META, "1908647269898587").unwrap();
    assert_eq!(meta.method(), "GET");
    assert_eq!(meta.uri(), "/v26.0/1908647269898587?phone_number_id=106540352242922");
    assert!(meta.body().is_empty() && meta.headers().contains_key("authorization"));
    assert_eq!(media_request(&D360, "1908647269898587").unwrap().uri(), "/1908647269898587");
    assert!(media_request(&ULTRAMSG, "1").is_none());
    for bad in ["", ".", "..", "1/messages", "1?x", "a b", "%2e"] {
        assert!(media_request(&META, bad).is_none() && media_request(&D360, bad).is_none(), "{bad}");
    }
}

#[test]
fn a_link_is_absolute_at_meta_and_under_the_root_at_360dialog() {
    let meta = media_answer(Provider::Meta, &answer(200, LINK)).unwrap();
    assert_eq!(meta.url, "https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid=1&ext=2&hash=A-B");
    assert_eq!((meta.mime_type.as_deref(), meta.sha256.as_deref()), (Some("image/jpeg"), Some("9f")));
    assert_eq!(meta.file_size, Some(303_833));
    assert!(!format!("{meta:?}").contains("hash="));
    let d360 = media_answer(Provider::Dialog360, &answer(200, LINK)).unwrap();
    assert_eq!(d360.url, "/whatsapp_business/attachments/?mid=1&ext=2&hash=A-B");
    let text_size = LINK.replace("303833", "\"303833\"");
    assert_eq!(media_answer(Provider::Meta, &answer(200, &text_size)).unwrap().file_size, Some(303_833));
}

#[test]
fn a_file_that_is_gone_says_so() {
    let gone = r#"{"error":{"message":"Unsupported get request","code":100,"error_subcode":33}}"#;
    for (status, body, code) in [
        (404, gone, "media_not_found"),
        (404, "", "media_not_found"),
        (401, r#"{"error":{"message":"m","code":190}}"#, "integration_unauthorized"),
        (200, "{}", "provider_unavailable"),
        (200, r#"{"url":"not a url"}"#, "provider_unavailable"),
        (500, "", "provider_unavailable"),
    ] {
        assert_eq!(
            media_answer(Provider::Meta, &answer(status, body)).unwrap_err().code,
            code,
            "{status} {body}"
        );
    }
    assert_eq!(download_refusal(Provider::Meta, &answer(404, "")).code, "media_not_found");
}

#[test]
fn a_download_carries_the_credential_its_host_wants() {
    let meta = download_request(&META, "https://lookaside.fbsbx.com/a?mid=1").unwrap();
    assert_eq!(meta.headers()["authorization"], "Bearer EAAGm0secret");
    assert!(meta.headers()["user-agent"].to_str().unwrap().starts_with("hadar/"));
    let d360 = download_request(&D360, "/whatsapp_business/attachments/?mid=1").unwrap();
    assert_eq!(d360.headers()["D360-API-KEY"], "d360-secret");
    assert_eq!(d360.uri(), "/whatsapp_business/attachments/?mid=1");
    let ultramsg = download_request(&ULTRAMSG, "https://s3.example/a.oga").unwrap();
    assert_eq!(ultramsg.headers().keys().map(|name| name.as_str()).collect::<Vec<_>>(), ["user-agent"]);
    assert!(download_request(&ULTRAMSG, "/files/a.oga").is_some());
}

#[test]
fn a_credential_goes_nowhere_else() {
    let none =
        |sender: &Sender<'_>, url: &str| assert!(download_request(sender, url).is_none(), "{sender:?} {url}");
    for url in [
        "",
        "a.jpg",
        "ftp://a.example/b",
        "file:///etc/passwd",
        "http://lookaside.fbsbx.com/a",
        "//a.example/b",
    ] {
        none(&META, url);
        none(&D360, url);
        none(&ULTRAMSG, url);
    }
    none(&D360, "https://lookaside.fbsbx.com/a");
    none(&D360, "http://127.0.0.1:1/a");
    for url in [
        "https://127.0.0.1/a",
        "http://127.0.0.1:9001/2018-06-01",
        "https://10.0.0.1/",
        "https://[::1]/",
        "https://169.254.169.254/",
    ] {
        none(&ULTRAMSG, url);
    }
    // Meta's stand-in on this machine.
    assert!(download_request(&META, "http://127.0.0.1:8787/_sim/graph/media/9").is_some());
    none(&Sender { provider: Provider::Sandbox, ..META }, "https://a.example/b");
}
