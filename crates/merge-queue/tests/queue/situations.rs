//! Situations worth a name.
