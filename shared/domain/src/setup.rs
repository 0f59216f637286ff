//! The four steps that a business takes at Meta before it can send, and which of them are missing (A18).

use crate::number::NumberFacts;
use serde::Serialize;

/// A step at Meta, in the order in which they are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// A Business Manager, with a system user whose token we may use.
    BusinessManager,
    /// A WhatsApp Business Account that this system user may manage.
    WhatsappBusinessAccount,
    /// Meta's verification of the business.
    BusinessVerification,
    /// A number in the account that is verified, registered and has an approved name.
    Number,
}

/// A step as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SetupStep {
    /// Which.
    pub step: Step,
    /// Whether the provider showed that it is taken.
    pub done: bool,
    /// What to do, while it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub what_to_do: Option<String>,
}

/// What is known of a business at Meta.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Onboarding {
    /// Whether Meta took the token, with all its permissions.
    pub token: bool,
    /// Whether the token opens the business account.
    pub account: bool,
    /// Where the verification of the business stands, as reported.
    pub business_verification: Option<String>,
    /// What Meta says about the number; absent while it showed none.
    pub number: Option<NumberFacts>,
}

impl Onboarding {
    /// The four steps. What was not shown counts as missing.
    #[must_use]
    pub fn steps(&self) -> Vec<SetupStep> {
        [
            (Step::BusinessManager, self.business_manager()),
            (Step::WhatsappBusinessAccount, self.business_account()),
            (Step::BusinessVerification, self.verification()),
            (Step::Number, self.registration()),
        ]
        .into_iter()
        .map(|(step, missing)| SetupStep { step, done: missing.is_none(), what_to_do: missing })
        .collect()
    }

    fn business_manager(&self) -> Option<String> {
        (!self.token).then(|| {
            "In Meta's Business Manager (business.facebook.com), make a system user and a token of it that does not \
             expire, with whatsapp_business_messaging and whatsapp_business_management; save it here."
                .to_owned()
        })
    }

    fn business_account(&self) -> Option<String> {
        (!self.account).then(|| {
            "Make a WhatsApp Business Account in Business Manager, assign it to the system user with full control, and \
             save its id here."
                .to_owned()
        })
    }

    fn verification(&self) -> Option<String> {
        let state = self.business_verification.as_deref().unwrap_or_default().to_ascii_lowercase();
        match state.as_str() {
            "verified" => None,
            "pending" | "pending_submission" => {
                Some("Meta is looking at the business's documents; that takes some days.".to_owned())
            }
            "pending_need_more_info" => Some(
                "Meta asks for more documents: give them in Business Manager, Security Centre.".to_owned(),
            ),
            "rejected" | "failed" | "revoked" | "ineligible" | "expired" => Some(format!(
                "Meta's verification of the business is {state}: see why in Business Manager, Security Centre, and \
                 begin again there."
            )),
            _ => Some("Verify the business in Business Manager, Security Centre.".to_owned()),
        }
    }

    fn registration(&self) -> Option<String> {
        let Some(facts) = &self.number else {
            return Some(
                "Add a phone number to the account in WhatsApp Manager, and save its phone number id here."
                    .to_owned(),
            );
        };
        Some(facts.warnings().join(" ")).filter(|missing| !missing.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn done(seen: &Onboarding) -> [bool; 4] {
        let steps = seen.steps();
        for step in &steps {
            assert_eq!(step.done, step.what_to_do.is_none(), "{step:?}");
            assert!(step.what_to_do.as_ref().is_none_or(|text| text.len() > 30), "{step:?}");
        }
        [steps[0].done, steps[1].done, steps[2].done, steps[3].done]
    }

    fn ready() -> Onboarding {
        let number = NumberFacts {
            connection: Some("CONNECTED".into()),
            verification: Some("VERIFIED".into()),
            name_status: Some("APPROVED".into()),
            ..NumberFacts::default()
        };
        Onboarding {
            token: true,
            account: true,
            business_verification: Some("verified".into()),
            number: Some(number),
        }
    }

    #[test]
    fn who_has_not_begun_is_told_all_four_steps_and_who_is_ready_none() {
        assert_eq!(done(&Onboarding::default()), [false; 4]);
        assert_eq!(done(&ready()), [true; 4]);
    }

    #[test]
    fn each_missing_step_is_the_only_one_told() {
        let with = |change: fn(&mut Onboarding)| {
            let mut seen = ready();
            change(&mut seen);
            done(&seen)
        };
        assert_eq!(with(|seen| seen.token = false), [false, true, true, true]);
        assert_eq!(with(|seen| seen.account = false), [true, false, true, true]);
        assert_eq!(with(|seen| seen.business_verification = None), [true, true, false, true]);
        assert_eq!(with(|seen| seen.number = None), [true, true, true, false]);
    }

    #[test]
    fn a_verification_under_way_and_one_that_failed_have_sentences_of_their_own() {
        let told = |state: &str| {
            let seen = Onboarding { business_verification: Some(state.into()), ..ready() };
            seen.steps()[2].what_to_do.clone()
        };
        assert_eq!(told("VERIFIED"), None);
        let states = ["not_verified", "pending", "pending_need_more_info", "rejected", "expired"];
        let mut sentences: Vec<_> = states.into_iter().map(|state| told(state).unwrap()).collect();
        sentences.sort();
        sentences.dedup();
        assert_eq!(sentences.len(), states.len(), "{sentences:?}");
    }

    #[test]
    fn a_number_says_what_it_lacks() {
        for (change, word) in [
            (NumberFacts { verification: Some("NOT_VERIFIED".into()), ..NumberFacts::default() }, "verify"),
            (NumberFacts { name_status: Some("DECLINED".into()), ..NumberFacts::default() }, "name"),
            (NumberFacts { connection: Some("PENDING".into()), ..NumberFacts::default() }, "register"),
        ] {
            let seen = Onboarding { number: Some(change), ..ready() };
            let told = seen.steps()[3].what_to_do.clone().unwrap();
            assert!(told.contains(word), "{told}");
        }
    }
}
