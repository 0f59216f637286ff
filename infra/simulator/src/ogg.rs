//! A voice note of twenty silent milliseconds: Ogg, Opus, one channel. Its comments hold what is said, so that the
//! speech-to-text stand-in needs no ears.

/// The comment that holds what is said.
const COMMENT: &str = "TRANSCRIPT=";
/// Twenty milliseconds of silence in Opus.
const SILENCE: [u8; 3] = [0xf8, 0xff, 0xfe];

/// A voice note in which this is said.
pub(crate) fn voice_note(transcript: &str) -> Vec<u8> {
    // Version 1, one channel, 312 samples of pre-skip, 48 kHz, no gain, mapping family 0.
    let mut head = b"OpusHead\x01\x01".to_vec();
    head.extend_from_slice(&312u16.to_le_bytes());
    head.extend_from_slice(&48_000u32.to_le_bytes());
    head.extend_from_slice(&[0, 0, 0]);
    // A packet of comments fits one page: at most 255 segments of 255 bytes.
    let said: String = transcript.chars().take(4000).collect();
    let mut tags = b"OpusTags".to_vec();
    let comment = format!("{COMMENT}{said}");
    push_text(&mut tags, "Hadar demo");
    tags.extend_from_slice(&1u32.to_le_bytes());
    push_text(&mut tags, &comment);
    let mut file = page(2, 0, 0, &head);
    file.extend(page(0, 0, 1, &tags));
    file.extend(page(4, 960, 2, &SILENCE));
    file
}

fn push_text(to: &mut Vec<u8>, text: &str) {
    to.extend_from_slice(&u32::try_from(text.len()).unwrap_or_default().to_le_bytes());
    to.extend_from_slice(text.as_bytes());
}

/// One page with one packet. `kind` is 2 for the first page, 4 for the last.
fn page(kind: u8, granule: u64, number: u32, packet: &[u8]) -> Vec<u8> {
    let mut page = b"OggS\0".to_vec();
    page.push(kind);
    page.extend_from_slice(&granule.to_le_bytes());
    page.extend_from_slice(&0x4841_4441u32.to_le_bytes());
    page.extend_from_slice(&number.to_le_bytes());
    page.extend_from_slice(&[0; 4]);
    let (full, rest) = (packet.len() / 255, packet.len() % 255);
    page.push(u8::try_from(full + 1).unwrap_or(u8::MAX));
    page.extend(std::iter::repeat_n(255u8, full));
    page.push(u8::try_from(rest).unwrap_or_default());
    page.extend_from_slice(packet);
    let checksum = crc(&page).to_le_bytes();
    if let Some(field) = page.get_mut(22..26) {
        field.copy_from_slice(&checksum);
    }
    page
}

/// Ogg's CRC: polynomial 0x04c11db7, nothing reflected.
fn crc(bytes: &[u8]) -> u32 {
    let mut crc = 0u32;
    for byte in bytes {
        crc ^= u32::from(*byte) << 24;
        for _ in 0..8 {
            crc = if crc & 0x8000_0000 == 0 { crc << 1 } else { (crc << 1) ^ 0x04c1_1db7 };
        }
    }
    crc
}

/// What is said in a voice note that was made here.
pub(crate) fn transcript(file: &[u8]) -> Option<String> {
    let mark = COMMENT.as_bytes();
    let at = file.windows(mark.len()).position(|window| window == mark)?;
    let length: [u8; 4] = file.get(at.checked_sub(4)?..at)?.try_into().ok()?;
    let length = usize::try_from(u32::from_le_bytes(length)).ok()?;
    let text = file.get(at + mark.len()..at.checked_add(length)?)?;
    String::from_utf8(text.to_vec()).ok().filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_can_be_read_again() {
        for said in ["مرحبا، أريد معاينة الشقة", &"long ".repeat(300)] {
            let file = voice_note(said);
            assert!(file.starts_with(b"OggS"));
            assert_eq!(transcript(&file).as_deref(), Some(said));
        }
        assert_eq!(transcript(&voice_note("")), None);
        assert_eq!(transcript(b"TRANSCRIPT=x"), None);
    }

    #[test]
    fn the_checksum_is_oggs() {
        // The check value of CRC-32 with this polynomial, no reflection, no start value and no final change.
        assert_eq!(crc(b"123456789"), 0x89a1_897f);
    }
}
