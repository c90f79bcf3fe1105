//! Transactions whose parents are lost, that go in circles, or that forked.
//!
//! Each transaction of a file store names the ones its writer knew of. A parent that is not there was lost, with its
//! events, even where no version is missing. Writers that did not know of each other are normal in a store that is
//! merged like a source tree, and are told as an observation.

use crate::check::{Check, Evidence, Judgement, Meta, Outcome, Ran, StoreView};
use crate::model::{Fault, FaultKind, Severity, Transaction};

#[derive(Debug)]
pub(crate) struct Transactions;

impl Check for Transactions {
    fn meta(&self) -> Meta {
        Meta {
            id: "transactions",
            about: "transactions whose content or parents are not what they should be",
        }
    }

    fn conclude(&self, evidence: &Evidence, _: &Judgement<'_>, out: &mut Outcome) -> Ran {
        let mut compared = 0;
        for store in &evidence.stores {
            out.row_faults(store, &[FaultKind::HashMismatch, FaultKind::MissingParent]);
            if !store.dag.transactions.is_empty() {
                compared += store.dag.transactions.len();
                lost(store, out);
                circles(store, out);
                forks(store, out);
            }
        }
        if compared > 0 {
            Ran::Over(format!("{compared} transactions"))
        } else {
            Ran::CouldNot("no store whose transactions name their parents was supplied".to_owned())
        }
    }
}

fn lost(store: &StoreView, out: &mut Outcome) {
    for (parent, children) in &store.dag.missing {
        let child = &store.dag.transactions[children[0]];
        let others = match children.len() - 1 {
            0 => String::new(),
            others => format!(" and {others} more"),
        };
        let detail = format!(
            "transaction {parent} is not there; {}{others} names it as a parent: its events are lost",
            child.file
        );
        let fault = store.fault(FaultKind::MissingTransaction, child.byte, detail);
        out.fault(store, Fault { other_event_id: Some(parent.to_string()), ..fault });
    }
    for root in &store.dag.second_roots {
        let transaction = &store.dag.transactions[*root];
        let detail = format!(
            "{} names no parent, but its replica {} wrote before it: the store reports a replica conflict",
            transaction.file, transaction.replica
        );
        out.fault(store, store.fault(FaultKind::MissingParent, transaction.byte, detail));
    }
}

fn circles(store: &StoreView, out: &mut Outcome) {
    let Some(first) = store.dag.in_cycles.first() else { return };
    let transaction = &store.dag.transactions[*first];
    let detail = format!(
        "{} transactions are their own ancestors or come after such, the first {}: no writer can have made them",
        store.dag.in_cycles.len(),
        transaction.file
    );
    out.fault(store, store.fault(FaultKind::MissingParent, transaction.byte, detail));
}

fn forks(store: &StoreView, out: &mut Outcome) {
    let touches = |transaction: &&Transaction| {
        transaction.bases.iter().any(|(stream, _)| store.dag.concurrent.contains(stream))
    };
    let first = store.dag.transactions.iter().find(touches);
    let streams: Vec<&str> = store.dag.concurrent.iter().map(String::as_str).collect();
    let state = |byte, detail| Fault {
        severity: Severity::Info,
        ..store.fault(FaultKind::DuplicateVersion, byte, detail)
    };
    if let Some(first) = first {
        let detail = format!(
            "writers that did not know of each other appended to {} streams (the first is {}): their versions are advice, the store numbers them when it merges; holes and doubles there are not judged",
            streams.len(),
            streams[0]
        );
        out.fault(store, state(first.byte, detail));
    }
    // What follows a lost transaction hangs in the air, and so does what came before it.
    let whole = store.dag.missing.is_empty() && store.dag.second_roots.is_empty();
    if let ([first, _, ..], true) = (&store.dag.heads[..], whole) {
        let detail = format!("{} heads: replicas that were not merged yet", store.dag.heads.len());
        out.fault(store, state(store.dag.transactions[*first].byte, detail));
    }
}

#[cfg(test)]
mod tests {
    use crate::check::testing::check;

    use super::*;

    #[test]
    fn a_lost_parent_is_a_fault_and_a_fork_is_not() {
        check(
            &Transactions,
            "*1 - 9 a
             *3 2 9 a
             *4 3 9 b
             *5 - 9 c",
            &[
                "critical missing-parent (events/5.jsonl names no parent, but its replica 00000000-0000-0000-0000-000000000009 wrote before it: the store reports a replica conflict)",
                "critical missing-transaction (transaction 00000000-0000-0000-0000-000000000002 is not there; events/3.jsonl names it as a parent: its events are lost)",
            ],
        );
        check(
            &Transactions,
            "*1 - 9 a
             *2 1 9 a
             *3 1 8 a
             *4 2,3 9 a",
            &[
                "info duplicate-version (writers that did not know of each other appended to 1 streams (the first is a): their versions are advice, the store numbers them when it merges; holes and doubles there are not judged)",
            ],
        );
    }
}
