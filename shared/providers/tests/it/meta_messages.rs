//! Meta: what customers send.

use crate::kit::{self, AT, bsuid, content, message, phone, samples, text};
use domain::message::{Content, MediaKind};
use domain::provider::Provider;
use providers::event::EventKind;

samples! { Provider::Meta;
    an_arabic_text_arrives_with_its_sender_and_number("meta/text_arabic.json") |parsed| {
        let event = kit::only(parsed);
        assert_eq!(event.account.waba_id.as_deref(), Some("215589313241560883"));
        assert_eq!(event.account.phone_number_id.as_deref(), Some("106540352242922"));
        assert!(event.raw.starts_with(r#"{"from":"971501234567""#) && event.raw.ends_with("}}"));
        let EventKind::Message(message) = event.kind else { panic!("not a message") };
        assert_eq!(message.id, "wamid.HBgMOTcxNTAxMjM0NTY3FQIAEhg01");
        assert_eq!(message.sent_at, AT);
        assert_eq!(message.body.content, text("مرحبا، هل شقة مارينا ما زالت متاحة؟ 🏠 https://hadar.example/l/MAR-17"));
        assert_eq!(message.sender.phone, phone("971501234567"));
        assert_eq!(message.sender.bsuid, bsuid("AE.7301945528164402"));
        assert_eq!(message.sender.name.as_deref(), Some("سارة المنصوري"));
        assert_eq!((message.group, message.body.context, message.body.referral), (None, None, None));
    };
    a_reply_names_the_message_it_answers("meta/text_reply.json") |parsed| {
        let context = message(parsed).body.context.unwrap();
        assert_eq!(context.id.as_deref(), Some("wamid.HBgMOTcxNTAxMjM0NTY3FQIAEhgOUT1"));
        assert_eq!(context.from.as_deref(), Some("97145550100"));
    };
    a_forwarded_message_answers_nothing("meta/text_forwarded.json") |parsed| {
        let context = message(parsed).body.context.unwrap();
        assert_eq!((context.id, context.forwarded, context.frequently_forwarded), (None, true, true));
    };
    a_question_about_a_product_names_it("meta/text_about_product.json") |parsed| {
        let product = message(parsed).body.context.unwrap().referred_product.unwrap();
        assert_eq!(product["product_retailer_id"], "VILLA-12");
    };
    a_message_from_an_ad_says_which("meta/text_from_ad.json") |parsed| {
        let referral = message(parsed).body.referral.unwrap();
        assert_eq!(referral.source_id.as_deref(), Some("120226305854810726"));
        assert_eq!(referral.source_type.as_deref(), Some("ad"));
        assert_eq!(referral.headline.as_deref(), Some("فلل نخلة جميرا"));
        assert!(referral.ctwa_clid.unwrap().starts_with("ARAkLkA8"));
        assert_eq!(referral.video_url, None);
    };
    an_image_keeps_its_caption_and_link("meta/image_with_caption.json") |parsed| {
        let Content::Media(MediaKind::Image, media) = content(parsed) else { panic!("not an image") };
        assert_eq!(media.id.as_deref(), Some("1908647269898587"));
        assert_eq!(media.caption.as_deref(), Some("هذه صورة الهوية"));
        assert_eq!(media.mime_type.as_deref(), Some("image/jpeg"));
        assert!(media.url.unwrap().starts_with("https://lookaside.fbsbx.com/"));
    };
    a_recorded_sound_is_a_voice_note("meta/voice_note.json") |parsed| {
        assert!(matches!(content(parsed), Content::Media(MediaKind::Voice, _)));
    };
    a_document_keeps_its_name("meta/document.json") |parsed| {
        let Content::Media(MediaKind::Document, media) = content(parsed) else { panic!("not a document") };
        assert_eq!(media.filename.as_deref(), Some("عقد الإيجار.pdf"));
    };
    a_moving_sticker_says_so("meta/sticker_animated.json") |parsed| {
        let Content::Media(MediaKind::Sticker, media) = content(parsed) else { panic!("not a sticker") };
        assert_eq!(media.animated, Some(true));
    };
    a_place_has_degrees_and_a_name("meta/location.json") |parsed| {
        let Content::Location(place) = content(parsed) else { panic!("not a place") };
        assert_eq!((place.latitude, place.longitude), (Some(25.0805), Some(55.1403)));
        assert_eq!(place.name.as_deref(), Some("دبي مارينا"));
    };
    a_contact_card_is_kept_as_reported("meta/contact_card.json") |parsed| {
        let Content::Contacts(cards) = content(parsed) else { panic!("not contacts") };
        assert_eq!(cards[0]["phones"][0]["wa_id"], "971557654321");
    };
    an_order_is_kept_as_reported("meta/order.json") |parsed| {
        let Content::Order(order) = content(parsed) else { panic!("not an order") };
        assert_eq!(order["product_items"][0]["quantity"], "1");
    };
    a_pressed_button_gives_its_id_and_title("meta/button_reply.json") |parsed| {
        let Content::Interactive(reply) = content(parsed) else { panic!("not interactive") };
        assert_eq!(reply.reply_type.as_deref(), Some("button_reply"));
        assert_eq!(reply.id.as_deref(), Some("viewing_yes"));
        assert_eq!((reply.title.as_deref(), reply.reply), (Some("نعم، أحجز معاينة"), None));
    };
    a_chosen_row_gives_its_description_too("meta/list_reply.json") |parsed| {
        let Content::Interactive(reply) = content(parsed) else { panic!("not interactive") };
        assert_eq!(reply.id.as_deref(), Some("area_marina"));
        assert_eq!(reply.description.as_deref(), Some("12 homes"));
    };
    a_filled_form_is_kept_whole("meta/flow_reply.json") |parsed| {
        let Content::Interactive(reply) = content(parsed) else { panic!("not interactive") };
        assert_eq!(reply.reply_type.as_deref(), Some("nfm_reply"));
        let answers = reply.reply.unwrap()["response_json"].as_str().unwrap().to_owned();
        assert!(answers.contains("2000000"));
    };
    a_templates_button_gives_its_payload("meta/template_button.json") |parsed| {
        let Content::Button { text, payload } = content(parsed) else { panic!("not a button") };
        assert_eq!((text.as_deref(), payload.as_deref()), (Some("إيقاف الرسائل"), Some("STOP")));
    };
    a_reaction_names_its_message("meta/reaction.json") |parsed| {
        let Content::Reaction { target, emoji } = content(parsed) else { panic!("not a reaction") };
        assert_eq!((target.as_str(), emoji.as_deref()), ("wamid.HBgMOTcxNTAxMjM0NTY3FQIAEhgOUT1", Some("👍🏽")));
    };
    a_reaction_without_emoji_takes_it_away("meta/reaction_removed.json") |parsed| {
        assert!(matches!(content(parsed), Content::Reaction { emoji: None, .. }));
    };
    an_edit_holds_the_new_words("meta/edit.json") |parsed| {
        let message = message(parsed);
        assert_eq!(message.body.context, None);
        let Content::Edit { target, content } = message.body.content else { panic!("not an edit") };
        assert_eq!(target, "wamid.HBgMOTcxNTAxMjM0NTY3FQIAEhg01");
        assert_eq!(*content, text("مرحبا، هل فيلا مارينا متاحة؟"));
    };
    a_revocation_names_what_was_taken_back("meta/revoke.json") |parsed| {
        let target = "wamid.HBgMOTcxNTAxMjM0NTY3FQIAEhg01".to_owned();
        assert_eq!(content(parsed), Content::Revoke { target });
    };
    a_poll_is_a_message_we_cannot_show("meta/unsupported_poll.json") |parsed| {
        let body = message(parsed).body;
        assert_eq!(body.content, Content::Unsupported { original_type: Some("poll".to_owned()) });
        assert_eq!(body.errors[0].code, 131_051);
        assert_eq!(body.errors[0].details.as_deref(), Some("Message type is currently not supported."));
    };
    a_type_of_tomorrow_is_a_message_too("meta/unknown_type.json") |parsed| {
        assert_eq!(content(parsed), Content::Unknown { message_type: "hologram".to_owned() });
    };
    a_file_that_was_too_big_is_a_message_with_a_reason("meta/file_too_big.json") |parsed| {
        let body = message(parsed).body;
        assert!(matches!(body.content, Content::Media(MediaKind::Video, _)));
        assert_eq!(body.errors[0].details.as_deref(), Some("File size over 100 MB"));
    };
    a_person_without_phone_is_known_by_id("meta/text_bsuid_only.json") |parsed| {
        let sender = message(parsed).sender;
        assert_eq!(sender.bsuid, bsuid("AE.5520018837461193"));
        assert_eq!(sender.parent_bsuid, bsuid("AE.ENT.11815799212886844830"));
        assert_eq!((sender.phone, sender.opaque), (None, None));
        assert_eq!((sender.name.as_deref(), sender.username.as_deref()), (Some("Layla"), Some("layla.ae")));
    };
    an_id_in_the_phones_place_is_an_id("meta/text_bsuid_in_from.json") |parsed| {
        let sender = message(parsed).sender;
        assert_eq!((sender.bsuid, sender.phone), (bsuid("AE.5520018837461193"), None));
    };
    a_rotated_id_names_both_sides("meta/identity_rotated.json") |parsed| {
        let message = message(parsed);
        let change = message.identity_change.unwrap();
        assert_eq!(change.previous.bsuid, bsuid("AE.5520018837461193"));
        assert_eq!(change.current.bsuid, bsuid("AE.9911223344556677"));
        assert_eq!(message.sender, change.previous);
        assert!(!message.body.content.opens_window());
    };
    a_changed_number_names_both_sides("meta/number_changed.json") |parsed| {
        let message = message(parsed);
        let change = message.identity_change.unwrap();
        assert_eq!(change.previous.phone, phone("971501234567"));
        assert_eq!(change.current.phone, phone("971521112233"));
        assert_eq!(message.sender.phone, phone("971501234567"));
        let Content::System { system_type, .. } = message.body.content else { panic!("not a system note") };
        assert_eq!(system_type.as_deref(), Some("user_changed_number"));
    };
    a_group_message_carries_its_group("meta/group_text.json") |parsed| {
        let message = message(parsed);
        assert_eq!(message.group.as_deref(), Some("Y2FwaV9ncm91cDoxNzA1"));
        assert_eq!(message.sender.phone, phone("971501234567"));
    };
    an_interactive_message_cut_by_the_provider_is_still_a_message("meta/interactive_cut.json") |parsed| {
        let [message, error] = <[_; 2]>::try_from(parsed.events).unwrap();
        let EventKind::Message(message) = message.kind else { panic!("not a message") };
        let Content::Interactive(reply) = message.body.content else { panic!("not interactive") };
        assert_eq!((reply.reply_type, reply.reply), (None, None));
        assert!(matches!(error.kind, EventKind::Error(error) if error.code == 131_000));
    };
    a_name_cut_in_the_middle_of_an_emoji_costs_only_the_emoji("meta/name_cut_in_emoji.json") |parsed| {
        let message = message(parsed);
        assert_eq!(message.body.content, text("Hi"));
        assert!(message.sender.name.unwrap().starts_with("Ann \u{fffd}"));
    };
}
