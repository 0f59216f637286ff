//! Meta: receipts, echoes, and what happens to the account.

use crate::kit::{self, AT, account, bsuid, echo, phone, samples, status, text};
use domain::message::Content;
use domain::provider::Provider;
use domain::receipt::Receipt;
use providers::event::EventKind;

fn field(name: &str, event: Option<&str>) -> (String, Option<String>) {
    (name.to_owned(), event.map(str::to_owned))
}

samples! { Provider::Meta;
    a_receipt_carries_our_id_and_the_price("meta/status_sent.json") |parsed| {
        let status = status(parsed);
        assert_eq!((status.receipt, status.at), (Some(Receipt::Sent), Some(AT)));
        assert_eq!(status.our_id.as_deref(), Some("msg_01JCXPTB6QS9QK5S4D93GZ2T7N.1"));
        assert!(status.pricing.unwrap().contains(r#""category": "utility""#));
        assert_eq!(status.recipient.phone, phone("971501234567"));
        assert_eq!(status.recipient.bsuid, bsuid("AE.7301945528164402"));
    };
    two_receipts_of_one_message_keep_the_order_of_the_body("meta/status_delivered_and_read.json") |parsed| {
        let receipts: Vec<_> = parsed.events.iter().map(|event| match &event.kind {
            EventKind::Status(status) => (status.receipt.unwrap(), status.at.unwrap().since(AT)),
            other => panic!("not a status: {other:?}"),
        }).collect();
        assert_eq!(receipts, [(Receipt::Read, 5000), (Receipt::Delivered, 3000)]);
    };
    a_failure_says_why("meta/status_failed.json") |parsed| {
        let status = status(parsed);
        assert_eq!(status.receipt, Some(Receipt::Failed));
        assert_eq!(status.errors[0].code, 131_047);
        assert_eq!(status.errors[0].title.as_deref(), Some("Re-engagement message"));
        assert_eq!((status.recipient.phone, status.recipient.bsuid), (phone("971501234567"), None));
    };
    a_ringing_call_is_no_receipt("meta/status_call_ringing.json") |parsed| {
        let status = status(parsed);
        assert_eq!((status.receipt, status.reported.as_str()), (None, "RINGING"));
    };
    a_groups_receipt_is_one_members("meta/status_group.json") |parsed| {
        assert_eq!(status(parsed).recipient.phone, phone("971501234567"));
    };
    an_ended_call_is_kept("meta/call_ended.json") |parsed| {
        let event = kit::only(parsed);
        assert_eq!(event.account.phone_number_id.as_deref(), Some("106540352242922"));
        assert!(event.raw.contains("COMPLETED"));
        assert_eq!(event.kind, EventKind::Account { field: "calls".to_owned(), event: None });
    };
    a_message_from_the_phone_app_is_an_echo("meta/echo_from_phone_app.json") |parsed| {
        let echo = echo(parsed);
        assert_eq!(echo.recipient.phone, phone("971501234567"));
        assert_eq!(echo.recipient.bsuid, bsuid("AE.7301945528164402"));
        assert_eq!((echo.body.content, echo.sent_at, echo.our_id), (text("سأتصل بك بعد قليل"), AT, None));
    };
    an_echo_may_take_a_message_back("meta/echo_revoked.json") |parsed| {
        let target = "wamid.HBgMOTcxNTAxMjM0NTY3FQIAEhgE1".to_owned();
        assert_eq!(echo(parsed).body.content, Content::Revoke { target });
    };
    history_is_kept_and_is_no_message("meta/history.json") |parsed| {
        assert_eq!(account(parsed), field("history", None));
    };
    a_stop_in_the_settings_is_a_preference("meta/preference_stop.json") |parsed| {
        let EventKind::Preference(choice) = kit::only(parsed).kind else { panic!("not a preference") };
        assert_eq!((choice.category.as_str(), choice.value.as_str()), ("marketing_messages", "stop"));
        assert_eq!((choice.person.phone, choice.at), (phone("971501234567"), AT));
        assert_eq!(choice.person.name.as_deref(), Some("سارة المنصوري"));
    };
    a_changed_user_id_names_both_sides("meta/user_id_update.json") |parsed| {
        let EventKind::IdentityChanged(change, at) = kit::only(parsed).kind else { panic!("not a change") };
        assert_eq!(change.previous.bsuid, bsuid("AE.5520018837461193"));
        assert_eq!(change.previous.parent_bsuid, bsuid("AE.ENT.1"));
        assert_eq!(change.current.bsuid, bsuid("AE.9911223344556677"));
        assert_eq!((change.current.phone, change.previous.phone), (phone("971521112233"), None));
        assert_eq!((change.current.name.as_deref(), at), (Some("Layla"), AT));
    };
    a_user_name_of_the_business_is_kept("meta/username_update.json") |parsed| {
        assert_eq!(account(parsed), field("business_username_update", None));
    };
    a_rejected_template_says_so("meta/template_rejected.json") |parsed| {
        assert_eq!(account(parsed), field("message_template_status_update", Some("REJECTED")));
    };
    a_recategorised_template_is_kept_with_its_raw_value("meta/template_recategorised.json") |parsed| {
        assert!(parsed.events[0].raw.contains(r#""new_category": "MARKETING""#));
        assert_eq!(account(parsed), field("template_category_update", None));
    };
    a_flagged_number_is_kept_with_its_business_account("meta/quality_flagged.json") |parsed| {
        assert_eq!(parsed.events[0].account.waba_id.as_deref(), Some("215589313241560883"));
        assert_eq!(parsed.events[0].account.phone_number_id, None);
        assert_eq!(account(parsed), field("phone_number_quality_update", Some("FLAGGED")));
    };
    a_restricted_account_is_kept("meta/account_restricted.json") |parsed| {
        assert_eq!(account(parsed), field("account_update", Some("ACCOUNT_RESTRICTION")));
    };
    a_new_limit_is_kept("meta/capability_unlimited.json") |parsed| {
        assert_eq!(account(parsed), field("business_capability_update", None));
    };
    a_click_without_messages_is_kept("meta/link_click_only.json") |parsed| {
        assert_eq!(account(parsed), field("messages", None));
    };
    an_error_of_the_number_is_an_event("meta/out_of_band_error.json") |parsed| {
        let EventKind::Error(error) = kit::only(parsed).kind else { panic!("not an error") };
        assert_eq!((error.code, error.title.as_deref()), (130_429, Some("Rate limit hit")));
    };
    a_batch_of_two_numbers_loses_only_what_is_broken("meta/batch_two_numbers.json") |parsed| {
        let numbers: Vec<_> = parsed.events.iter().map(|event| event.account.phone_number_id.as_deref()).collect();
        let (one, two) = (Some("106540352242922"), Some("990000000000002"));
        assert_eq!(numbers, [one, one, one, None, two]);
        let [broken] = parsed.unreadable.as_slice() else { panic!("{:?}", parsed.unreadable) };
        assert_eq!(broken.path, "entry[0].changes[0].value.messages[1]");
        assert_eq!(broken.reason, "`id` is missing");
        assert!(broken.raw.contains("no id"));
        let EventKind::Message(last) = &parsed.events[4].kind else { panic!("not a message") };
        assert_eq!((last.sender.name.as_deref(), &last.sender.phone), (Some("Omar"), &phone("971557654321")));
    };
}
