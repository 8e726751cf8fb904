//! Terminals: raw mode, what waits to be read, their size.
