//! Transactions that name their parents, in the order that this gives them.
//!
//! A store of this kind (`EventCore`'s file store) has no counter that could show a lost file: each transaction names
//! the ones that its writer knew of, so a missing one shows as a parent that is not there. Writers that did not know of
//! each other may append to the same stream; whether two transactions knew of each other is read off clocks, one
//! component for each writer (Fidge 1988, Mattern 1989), for every replica writes one after the other.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::model::{EventId, Transaction};

/// What the parents of all transactions come to.
#[derive(Debug, Default)]
pub struct Dag {
    /// In order of id.
    pub transactions: Vec<Transaction>,
    /// Parents that are not there, with the transactions that name them (indexes).
    pub missing: BTreeMap<EventId, Vec<usize>>,
    /// Transactions that are their own ancestors, or come after such ones.
    pub in_cycles: Vec<usize>,
    /// Transactions that no other names as its parent.
    pub heads: Vec<usize>,
    /// Transactions without a parent whose replica has an earlier one.
    pub second_roots: Vec<usize>,
    /// Streams to which writers appended that did not know of each other.
    pub concurrent: BTreeSet<String>,
}

impl Dag {
    pub(super) fn new(mut transactions: Vec<Transaction>) -> Dag {
        transactions.sort_by_key(|transaction| (transaction.id, transaction.byte));
        let mut dag = Dag { transactions, ..Dag::default() };
        let parents = dag.parents();
        let order = dag.topological(&parents);
        dag.find_heads(&parents);
        dag.find_second_roots(&order);
        dag.find_concurrent(&parents, &order);
        dag
    }

    /// The transaction whose file holds this byte of the source.
    pub fn file_at(&self, byte: u64) -> Option<&Transaction> {
        // Files are in order of name, and so are ids.
        let holds = |transaction: &&Transaction| {
            (transaction.byte..=transaction.byte + transaction.bytes).contains(&byte)
        };
        self.transactions.iter().find(holds)
    }

    /// For each transaction its parents that are there; notes those that are not.
    fn parents(&mut self) -> Vec<Vec<usize>> {
        let index: BTreeMap<EventId, usize> =
            self.transactions.iter().enumerate().map(|(at, transaction)| (transaction.id, at)).collect();
        let mut parents = vec![Vec::new(); self.transactions.len()];
        for (at, transaction) in self.transactions.iter().enumerate() {
            for parent in &transaction.parents {
                match index.get(parent) {
                    Some(parent) => parents[at].push(*parent),
                    None => self.missing.entry(*parent).or_default().push(at),
                }
            }
        }
        parents
    }

    /// Parents before children; what is left over stands in a cycle or behind one.
    fn topological(&mut self, parents: &[Vec<usize>]) -> Vec<usize> {
        let mut children = vec![Vec::new(); parents.len()];
        let mut waits: Vec<usize> = parents.iter().map(Vec::len).collect();
        for (child, parents) in parents.iter().enumerate() {
            for parent in parents {
                children[*parent].push(child);
            }
        }
        let mut ready: VecDeque<usize> = (0..waits.len()).filter(|at| waits[*at] == 0).collect();
        let mut order = Vec::with_capacity(waits.len());
        while let Some(at) = ready.pop_front() {
            order.push(at);
            for child in &children[at] {
                waits[*child] -= 1;
                if waits[*child] == 0 {
                    ready.push_back(*child);
                }
            }
        }
        self.in_cycles = (0..waits.len()).filter(|at| waits[*at] > 0).collect();
        order
    }

    fn find_heads(&mut self, parents: &[Vec<usize>]) {
        let mut named = vec![false; parents.len()];
        parents.iter().flatten().for_each(|parent| named[*parent] = true);
        // A file without a header names nobody, and may be anybody's parent.
        let read = |at: &usize| !self.transactions[*at].replica.is_none();
        self.heads = (0..named.len()).filter(|at| !named[*at]).filter(read).collect();
    }

    fn find_second_roots(&mut self, order: &[usize]) {
        let mut begun: BTreeSet<EventId> = BTreeSet::new();
        let mut ids: Vec<usize> = order.to_vec();
        ids.sort_unstable();
        for at in ids {
            let Transaction { parents, replica, .. } = &self.transactions[at];
            // A file without a header has no replica.
            if !replica.is_none() && !begun.insert(*replica) && parents.is_empty() {
                self.second_roots.push(at);
            }
        }
    }

    fn find_concurrent(&mut self, parents: &[Vec<usize>], order: &[usize]) {
        let clocks = self.clocks(parents, order);
        // Of two transactions in topological order, the first is known to the second or to nobody after it.
        let knows = |later: usize, earlier: usize| {
            let replica = &self.transactions[earlier].replica;
            let at = |of: usize| clocks[of].get(replica).copied().unwrap_or(0);
            at(later) >= at(earlier)
        };
        let mut latest: BTreeMap<&str, usize> = BTreeMap::new();
        for at in order {
            for (stream, _) in &self.transactions[*at].bases {
                if let Some(before) = latest.insert(stream, *at)
                    && !knows(*at, before)
                {
                    self.concurrent.insert(stream.clone());
                }
            }
        }
    }

    /// For each transaction, how many of each replica's it knows, itself included.
    fn clocks(&self, parents: &[Vec<usize>], order: &[usize]) -> Vec<BTreeMap<EventId, u64>> {
        let mut clocks: Vec<BTreeMap<EventId, u64>> = vec![BTreeMap::new(); parents.len()];
        let mut written: BTreeMap<EventId, u64> = BTreeMap::new();
        for at in order {
            let mut clock = BTreeMap::new();
            for parent in &parents[*at] {
                for (replica, known) in &clocks[*parent] {
                    let mine: &mut u64 = clock.entry(*replica).or_default();
                    *mine = (*mine).max(*known);
                }
            }
            let count = written.entry(self.transactions[*at].replica).or_default();
            *count += 1;
            clock.insert(self.transactions[*at].replica, *count);
            clocks[*at] = clock;
        }
        clocks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each line is `id parents replica streams`, parents and streams joined with commas, `-` for none.
    fn dag(lines: &str) -> Dag {
        let list = |word: &str| -> Vec<String> {
            if word == "-" { Vec::new() } else { word.split(',').map(str::to_owned).collect() }
        };
        let id = |word: &String| EventId(word.parse().expect("a number"));
        let transactions = lines.lines().map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            Transaction {
                id: id(&words[0].to_owned()),
                parents: list(words[1]).iter().map(id).collect(),
                replica: id(&words[2].to_owned()),
                bases: list(words[3]).into_iter().map(|stream| (stream, 0)).collect(),
                ..Transaction::default()
            }
        });
        Dag::new(transactions.collect())
    }

    #[test]
    fn a_chain_has_one_head_and_no_forks() {
        let dag = dag("1 - 9 a\n2 1 9 b\n3 2 9 a,b");
        assert_eq!((dag.heads.as_slice(), dag.concurrent.len(), dag.missing.len()), (&[2][..], 0, 0));
    }

    #[test]
    fn finds_what_is_missing_and_what_goes_in_circles() {
        let missing = dag("1 - 9 a\n3 2 9 a\n4 2,3 9 a");
        assert_eq!(missing.missing, BTreeMap::from([(EventId(2), vec![1, 2])]));
        let circle = dag("1 - 9 a\n2 1,3 9 a\n3 2 9 a\n4 3 9 a");
        assert_eq!(circle.in_cycles, [1, 2, 3]);
        let roots = dag("1 - 9 a\n2 - 9 a\n3 - 8 a");
        assert_eq!(roots.second_roots, [1]);
    }

    #[test]
    fn only_streams_of_writers_that_did_not_know_of_each_other_are_forked() {
        // Replicas 8 and 9 both append to b after 1; a is left to 9, c to 8; 4 merges and appends to all.
        let dag = dag("1 - 9 a,b\n2 1 9 a,b\n3 1 8 b,c\n4 2,3 9 a,b,c");
        assert_eq!(dag.concurrent, BTreeSet::from(["b".to_owned()]));
        assert_eq!(dag.heads, [3]);
    }
}
