use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::json;

use crate::stack::{Plain, Stack};

const UNSIGNED: (&str, &str) = ("x-amz-content-sha256", "UNSIGNED-PAYLOAD");

async fn put(stack: &Stack, path: &str, headers: &[(&str, &str)], body: &'static [u8]) -> Plain {
    let headers: Vec<_> = [UNSIGNED].into_iter().chain(headers.iter().copied()).collect();
    stack.try_s3(Method::PUT, path, &headers, body).await.unwrap()
}

/// A presigned address, as its parameters go; signatures are not verified here.
fn presigned(path: &str, date: &str, more: &str) -> String {
    format!(
        "{path}?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=x%2F20260101%2Fme-central-1%2Fs3%2Faws4_request\
         &X-Amz-Date={date}&X-Amz-Expires=300&X-Amz-SignedHeaders=host&X-Amz-Signature=x{more}"
    )
}

#[tokio::test]
async fn an_object_comes_back_as_it_was_put() {
    let stack = Stack::memory().await;
    assert_eq!(stack.s3(Method::PUT, "/media").await.status, StatusCode::OK);
    let again = stack.s3(Method::PUT, "/media").await;
    assert!(again.status == StatusCode::CONFLICT && again.text().contains("BucketAlreadyOwnedByYou"));
    let stored = put(&stack, "/media/in/a%20b", &[("content-type", "image/jpeg")], b"\xff\xd8\xff").await;
    assert_eq!(
        (stored.status, stored.header("etag")),
        (StatusCode::OK, "\"d718f4d374abcade9c50585aeee2f713\"")
    );
    let got = stack.s3(Method::GET, "/media/in/a%20b").await;
    assert_eq!(
        (got.status, &got.body[..], got.header("content-type")),
        (StatusCode::OK, &b"\xff\xd8\xff"[..], "image/jpeg")
    );
    let head = stack.s3(Method::HEAD, "/media/in/a%20b").await;
    assert_eq!((head.status, head.header("content-length"), head.body.len()), (StatusCode::OK, "3", 0));
    assert_eq!(stack.s3(Method::DELETE, "/media/in/a%20b").await.status, StatusCode::NO_CONTENT);
    let gone = stack.s3(Method::GET, "/media/in/a%20b").await;
    assert!(gone.status == StatusCode::NOT_FOUND && gone.text().contains("<Code>NoSuchKey</Code>"));
    let elsewhere = stack.s3(Method::GET, "/other/x").await;
    assert!(elsewhere.text().contains("<Code>NoSuchBucket</Code>"));
}

#[tokio::test]
async fn an_upload_that_must_be_new_takes_nobodys_place() {
    let stack = Stack::memory().await;
    stack.s3(Method::PUT, "/media").await;
    let new = [("if-none-match", "*")];
    assert_eq!(put(&stack, "/media/a", &new, b"first").await.status, StatusCode::OK);
    let second = put(&stack, "/media/a", &new, b"second").await;
    assert!(
        second.status == StatusCode::PRECONDITION_FAILED
            && second.text().contains("<Code>PreconditionFailed</Code>"),
        "{second:?}"
    );
    assert_eq!(stack.s3(Method::GET, "/media/a").await.text(), "first");
}

#[tokio::test]
async fn a_range_is_given_as_far_as_the_object_goes_and_refused_beyond_it() {
    let dir = tempfile::tempdir().unwrap();
    for stack in [Stack::memory().await, Stack::on(dir.path()).await] {
        stack.s3(Method::PUT, "/media").await;
        put(&stack, "/media/a", &[("content-type", "image/png")], b"0123456789").await;
        for (range, given, bytes) in [
            ("bytes=0-2", "bytes 0-2/10", "012"),
            ("bytes=4-4", "bytes 4-4/10", "4"),
            ("bytes=3-7", "bytes 3-7/10", "34567"),
            ("bytes=7-9", "bytes 7-9/10", "789"),
            ("bytes=7-99", "bytes 7-9/10", "789"),
            ("bytes=8-", "bytes 8-9/10", "89"),
            ("bytes=-3", "bytes 7-9/10", "789"),
        ] {
            let got = stack.try_s3(Method::GET, "/media/a", &[("range", range)], b"").await.unwrap();
            assert_eq!((got.status, got.text()), (StatusCode::PARTIAL_CONTENT, bytes), "{range}");
            assert_eq!((got.header("content-range"), got.header("content-type")), (given, "image/png"));
            assert_eq!(got.header("content-length"), bytes.len().to_string());
        }
        for beyond in ["bytes=10-", "bytes=10-12", "bytes=-0"] {
            let got = stack.try_s3(Method::GET, "/media/a", &[("range", beyond)], b"").await.unwrap();
            assert_eq!(got.status, StatusCode::RANGE_NOT_SATISFIABLE, "{beyond}");
            assert!(got.text().contains("<Code>InvalidRange</Code>"), "{got:?}");
        }
        // Several ranges are answered like none, and an object that is not there is not there in parts.
        let all = stack.try_s3(Method::GET, "/media/a", &[("range", "bytes=0-1,3-4")], b"").await.unwrap();
        assert_eq!((all.status, all.text()), (StatusCode::OK, "0123456789"));
        let none = stack.try_s3(Method::GET, "/media/b", &[("range", "bytes=0-1")], b"").await.unwrap();
        assert!(none.status == StatusCode::NOT_FOUND && none.text().contains("NoSuchKey"), "{none:?}");
    }
}

#[tokio::test]
async fn a_checksum_is_checked_kept_and_told_to_who_asks() {
    const SUM: &str = "x-amz-checksum-sha256";
    let right = (SUM, "LXEWQrcmsEQBYnyp+6wy9chTD7GQPMTbAiWHF5IaSIE=");
    let asks: &[(&str, &str)] = &[("x-amz-checksum-mode", "ENABLED")];
    let dir = tempfile::tempdir().unwrap();
    let stack = Stack::on(dir.path()).await;
    stack.s3(Method::PUT, "/media").await;
    let other = put(&stack, "/media/a", &[right], b"y").await;
    assert!(other.status == StatusCode::BAD_REQUEST && other.text().contains("BadDigest"), "{other:?}");
    for odd in ["2d711642b726b044", "LXEW", ""] {
        let refused = put(&stack, "/media/a", &[(SUM, odd)], b"x").await;
        assert!(refused.text().contains("<Code>InvalidRequest</Code>"), "{odd}: {refused:?}");
    }
    assert_eq!(stack.s3(Method::HEAD, "/media/a").await.status, StatusCode::NOT_FOUND);
    let stored = put(&stack, "/media/a", &[right], b"x").await;
    assert_eq!((stored.status, stored.header(SUM)), (StatusCode::OK, right.1));
    assert_eq!(put(&stack, "/media/b", &[], b"x").await.status, StatusCode::OK);
    stack.stop().await;

    let stack = Stack::on(dir.path()).await;
    for method in [Method::HEAD, Method::GET] {
        let told = stack.try_s3(method.clone(), "/media/a", asks, b"").await.unwrap();
        assert_eq!((told.header(SUM), told.header("x-amz-checksum-type")), (right.1, "FULL_OBJECT"));
        assert!(!stack.s3(method.clone(), "/media/a").await.headers.contains_key(SUM), "{method}");
        // Nobody said what it was to be.
        assert!(!stack.try_s3(method, "/media/b", asks, b"").await.unwrap().headers.contains_key(SUM));
    }
    let part = [("range", "bytes=0-0"), ("x-amz-checksum-mode", "ENABLED")];
    let part = stack.try_s3(Method::GET, "/media/a", &part, b"").await.unwrap();
    assert!(part.status == StatusCode::PARTIAL_CONTENT && !part.headers.contains_key(SUM), "{part:?}");
    stack.stop().await;
}

#[tokio::test]
async fn a_body_that_is_not_what_was_signed_is_refused() {
    let stack = Stack::memory().await;
    stack.s3(Method::PUT, "/media").await;
    let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let put = |headers: &'static [(&str, &str)]| stack.try_s3(Method::PUT, "/media/a", headers, b"x");
    assert!(
        put(&[("x-amz-content-sha256", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")])
            .await
            .unwrap()
            .text()
            .contains("XAmzContentSHA256Mismatch")
    );
    assert!(put(&[]).await.unwrap().text().contains("Missing required header"));
    assert!(
        put(&[UNSIGNED, ("content-md5", "1B2M2Y8AsgTpgAmY7PhCfg==")])
            .await
            .unwrap()
            .text()
            .contains("BadDigest")
    );
    let signed = [("x-amz-content-sha256", empty)];
    let stored = stack.try_s3(Method::PUT, "/media/a", &signed, b"").await.unwrap();
    assert_eq!(stored.status, StatusCode::OK);
    let chunked =
        [("x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"), ("content-encoding", "aws-chunked")];
    let body = b"2\r\nhi\r\n0\r\nx-amz-checksum-crc32:AAAA\r\n\r\n";
    stack.try_s3(Method::PUT, "/media/a", &chunked, body).await.unwrap();
    let got = stack.s3(Method::GET, "/media/a").await;
    assert!(got.text() == "hi" && !got.headers.contains_key("content-encoding"));
}

#[tokio::test]
async fn a_presigned_address_serves_under_the_name_it_carries_until_its_time_is_over() {
    let stack = Stack::memory().await;
    stack.s3(Method::PUT, "/media").await;
    put(&stack, "/media/a", &[("content-type", "text/html")], b"hi").await;
    let now = jiff_now(&stack);
    let more = "&response-content-disposition=attachment%3B%20filename%3D%22a.bin%22&response-content-type=application%2Foctet-stream";
    let url = presigned("/media/a", &now, more);
    let got = stack.s3(Method::GET, &url).await;
    assert_eq!((got.status, got.text()), (StatusCode::OK, "hi"));
    assert_eq!(got.header("content-disposition"), "attachment; filename=\"a.bin\"");
    assert_eq!(got.header("content-type"), "application/octet-stream");
    stack.clock.advance(Duration::from_secs(301));
    let late = stack.s3(Method::GET, &url).await;
    assert!(late.status == StatusCode::FORBIDDEN && late.text().contains("Request has expired"), "{late:?}");
}

/// The stack's time as signatures spell it.
fn jiff_now(stack: &Stack) -> String {
    let at = jiff::Timestamp::from_millisecond(stack.clock.now_ms()).unwrap();
    at.strftime("%Y%m%dT%H%M%SZ").to_string()
}

#[tokio::test]
async fn a_listing_goes_on_where_the_last_page_ended() {
    let stack = Stack::memory().await;
    stack.s3(Method::PUT, "/media").await;
    for key in ["in/a%26b", "in/c", "out/d"] {
        put(&stack, &format!("/media/{key}"), &[], b"x").await;
    }
    let first = stack.s3(Method::GET, "/media?list-type=2&prefix=in%2F&max-keys=1").await;
    assert!(
        first.text().contains("<Key>in/a&amp;b</Key>") && first.text().contains("<IsTruncated>true"),
        "{first:?}"
    );
    let token = first.text().split("<NextContinuationToken>").nth(1).unwrap().split('<').next().unwrap();
    let next = format!("/media?list-type=2&prefix=in%2F&max-keys=1&continuation-token={token}");
    let next = stack.s3(Method::GET, &next).await;
    assert!(
        next.text().contains("<Key>in/c</Key>") && next.text().contains("<IsTruncated>false"),
        "{next:?}"
    );
    let folders = stack.s3(Method::GET, "/media?list-type=2&delimiter=%2F").await;
    assert!(folders.text().contains("<CommonPrefixes><Prefix>in/</Prefix></CommonPrefixes>"), "{folders:?}");
    assert!(stack.s3(Method::GET, "/").await.text().contains("<Name>media</Name>"));
    assert_eq!(stack.s3(Method::GET, "/media?versioning").await.status, StatusCode::NOT_IMPLEMENTED);
}

#[tokio::test]
async fn objects_are_there_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let stack = Stack::on(dir.path()).await;
    stack.s3(Method::PUT, "/media").await;
    put(&stack, "/media/a", &[("content-type", "image/png")], b"png").await;
    stack.stop().await;
    let stack = Stack::on(dir.path()).await;
    let got = stack.s3(Method::GET, "/media/a").await;
    assert_eq!((got.text(), got.header("content-type")), ("png", "image/png"));
    stack.stop().await;
}

#[tokio::test]
async fn fault_rules_hold_for_buckets_too() {
    let stack = Stack::memory().await;
    stack.s3(Method::PUT, "/media").await;
    let set = |rules: serde_json::Value| stack.faults.set(serde_json::from_value(rules).unwrap());
    set(json!([{"service": "s3", "operation": "GetObject", "table": "media", "action": "throttle"}]));
    let slow = stack.s3(Method::GET, "/media/a").await;
    assert!(slow.status == StatusCode::SERVICE_UNAVAILABLE && slow.text().contains("SlowDown"), "{slow:?}");
    set(json!([{"service": "s3", "operation": "*", "action": "error", "status": 500}]));
    assert!(stack.s3(Method::HEAD, "/media").await.status.is_server_error());
    for (action, stored) in [("drop_before", false), ("drop_after", true)] {
        set(json!([{"service": "s3", "operation": "PutObject", "action": action}]));
        assert!(stack.try_s3(Method::PUT, "/media/a", &[UNSIGNED], b"x").await.is_none(), "{action}");
        stack.faults.clear();
        assert_eq!(stack.s3(Method::GET, "/media/a").await.status.is_success(), stored, "{action}");
    }
}
