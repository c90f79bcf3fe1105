//! Where a byte stands among 64, as the bits of one number: a cell's ends are then found by counting zeros, not by
//! asking byte after byte.

/// Bytes that one mask tells of.
pub(super) const BLOCK: usize = 64;

/// Bit `n` is set where byte `at + n` fits.
#[inline]
pub(super) fn mask_at(bytes: &[u8], at: usize, fits: impl Fn(u8) -> bool) -> u64 {
    match bytes.get(at..).and_then(|rest| rest.first_chunk()) {
        Some(block) => mask(block, fits),
        None => mask_at_end(bytes, at, fits),
    }
}

/// The same where less than a block is left.
#[inline(never)]
fn mask_at_end(bytes: &[u8], at: usize, fits: impl Fn(u8) -> bool) -> u64 {
    let rest = bytes.get(at..).unwrap_or_default();
    // The end of a longer text is looked at with what stands before it.
    if let Some(block) = bytes.last_chunk() {
        return mask(block, fits).checked_shr((BLOCK - rest.len()) as u32).unwrap_or(0);
    }
    let mut block = [0; BLOCK];
    block[..rest.len()].copy_from_slice(rest);
    mask(&block, fits) & below(rest.len())
}

/// The lowest `count` bits; all where there are fewer.
pub(super) fn below(count: usize) -> u64 {
    1_u64.checked_shl(count as u32).map_or(u64::MAX, |bit| bit - 1)
}

/// Bit `n` is set where byte `n` of the block fits.
///
/// Each byte that fits leaves one bit, that of its group of eight: a step that compilers do for many bytes at once. The
/// groups laid over each other are the mask with bits and bytes exchanged (Hacker's Delight, 7-3). Setting bit after
/// bit takes ten times as long.
#[inline]
fn mask(block: &[u8; BLOCK], fits: impl Fn(u8) -> bool) -> u64 {
    let mut bits = [0; BLOCK];
    for (at, bit) in bits.iter_mut().enumerate() {
        *bit = if fits(block[at]) { 1_u8 << (at / 8) } else { 0 };
    }
    let mut mask = bits.as_chunks().0.iter().fold(0, |mask, group| mask | u64::from_le_bytes(*group));
    for (shift, moved) in [(7, 0x00aa_00aa_00aa_00aa), (14, 0x0000_cccc_0000_cccc), (28, 0xf0f0_f0f0)] {
        let exchanged = (mask ^ mask >> shift) & moved;
        mask ^= exchanged ^ exchanged << shift;
    }
    mask
}

/// Bit `n` of the result is set where an odd number of the bits up to `n` are: between an opening mark and its closing
/// one.
pub(super) fn between(marks: u64) -> u64 {
    let mut between = marks;
    for shift in [1, 2, 4, 8, 16, 32] {
        between ^= between << shift;
    }
    between
}

/// The places of the bits that are set, lowest first.
pub(super) fn places(mut mask: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let place = (mask != 0).then(|| mask.trailing_zeros() as usize)?;
        mask &= mask - 1;
        Some(place)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn marks_what_is_there(bytes in prop::collection::vec(prop::sample::select(vec![b'"', b',', 0xff, b'#']), 0..100), at in 0..120_usize) {
            let found: Vec<usize> = places(mask_at(&bytes, at, |byte| byte == b'"')).collect();
            let expected: Vec<usize> =
                bytes.iter().skip(at).take(BLOCK).enumerate().filter(|(_, byte)| **byte == b'"').map(|(at, _)| at).collect();
            prop_assert_eq!(found, expected);
        }

        #[test]
        fn is_between_after_an_odd_number(marks: u64) {
            for bit in 0..64 {
                let upto = marks << (63 - bit);
                prop_assert_eq!(between(marks) >> bit & 1, u64::from(upto.count_ones() % 2));
            }
        }
    }
}
