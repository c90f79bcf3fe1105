//! Which of the stores are copies of one store.
//!
//! Last night's backup beside the one before it, or a dump beside the export that was made of it, hold the same events.
//! They must not be counted twice, and what differs between them is a finding.

use crate::model::EventId;

use super::view::StoreView;

/// Ids compared to tell: of a copy that shares nothing none is found, of a copy that grew all are.
const SKETCH: usize = 256;

/// Share of the smaller store's sampled ids that the other must hold.
const SHARED: f64 = 0.5;

/// Groups of two or more copies of one store, as indexes into `stores`, the oldest first.
pub(super) fn groups(stores: &[StoreView]) -> Vec<Vec<usize>> {
    let candidates: Vec<usize> = (0..stores.len()).filter(|at| stores[*at].events.ids() > 0).collect();
    if candidates.len() < 2 {
        return Vec::new();
    }
    let sketches: Vec<Vec<EventId>> = stores.iter().map(sketch).collect();
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for at in candidates {
        let mine = groups.iter_mut().find(|group| are_copies(stores, &sketches, group[0], at));
        match mine {
            Some(group) => group.push(at),
            None => groups.push(vec![at]),
        }
    }
    groups.retain(|group| group.len() > 1);
    for group in &mut groups {
        // The newest id tells the age where ids are clocks, else the newest position, else how much there is.
        group.sort_by_key(|at| {
            let store = &stores[*at];
            let id = store.events.newest_id().filter(|_| has_clock(store));
            (id, store.events.last_position(), store.events.count(), *at)
        });
    }
    groups
}

/// Whether its newest id is a time.
pub(super) fn has_clock(store: &StoreView) -> bool {
    store.events.newest_id().is_some_and(|id| id.time().is_some())
}

/// The ids with the smallest hashes: the same events of two copies are chosen, wherever they stand.
fn sketch(store: &StoreView) -> Vec<EventId> {
    let mut smallest: std::collections::BinaryHeap<(u64, EventId)> = std::collections::BinaryHeap::new();
    store.events.each_by_id(&mut |row| {
        let entry = (mix(row.id()), row.id());
        if smallest.len() < SKETCH {
            smallest.push(entry);
        } else if smallest.peek().is_some_and(|largest| entry < *largest) {
            smallest.pop();
            smallest.push(entry);
        }
    });
    let mut ids: Vec<EventId> = smallest.into_iter().map(|(_, id)| id).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// Spreads ids that were made one after the other (the finaliser of splitmix64, Steele et al. 2014).
fn mix(id: EventId) -> u64 {
    let mut x = (id.0 >> 64) as u64 ^ id.0 as u64;
    x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ x >> 31
}

fn are_copies(stores: &[StoreView], sketches: &[Vec<EventId>], a: usize, b: usize) -> bool {
    if stores[a].key.profile != stores[b].key.profile {
        return false;
    }
    let (smaller, larger) = if stores[a].events.ids() <= stores[b].events.ids() { (a, b) } else { (b, a) };
    let held = stores[larger].events.held(&sketches[smaller]).len();
    held as f64 >= sketches[smaller].len() as f64 * SHARED
}
