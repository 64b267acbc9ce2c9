//! Bytes of a file as they come, unpacked where its name ends in `.gz`: how much is done is known at any moment, and no
//! single row can fill the memory.

use std::cell::Cell;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Error, Read};
use std::path::Path;
use std::rc::Rc;

use flate2::read::MultiGzDecoder;

use super::super::super::DataError;
use super::io;

/// The first line is looked at up to here.
const N_SNIFFED_BYTES: u64 = 1 << 16;

/// A longer row is a file in another format, or a quote that is never closed.
const MAX_ROW_BYTES: u64 = 1 << 24;

/// How far a file has been read, in bytes, or in rows where the format counts them.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Position {
    pub(super) done: Rc<Cell<u64>>,
    pub(super) total: u64,
}

impl Position {
    /// Bytes or rows that are done, and all there are.
    pub(in super::super) fn get(&self) -> (u64, u64) {
        (self.done.get().min(self.total), self.total)
    }
}

/// An open file.
pub(in super::super) struct Input {
    source: Box<dyn Read>,
    since_row: Rc<Cell<u64>>,
    position: Position,
}

impl Input {
    pub(in super::super) fn open(path: &Path) -> Result<Self, DataError> {
        let file = File::open(path).map_err(|error| io(path, error))?;
        let position = Position {
            done: Rc::default(),
            total: file.metadata().map_err(|error| io(path, error))?.len(),
        };
        let counted = Counted {
            source: file,
            n_bytes: Rc::clone(&position.done),
        };
        let is_packed = path
            .extension()
            .is_some_and(|ending| ending.eq_ignore_ascii_case("gz"));
        let source: Box<dyn Read> = if is_packed {
            Box::new(MultiGzDecoder::new(BufReader::new(counted)))
        } else {
            Box::new(counted)
        };
        Ok(Self {
            source,
            since_row: Rc::default(),
            position,
        })
    }

    pub(in super::super) fn position(&self) -> Position {
        self.position.clone()
    }

    /// To be set to 0 after every row; otherwise reading fails after [`MAX_ROW_BYTES`].
    pub(in super::super) fn since_row(&self) -> Rc<Cell<u64>> {
        Rc::clone(&self.since_row)
    }

    /// Without a limit for a row, for files that are one value.
    pub(in super::super) fn whole(self) -> impl Read {
        self.source
    }
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.since_row.get() > MAX_ROW_BYTES {
            return Err(Error::other(format!(
                "a row of more than {MAX_ROW_BYTES} bytes; is a quote not closed, or is this another format?"
            )));
        }
        let n_read = self.source.read(buffer)?;
        self.since_row.set(self.since_row.get() + n_read as u64);
        Ok(n_read)
    }
}

/// Counts the bytes that leave a reader.
struct Counted<R> {
    source: R,
    n_bytes: Rc<Cell<u64>>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let n_read = self.source.read(buffer)?;
        self.n_bytes.set(self.n_bytes.get() + n_read as u64);
        Ok(n_read)
    }
}

/// The first line of a file without its `\n` and without a byte-order mark, at most 64 KiB; empty for an empty file and
/// for one that is not packed as its name says.
pub(in super::super) fn first_line(path: &Path) -> Result<String, DataError> {
    let mut line = Vec::new();
    let read =
        BufReader::new(Input::open(path)?.take(N_SNIFFED_BYTES)).read_until(b'\n', &mut line);
    // What is wrong with the file is said by whoever reads it.
    if read.is_err() {
        line.clear();
    }
    let text = String::from_utf8_lossy(&line);
    let text = text.trim_start_matches('\u{feff}');
    Ok(text.trim_end_matches('\n').to_owned())
}
