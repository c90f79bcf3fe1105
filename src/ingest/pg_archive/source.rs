//! The bytes of an archive file, counted: every fault is told with its position, and every number and text of the
//! table of contents is read through here.

use std::io::{self, BufRead, BufReader, Read};

/// What a file is read in: large, because the rows of an uncompressed archive are copied out of it.
const BUFFER: usize = 128 << 10;

/// A buffered reader that knows its position.
pub(super) struct Source<R> {
    input: BufReader<R>,
    at: u64,
}

/// The file, from wherever it comes.
pub(super) type File = Source<Box<dyn Read + Send>>;

impl<R: Read> Source<R> {
    pub(super) fn new(input: R) -> Source<R> {
        Source { input: BufReader::with_capacity(BUFFER, input), at: 0 }
    }

    /// How many bytes of the file were read.
    pub(super) fn at(&self) -> u64 {
        self.at
    }

    /// The next byte, or `None` where the file ends.
    pub(super) fn byte_or_end(&mut self) -> io::Result<Option<u8>> {
        let byte = self.fill_buf()?.first().copied();
        self.consume(usize::from(byte.is_some()));
        Ok(byte)
    }

    pub(super) fn byte(&mut self) -> io::Result<u8> {
        self.byte_or_end()?.ok_or_else(ended)
    }

    /// `ReadInt`: a sign byte, then the magnitude, the least byte first.
    pub(super) fn int(&mut self, size: usize) -> io::Result<i64> {
        let mut int = [0; 9];
        match (self.fill_buf()?.get(..=size), int.get_mut(..=size)) {
            (Some(whole), Some(int)) => {
                int.copy_from_slice(whole);
                self.consume(size + 1);
            }
            (None, Some(int)) => self.read_exact(int).map_err(|err| if_ended(&err))?,
            (_, None) => return Err(bad(format!("integers of {size} bytes are not known"))),
        }
        let [sign, rest @ ..] = int;
        let magnitude =
            i64::try_from(u64::from_le_bytes(rest)).map_err(|_| bad("an integer is too large"))?;
        Ok(if sign == 0 { magnitude } else { -magnitude })
    }

    /// `ReadStr`, of which no more than `most` bytes are believed. Memory grows as the bytes come.
    pub(super) fn text(&mut self, int_size: usize, most: usize) -> io::Result<Option<Vec<u8>>> {
        let length = self.int(int_size)?;
        let Ok(length) = u64::try_from(length) else { return Ok(None) };
        if length > most as u64 {
            return Err(bad(format!("a text of {length} bytes, more than the {most} that are read")));
        }
        let mut text = Vec::new();
        self.by_ref().take(length).read_to_end(&mut text)?;
        if (text.len() as u64) < length { Err(ended()) } else { Ok(Some(text)) }
    }

    /// `ReadStr`, read past. False where the list of which it is an element ends.
    pub(super) fn skip_text(&mut self, int_size: usize) -> io::Result<bool> {
        let length = self.int(int_size)?;
        let Ok(length) = u64::try_from(length) else { return Ok(false) };
        self.skip(length)?;
        Ok(true)
    }

    /// Reads past as many bytes.
    pub(super) fn skip(&mut self, mut bytes: u64) -> io::Result<()> {
        while bytes > 0 {
            let here = self.fill_buf()?.len().min(usize::try_from(bytes).unwrap_or(usize::MAX));
            if here == 0 {
                return Err(ended());
            }
            self.consume(here);
            bytes -= here as u64;
        }
        Ok(())
    }
}

/// The fault of a file that ends too early.
pub(super) fn ended() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the archive ends")
}

fn if_ended(err: &io::Error) -> io::Error {
    if err.kind() == io::ErrorKind::UnexpectedEof {
        ended()
    } else {
        io::Error::new(err.kind(), err.to_string())
    }
}

/// The fault of bytes that cannot be what they should be.
pub(super) fn bad(why: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why.into())
}

impl<R: Read> Read for Source<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.input.read(buffer) {
                Err(err) if err.kind() == io::ErrorKind::Interrupted => {}
                Ok(read) => {
                    self.at += read as u64;
                    return Ok(read);
                }
                Err(err) => return Err(err),
            }
        }
    }
}

impl<R: Read> BufRead for Source<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        loop {
            match self.input.fill_buf() {
                Err(err) if err.kind() == io::ErrorKind::Interrupted => {}
                Err(err) => return Err(err),
                Ok(_) => break,
            }
        }
        Ok(self.input.buffer())
    }

    fn consume(&mut self, bytes: usize) {
        self.input.consume(bytes);
        self.at += bytes as u64;
    }
}
