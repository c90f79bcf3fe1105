//! Which services and databases make one system: what breaks in one system is no effect of what breaks in another.

use std::collections::{BTreeMap, BTreeSet};

use super::finding::Finding;

/// Keys of findings that name a service, a database, or a process or projection of one.
const NAMING: [&str; 8] =
    ["application", "container", "database", "dbname", "pod", "process", "projection", "service"];

/// Names of services and databases, each with its system. Empty where there is one system, or none is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Systems {
    /// A system goes by its first name in order of the alphabet.
    system_of: BTreeMap<String, String>,
}

impl Systems {
    /// Joins names that belong together; `links` are pairs of a service and what it uses.
    pub fn join<'n>(links: impl IntoIterator<Item = (&'n str, &'n str)>) -> Systems {
        let mut system_of: BTreeMap<String, String> = BTreeMap::new();
        for (a, b) in links {
            let system = |name: &str| system_of.get(name).cloned().unwrap_or_else(|| name.to_owned());
            let (first, second) = (system(a), system(b));
            let (into, from) = if first <= second { (first, second) } else { (second, first) };
            for (name, of) in [(a, into.clone()), (b, into.clone())] {
                system_of.insert(name.to_owned(), of);
            }
            for of in system_of.values_mut().filter(|of| **of == from) {
                of.clone_from(&into);
            }
        }
        let systems: BTreeSet<&String> = system_of.values().collect();
        if systems.len() < 2 {
            return Systems::default();
        }
        Systems { system_of }
    }

    /// The system that a name is of; a process or pod is of the service whose name its own begins with.
    pub fn named(&self, name: &str) -> Option<&str> {
        let begins = |known: &&String| {
            name.strip_prefix(known.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '_', '.', '/']))
        };
        let known = self.system_of.get_key_value(name).map(|(known, _)| known);
        let known = known.or_else(|| self.system_of.keys().filter(begins).max_by_key(|known| known.len()))?;
        self.system_of.get(known).map(String::as_str)
    }

    /// The systems that a finding names.
    pub fn of(&self, finding: &Finding) -> BTreeSet<&str> {
        if self.system_of.is_empty() {
            return BTreeSet::new();
        }
        let values = NAMING.iter().filter_map(|key| finding.keys.get(*key)).flatten();
        values.filter_map(|value| self.named(value)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_share_a_database_are_one_system() {
        let links = [
            ("bank-a", "bank"),
            ("shop-a", "shop"),
            ("bank-b", "bank"),
            ("shop-b", "shop"),
            ("zed", "shop-a"),
        ];
        let systems = Systems::join(links);
        for (name, system) in [
            ("bank-a", Some("bank")),
            ("bank-b", Some("bank")),
            ("zed", Some("shop")),
            ("shop-a-7d9c5b6f4d-x2x7k", Some("shop")),
            ("shopper", None),
        ] {
            assert_eq!(systems.named(name), system, "{name}");
        }
        let mut reversed = links;
        reversed.reverse();
        assert_eq!(Systems::join(reversed), systems, "the order of links does not matter");
    }

    #[test]
    fn one_system_is_none() {
        assert_eq!(Systems::join([("a", "x"), ("b", "x")]), Systems::default());
    }
}
