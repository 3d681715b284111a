//! Any bytes as the files of a slot: nothing panics, hangs or allocates without bounds, and the numbers come to nothing.

use super::format::{Header, RECORD_HEADER, new_salt, segment_header};
use super::{Log, Now, Record, files};
use crate::config::{DiskBuffer, Sync};
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

/// The first byte says what the rest is: files as they are, or pieces of records, whose checksums are made right.
pub(crate) fn fuzz(bytes: &[u8]) {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let directory = std::env::temp_dir().join(format!("otelier-fuzz-buffer-{}-{number}", std::process::id()));
    let _ = fs::remove_dir_all(&directory);
    read_through(&directory, bytes);
    let _ = fs::remove_dir_all(&directory);
}

fn read_through(directory: &Path, bytes: &[u8]) {
    let slot = directory.join("fuzz/0");
    files::create_directory(&slot).expect("a folder for temporary files");
    let (kind, bytes) = bytes.split_first().map_or((0, bytes), |(kind, rest)| (*kind, rest));
    // A cursor of up to 128 bytes, and up to three segments.
    let (cursor, bytes) = bytes.split_at(if kind & 4 == 0 { 0 } else { bytes.len().min(128) });
    if !cursor.is_empty() {
        fs::write(slot.join("cursor"), cursor).expect("it is written");
    }
    let files = bytes.chunks(if kind & 2 == 0 { bytes.len().max(1) } else { bytes.len() / 3 + 1 });
    for (number, bytes) in files.enumerate() {
        let file = if kind & 1 == 0 { bytes.to_vec() } else { records(bytes) };
        fs::write(slot.join(files::segment_name(number as u64 + 1)), file).expect("it is written");
    }
    let settings = DiskBuffer::in_directory(directory).with_max_bytes(1 << 20).with_sync(Sync::Never);
    let mut log = Log::open(&settings, "fuzz").expect("the log opens, whatever there is");
    let own = log.append(&Record { items: 7, bodies: &[(3, b"own")] }, &Now::here());
    let mut last = None;
    let mut given = 0;
    while let Some(stored) = log.next(&Now::here()).expect("it can be read") {
        let size: usize = stored.bodies.iter().map(|(_, body)| body.len() + 5).sum();
        assert!(size <= bytes.len().max(8), "what comes was there");
        given += 1;
        assert!(given <= 2 + bytes.len(), "it ends");
        assert!(log.acknowledge(stored.position).expect("the cursor is written"));
        last = Some(stored);
    }
    if own.is_ok() {
        let last = last.expect("the own one");
        assert_eq!((last.items, last.is_own, &last.bodies[..]), (7, true, &[(3, b"own".to_vec())][..]));
    }
    let waiting = log.waiting();
    assert_eq!((waiting.own_items, waiting.earlier_items, waiting.records), (0, 0, 0));
    let losses = log.take_losses();
    assert_eq!((losses.damaged_own, losses.expired_own), (0, 0), "{losses:?}");
    assert!(losses.notes.iter().all(|note| note.len() < 2000) && losses.notes.len() <= 16, "{losses:?}");
}

/// A segment whose header is right, with records of which each field may be anything.
fn records(mut bytes: &[u8]) -> Vec<u8> {
    let salt = new_salt();
    let mut file = segment_header(salt).to_vec();
    while let Some((plan, rest)) = bytes.split_first_chunk::<12>() {
        let (content, after) = rest.split_at(rest.len().min(usize::from(plan[0])));
        bytes = after;
        let bits = plan[1];
        let number = u64::from_le_bytes([plan[4], plan[5], plan[6], plan[7], plan[8], plan[9], plan[10], plan[11]]);
        let header = Header {
            length: if bits & 1 == 0 { content.len() as u32 } else { number as u32 },
            time: if bits & 2 == 0 { Now::here().millis() } else { number },
            uptime: number.rotate_left(7),
            items: if bits & 4 == 0 { 1 } else { number },
            sum: if bits & 8 == 0 { crc32fast::hash(content) } else { number as u32 },
        };
        let mut written = header.to_bytes(if bits & 16 == 0 { salt } else { salt ^ number });
        if bits & 32 != 0 {
            written[usize::from(plan[2]) % RECORD_HEADER as usize] ^= plan[3];
        }
        file.extend_from_slice(&written);
        file.extend_from_slice(content);
    }
    file.extend_from_slice(bytes);
    file
}
