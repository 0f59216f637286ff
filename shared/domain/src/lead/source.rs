//! Where a lead came from: the portals by one name each, however they are spelled.

use serde::{Serialize, Serializer};
use std::fmt;

/// The longest source, in characters.
const LONGEST: usize = 64;

/// The spellings of the sources that are known by name: the letters and digits only, in lower case.
const ALIASES: [(&str, &[&str]); 9] = [
    ("bayut", &["bayut", "bayutcom"]),
    ("property_finder", &["propertyfinder", "propertyfinderae", "propertyfindercom", "pf", "pfinder"]),
    ("dubizzle", &["dubizzle", "dubizzlecom", "uaedubizzlecom", "dubaidubizzlecom", "dubizzleproperty"]),
    (
        "meta_lead_ads",
        &[
            "meta",
            "metaads",
            "metalead",
            "metaleads",
            "metaleadad",
            "metaleadads",
            "metaleadform",
            "facebook",
            "facebookcom",
            "facebookads",
            "facebooklead",
            "facebookleads",
            "facebookleadad",
            "facebookleadads",
            "fb",
            "fbads",
            "fblead",
            "fbleads",
            "fbleadads",
            "instagram",
            "instagramcom",
            "instagramads",
            "instagramleadads",
            "insta",
            "ig",
            "igads",
            "leadad",
            "leadads",
            "leadgen",
        ],
    ),
    ("website", &["website", "web", "site", "ownsite", "ownwebsite", "webform", "landingpage"]),
    ("whatsapp", &["whatsapp", "wa", "whatsappcom", "wame"]),
    ("whatsapp_ad", &["whatsappad", "whatsappads", "ctwa", "clicktowhatsapp", "clicktowhatsappad"]),
    ("google_ads", &["googleads", "googlead", "adwords", "googleadwords"]),
    ("walk_in", &["walkin"]),
];

/// Where a lead came from, in lower case; a portal by its one name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LeadSource(String);

impl LeadSource {
    /// Reads a source. Names of the portals are recognised in any spelling; anything else is kept in lower case.
    /// `None` when it is empty, longer than 64 characters, or holds control characters.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().to_lowercase();
        if text.is_empty() || text.chars().count() > LONGEST || text.chars().any(char::is_control) {
            return None;
        }
        let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).unwrap_or(&text);
        let host = host.strip_prefix("www.").unwrap_or(host).split('/').next().unwrap_or(host);
        let plain: String = host.chars().filter(|c| c.is_alphanumeric()).collect();
        let known = ALIASES.iter().find(|(_, spellings)| spellings.contains(&plain.as_str()));
        Some(Self(known.map_or(text, |(name, _)| (*name).to_owned())))
    }

    /// The tenant's own pages.
    #[must_use]
    pub fn website() -> Self {
        Self("website".to_owned())
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for LeadSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for LeadSource {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("bayut", "Bayut | BAYUT | bayut.com | www.bayut.com | https://www.bayut.com/for-sale")]
    #[case("property_finder", "Property Finder | PropertyFinder | property-finder | propertyfinder.ae | PF")]
    #[case("dubizzle", "Dubizzle | dubizzle.com | uae.dubizzle.com | Dubizzle Property")]
    #[case(
        "meta_lead_ads",
        "Meta | Facebook | FB | Instagram | IG | facebook_lead_ads | Meta Lead Ads | leadgen"
    )]
    #[case("website", "Website | web | own site | Landing Page | web-form")]
    #[case("whatsapp", "WhatsApp | wa | wa.me")]
    #[case("whatsapp_ad", "whatsapp_ad | Click-to-WhatsApp | CTWA")]
    #[case("walk_in", "walk-in | Walk In")]
    #[case("mystery shopper", " Mystery Shopper ")]
    #[case("بيوت", "بيوت")]
    fn a_source_has_one_name(#[case] name: &str, #[case] spellings: &str) {
        for spelling in spellings.split('|').map(str::trim) {
            let read = LeadSource::parse(spelling).unwrap();
            assert_eq!(read.as_str(), name, "{spelling}");
            assert_eq!(LeadSource::parse(read.as_str()), Some(read), "{spelling}: reading it again");
        }
    }

    #[test]
    fn nothing_and_too_much_are_no_source() {
        for bad in ["", "   ", "a\u{0}b", &"x".repeat(65)] {
            assert_eq!(LeadSource::parse(bad), None, "{bad}");
        }
    }
}
