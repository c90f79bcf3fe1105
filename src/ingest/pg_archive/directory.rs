//! The directory format (`pg_backup_directory.c`): `toc.dat` and a file for each table's rows.

use std::io::{self, Read};

use super::{
    container::{Container, Fault, Found},
    source::{File, Source},
    toc::{Entry, Kind, Toc},
    unpack::{Packing, Unpack},
};

/// Opens a file of the folder by its name.
pub(super) type Open = Box<dyn FnMut(&str) -> io::Result<Box<dyn Read + Send>> + Send>;

pub(super) struct Directory {
    open: Open,
    /// Of the entries, the next to look at.
    next: usize,
    file: Option<DataFile>,
}

struct DataFile {
    name: String,
    packing: Packing,
    unpack: Unpack<File>,
}

impl Directory {
    pub(super) fn new(open: Open) -> Directory {
        Directory { open, next: 0, file: None }
    }

    /// Opens a table's file, by whichever ending it has.
    fn open(&mut self, entry: &Entry) -> Result<(), String> {
        // A name is of the folder itself; an archive must not make us read anything else.
        if entry.file.contains(['/', '\\', '\0']) || entry.file.starts_with('.') {
            return Err(format!("the data file `{}` is no file of the folder", entry.file.escape_debug()));
        }
        for (ending, packing) in Packing::OF_FILES {
            let name = format!("{}{ending}", entry.file);
            let opened = (self.open)(&name).and_then(|input| Unpack::new(Source::new(input), packing));
            match opened {
                Ok(unpack) => {
                    self.file = Some(DataFile { name, packing, unpack });
                    return Ok(());
                }
                Err(err) if err.kind() == io::ErrorKind::NotFound => {}
                Err(err) => return Err(format!("the data file {name} cannot be opened: {err}")),
            }
        }
        Err(format!("the data file {} is missing in the folder", entry.file))
    }
}

impl Container for Directory {
    /// Large objects have files too, which are left alone.
    fn next(&mut self, toc: &Toc) -> Found {
        while let Some(entry) = toc.entries.get(self.next) {
            let number = self.next;
            self.next += 1;
            if entry.has_data && entry.kind == Kind::Rows {
                return self
                    .open(entry)
                    .map_or_else(|why| Found::Missing(number, why), |()| Found::Block(number));
            }
        }
        Found::End
    }

    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Fault> {
        let Some(file) = &mut self.file else { return Ok(0) };
        file.unpack.read(buffer).map_err(|err| {
            let (name, packing, at) = (&file.name, file.packing.name(), file.unpack.input().at());
            let structure = err.kind() == io::ErrorKind::UnexpectedEof;
            let why = format!("the {packing} data is damaged near byte {at} of {name}: {err}");
            Fault { why, structure }
        })
    }

    fn leave(&mut self) -> Result<(), Fault> {
        self.file = None;
        Ok(())
    }

    fn place(&self) -> String {
        let Some(file) = &self.file else { return "the folder".to_owned() };
        format!("byte {} of {}", file.unpack.input().at(), file.name)
    }
}
