//! Files: what the standard library cannot do with them.
