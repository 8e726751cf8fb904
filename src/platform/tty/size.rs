//! The size of a terminal.

/// Width and height of a character cell, in pixels.
pub type Cell = (u16, u16);

/// The size of a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Characters in a row.
    pub columns: u16,
    /// Rows of characters.
    pub rows: u16,
    /// The size of a character cell, if the terminal reports it.
    pub cell: Option<Cell>,
}

impl Size {
    /// The size that is assumed where a terminal reports none.
    pub const UNKNOWN: Self = Self { columns: 80, rows: 24, cell: None };
}
