//! What the rows of an event store add up to: an index of its events ([`super::EventIndex`]), what other tables claim
//! of its streams, and the faults that single rows showed.

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{
    fold::{Days, FirstN, State, merge_maps},
    model::{
        EventId, FaultKind, RowFault, StreamClaim, TableRole, TableRows, TableRules, Timestamp, Transaction,
        Window, time::SECOND,
    },
};

use super::index::EventIndex;

/// Faults listed of one kind and store; all are counted.
const LISTED_FAULTS: usize = 10_000;

/// Which store of a source.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct StoreKey {
    pub schema: String,
    pub profile: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckpointRow {
    pub byte: u64,
    pub name: String,
    pub position: Option<String>,
    pub updated_at: Option<Timestamp>,
}

/// An id and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct IdAt {
    pub id: EventId,
    pub byte: u64,
}

/// Memory: that of the index, and what smaller tables hold.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StoreFacts {
    /// The tables that were seen, empty or not, with the rules that their writer keeps.
    pub tables: BTreeMap<TableRole, Arc<TableRules>>,
    pub events: EventIndex,
    pub checkpoints: Vec<CheckpointRow>,
    /// What the stream table says.
    pub heads: Vec<StreamClaim>,
    pub snapshots: Vec<StreamClaim>,
    pub transactions: Vec<Transaction>,
    /// Events of a table that knows no streams.
    pub bodies: Vec<IdAt>,
    /// What events name as their cause.
    pub causes: Vec<IdAt>,
    pub faults: BTreeMap<FaultKind, FirstN<RowFault, LISTED_FAULTS>>,
    pub window: Window,
    /// Of times that can be trusted: an event's own, or its id's where that is earlier.
    pub days: Days,
    /// The newest time that two clocks agree on: the event's own, and its id's.
    pub confirmed: Option<Timestamp>,
}

/// How far two clocks that agree may be apart: lock waits and clocks explain it (the chapter's five minutes).
const AGREE: i64 = 5 * 60 * SECOND;

impl StoreFacts {
    pub fn has(&self, role: TableRole) -> bool {
        self.tables.contains_key(&role)
    }

    /// The rules of a table; the defaults where it was not seen.
    pub fn rules(&self, role: TableRole) -> Arc<TableRules> {
        self.tables.get(&role).cloned().unwrap_or_default()
    }

    /// Leaves of one table may keep different rules: the weaker promise holds for all.
    fn keep_rules(&mut self, role: TableRole, rules: &Arc<TableRules>) {
        let known = self.tables.entry(role).or_insert_with(|| Arc::clone(rules));
        if rules.positions > known.positions {
            *known = Arc::clone(rules);
        }
    }

    pub fn observe(&mut self, rows: &TableRows<'_>) {
        let role = rows.table.role();
        self.keep_rules(role, &rows.table.rules);
        for event in &rows.events {
            if role == TableRole::Bodies {
                self.bodies.push(IdAt { id: event.id, byte: event.byte });
            } else {
                self.events.observe(event);
            }
            self.causes.extend(event.cause.map(|id| IdAt { id, byte: event.byte }));
            let trusted = [event.time, event.id.time()].into_iter().flatten().min();
            if let Some(time) = trusted {
                self.days.add(time.day(), time.0);
            }
            if let Some((time, id_time)) = event.time.zip(event.id.time())
                && time.since(id_time).abs() <= AGREE
            {
                self.confirmed = self.confirmed.max(Some(time.min(id_time)));
            }
            if let Some(time) = event.time {
                self.window.add(time);
            }
        }
        self.checkpoints.extend(rows.checkpoints.iter().map(|checkpoint| CheckpointRow {
            byte: checkpoint.byte,
            name: checkpoint.name.clone().into_owned(),
            position: checkpoint.position.as_deref().map(str::to_owned),
            updated_at: checkpoint.updated_at,
        }));
        let claims = if role == TableRole::Streams { &mut self.heads } else { &mut self.snapshots };
        claims.extend(rows.claims.iter().cloned());
        self.transactions.extend(rows.transactions.iter().cloned());
        for fault in &rows.faults {
            self.faults.entry(fault.kind).or_default().push_with(|| fault.clone());
        }
    }
}

impl State for StoreFacts {
    fn merge(&mut self, next: Self) {
        let StoreFacts {
            tables,
            events,
            checkpoints,
            heads,
            snapshots,
            transactions,
            bodies,
            causes,
            faults,
            window,
            days,
            confirmed,
        } = next;
        for (role, rules) in tables {
            self.keep_rules(role, &rules);
        }
        self.events.merge(events);
        self.checkpoints.extend(checkpoints);
        self.heads.extend(heads);
        self.snapshots.extend(snapshots);
        self.transactions.extend(transactions);
        self.bodies.extend(bodies);
        self.causes.extend(causes);
        merge_maps(&mut self.faults, faults);
        self.window.join(&window);
        self.days.merge(days);
        self.confirmed = self.confirmed.max(confirmed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        fold::laws,
        model::{Columns, StoredEvent, Table},
    };

    #[test]
    fn joins_like_one_run() {
        let table = Arc::new(Table {
            profile: "p".to_owned(),
            schema: String::new(),
            columns: Columns::default(),
            rules: Arc::default(),
        });
        let events = [("a", 1, 10), ("b", 1, 11), ("a", 2, 12), ("c", 5, 13), ("b", 1, 14)];
        laws::hold::<StoreFacts, _>(&events, |facts, (stream, version, byte)| {
            let mut rows = TableRows::new(Arc::clone(&table));
            let time = Some(Timestamp(*version * 1_000_000));
            rows.events.push(StoredEvent {
                byte: *byte,
                stream: (*stream).into(),
                version: Some(*version),
                id: EventId(u128::from(*byte)),
                time,
                ..StoredEvent::default()
            });
            if *version == 5 {
                rows.faults.push(RowFault {
                    byte: *byte,
                    kind: FaultKind::NilEventId,
                    stream: None,
                    event_id: None,
                    version: None,
                    detail: String::new(),
                });
            }
            facts.observe(&rows);
        });
    }
}
