//! Network interfaces and sockets.
