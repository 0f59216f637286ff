use super::*;
use bytes::Bytes;
use http::Response;
use serde_json::json;

fn only(kind: FeedKind, body: &Value) -> RawLead {
    let parsed = parse(kind, body.to_string().as_bytes()).unwrap();
    assert!(parsed.unreadable.is_empty(), "{:?}", parsed.unreadable);
    match parsed.told.as_slice() {
        [Told::Lead(lead)] => (**lead).clone(),
        _ => panic!("expected one lead"),
    }
}

#[test]
fn a_webhook_of_meta_names_leads_and_their_fields_are_the_forms_own() {
    let body = json!({"object": "page", "entry": [{"id": "444", "time": 1, "changes": [
        {"field": "leadgen", "value": {"leadgen_id": "111", "page_id": "444", "form_id": "333", "created_time": 1_747_298_531}},
        {"field": "feed", "value": {}},
        {"field": "leadgen", "value": {"leadgen_id": "../me"}}]}]});
    let parsed = parse(FeedKind::MetaLeadAds, body.to_string().as_bytes()).unwrap();
    assert_eq!(parsed.unreadable.len(), 2);
    let [Told::Reference(reference)] = parsed.told.as_slice() else { panic!("one reference") };
    assert_eq!((reference.leadgen_id.as_str(), reference.page_id.as_deref()), ("111", Some("444")));
    let request = fetch_request("111", "token").unwrap();
    assert!(request.uri().path().ends_with("/111"));

    let answer = |status: u16, body: &Value| {
        Response::builder().status(status).body(Bytes::from(body.to_string())).unwrap()
    };
    let lead = json!({"id": "111", "created_time": "2026-05-15T08:42:11+0000", "form_id": "333", "field_data": [
        {"name": "first_name", "values": ["Aisha"]}, {"name": "last_name", "values": ["Khan"]},
        {"name": "phone_number", "values": ["+971501110001"]}, {"name": "email", "values": ["a@example.com"]},
        {"name": "which_areas", "values": ["Marina", "JVC"]}]});
    let Fetched::Lead(lead) = fetched(reference, &answer(200, &lead)) else { panic!("a lead") };
    assert_eq!((lead.name.as_deref(), lead.phone.as_deref()), (Some("Aisha Khan"), Some("+971501110001")));
    assert_eq!(lead.attributes["which_areas"], json!(["Marina", "JVC"]));
    assert_eq!(lead.at.unwrap().to_string(), "2026-05-15T08:42:11.000Z");

    let error = |code: i64| json!({"error": {"code": code, "message": "no"}});
    assert!(matches!(fetched(reference, &answer(400, &error(190))), Fetched::Refused(_)));
    assert!(matches!(fetched(reference, &answer(400, &error(4))), Fetched::Later(_)));
    assert!(matches!(fetched(reference, &answer(500, &Value::Null)), Fetched::Later(_)));
    assert!(matches!(fetched(reference, &answer(200, &json!({}))), Fetched::Later(_)));
}

#[test]
fn property_finder_is_read_nested_and_flat() {
    let nested = json!({"id": 77, "channel": "whatsapp", "createdAt": "2026-05-15T08:42:11Z", "listing": {"reference": "PF-1"},
        "sender": {"name": "Omar", "contacts": [{"type": "phone", "value": "0501110001"}, {"type": "email", "value": "o@example.com"}]}});
    for body in [json!({"data": [nested.clone()]}), json!({"payload": nested.clone()}), nested.clone()] {
        let lead = only(FeedKind::PropertyFinder, &body);
        assert_eq!((lead.external_id.as_deref(), lead.phone.as_deref()), (Some("77"), Some("0501110001")));
        assert_eq!(lead.attributes["listing_reference"], "PF-1");
    }
    let flat = json!({"id": "x", "name": "Omar", "phone": "0501110001", "email": "o@example.com"});
    assert_eq!(only(FeedKind::PropertyFinder, &flat).name.as_deref(), Some("Omar"));
}

#[test]
fn the_listings_leads_are_read_whatever_their_channel() {
    let lead = json!({"lead_id": 9, "lead_type": "email", "lead_target": "listing", "date_time": "2026-05-15 08:42:11",
        "inquirer_details": {"name": "Sara", "cell": "0501110001", "email": "s@example.com", "message": "still free?"},
        "listing_details": {"listing_reference": "B-1"}});
    let read = only(FeedKind::Bayut, &lead);
    assert_eq!((read.external_id.as_deref(), read.message.as_deref()), (Some("9"), Some("still free?")));
    assert_eq!(read.attributes["listing_reference"], "B-1");
    assert_eq!(read.at.unwrap().to_string(), "2026-05-15T08:42:11.000Z");
    let call = json!([{"lead_id": 10, "call_logs": {"caller_number": "+971501110002"}}]);
    assert_eq!(only(FeedKind::Dubizzle, &call).phone.as_deref(), Some("+971501110002"));
}

#[test]
fn a_pull_asks_for_people_since_a_time_and_an_html_page_is_a_refused_key() {
    let since = Millis::from_unix_ms(1_747_298_531_103);
    let requests = pull_requests(FeedKind::Bayut, "key", since);
    assert_eq!(requests.len(), 3);
    for request in &requests {
        let query = request.uri().query().unwrap();
        assert!(query.contains("timestamp=2025-05-15+08%3A42%3A11&is_trulead=1"), "{query}");
        assert_eq!(request.headers()["authorization"], "Bearer key");
    }
    assert!(pull_requests(FeedKind::Website, "key", since).is_empty());
    let answer = |status: u16, body: &'static str| {
        pulled(&Response::builder().status(status).body(Bytes::from_static(body.as_bytes())).unwrap())
    };
    assert!(matches!(answer(200, "[]"), ListingAnswer::Leads(leads) if leads.is_empty()));
    assert!(matches!(answer(200, "<!DOCTYPE html>"), ListingAnswer::Unauthorized));
    assert!(matches!(answer(401, "{}"), ListingAnswer::Unauthorized));
    for (status, body) in [(200, "{}"), (200, "x"), (502, "<html>")] {
        assert!(matches!(answer(status, body), ListingAnswer::Later(_)), "{status} {body}");
    }
}

#[test]
fn the_own_sites_unknown_fields_are_attributes() {
    let body = json!({"name": "A", "phone": "0501110001", "budget_aed": "1500000", "utm_source": "google", "project": "X", "attributes": {"pets": true}});
    let lead = only(FeedKind::Website, &body);
    assert_eq!(lead.budget_aed, Some(1_500_000));
    assert_eq!(lead.utm, [("utm_source".to_owned(), "google".to_owned())]);
    assert_eq!(lead.attributes, *json!({"project": "X", "pets": true}).as_object().unwrap());
}

#[test]
fn what_no_source_sends_is_said_and_never_panics() {
    for kind in FeedKind::ALL {
        for body in ["", "x", "7", "null", "\"\"", "true"] {
            assert!(parse(kind, body.as_bytes()).is_err(), "{kind} {body}");
        }
        for body in ["{}", "[]", "[[]]", r#"{"data":[1,null]}"#, r#"{"object":"page","entry":[7]}"#] {
            if let Ok(parsed) = parse(kind, body.as_bytes()) {
                assert!(parsed.told.is_empty(), "{kind} {body}");
            }
        }
    }
}
