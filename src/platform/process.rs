//! This process and its children: limits, signals, users.
