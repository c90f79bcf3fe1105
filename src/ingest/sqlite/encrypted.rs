//! Tells a database that may be encrypted, which is not read, from one that is none.

/// Whether a file may be a database that is encrypted as a whole (`SQLCipher`): every byte as frequent as any other,
/// and whole pages. Packed files look the same but for their magic, so ask only for names of databases.
pub(in super::super) fn looks_encrypted(head: &[u8], size: u64) -> bool {
    head.len() >= SAMPLE
        && size >= SMALLEST
        && size.is_multiple_of(PAGE)
        && !KNOWN.iter().any(|magic| head.starts_with(magic))
        && entropy(head) >= RANDOM
}

/// Fewer bytes say little about how frequent each is.
const SAMPLE: usize = 4096;

/// The smallest page that `SQLCipher` writes in practice: its default was 1024 bytes up to version 3, then 4096.
const PAGE: u64 = 1024;

/// A database with a table has a page of schema, one of rows and mostly one of an index.
const SMALLEST: u64 = 3 * PAGE;

/// Bits per byte. 4096 random bytes are expected to show 8 - 255 / (2 * 4096 * ln 2) = 7.955, within 0.004 (the
/// chi-square distribution of 255 degrees); this is six deviations below.
const RANDOM: f64 = 7.93;

/// How files begin that are packed or pictures, and so look random behind it, and what is no encrypted database.
const KNOWN: &[&[u8]] = &[
    b"SQLite format 3\0",
    b"\x1f\x8b",         // gzip
    b"\x1f\x9d",         // compress
    b"\x28\xb5\x2f\xfd", // zstd
    b"\x37\xa4\x30\xec", // a dictionary of zstd
    b"\xfd7zXZ\0",
    b"BZh",
    b"LZIP",
    b"\x04\x22\x4d\x18", // lz4
    b"7z\xbc\xaf\x27\x1c",
    b"PK\x03\x04",
    b"Rar!",
    b"\x78\x01", // zlib, at its levels
    b"\x78\x5e",
    b"\x78\x9c",
    b"\x78\xda",
    b"\x89PNG",
    b"\xff\xd8\xff", // JPEG
    b"GIF8",
    b"RIFF",
    b"OggS",
    b"%PDF",
    b"\x7fELF",
    b"PGDMP",
    b"Salted__", // openssl enc
    b"age-encryption.org",
    b"-----BEGIN",
];

/// Shannon's entropy of the bytes' frequencies, in bits per byte.
fn entropy(bytes: &[u8]) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in bytes {
        counts[usize::from(*byte)] += 1;
    }
    let total = bytes.len() as f64;
    let share = |count: u32| f64::from(count) / total;
    -counts.iter().filter(|count| **count > 0).map(|count| share(*count) * share(*count).log2()).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Splitmix64: as even as a cipher's bytes.
    fn random(len: usize, mut state: u64) -> Vec<u8> {
        let mut next = || {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            (mixed ^ (mixed >> 31)) as u8
        };
        std::iter::repeat_with(&mut next).take(len).collect()
    }

    #[test]
    fn random_pages_may_be_encrypted() {
        for seed in 0..500 {
            assert!(looks_encrypted(&random(4096, seed), 8192), "seed {seed}");
            assert!(looks_encrypted(&random(65_536, seed), 1 << 30), "seed {seed}");
        }
    }

    #[test]
    fn what_is_known_or_uneven_is_not() {
        let bytes = random(8192, 7);
        assert!(!looks_encrypted(&bytes, 8193), "no whole pages");
        assert!(!looks_encrypted(&bytes[..4095], 8192), "too few bytes to say");
        assert!(!looks_encrypted(&bytes, 2048), "too few pages");
        for magic in KNOWN {
            let mut head = bytes.clone();
            head[..magic.len()].copy_from_slice(magic);
            assert!(!looks_encrypted(&head, 8192), "{magic:?}");
        }
        assert!(!looks_encrypted(&[0; 8192], 8192));
        let text: Vec<u8> = bytes.iter().map(|byte| byte & 0x7f).collect();
        assert!(!looks_encrypted(&text, 8192));
        // Base64 and packed text with a leftover of order are less even than a cipher.
        let uneven: Vec<u8> = bytes.iter().map(|byte| if byte % 16 == 0 { 0 } else { *byte }).collect();
        assert!(!looks_encrypted(&uneven, 8192));
    }
}
