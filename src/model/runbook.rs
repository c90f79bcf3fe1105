//! A runbook: what to do about a kind of trouble, with the values of an incident filled in. Data from
//! `patterns/runbooks/*.md`.

use std::fmt::Write;

use super::finding::Keys;

/// What an engineer does about one kind of trouble.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Runbook {
    /// The file's name without its ending; a root-cause kind's runbook has the kind's name.
    pub id: String,
    pub title: String,
    /// Root-cause kinds, kinds of findings and faults, and patterns that it is for.
    pub when: Vec<String>,
    /// Markdown, with placeholders such as `{service}`.
    pub body: String,
}

/// Each placeholder with the keys that may fill it, best first.
const PLACEHOLDERS: &[(&str, &[&str])] = &[
    ("command", &["command", "operation"]),
    ("database", &["database", "dbname"]),
    ("event", &["event", "event_id"]),
    ("namespace", &["namespace"]),
    ("pid", &["blocking_pid", "pid"]),
    ("projection", &["projection"]),
    ("role", &["role", "user"]),
    ("service", &["service", "application"]),
    ("stream", &["stream"]),
    ("table", &["table"]),
];

/// Longest value filled in: names of things are shorter, and a longer one hides the command around it.
const VALUE: usize = 128;

impl Runbook {
    /// The body with the placeholders replaced by values of `keys`; what is not known stays visible as `<service>`.
    ///
    /// Runbooks hold commands that people paste into a shell, and evidence is hostile: a value with any character that
    /// a shell, SQL or Markdown might obey is not filled in.
    pub fn filled(&self, keys: &Keys) -> String {
        let mut out = String::with_capacity(self.body.len());
        let mut rest = self.body.as_str();
        while let Some(at) = rest.find('{') {
            out.push_str(&rest[..at]);
            rest = &rest[at..];
            let known = PLACEHOLDERS
                .iter()
                .find(|(name, _)| rest[1..].strip_prefix(name).is_some_and(|end| end.starts_with('}')));
            if let Some((name, sources)) = known {
                match value(keys, sources) {
                    Some(value) => out.push_str(value),
                    None => write!(out, "<{name}>").unwrap_or_default(),
                }
                rest = &rest[name.len() + 2..];
            } else {
                out.push('{');
                rest = &rest[1..];
            }
        }
        out.push_str(rest);
        out
    }
}

/// The first harmless value of the keys.
fn value<'k>(keys: &'k Keys, sources: &[&str]) -> Option<&'k str> {
    let values = sources.iter().filter_map(|source| keys.get(*source)).flatten();
    values.map(String::as_str).find(|value| is_harmless(value))
}

/// Letters, digits and what names are joined by; never an option of a command.
fn is_harmless(value: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_.:/@-".contains(&byte);
    !value.is_empty() && value.len() <= VALUE && !value.starts_with('-') && value.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fills_in_what_is_known_and_harmless() {
        let body = "kubectl logs {service} -n {namespace} '{stream}' {pid} {unknown} {\"a\": 1} {";
        let runbook =
            Runbook { id: "a".to_owned(), title: "A".to_owned(), when: Vec::new(), body: body.to_owned() };
        for (keys, expected) in [
            (vec![], "kubectl logs <service> -n <namespace> '<stream>' <pid> {unknown} {\"a\": 1} {"),
            (
                vec![
                    ("service", "bank"),
                    ("stream", "account-0001"),
                    ("pid", "7"),
                    ("blocking_pid", "22644"),
                ],
                "kubectl logs bank -n <namespace> 'account-0001' 22644 {unknown} {\"a\": 1} {",
            ),
            (
                vec![
                    ("service", "$(reboot)"),
                    ("namespace", "-f/etc/shadow"),
                    ("stream", "a'; DROP TABLE b"),
                ],
                "kubectl logs <service> -n <namespace> '<stream>' <pid> {unknown} {\"a\": 1} {",
            ),
            (
                vec![("application", "bank-a"), ("stream", "{pid}")],
                "kubectl logs bank-a -n <namespace> '<stream>' <pid> {unknown} {\"a\": 1} {",
            ),
        ] {
            let keys: Keys =
                keys.into_iter().map(|(name, value)| (name.to_owned(), vec![value.to_owned()])).collect();
            assert_eq!(runbook.filled(&keys), expected);
        }
    }
}
