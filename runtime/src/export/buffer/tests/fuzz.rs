//! `cargo xtask fuzz buffer --seconds 600` runs this on stable Rust. The seed is fixed, so what is found is found again.
//! `fuzz/` has the same for cargo-fuzz.

use super::super::fuzz::fuzz;
use super::*;
use crate::config::Variables;

/// The longest time that one input may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Records with contents that are right, or nearly so, or noise.
fn input(random: &mut Random) -> Vec<u8> {
    let mut bytes = vec![random.below(8) as u8];
    if random.below(8) == 0 {
        let length = random.below(4000);
        bytes.extend((0..length).map(|_| random.below(256) as u8));
        return bytes;
    }
    if bytes[0] & 4 != 0 {
        bytes.extend((0..128).map(|_| random.below(256) as u8));
    }
    for _ in 0..random.below(20) {
        let bodies: Vec<Vec<u8>> = (0..random.below(4)).map(|_| vec![7; random.below(50)]).collect();
        let bodies: Vec<_> = bodies.iter().map(|body| (1, body.as_slice())).collect();
        let mut content = Vec::new();
        super::super::format::write_content(&bodies, &mut content);
        for _ in 0..random.below(3) {
            let at = random.below(content.len());
            content[at] = [0, 1, 0xff, 0x80][random.below(4)];
        }
        let wrong = if random.below(2) == 0 { 0 } else { 1 << random.below(6) };
        bytes.extend([content.len() as u8, wrong, random.below(256) as u8, 1 << random.below(8)]);
        let number = (random.0 >> random.below(64)).to_le_bytes();
        bytes.extend(number);
        bytes.extend(content);
    }
    bytes
}

fn run(time: Duration, inputs: u64) -> (u64, Duration) {
    let mut random = Random(0x6f74_656c_6965_7221);
    let path = std::env::temp_dir().join(format!("otelier-fuzz-buffer-{}.bin", std::process::id()));
    let (start, mut count, mut slowest) = (Instant::now(), 0, Duration::ZERO);
    while count < inputs && start.elapsed() < time {
        let input = input(&mut random);
        // Kept if the process ends: what exhausts the memory cannot be caught.
        fs::write(&path, &input).expect("a folder for temporary files");
        let now = Instant::now();
        let done = std::panic::catch_unwind(|| fuzz(&input));
        slowest = slowest.max(now.elapsed());
        assert!(done.is_ok() && now.elapsed() < PATIENCE, "input {count} is a finding; it is {}", path.display());
        count += 1;
    }
    let _ = fs::remove_file(path);
    (count, slowest)
}

#[test]
fn broken_files_neither_panic_nor_hang() {
    run(Duration::from_secs(600), 1000);
}

#[test]
#[ignore = "runs as long as `cargo xtask fuzz buffer` says"]
fn for_a_while() {
    let seconds =
        Variables::of_the_process().get("OTELIER_FUZZ_SECONDS").and_then(|text| text.parse().ok()).unwrap_or(60);
    let (count, slowest) = run(Duration::from_secs(seconds), u64::MAX);
    println!("{count} inputs in {seconds} s without a finding; the slowest took {slowest:?}");
}
