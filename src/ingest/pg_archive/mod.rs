//! Archives of `pg_dump` (`-Fc`, `-Fd`, `-Ft`), rendered while they are read as the SQL that `pg_restore -f -` would
//! write, as far as a checker needs it: tables, rows, sequences. What reads plain SQL reads them too, and no
//! `PostgreSQL` is needed.
//!
//! Damage is no error: what is whole is rendered, and the rest is told by `damage`.

mod container;
mod custom;
mod directory;
mod page;
mod source;
mod tar;
#[cfg(test)]
mod testing;
mod toc;
mod unpack;

use std::io::{self, Read};

use self::{
    container::{Container, Found},
    custom::Custom,
    directory::Directory,
    page::{Page, Style},
    source::Source,
    tar::{Members, Tar},
    toc::{Entry, Format, Header, Kind, Toc},
};

/// Where something was damaged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Damage {
    /// In the rendered SQL: behind the last line that was rendered before it.
    pub(super) byte: u64,
    /// A sentence that names table, position in the archive and cause.
    pub(super) why: String,
}

/// Renders an archive of `pg_dump` as SQL while reading it.
pub(super) struct PgArchive {
    header: Header,
    toc: Toc,
    container: Box<dyn Container>,
    stage: Stage,
    page: Page,
    damage: Vec<Damage>,
    /// Of which entries the data came, or was told to be missing.
    settled: Vec<bool>,
    /// The archive is not whole, so the comment that says so is not written.
    torn: bool,
}

/// What is rendered next.
enum Stage {
    /// The tables, from the entry on.
    Tables(usize),
    Data,
    /// Rows of the entry.
    Rows(usize),
    /// The sequences, from the entry on.
    Sequences(usize),
    Over,
}

/// Rows are read in pieces of this size: large enough that a call costs nothing, small enough for the cache.
const UNIT: usize = 64 << 10;

/// How much damage is listed: a ticket holds no more, and a file made of damage must not fill the memory.
const MAX_DAMAGE: usize = 1000;

const BEGIN: &[u8] = b"--\n-- PostgreSQL database dump\n--\n\n";
const COMPLETE: &[u8] = b"--\n-- PostgreSQL database dump complete\n--\n";

impl PgArchive {
    /// The custom format: a stream that begins with `PGDMP`. It is read forward only.
    pub(super) fn custom(input: Box<dyn Read + Send>) -> io::Result<PgArchive> {
        let mut file = Source::new(input);
        let header = Header::read(&mut file, Format::Custom)?;
        let toc = Toc::read(&mut file, &header)?;
        let container = Custom::new(file, &header, &toc);
        Ok(PgArchive::new(header, toc, Box::new(container)))
    }

    /// The directory format: `toc.dat` and a data file for each table. `open` opens a file of the folder by its name
    /// and does not unpack it; it fails with `NotFound` if there is none.
    pub(super) fn directory(toc: Box<dyn Read + Send>, open: directory::Open) -> io::Result<PgArchive> {
        let mut file = Source::new(toc);
        let header = Header::read(&mut file, Format::Directory)?;
        let toc = Toc::read(&mut file, &header)?;
        Ok(PgArchive::new(header, toc, Box::new(Directory::new(open))))
    }

    /// The tar format: a stream of which the first member is `toc.dat`.
    pub(super) fn tar(input: Box<dyn Read + Send>) -> io::Result<PgArchive> {
        let mut members = Members::new(Source::new(input));
        members.first()?;
        let mut file = Source::new(&mut members);
        let header = Header::read(&mut file, Format::Tar)?;
        let toc = Toc::read(&mut file, &header)?;
        Ok(PgArchive::new(header, toc, Box::new(Tar::new(members))))
    }

    fn new(header: Header, toc: Toc, container: Box<dyn Container>) -> PgArchive {
        let settled = toc.entries.iter().map(|entry| !entry.has_data).collect();
        let mut archive = PgArchive {
            header,
            toc,
            container,
            stage: Stage::Tables(0),
            page: Page::default(),
            damage: Vec::new(),
            settled,
            torn: false,
        };
        archive.page.text(BEGIN);
        if let Some(why) = archive.toc.broken.clone() {
            archive.tear(why);
        }
        archive
    }

    /// Which format it is, as reports call it.
    pub(super) fn format(&self) -> &'static str {
        self.header.format.name()
    }

    /// What is known of how the archive was made, for the ledger.
    pub(super) fn about(&self) -> String {
        let mut about = format!("archive version 1.{}, {}", self.header.minor, self.compression());
        if !self.header.server.is_empty() {
            about += &format!(", of PostgreSQL {}", self.header.server);
        }
        if !self.header.dumper.is_empty() {
            about += &format!(" by pg_dump {}", self.header.dumper);
        }
        about
    }

    /// `none`, `gzip`, `lz4` or `zstd`.
    pub(super) fn compression(&self) -> &'static str {
        self.header.algorithm.name()
    }

    /// What was found damaged so far.
    pub(super) fn damage(&self) -> &[Damage] {
        &self.damage
    }

    /// Renders a piece.
    fn step(&mut self) {
        match self.stage {
            Stage::Tables(from) => {
                self.stage = self.definition(Kind::Table, from).map_or(Stage::Data, Stage::Tables);
            }
            Stage::Data => self.stage = self.open(),
            Stage::Rows(number) => self.stage = self.rows(number),
            Stage::Sequences(from) => {
                self.stage = self.definition(Kind::Sequence, from).map_or(Stage::Over, Stage::Sequences);
                if matches!(self.stage, Stage::Over) && !self.torn {
                    self.page.text(COMPLETE);
                }
            }
            Stage::Over => {}
        }
    }

    /// Renders the next definition of a kind, and tells behind which entry to go on.
    fn definition(&mut self, kind: Kind, from: usize) -> Option<usize> {
        let number = self.toc.entries.iter().skip(from).position(|entry| entry.kind == kind)? + from;
        let entry = self.toc.entries.get(number)?;
        let previous = number.checked_sub(1).and_then(|before| self.toc.entries.get(before));
        if self.toc.unqualified && previous.is_none_or(|previous| previous.schema != entry.schema) {
            self.page.text(&search_path(&entry.schema));
        }
        self.page.text(&entry.definition);
        self.page.text(b"\n");
        Some(number + 1)
    }

    /// Goes to the data that comes next.
    fn open(&mut self) -> Stage {
        match self.container.next(&self.toc) {
            Found::Block(number) => return self.begin(number),
            Found::Missing(number, why) => {
                self.settle(number);
                let name = self.name(number);
                self.tear(format!("the rows of {name} are missing: {why}"));
            }
            Found::Stray(why) => self.tear(why),
            Found::Torn(why) => {
                self.tear(why);
                return self.over();
            }
            Found::End => {
                self.miss();
                return Stage::Sequences(0);
            }
        }
        Stage::Data
    }

    /// Begins an entry's data.
    fn begin(&mut self, number: usize) -> Stage {
        let twice = self.settle(number);
        let rows = self.toc.entries.get(number).filter(|entry| entry.kind == Kind::Rows && !twice);
        if let Some(entry) = rows {
            self.page.open_rows();
            if self.toc.unqualified {
                self.page.text(&search_path(&entry.schema));
            }
            self.page.text(&entry.copy);
            return Stage::Rows(number);
        }
        if twice {
            let (name, place) = (self.name(number), self.container.place());
            self.tear(format!("data of {name} comes a second time, before {place}, and was left out"));
        }
        self.leave(None)
    }

    /// Reads a piece of a table's rows.
    fn rows(&mut self, number: usize) -> Stage {
        let style = self.toc.entries.get(number).map_or(Style::Copy, style);
        let fault = match self.container.read(self.page.room(UNIT)) {
            Ok(read) if read > 0 => {
                self.page.grow(read, style);
                return Stage::Rows(number);
            }
            Ok(_) if self.page.end_rows(style) => return self.leave(None),
            Ok(_) => container::Fault::structure(format!(
                "they end without their end, at {}",
                self.container.place()
            )),
            Err(fault) => fault,
        };
        self.page.drop_half();
        self.torn |= fault.structure;
        let name = self.name(number);
        self.harm(format!("the rows of {name} are damaged: {}", fault.why));
        let stage = self.leave(Some(&fault.why));
        if !matches!(stage, Stage::Over) {
            self.page.close_rows(style);
        }
        stage
    }

    /// Leaves an entry's data. `told` is the fault that made us leave.
    fn leave(&mut self, told: Option<&str>) -> Stage {
        let Err(fault) = self.container.leave() else { return Stage::Data };
        if told != Some(fault.why.as_str()) {
            self.tear(fault.why);
        }
        self.over()
    }

    /// Nothing more can be read.
    fn over(&mut self) -> Stage {
        self.miss();
        Stage::Over
    }

    /// Tells of which entries the data never came.
    fn miss(&mut self) {
        let place = self.container.place();
        for number in 0..self.settled.len() {
            if !self.settle(number) && self.is_expected(number) {
                let name = self.name(number);
                self.tear(format!("the data of {name} is missing: it did not come before {place}"));
            }
        }
    }

    /// Large objects of a folder are not looked for.
    fn is_expected(&self, number: usize) -> bool {
        self.header.format == Format::Custom
            || self.toc.entries.get(number).is_some_and(|entry| entry.kind == Kind::Rows)
    }

    /// Notes that an entry's data came. True if it had come before.
    fn settle(&mut self, number: usize) -> bool {
        self.settled.get_mut(number).is_some_and(|settled| std::mem::replace(settled, true))
    }

    fn name(&self, number: usize) -> String {
        self.toc.entries.get(number).map_or_else(String::new, |entry| entry.name.clone())
    }

    fn tear(&mut self, why: String) {
        self.torn = true;
        self.harm(why);
    }

    fn harm(&mut self, why: String) {
        let byte = self.page.position();
        match self.damage.len() {
            ..MAX_DAMAGE => self.damage.push(Damage { byte, why }),
            MAX_DAMAGE => {
                let why = "more is damaged, which is not listed".to_owned();
                self.damage.push(Damage { byte, why });
            }
            _ => {}
        }
    }
}

impl Read for PgArchive {
    /// Never fails: what cannot be read is damage.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.page.is_taken() && !matches!(self.stage, Stage::Over) && !buffer.is_empty() {
            self.step();
        }
        Ok(self.page.take(buffer))
    }
}

/// Rows without a COPY statement are INSERT statements.
fn style(entry: &Entry) -> Style {
    if entry.copy.is_empty() { Style::Statements } else { Style::Copy }
}

/// The statement that `pg_restore` writes where definitions do not name their schema.
fn search_path(schema: &[u8]) -> Vec<u8> {
    let quoted: Vec<u8> = schema
        .iter()
        .flat_map(|byte| std::iter::repeat_n(*byte, if *byte == b'"' { 2 } else { 1 }))
        .collect();
    if schema.is_empty() {
        Vec::new()
    } else {
        [b"SET search_path = \"", &quoted[..], b"\", pg_catalog;\n\n"].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::{
        testing::{COPY, COPY_MORE, MORE, ROWS, SETVAL, Writer, read_file, read_files},
        toc::{Algorithm, Format},
    };

    const PACKED: [Algorithm; 4] = [Algorithm::None, Algorithm::Gzip, Algorithm::Lz4, Algorithm::Zstd];

    #[test]
    fn renders_every_version_packing_and_format() {
        for writer in Writer::all() {
            let read = match writer.format {
                Format::Directory => read_files(&writer.files()),
                format => read_file(format, &writer.file()),
            };
            let (rendered, damage) = read.expect("readable");
            assert_eq!(rendered, writer.rendered(), "{writer:?}");
            assert!(damage.is_empty(), "{writer:?} {damage:?}");
        }
        let wide = Writer { int_size: 8, offsets: false, ..Writer::new(Format::Custom, 14, Algorithm::Gzip) };
        assert_eq!(read_file(Format::Custom, &wide.file()).expect("readable"), (wide.rendered(), Vec::new()));
    }

    #[test]
    fn says_what_is_known_of_the_archive() {
        let writer = Writer::new(Format::Custom, 14, Algorithm::Gzip);
        let archive =
            super::PgArchive::custom(Box::new(std::io::Cursor::new(writer.file()))).expect("readable");
        assert_eq!(archive.about(), "archive version 1.14, gzip, of PostgreSQL 15.18 by pg_dump 15.18");
        assert_eq!((archive.format(), archive.compression()), ("pg-dump-custom", "gzip"));
    }

    /// Lines of the whole rendering, in order, with nothing in between but `\.` where a table was closed.
    fn is_whole_lines(rendered: &str, whole: &str) -> bool {
        let mut lines = whole.split_inclusive('\n');
        rendered.is_empty()
            || (rendered.ends_with('\n')
                && rendered
                    .split_inclusive('\n')
                    .all(|line| ["\n", "\\.\n"].contains(&line) || lines.any(|other| other == line)))
    }

    #[test]
    fn a_cut_anywhere_costs_no_whole_row_and_is_told() {
        for (format, algorithm) in
            [Format::Custom, Format::Tar].into_iter().flat_map(|format| PACKED.map(|packed| (format, packed)))
        {
            for offsets in [true, false] {
                let writer = Writer { chunk: 64, offsets, ..Writer::new(format, 16, algorithm) };
                let (file, whole) = (writer.file(), writer.rendered());
                // The second of the two blocks that end a tar may lack.
                let end = file.len() - if format == Format::Tar { 512 } else { 0 };
                let mut before = String::new();
                for cut in 0..end {
                    let file = &file[..cut];
                    let Ok((rendered, damage)) = read_file(format, file) else { continue };
                    assert!(!damage.is_empty(), "{writer:?} cut at {cut}");
                    assert!(is_whole_lines(&rendered, &whole), "{writer:?} cut at {cut}: {rendered}");
                    assert!(rendered.starts_with(&before), "{writer:?} cut at {cut}: {rendered}");
                    for row in ROWS.lines().chain(MORE.lines()).filter(|row| row.len() > 2) {
                        let there = algorithm == Algorithm::None
                            && file
                                .windows(row.len() + 1)
                                .any(|bytes| bytes == format!("{row}\n").as_bytes());
                        assert!(!there || rendered.contains(row), "{writer:?} cut at {cut} lost {row}");
                    }
                    // Where a block ends the table of contents' sequences follow.
                    before = rendered.replace(SETVAL, "").trim_end().to_owned();
                }
                assert!(before.ends_with("another row\n\\."), "{before}");
            }
        }
    }

    #[test]
    fn a_cut_file_of_a_folder_spares_the_others() {
        for algorithm in PACKED {
            let writer = Writer::new(Format::Directory, 16, algorithm);
            let files = writer.files();
            let (name, bytes) = files.iter().find(|(name, _)| name.starts_with("11")).expect("there");
            for cut in 0..bytes.len() {
                let mut files = files.clone();
                files.insert(name.clone(), bytes[..cut].to_vec());
                let (rendered, damage) = read_files(&files).expect("the table of contents is whole");
                // The last of the empty lines behind the rows ends nothing.
                let whole = algorithm == Algorithm::None && cut >= bytes.len() - 3;
                assert_eq!(damage.len(), usize::from(!whole), "{algorithm:?} {cut} {damage:?}");
                assert!(rendered.contains(&format!("{COPY_MORE}{MORE}")), "{rendered}");
                assert_eq!(rendered.matches("\n\\.\n").count(), 2, "{rendered}");
                assert!(is_whole_lines(&rendered, &writer.rendered()), "{rendered}");
                assert!(whole || !rendered.contains("complete"), "{rendered}");
            }
            let mut files = files.clone();
            files.remove(name);
            let (rendered, damage) = read_files(&files).expect("readable");
            assert_eq!(
                damage,
                ["the rows of public.events are missing: the data file 11.dat is missing in the folder"]
            );
            assert!(!rendered.contains(COPY) && rendered.contains(MORE));
        }
    }

    #[test]
    fn a_wrong_byte_anywhere_is_survived() {
        for writer in Writer::all()
            .into_iter()
            .filter(|writer| writer.minor == 16 || (writer.minor, writer.format) == (14, Format::Custom))
        {
            for (first, flip) in [(0, 0x01), (1, 0x80)] {
                if writer.format == Format::Directory {
                    for (name, bytes) in writer.files() {
                        for at in (first..bytes.len()).step_by(2) {
                            let mut files = writer.files();
                            files.get_mut(&name).expect("there")[at] ^= flip;
                            let _ = read_files(&files);
                        }
                    }
                    continue;
                }
                let file = writer.file();
                for at in (first..file.len()).step_by(2) {
                    let mut file = file.clone();
                    file[at] ^= flip;
                    let _ = read_file(writer.format, &file);
                }
            }
        }
    }

    fn find(file: &[u8], part: &[u8]) -> usize {
        file.windows(part.len()).position(|bytes| bytes == part).expect("there")
    }

    #[test]
    fn a_wrong_checksum_costs_one_table() {
        let writer = Writer { chunk: 1000, ..Writer::new(Format::Custom, 14, Algorithm::Gzip) };
        let mut file = writer.file();
        let (begin, size) = (find(&file, &[1, 0, 11, 0, 0, 0, 0]), writer.int_size);
        let length = usize::from(file[begin + 2 + size + 1]);
        let last = begin + 2 * (size + 1) + length;
        file[last] ^= 1;
        let (rendered, damage) = read_file(Format::Custom, &file).expect("readable");
        assert_eq!(damage.len(), 1, "{damage:?}");
        assert!(
            damage[0]
                .starts_with("the rows of public.events are damaged: the gzip data is damaged near byte ")
        );
        assert!(damage[0].ends_with("of the archive: its bytes or its checksum are wrong"), "{damage:?}");
        assert_eq!(rendered, writer.rendered(), "all rows could be unpacked");
        let writer = Writer::new(Format::Directory, 14, Algorithm::Gzip);
        let mut files = writer.files();
        let file = files.get_mut("11.dat.gz").expect("there");
        let crc = file.len() - 8;
        file[crc] ^= 1;
        let (rendered, damage) = read_files(&files).expect("readable");
        assert!(
            damage.len() == 1 && damage[0].contains("of 11.dat.gz: its bytes or its checksum"),
            "{damage:?}"
        );
        assert_eq!(rendered, writer.rendered());
    }

    #[test]
    fn goes_on_where_the_next_block_is_known_to_begin() {
        let writer = Writer { chunk: 10, ..Writer::new(Format::Custom, 14, Algorithm::None) };
        let mut file = writer.file();
        let row = find(&file, b"three");
        let chunk = file[..row].iter().rposition(|byte| *byte == 10).expect("a chunk's length");
        for length in [0, 9, 200] {
            file[chunk] = length;
            let (rendered, damage) = read_file(Format::Custom, &file).expect("readable");
            assert!(damage[0].contains("public.events") && damage[0].contains("chunk of"), "{damage:?}");
            assert!(rendered.contains(&format!("\\.\n\n\n{COPY_MORE}{MORE}SELECT")), "{length} {rendered}");
            assert!(!rendered.contains("complete"));
        }
    }

    #[test]
    fn a_wrong_dump_id_is_told_by_the_offset() {
        let writer = Writer::new(Format::Custom, 16, Algorithm::Zstd);
        let mut file = writer.file();
        let begin = find(&file, &[1, 0, 11, 0, 0, 0]);
        file[begin + 2] = 12;
        let (rendered, damage) = read_file(Format::Custom, &file).expect("readable");
        assert!(damage[0].starts_with("a data block of dump id 12 at byte "), "{damage:?}");
        assert!(damage[1].starts_with("the data of public.events is missing"), "{damage:?}");
        assert!(
            rendered.contains(&format!("{COPY_MORE}{MORE}")) && !rendered.contains("three"),
            "{rendered}"
        );
    }

    #[test]
    fn tells_blocks_that_do_not_belong() {
        let writer = Writer { offsets: false, ..Writer::new(Format::Custom, 14, Algorithm::None) };
        let head = [1, 0, 11, 0, 0, 0];
        for (at, byte, expected) in [
            (0, 9, "a data block of the unknown type 9 at byte "),
            (0, 3, "large objects at byte "),
            (2, 77, "a data block of dump id 77 at byte "),
            (2, 12, "data of public.more comes a second time"),
        ] {
            let mut file = writer.file();
            let begin = find(&file, &head);
            file[begin + at] = byte;
            let (rendered, damage) = read_file(Format::Custom, &file).expect("readable");
            assert!(damage.iter().any(|why| why.starts_with(expected)), "{expected}: {damage:?}");
            assert!(!rendered.contains("complete"), "{rendered}");
        }
    }

    #[test]
    fn a_file_made_of_damage_is_listed_in_part() {
        let writer = Writer { offsets: false, ..Writer::new(Format::Custom, 14, Algorithm::None) };
        let mut file = writer.file();
        for _ in 0..5000 {
            file.extend([&[1][..], &writer.int(99), &writer.int(0)].concat());
        }
        let (_, damage) = read_file(Format::Custom, &file).expect("readable");
        assert_eq!(damage.len(), 1001);
    }

    #[test]
    fn half_a_statement_is_left_out() {
        const INSERTS: &str = "INSERT INTO public.events VALUES (1, 'it''s;\nINSERT INTO x');\nINSERT INTO public.events VALUES (2, 'a\n);\nb');\n\n\n";
        for algorithm in PACKED {
            let writer = Writer { inserts: Some(INSERTS), ..Writer::new(Format::Directory, 16, algorithm) };
            assert_eq!(read_files(&writer.files()).expect("readable"), (writer.rendered(), Vec::new()));
        }
        let writer = Writer { inserts: Some(INSERTS), ..Writer::new(Format::Directory, 16, Algorithm::None) };
        let second = INSERTS.find("INSERT INTO public.events VALUES (2").expect("there");
        let end = INSERTS.trim_end().len() + 1;
        for cut in 0..INSERTS.len() {
            let mut files = writer.files();
            files.insert("11.dat".to_owned(), INSERTS.as_bytes()[..cut].to_vec());
            let (rendered, damage) = read_files(&files).expect("readable");
            let rows = [second, end].into_iter().rfind(|end| cut >= *end).unwrap_or(0);
            let start = rendered.find("INSERT").unwrap_or(rendered.find(COPY_MORE).expect("there"));
            let shown = &rendered[start..rendered.find(COPY_MORE).expect("there")];
            assert_eq!(shown.trim_end(), INSERTS[..rows].trim_end(), "cut at {cut}");
            let whole = [0, second].contains(&cut) || cut >= end;
            assert_eq!(damage.is_empty(), whole, "cut at {cut}: {damage:?}");
        }
    }

    #[test]
    fn refuses_what_is_no_archive_that_it_knows() {
        let writer = Writer::new(Format::Custom, 14, Algorithm::None);
        for (at, byte, expected) in [
            (0, b'X', "not an archive of pg_dump: it does not begin with PGDMP"),
            (6, 17, "an archive of version 1.17; the versions that can be read are 1.10 to 1.16"),
            (8, 200, "the header of the archive is damaged: integers of 200 bytes, offsets of 8, format 1"),
        ] {
            let mut file = writer.file();
            file[at] = byte;
            assert_eq!(read_file(Format::Custom, &file).expect_err("refused").to_string(), expected);
        }
        let err = read_file(Format::Tar, &writer.file()).expect_err("refused").to_string();
        assert!(err.starts_with("not an archive of pg_dump: the tar is damaged"), "{err}");
        assert!(
            read_file(Format::Custom, &writer.file()[..100]).is_err(),
            "nothing of the table of contents"
        );
    }

    #[test]
    fn believes_no_length_and_no_path() {
        let writer = Writer::new(Format::Custom, 14, Algorithm::None);
        let mut file = writer.file();
        let at = find(&file, super::testing::CREATE.as_bytes());
        file[at - 4..at].fill(0x7f);
        let err = read_file(Format::Custom, &file).expect_err("refused").to_string();
        assert!(err.contains("in entry 1 of 7: a text of 2139062143 bytes"), "{err}");
        let mut files = Writer::new(Format::Directory, 14, Algorithm::None).files();
        let toc = files.get_mut("toc.dat").expect("there");
        let at = find(toc, b"11.dat");
        toc[at..at + 6].copy_from_slice(b"../a/b");
        let (_, damage) = read_files(&files).expect("readable");
        assert_eq!(
            damage,
            ["the rows of public.events are missing: the data file `../a/b` is no file of the folder"]
        );
    }
}
