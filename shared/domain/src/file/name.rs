//! Names of files: labels that a stranger chose, made fit to be saved under.

use super::types::FileType;

/// The longest name that is handed out, in bytes; file systems take 255.
const LONGEST: usize = 120;

/// A name as a download may carry it: the last part of a path, without what file systems, shells, headers or the
/// direction of text could misread; `fallback` where nothing is left. An ending that belongs to the file's type is
/// added where the name has another.
#[must_use]
pub fn safe_name(claimed: Option<&str>, fallback: &str, found: Option<FileType>) -> String {
    let last = claimed.unwrap_or_default().rsplit(['/', '\\']).next().unwrap_or_default();
    let kept: String = last.chars().map(|c| if is_harmless(c) { c } else { '_' }).collect();
    let kept = kept.trim_matches(|c: char| c == '.' || c == '_' || c.is_whitespace());
    let mut name = if kept.is_empty() { fallback.to_owned() } else { shortened(kept) };
    if let Some(extension) = found.and_then(FileType::extension) {
        let fits = name.rsplit_once('.').is_some_and(|(_, given)| {
            let given = given.to_ascii_lowercase();
            given == extension
                || (given == "jpeg" && extension == "jpg")
                || (given == "opus" && extension == "ogg")
        });
        if !fits {
            name.push('.');
            name.push_str(extension);
        }
    }
    name
}

/// `Content-Disposition` of a download under a name from [`safe_name`]: in ASCII for old clients, and in full as RFC
/// 5987 writes it.
#[must_use]
pub fn disposition(name: &str) -> String {
    let ascii: String =
        name.chars().map(|c| if c.is_ascii() && !matches!(c, '"' | '\\' | '%') { c } else { '_' }).collect();
    if ascii == name {
        return format!("attachment; filename=\"{name}\"");
    }
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!#$&+^`|".contains(&byte);
    let mut full = String::with_capacity(name.len() * 3);
    for byte in name.bytes() {
        if plain(byte) {
            full.push(char::from(byte));
        } else {
            full.push_str(&format!("%{byte:02X}"));
        }
    }
    format!("attachment; filename=\"{ascii}\"; filename*=UTF-8''{full}")
}

/// Letters of every script, digits and a little punctuation; nothing that turns the direction of text (which would
/// show `gpj.exe` as `exe.jpg`), ends a line or means something to a shell.
fn is_harmless(c: char) -> bool {
    match c {
        '"' | '\'' | '`' | '<' | '>' | ':' | '|' | '?' | '*' | '$' | '&' | ';' | '%' => false,
        // Directional marks, embeddings, isolates; separators of lines; the byte order mark and its like.
        '\u{061c}'
        | '\u{180e}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' => false,
        '\u{feff}' | '\u{fff0}'..='\u{fffd}' | '\u{e0000}'..='\u{10ffff}' => false,
        c => !c.is_control(),
    }
}

/// Cut in the middle of the name, so that the ending stays.
fn shortened(name: &str) -> String {
    if name.len() <= LONGEST {
        return name.to_owned();
    }
    let (stem, ending) = match name.rsplit_once('.') {
        Some((stem, ending)) if ending.len() <= 10 => (stem, format!(".{ending}")),
        _ => (name, String::new()),
    };
    let mut cut = String::new();
    for c in stem.chars() {
        if cut.len() + c.len_utf8() + ending.len() > LONGEST {
            break;
        }
        cut.push(c);
    }
    cut + &ending
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_label_and_never_a_path() {
        for (claimed, expected) in [
            ("Contract.pdf", "Contract.pdf"),
            ("عقد الإيجار.pdf", "عقد الإيجار.pdf"),
            ("../../etc/passwd", "passwd"),
            ("C:\\Windows\\system32\\cmd.exe", "cmd.exe"),
            ("..", "file"),
            ("...", "file"),
            ("", "file"),
            ("/", "file"),
            (".bashrc", "bashrc"),
            ("a\r\nSet-Cookie: x=1", "a__Set-Cookie_ x=1"),
            ("a\"; filename=b", "a__ filename=b"),
            ("invoice\u{202e}gpj.exe", "invoice_gpj.exe"),
            ("a\0b", "a_b"),
            ("$(rm -rf ~).txt", "(rm -rf ~).txt"),
            ("a\u{200b}b\u{feff}c", "a_b_c"),
            ("   spaces   ", "spaces"),
        ] {
            assert_eq!(safe_name(Some(claimed), "file", None), expected, "{claimed:?}");
        }
        assert_eq!(safe_name(None, "msg_1", FileType::of(b"\xff\xd8\xff")), "msg_1.jpg");
    }

    #[test]
    fn the_ending_follows_the_bytes() {
        assert_eq!(safe_name(Some("photo.exe"), "f", FileType::of(b"\xff\xd8\xff")), "photo.exe.jpg");
        assert_eq!(safe_name(Some("photo.JPEG"), "f", FileType::of(b"\xff\xd8\xff")), "photo.JPEG");
        assert_eq!(safe_name(Some("voice.opus"), "f", FileType::of(b"OggS")), "voice.opus");
        assert_eq!(safe_name(Some("page.html"), "f", FileType::of(b"<html>")), "page.html");
    }

    #[test]
    fn a_long_name_keeps_its_ending() {
        let name = safe_name(Some(&format!("{}.pdf", "م".repeat(300))), "f", FileType::of(b"%PDF-1.4"));
        assert!(name.len() <= LONGEST && name.ends_with("م.pdf"), "{name}");
        let name = safe_name(Some(&"x".repeat(500)), "f", FileType::of(b""));
        assert_eq!(name.len(), LONGEST);
    }

    #[test]
    fn a_disposition_is_one_header_whatever_the_name() {
        assert_eq!(disposition("a b.pdf"), "attachment; filename=\"a b.pdf\"");
        assert_eq!(
            disposition("عقد.pdf"),
            "attachment; filename=\"___.pdf\"; filename*=UTF-8''%D8%B9%D9%82%D8%AF.pdf"
        );
        assert_eq!(disposition("a\"b"), "attachment; filename=\"a_b\"; filename*=UTF-8''a%22b");
    }
}
