//! `aws-chunked` bodies, as the AWS SDKs send them: the payload in signed or unsigned chunks, checksums after it.

use bytes::Bytes;

/// The payload; `None` for what is not `aws-chunked`. Signatures of chunks and trailing checksums are not verified.
pub(super) fn decoded(body: &[u8]) -> Option<Bytes> {
    let mut payload = Vec::with_capacity(body.len());
    let mut rest = body;
    loop {
        let (line, after) = line(rest)?;
        let size = line.split(|byte| *byte == b';').next()?;
        let size = usize::from_str_radix(std::str::from_utf8(size).ok()?, 16).ok()?;
        if size == 0 {
            return Some(payload.into());
        }
        payload.extend_from_slice(after.get(..size)?);
        rest = after.get(size..)?.strip_prefix(b"\r\n")?;
    }
}

fn line(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = text.windows(2).position(|pair| pair == b"\r\n")?;
    Some((text.get(..end)?, text.get(end + 2..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_joined_and_trailers_passed_over() {
        let signed =
            b"5;chunk-signature=ab\r\nhello\r\n1;chunk-signature=cd\r\n!\r\n0;chunk-signature=ef\r\n\r\n";
        assert_eq!(decoded(signed).unwrap(), "hello!");
        let trailing = b"2\r\nhi\r\n0\r\nx-amz-checksum-crc32:AAAA\r\n\r\n";
        assert_eq!(decoded(trailing).unwrap(), "hi");
        assert_eq!(decoded(b"0\r\n\r\n").unwrap(), "");
    }

    #[test]
    fn what_is_cut_or_odd_is_refused() {
        for odd in [
            &b""[..],
            b"5\r\nhell",
            b"zz\r\n",
            b"-1\r\n",
            b"ffffffffffffffff\r\nx",
            b"2\r\nhi",
            b"2\r\nhix\r\n",
        ] {
            assert_eq!(decoded(odd), None, "{odd:?}");
        }
    }
}
