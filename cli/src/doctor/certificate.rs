//! What a certificate says of itself, read by hand: four fields of it do not need a library of their own.
//!
//! Whether it is trusted is decided by rustls, never by what is read here.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What is shown of a certificate.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Certificate {
    /// The subject, as `CN=localhost, O=Example`.
    pub(super) subject: String,
    /// Who issued it.
    pub(super) issuer: String,
    pub(super) not_before: SystemTime,
    pub(super) not_after: SystemTime,
}

/// A value of DER: its tag, and what is in it.
struct Value<'a> {
    tag: u8,
    content: &'a [u8],
}

/// The first value, and what follows it.
fn value(bytes: &[u8]) -> Option<(Value<'_>, &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x84 => {
            let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit)), rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((Value { tag, content }, rest))
}

fn values(mut bytes: &[u8]) -> impl Iterator<Item = Value<'_>> {
    std::iter::from_fn(move || {
        let (next, rest) = value(bytes)?;
        bytes = rest;
        Some(next)
    })
}

const SEQUENCE: u8 = 0x30;

impl Certificate {
    /// Reads DER; `None` if it is none.
    pub(super) fn read(der: &[u8]) -> Option<Self> {
        let (certificate, _) = value(der)?;
        let (body, _) = value(certificate.content)?;
        // Version (if there is one), serial number, algorithm, issuer, validity, subject.
        let mut fields = values(body.content).skip_while(|field| field.tag == 0xa0).skip(2);
        let [issuer, validity, subject] = [fields.next()?, fields.next()?, fields.next()?];
        if [&issuer, &validity, &subject].iter().any(|field| field.tag != SEQUENCE) {
            return None;
        }
        let mut times = values(validity.content);
        let [not_before, not_after] = [time(&times.next()?)?, time(&times.next()?)?];
        Some(Self { subject: name(subject.content), issuer: name(issuer.content), not_before, not_after })
    }
}

/// `CN=localhost, O=Example`; parts with other names are left out.
fn name(bytes: &[u8]) -> String {
    let parts = values(bytes).flat_map(|set| values(set.content)).filter_map(|pair| {
        let mut pair = values(pair.content);
        let key = match pair.next()?.content {
            [0x55, 4, 3] => "CN",
            [0x55, 4, 10] => "O",
            [0x55, 4, 11] => "OU",
            [0x55, 4, 6] => "C",
            _ => return None,
        };
        Some(format!("{key}={}", super::printable(pair.next()?.content)))
    });
    let parts: Vec<String> = parts.collect();
    if parts.is_empty() { "(no name)".to_owned() } else { parts.join(", ") }
}

/// `YYMMDDHHMMSSZ` or `YYYYMMDDHHMMSSZ`.
fn time(value: &Value<'_>) -> Option<SystemTime> {
    let digits = value.content.strip_suffix(b"Z").filter(|digits| digits.iter().all(u8::is_ascii_digit))?;
    let number = |digits: &[u8]| digits.iter().fold(0u64, |number, digit| number * 10 + u64::from(digit - b'0'));
    let (year, rest) = match value.tag {
        0x17 if digits.len() == 12 => {
            let year = number(&digits[..2]);
            (if year < 50 { 2000 + year } else { 1900 + year }, &digits[2..])
        }
        0x18 if digits.len() == 14 => (number(&digits[..4]), &digits[4..]),
        _ => return None,
    };
    let [month, day, hour, minute, second] = [0, 2, 4, 6, 8].map(|at| number(&rest[at..at + 2]));
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) || year < 1970 {
        return None;
    }
    let seconds = days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second;
    UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
}

/// Days from 1970-01-01, by counting years from March, so that the leap day is a year's last.
fn days(year: u64, month: u64, day: u64) -> u64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let before = 365 * year + year / 4 - year / 100 + year / 400;
    before + (153 * month + 2) / 5 + day - 1 - 719_468
}

/// `2026-11-21`.
pub(super) fn date(time: SystemTime) -> String {
    let day = time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs() / 86_400;
    // The inverse of `days`: the year is at most one off from the estimate.
    let mut year = 1970 + day / 366;
    while days(year + 1, 1, 1) <= day {
        year += 1;
    }
    let month = (1..=12).rev().find(|month| days(year, *month, 1) <= day).unwrap_or(1);
    format!("{year:04}-{month:02}-{:02}", day - days(year, month, 1) + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        let at = |text: &'static str| {
            let tag = if text.len() == 13 { 0x17 } else { 0x18 };
            time(&Value { tag, content: text.as_bytes() })
        };
        for (text, seconds, shown) in [
            ("700101000000Z", 0, "1970-01-01"),
            ("000229120000Z", 951_825_600, "2000-02-29"),
            ("241231235959Z", 1_735_689_599, "2024-12-31"),
            ("20991231235959Z", 4_102_444_799, "2099-12-31"),
        ] {
            let time = at(text).unwrap();
            assert_eq!(time.duration_since(UNIX_EPOCH).unwrap().as_secs(), seconds, "{text}");
            assert_eq!(date(time), shown);
        }
        for wrong in ["", "70010100000Z", "701301000000Z", "7001010000000", "x00101000000Z"] {
            assert_eq!(at(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_certificate_is_read_and_broken_ones_do_no_harm() {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params.distinguished_name.push(rcgen::DnType::CommonName, "a receiver");
        params.not_after = rcgen::date_time_ymd(2031, 2, 3);
        let der = params.self_signed(&key).unwrap().der().to_vec();
        let read = Certificate::read(&der).unwrap();
        assert_eq!((&*read.subject, &*date(read.not_after)), ("CN=a receiver", "2031-02-03"));
        assert_eq!(read.issuer, read.subject);
        for end in 0..der.len() {
            Certificate::read(&der[..end]);
        }
        for at in 0..der.len() {
            for byte in [0, 0x1b, 0x30, 0x7f, 0x80, 0x84, 0xff] {
                let mut broken = der.clone();
                broken[at] = byte;
                Certificate::read(&broken);
            }
        }
    }
}
