//! How a receiver answers.

use prost::Message;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How a receiver answers a request that it could decode. The request is kept in every case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// As the specification has it.
    Accept,
    /// With an error: the HTTP status, or `UNAVAILABLE` over gRPC.
    Fail(u16),
    /// With this gRPC status; over HTTP with 501.
    Status(tonic::Code),
    /// With this gRPC status and these bytes in `grpc-status-details-bin`, see [`retry_info`]; over HTTP with 501.
    Details(tonic::Code, Vec<u8>),
    /// With this HTTP status and a header `Retry-After` for each of these values; over gRPC with `UNAVAILABLE`.
    Throttle(u16, Vec<String>),
    /// Never.
    Hang,
    /// Not at all: the connection is closed.
    Disconnect,
    /// Not at all: the connection is reset when the request has been read.
    Reset,
    /// The next connection is reset before anything is read from it; a request on a connection that is there already is
    /// answered as by [`Reset`](Self::Reset).
    ResetUnread,
    /// With success, but the connection is reset after so many bytes.
    ResetInAnswer(usize),
    /// With success, but so many spans rejected.
    Reject(i64, String),
    /// Over HTTP, with exactly this status, content type and body; over gRPC as [`Accept`](Self::Accept).
    Raw(u16, Option<&'static str>, Vec<u8>),
    /// Over HTTP, with the head of a success, and a body that breaks off; over gRPC as [`Accept`](Self::Accept).
    Truncate,
    /// Over HTTP, with the head of a success, and a body that never ends; over gRPC as [`Accept`](Self::Accept).
    HangInBody,
    /// With this HTTP status if the request is JSON; everything else as by [`Accept`](Self::Accept).
    NoJson(u16),
    /// With 415, or `UNIMPLEMENTED` over gRPC, if the request is compressed; everything else as by [`Accept`](Self::Accept).
    NoCompression,
    /// After this time like the other one.
    After(Duration, Box<Self>),
    /// Like the other one, but byte by byte, with this pause before each.
    Drip(Duration, Box<Self>),
    /// So many of a thousand requests are answered like this, and the others accepted. Which they are depends on the seed
    /// and the number of the request alone.
    Randomly {
        /// How those are answered that fail.
        fail: Box<Self>,
        /// How many of a thousand.
        per_mille: u16,
        /// What draws them.
        seed: u64,
    },
}

impl Behaviour {
    /// What is done with the request of this number.
    pub(crate) fn drawn(self, number: u64) -> Self {
        match self {
            Self::Randomly { fail, per_mille, seed } => {
                if mixed(seed ^ mixed(number)) % 1000 < u64::from(per_mille) {
                    *fail
                } else {
                    Self::Accept
                }
            }
            other => other,
        }
    }

    /// Whether a client must take this for a success, if it gets all of it.
    pub(crate) fn is_success(&self, json: bool, compressed: bool) -> bool {
        match self {
            Self::Accept | Self::Reject(..) | Self::Truncate | Self::HangInBody => true,
            Self::Raw(status, ..) => (200..300).contains(status),
            Self::NoJson(_) => !json,
            Self::NoCompression => !compressed,
            Self::After(_, other) | Self::Drip(_, other) => other.is_success(json, compressed),
            _ => false,
        }
    }
}

/// SplitMix64: every bit of the result depends on every bit of the value.
fn mixed(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[derive(Clone, PartialEq, Message)]
struct RpcStatus {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
    #[prost(message, repeated, tag = "3")]
    details: Vec<Any>,
}

#[derive(Clone, PartialEq, Message)]
struct Any {
    #[prost(string, tag = "1")]
    type_url: String,
    #[prost(bytes = "vec", tag = "2")]
    value: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
struct RetryInfo {
    #[prost(message, optional, tag = "1")]
    retry_delay: Option<RpcDuration>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Message)]
struct RpcDuration {
    #[prost(int64, tag = "1")]
    seconds: i64,
    #[prost(int32, tag = "2")]
    nanos: i32,
}

/// A `google.rpc.Status` with a `google.rpc.RetryInfo` of this pause, which may be one that makes no sense. A detail of
/// another type comes before it.
pub fn retry_info(code: tonic::Code, seconds: i64, nanos: i32) -> Vec<u8> {
    let info = RetryInfo { retry_delay: Some(RpcDuration { seconds, nanos }) };
    let other = Any { type_url: "type.googleapis.com/google.rpc.DebugInfo".to_owned(), value: vec![0x12, 1, b'x'] };
    let info = Any { type_url: "type.googleapis.com/google.rpc.RetryInfo".to_owned(), value: info.encode_to_vec() };
    RpcStatus { code: code as i32, message: "on purpose".to_owned(), details: vec![other, info] }.encode_to_vec()
}

/// The date of `Retry-After`, as of RFC 9110: `Sun, 06 Nov 1994 08:49:37 GMT`. Parts of a second are left out.
pub fn http_date(time: SystemTime) -> String {
    let seconds = time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let (days, of_day) = (seconds / 86_400, seconds % 86_400);
    // Howard Hinnant's `civil_from_days`, for days after 1970.
    let z = days + 719_468;
    let (era, of_era) = (z / 146_097, z % 146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let weekday = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"][(days % 7) as usize];
    let month =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"][month as usize - 1];
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    format!("{weekday}, {day:02} {month} {year} {hour:02}:{minute:02}:{second:02} GMT")
}

#[cfg(test)]
mod tests {
    use super::{Behaviour, http_date};
    use std::time::{Duration, UNIX_EPOCH};

    #[test]
    fn a_date_is_written_as_http_has_it() {
        for (seconds, text) in [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
            (1_798_761_599, "Thu, 31 Dec 2026 23:59:59 GMT"),
        ] {
            assert_eq!(http_date(UNIX_EPOCH + Duration::from_secs(seconds)), text);
        }
    }

    #[test]
    fn a_seed_draws_the_same_requests_each_time_and_about_as_many_as_it_should() {
        let random = Behaviour::Randomly { fail: Box::new(Behaviour::Reset), per_mille: 50, seed: 7 };
        let failed = |random: &Behaviour| {
            (0..10_000).filter(|number| random.clone().drawn(*number) == Behaviour::Reset).collect::<Vec<_>>()
        };
        assert_eq!(failed(&random), failed(&random));
        assert!((400..600).contains(&failed(&random).len()), "{}", failed(&random).len());
    }
}
