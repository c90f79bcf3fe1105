//! What a rule may ask of a value beyond its shape: check digits, issuers, real addresses, and enough disorder.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::Deserialize;

/// What else must hold of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Proof {
    /// Not a plain word: there is a digit, or upper and lower case are mixed inside.
    Mixed,
    /// A payment card's issuer, length and check digit (ISO/IEC 7812).
    Luhn,
    /// Check digits of an IBAN (ISO 13616).
    Mod97,
    /// An IP address that is somebody's, and no version number or time.
    Address,
    /// A hardware address, and no part of a longer fingerprint.
    Mac,
    /// A mail address that starts where a name starts.
    Mail,
}

/// A value where it stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct InText<'t> {
    pub(super) before: &'t str,
    pub(super) value: &'t str,
    pub(super) after: &'t str,
}

impl Proof {
    pub(super) fn holds(self, at: InText<'_>) -> bool {
        match self {
            Proof::Mixed => is_mixed(at.value),
            Proof::Luhn => stands_alone(at) && is_card(at.value),
            Proof::Mod97 => is_iban(at.value),
            Proof::Address => is_address(at),
            Proof::Mac => is_mac(at),
            Proof::Mail => !at.value.starts_with('.') && at.value.len() >= 6,
        }
    }
}

/// Bits per character, as gitleaks counts them (Shannon).
pub(super) fn entropy(value: &str) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in value.bytes() {
        counts[usize::from(byte)] += 1;
    }
    let total = value.len() as f64;
    let bits = |count: u32| {
        let share = f64::from(count) / total;
        -share * share.log2()
    };
    counts.iter().filter(|count| **count > 0).map(|count| bits(*count)).sum()
}

fn is_mixed(value: &str) -> bool {
    let letters = value.chars().filter(|c| c.is_alphabetic());
    let mut inner = letters.skip(1);
    let upper = value.chars().skip(1).any(char::is_uppercase);
    let lower = inner.any(char::is_lowercase);
    value.chars().any(|c| c.is_ascii_digit()) || (upper && lower)
}

/// No letter or digit touches it, also not behind a point.
fn stands_alone(at: InText<'_>) -> bool {
    let joins = |c: char| c.is_alphanumeric() || c == '_';
    let next_digit = at.after.starts_with('.') && at.after[1..].starts_with(|c: char| c.is_ascii_digit());
    !at.before.ends_with(joins) && !at.before.ends_with('.') && !at.after.starts_with(joins) && !next_digit
}

/// Issuers and lengths: ISO/IEC 7812 as the schemes publish them.
fn is_card(value: &str) -> bool {
    let digits: Vec<u32> = value.chars().filter_map(|c| c.to_digit(10)).collect();
    let first = |count: usize| digits.iter().take(count).fold(0, |number, digit| number * 10 + digit);
    let known = match digits.len() {
        13 => first(1) == 4,
        14 => matches!(first(2), 36 | 38) || (300..=305).contains(&first(3)),
        15 => matches!(first(2), 34 | 37),
        16 => {
            first(1) == 4
                || (51..=55).contains(&first(2))
                || (2221..=2720).contains(&first(4))
                || first(4) == 6011
                || first(2) == 65
                || (644..=649).contains(&first(3))
                || (3528..=3589).contains(&first(4))
                || first(2) == 62
        }
        19 => first(1) == 4 || first(2) == 62,
        _ => false,
    };
    let sum: u32 = (digits.iter().rev().enumerate())
        .map(|(place, digit)| if place % 2 == 0 { *digit } else { (digit * 2) / 10 + (digit * 2) % 10 })
        .sum();
    known && sum.is_multiple_of(10)
}

fn is_iban(value: &str) -> bool {
    let chars: Vec<char> = value.chars().filter(|c| *c != ' ').collect();
    if !(15..=34).contains(&chars.len()) {
        return false;
    }
    let turned = chars[4..].iter().chain(&chars[..4]);
    let rest = turned
        .filter_map(|c| c.to_digit(36))
        .fold(0_u32, |rest, digit| (if digit < 10 { rest * 10 } else { rest * 100 } + digit) % 97);
    rest == 1
}

fn is_address(at: InText<'_>) -> bool {
    if at.value.contains(':') {
        return is_address_6(at);
    }
    let parted = if at.value.contains('.') { '.' } else { '-' };
    let Some(address) = address_4(at.value) else { return false };
    let more = |text: &str| {
        let mut chars = text.chars();
        chars.next().is_some_and(|c| c == parted) && chars.next().is_some_and(|c| c.is_ascii_digit())
    };
    let reversed: String = at.before.chars().rev().take(2).collect();
    let version = at.before.ends_with(['v', 'V']);
    let inside = at.before.ends_with(|c: char| c.is_ascii_digit())
        || at.after.starts_with(|c: char| c.is_ascii_digit())
        || more(at.after)
        || more(&reversed);
    !version && !inside && !is_nobodys(IpAddr::V4(address))
}

fn address_4(value: &str) -> Option<Ipv4Addr> {
    let mut octets = [0; 4];
    let mut parts = value.split(['.', '-']);
    for octet in &mut octets {
        *octet = parts.next()?.parse().ok()?;
    }
    parts.next().is_none().then(|| Ipv4Addr::from(octets))
}

/// A path of modules has `::` as well: an address has a digit and no letter beside it.
fn is_address_6(at: InText<'_>) -> bool {
    let joins = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    let Ok(address) = at.value.parse::<Ipv6Addr>() else { return false };
    let groups = at.value.split(':').filter(|group| !group.is_empty());
    let enough =
        groups.clone().count() >= 3 || (groups.clone().any(|group| group.len() >= 3) && groups.count() >= 2);
    let digits = at.value.chars().any(|c| c.is_ascii_digit());
    enough
        && digits
        && !at.before.ends_with(joins)
        && !at.after.starts_with(joins)
        && !is_nobodys(IpAddr::V6(address))
}

/// Every machine has these.
fn is_nobodys(address: IpAddr) -> bool {
    address.is_loopback() || address.is_unspecified()
}

fn is_mac(at: InText<'_>) -> bool {
    let joins = |c: char| c.is_ascii_hexdigit() || c == ':' || c == '-';
    let colons = at.value.matches(':').count();
    let time = at.value.chars().all(|c| c.is_ascii_digit() || c == '-');
    (colons == 0 || colons == 5)
        && !time
        && !at.before.ends_with(joins)
        && !at.before.ends_with(|c: char| c.is_alphanumeric())
        && !at.after.starts_with(joins)
        && !at.after.starts_with(|c: char| c.is_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(proof: Proof, before: &str, value: &str, after: &str) -> bool {
        proof.holds(InText { before, value, after })
    }

    #[test]
    fn disorder_is_counted_as_gitleaks_does() {
        for (value, bits) in [("aaaa", 0.0), ("abab", 1.0), ("abcd", 2.0), ("0123456789abcdef", 4.0)] {
            assert!((entropy(value) - bits).abs() < 1e-9, "{value}");
        }
    }

    #[test]
    fn cards_are_issued_and_checked() {
        for (value, card) in [
            ("4111111111111111", true),
            ("378282246310005", true),
            ("6011111111111117", true),
            ("3530111333300000", true),
            ("2223003122003222", true),
            ("4111111111111112", false),
            // Luhn holds, but nobody issues it.
            ("79927398713", false),
            ("1000000000000008", false),
        ] {
            assert_eq!(holds(Proof::Luhn, "", value, ""), card, "{value}");
        }
        assert!(!holds(Proof::Luhn, "0190c0de-", "4111-1111-1111-1111", "11111111"), "a part of an id");
        assert!(holds(Proof::Luhn, "card-", "4111111111111111", "/"), "a part of a stream's name");
    }

    #[test]
    fn addresses_are_somebodys() {
        for (before, value, after, address) in [
            ("", "10.0.0.1", ":5432", true),
            ("", "10.0.0.1", ".", true),
            ("", "10.0.0.1", ".5", false),
            ("7.", "10.0.0.1", "", false),
            ("v", "10.0.0.1", "", false),
            ("", "127.8.8.8", "", false),
            ("", "256.0.0.1", "", false),
            ("ip-", "10-0-3-17", "", true),
            ("[", "2001:db8::1", "]", true),
            ("r", "e::add", "", false),
            ("", "15:53:39", "", false),
        ] {
            assert_eq!(holds(Proof::Address, before, value, after), address, "{before}{value}{after}");
        }
    }
}
