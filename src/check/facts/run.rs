//! Sorted runs on disk, for indexes that are too large for memory.
//!
//! A run is a file without a name, so that nothing is left behind however the process ends (`tempfile::tempfile_in`).
//! It holds streams in order of name, each followed by its events in order of version and place.

use std::{
    cmp::Ordering,
    collections::BinaryHeap,
    fs::File,
    io::{self, BufReader, BufWriter, Read, Seek, Write},
    path::Path,
    sync::Arc,
};

use rayon::slice::ParallelSliceMut;

use super::{
    index::{EventRow, ROW_BYTES},
    kinds::Renumbered,
    names::Names,
};

/// One run.
#[derive(Clone, Debug)]
pub struct Run {
    file: Arc<File>,
    /// What the numbers of types in the file are in the index that holds the run.
    kinds: Renumbered,
    pub events: u64,
}

/// A run is what it was written as; facts that hold one are equal where they share it.
impl PartialEq for Run {
    fn eq(&self, other: &Run) -> bool {
        Arc::ptr_eq(&self.file, &other.file)
    }
}

/// A stream of a run.
#[derive(Debug, Default)]
struct Group {
    name: Vec<u8>,
    rows: Vec<EventRow>,
}

impl Run {
    pub(super) fn write(
        folder: &Path,
        names: &Names,
        kinds: usize,
        mut rows: Vec<EventRow>,
    ) -> io::Result<Run> {
        let mut ranks = vec![0; names.count()];
        for (rank, number) in names.sorted().into_iter().enumerate() {
            ranks[number as usize] = rank as u32;
        }
        rows.par_sort_unstable_by_key(|row| (ranks[row.stream as usize], row.version, row.byte()));
        let file = tempfile::tempfile_in(folder)?;
        let mut out = BufWriter::with_capacity(1 << 20, &file);
        for group in rows.chunk_by(|a, b| a.stream == b.stream) {
            let name = names.get(group[0].stream).as_bytes();
            out.write_all(&(name.len() as u64).to_le_bytes())?;
            out.write_all(name)?;
            out.write_all(&(group.len() as u64).to_le_bytes())?;
            for row in group {
                out.write_all(&row.to_bytes())?;
            }
        }
        out.flush()?;
        drop(out);
        let kinds = Renumbered::same(kinds);
        Ok(Run { file: Arc::new(file), kinds, events: rows.len() as u64 })
    }

    /// The same run in an index that numbers types anew.
    pub(super) fn renumbered(self, kinds: &Renumbered) -> Run {
        Run { kinds: self.kinds.then(kinds), ..self }
    }
}

/// The streams of several runs joined: each name once, in order, its events in order of version and place.
///
/// # Errors
///
/// What reading a run says.
pub(crate) fn join(
    runs: &[Run],
    visit: &mut dyn FnMut(&str, &mut Vec<EventRow>) -> io::Result<()>,
) -> io::Result<()> {
    let mut readers = Vec::new();
    let mut heads = BinaryHeap::new();
    for (at, run) in runs.iter().enumerate() {
        let mut file = run.file.try_clone()?;
        file.rewind()?;
        let mut reader = BufReader::with_capacity(256 << 10, file);
        heads.extend(next(&mut reader, &run.kinds)?.map(|group| Head { group, run: at }));
        readers.push(reader);
    }
    while let Some(Head { mut group, run }) = heads.pop() {
        heads.extend(next(&mut readers[run], &runs[run].kinds)?.map(|group| Head { group, run }));
        while let Some(same) = heads.peek().filter(|head| head.group.name == group.name).map(|head| head.run)
        {
            let more = heads.pop().map(|head| head.group.rows).unwrap_or_default();
            group.rows.extend(more);
            heads.extend(next(&mut readers[same], &runs[same].kinds)?.map(|group| Head { group, run: same }));
        }
        group.rows.sort_unstable_by_key(|row| (row.version, row.byte()));
        visit(&String::from_utf8_lossy(&group.name), &mut group.rows)?;
    }
    Ok(())
}

/// The stream at which a run stands; the smallest name is taken first.
struct Head {
    group: Group,
    run: usize,
}

impl Ord for Head {
    fn cmp(&self, other: &Head) -> Ordering {
        (&other.group.name, other.run).cmp(&(&self.group.name, self.run))
    }
}

impl PartialOrd for Head {
    fn partial_cmp(&self, other: &Head) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Head {
    fn eq(&self, other: &Head) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Head {}

fn next(reader: &mut impl Read, kinds: &Renumbered) -> io::Result<Option<Group>> {
    let mut length = [0; 8];
    match reader.read_exact(&mut length) {
        Err(err) if err.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        other => other?,
    }
    let mut group = Group { name: vec![0; u64::from_le_bytes(length) as usize], rows: Vec::new() };
    reader.read_exact(&mut group.name)?;
    reader.read_exact(&mut length)?;
    let mut row = [0; ROW_BYTES];
    for _ in 0..u64::from_le_bytes(length) {
        reader.read_exact(&mut row)?;
        let mut row = EventRow::from_bytes(&row);
        row.set_kind(kinds.of(row.kind()));
        group.rows.push(row);
    }
    Ok(Some(group))
}
