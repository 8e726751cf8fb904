//! Memory that is no file, and how much of it there is.
