//! A log on files that fail.
