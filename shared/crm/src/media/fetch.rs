//! A file from its provider: asked for, fetched from where it says, checked.

use super::number::Door;
use super::{Files, MediaError};
use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;
use domain::failure::{Failure, FailureClass};
use domain::message::Media;
use domain::provider::Provider;
use http::Response;
use platform::transport::{CallError, PublicUrl};
use providers::outbound::{MediaLink, download_refusal, download_request, media_answer, media_request};
use sha2::{Digest, Sha256};

/// Meta's own file hosts; the token goes to no other.
const META_HOSTS: [&str; 2] = ["lookaside.fbsbx.com", "graph.facebook.com"];
const META_DOMAINS: [&str; 2] = [".fbcdn.net", ".whatsapp.net"];

/// The bytes of a file of at most `limit` bytes, as they were announced.
pub(super) async fn fetch(
    files: &Files,
    door: &Door,
    media: &Media,
    limit: usize,
) -> Result<Bytes, MediaError> {
    let provider = door.provider();
    let (bytes, told) = match provider {
        Provider::Meta | Provider::Dialog360 => by_id(files, door, media, limit).await?,
        Provider::Ultramsg => {
            let url = media.url.as_deref().ok_or(MediaError::NotFound)?;
            let answer = at(files, door, url, limit).await?;
            (body(provider, answer).map_err(|failure| refused(provider, failure))?, None)
        }
        Provider::Sandbox => return Err(MediaError::NotFound),
    };
    let digest = Sha256::digest(&bytes);
    let claims = [media.sha256.as_deref(), told.as_deref()];
    if claims.into_iter().flatten().filter_map(claimed).any(|claim| claim != *digest) {
        return Err(MediaError::Altered { provider });
    }
    Ok(bytes)
}

/// Two steps: where it is, then what it is. An address lives for five minutes; one that has ended is asked for again,
/// once.
async fn by_id(
    files: &Files,
    door: &Door,
    media: &Media,
    limit: usize,
) -> Result<(Bytes, Option<String>), MediaError> {
    let provider = door.provider();
    let id = media.id.as_deref().ok_or(MediaError::NotFound)?;
    let mut tries = 0;
    loop {
        tries += 1;
        let link = look_up(files, door, id).await?;
        if link.file_size.is_some_and(|size| usize::try_from(size).map_or(true, |size| size > limit)) {
            return Err(MediaError::TooLarge { limit });
        }
        match body(provider, at(files, door, &link.url, limit).await?) {
            Ok(bytes) => return Ok((bytes, link.sha256)),
            Err(failure) if failure.code == "media_not_found" && tries == 1 => {}
            Err(failure) => return Err(refused(provider, failure)),
        }
    }
}

async fn look_up(files: &Files, door: &Door, id: &str) -> Result<MediaLink, MediaError> {
    let provider = door.provider();
    let request = media_request(&door.sender(), id).ok_or(MediaError::NotFound)?;
    let answer =
        files.transport.call(provider, request).await.map_err(|error| unreachable(provider, &error))?;
    media_answer(provider, &answer).map_err(|failure| match failure.provider_code {
        // "Object with ID does not exist": what Meta says of an id whose file is gone.
        Some(33 | 100) => MediaError::Gone,
        _ => refused(provider, failure),
    })
}

/// What lies at an address that the provider gave.
async fn at(files: &Files, door: &Door, url: &str, limit: usize) -> Result<Response<Bytes>, MediaError> {
    let provider = door.provider();
    let foreign = || MediaError::ForeignAddress { provider };
    let request = || download_request(&door.sender(), url).ok_or_else(foreign);
    let answer = if url.starts_with('/') {
        files.transport.call_for(provider, request()?, limit).await
    } else if files.transport.is_at_root(provider, url) {
        // UltraMsg's files need no credential, and there the rules for addresses from outside do not hold.
        let request = request().unwrap_or_default();
        files.transport.fetch_at_root(provider, url, request, limit).await
    } else {
        let public = PublicUrl::parse(url).map_err(|_| foreign())?;
        if provider == Provider::Meta && !is_metas(public.host()) {
            return Err(foreign());
        }
        files.transport.fetch(&public, request()?, limit).await
    };
    answer.map_err(|error| unreachable(provider, &error))
}

fn body(provider: Provider, answer: Response<Bytes>) -> Result<Bytes, Failure> {
    if answer.status().is_success() && !answer.body().is_empty() {
        return Ok(answer.into_body());
    }
    Err(download_refusal(provider, &answer))
}

fn is_metas(host: &str) -> bool {
    META_HOSTS.contains(&host) || META_DOMAINS.iter().any(|domain| host.ends_with(domain))
}

/// The digest that somebody announced: hexadecimal, or base64 of either alphabet, padded or not.
fn claimed(text: &str) -> Option<[u8; 32]> {
    let lenient = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let bytes = match hex::decode(text) {
        Ok(bytes) => bytes,
        Err(_) => [STANDARD, URL_SAFE]
            .iter()
            .find_map(|alphabet| GeneralPurpose::new(alphabet, lenient).decode(text).ok())?,
    };
    bytes.try_into().ok()
}

fn unreachable(provider: Provider, error: &CallError) -> MediaError {
    MediaError::Unreachable { provider, reason: error.to_string() }
}

/// What a provider's refusal means for whoever asks for a file.
pub(super) fn refused(provider: Provider, failure: Failure) -> MediaError {
    if failure.code == "media_not_found" {
        return MediaError::Gone;
    }
    match failure.class {
        FailureClass::Retry | FailureClass::RetryRecipient => {
            MediaError::Unreachable { provider, reason: failure.message }
        }
        FailureClass::Permanent
        | FailureClass::RetryOnce
        | FailureClass::TemplatePaused
        | FailureClass::IntegrationBroken
        | FailureClass::RevokeConsent => MediaError::Refused { provider, failure: Box::new(failure) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_goes_to_metas_hosts_only() {
        for host in ["lookaside.fbsbx.com", "graph.facebook.com", "scontent.xx.fbcdn.net", "mmg.whatsapp.net"]
        {
            assert!(is_metas(host), "{host}");
        }
        for host in [
            "evil.com",
            "fbcdn.net",
            "evilfbcdn.net",
            "lookaside.fbsbx.com.evil.com",
            "x.lookaside.fbsbx.com",
            "facebook.com",
            "whatsapp.net.evil.com",
        ] {
            assert!(!is_metas(host), "{host}");
        }
    }

    #[test]
    fn a_digest_is_read_in_both_spellings() {
        let digest: [u8; 32] = Sha256::digest(b"x").into();
        for text in [
            "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881",
            "2D711642B726B04401627CA9FBAC32F5C8530FB1903CC4DB02258717921A4881",
            "LXEWQrcmsEQBYnyp+6wy9chTD7GQPMTbAiWHF5IaSIE=",
            "LXEWQrcmsEQBYnyp+6wy9chTD7GQPMTbAiWHF5IaSIE",
            "LXEWQrcmsEQBYnyp-6wy9chTD7GQPMTbAiWHF5IaSIE=",
        ] {
            assert_eq!(claimed(text), Some(digest), "{text}");
        }
        for text in ["", "x", "2d71", "LXEW"] {
            assert_eq!(claimed(text), None, "{text}");
        }
    }
}
