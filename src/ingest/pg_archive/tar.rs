//! The tar format (`pg_backup_tar.c`): the files of the directory format as members of a tar, `toc.dat` first.

use std::{
    io::{self, BufRead, Read},
    mem,
};

use super::{
    container::{Container, Fault, Found},
    source::{File, bad, ended},
    toc::Toc,
    unpack::{Packing, Unpack},
};

/// A tar consists of blocks of this size (POSIX.1-2017, pax, "ustar Interchange Format").
const BLOCK: usize = 512;

pub(super) struct Tar {
    place: Place,
    packing: Packing,
}

/// Where reading stands.
enum Place {
    Between(Members),
    InRows(Unpack<Members>),
    Nowhere,
}

impl Tar {
    /// Behind the table of contents.
    pub(super) fn new(members: Members) -> Tar {
        Tar { place: Place::Between(members), packing: Packing::None }
    }

    /// Goes to the next member that has a table's rows.
    fn advance(&mut self, mut members: Members, toc: &Toc) -> Found {
        loop {
            match members.next() {
                Ok(true) => {}
                Ok(false) => return Found::End,
                Err(why) => return Found::Torn(why),
            }
            let Some((file, packing)) = data_file(&members.name) else { continue };
            let Some(number) = toc.with_file(file) else {
                let why =
                    format!("the member {} of the tar, which the table of contents lacks", members.name);
                self.place = Place::Between(members);
                return Found::Stray(why);
            };
            self.packing = packing;
            self.place = Unpack::new(members, packing).map_or(Place::Nowhere, Place::InRows);
            return Found::Block(number);
        }
    }
}

/// The name that the table of contents has for a data file, if a member is one. Large objects are `blob_1.dat`.
fn data_file(member: &str) -> Option<(&str, Packing)> {
    let (file, packing) = Packing::OF_FILES
        .into_iter()
        .filter_map(|(ending, packing)| Some((member.strip_suffix(ending)?, packing)))
        .next_back()?;
    let number = file.strip_suffix(".dat")?;
    (!number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())).then_some((file, packing))
}

impl Container for Tar {
    fn next(&mut self, toc: &Toc) -> Found {
        match mem::replace(&mut self.place, Place::Nowhere) {
            Place::Between(members) => self.advance(members, toc),
            other => {
                self.place = other;
                Found::End
            }
        }
    }

    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Fault> {
        let Place::InRows(unpack) = &mut self.place else { return Ok(0) };
        let err = match unpack.read(buffer) {
            Ok(read) => return Ok(read),
            Err(err) => err,
        };
        let members = unpack.input();
        if let Some(why) = &members.fault {
            return Err(Fault::structure(why));
        }
        let (packing, at, name) = (self.packing.name(), members.file.at(), &members.name);
        let why = format!("the {packing} data of {name} is damaged near byte {at} of the tar: {err}");
        Err(Fault { why, structure: err.kind() == io::ErrorKind::UnexpectedEof })
    }

    fn leave(&mut self) -> Result<(), Fault> {
        if let Place::InRows(unpack) = mem::replace(&mut self.place, Place::Nowhere) {
            let mut members = unpack.into_input();
            members.skip_rest().map_err(Fault::structure)?;
            self.place = Place::Between(members);
        }
        Ok(())
    }

    fn place(&self) -> String {
        let members = match &self.place {
            Place::Between(members) => members,
            Place::InRows(unpack) => unpack.input(),
            Place::Nowhere => return "the tar".to_owned(),
        };
        format!("byte {} of the tar, in {}", members.file.at(), members.name)
    }
}

/// The members of a tar; read, it is the member that `next` went to.
pub(super) struct Members {
    file: File,
    name: String,
    /// Of the member.
    left: u64,
    /// Between the member's end and the next header.
    padding: u64,
    fault: Option<String>,
}

impl Members {
    pub(super) fn new(file: File) -> Members {
        Members { file, name: String::new(), left: 0, padding: 0, fault: None }
    }

    /// Goes to the table of contents, which comes first so that a stream can be restored.
    pub(super) fn first(&mut self) -> io::Result<()> {
        match self.next() {
            Ok(true) if self.name == "toc.dat" => Ok(()),
            Ok(true) => Err(bad(format!(
                "not an archive of pg_dump: the tar begins with {}, not with toc.dat",
                self.name
            ))),
            Ok(false) => Err(bad("not an archive of pg_dump: the tar is empty")),
            Err(why) => Err(bad(format!("not an archive of pg_dump: {why}"))),
        }
    }

    /// Goes to the next member. False at the block of zeros that ends a tar.
    fn next(&mut self) -> Result<bool, String> {
        self.skip_rest()?;
        let start = self.file.at();
        let mut block = [0; BLOCK];
        if let Err(err) = self.file.read_exact(&mut block) {
            return Err(self.unreadable(&err));
        }
        if block == [0; BLOCK] {
            return Ok(false);
        }
        let (name, size) = header(&block)
            .ok_or_else(|| format!("the tar is damaged: there is no header of a member at byte {start}"))?;
        self.name = name;
        self.left = size;
        self.padding = size.next_multiple_of(BLOCK as u64) - size;
        Ok(true)
    }

    fn skip_rest(&mut self) -> Result<(), String> {
        if let Some(fault) = &self.fault {
            return Err(fault.clone());
        }
        for bytes in [mem::take(&mut self.left), mem::take(&mut self.padding)] {
            if let Err(err) = self.file.skip(bytes) {
                return Err(self.unreadable(&err));
            }
        }
        Ok(())
    }

    fn unreadable(&self, err: &io::Error) -> String {
        let (at, name) = (self.file.at(), &self.name);
        match err.kind() {
            io::ErrorKind::UnexpectedEof if name.is_empty() => format!("the tar ends at byte {at}"),
            io::ErrorKind::UnexpectedEof => format!("the tar ends at byte {at}, in or after {name}"),
            _ => format!("the tar cannot be read after byte {at}: {err}"),
        }
    }
}

/// Name, without folders, and size of a member. `None` if the checksum is wrong.
fn header(block: &[u8; BLOCK]) -> Option<(String, u64)> {
    // Fields of the ustar header: name, size, checksum, by offset and length.
    let (name, size, checksum) = (block.get(..100)?, block.get(124..136)?, block.get(148..156)?);
    let sum = |bytes: &[u8]| bytes.iter().map(|byte| u64::from(*byte)).sum::<u64>();
    // The checksum counts as blanks in itself.
    if octal(checksum)? != sum(block) - sum(checksum) + 8 * u64::from(b' ') {
        return None;
    }
    let name = name.split(|byte| *byte == 0).next().unwrap_or_default();
    let name = name.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    let name = String::from_utf8_lossy(name).escape_debug().to_string();
    Some((name, number(size)?)).filter(|(_, size)| size.checked_next_multiple_of(BLOCK as u64).is_some())
}

/// A number in octal digits, or with the highest bit set, in base 256 (GNU tar, "Extensions to Archive Format").
fn number(field: &[u8]) -> Option<u64> {
    match field {
        [0x80, digits @ ..] => digits
            .iter()
            .try_fold(0_u64, |sum, digit| sum.checked_mul(256).map(|sum| sum | u64::from(*digit))),
        _ => octal(field),
    }
}

fn octal(field: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(field).ok()?.trim_matches([' ', '\0']);
    u64::from_str_radix(text, 8).ok()
}

impl BufRead for Members {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if let Some(fault) = &self.fault {
            return Err(bad(fault));
        }
        if self.left == 0 {
            return Ok(&[]);
        }
        let filled =
            self.file.fill_buf().and_then(|bytes| if bytes.is_empty() { Err(ended()) } else { Ok(()) });
        if let Err(err) = filled {
            let why = self.unreadable(&err);
            self.fault = Some(why.clone());
            return Err(bad(why));
        }
        let left = usize::try_from(self.left).unwrap_or(usize::MAX);
        let bytes = self.file.fill_buf()?;
        Ok(bytes.get(..left.min(bytes.len())).unwrap_or_default())
    }

    fn consume(&mut self, bytes: usize) {
        self.file.consume(bytes);
        self.left = self.left.saturating_sub(bytes as u64);
    }
}

impl Read for Members {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let bytes = self.fill_buf()?;
        let copied = bytes.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..copied), bytes.get(..copied)) {
            to.copy_from_slice(from);
        }
        self.consume(copied);
        Ok(copied)
    }
}
