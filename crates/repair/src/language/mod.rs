//! What the enumerator must know about a programming language; one folder per language.

/// One programming language; the built-in ones are found with [`language_of`].
pub trait Language: Sync {
    /// Lower-case name, such as `python`.
    fn name(&self) -> &'static str;
    /// File name extensions without the dot.
    fn extensions(&self) -> &'static [&'static str];
}

/// The language of a file, by the extension of its name.
pub fn language_of(path: &str) -> Option<&'static dyn Language> {
    let _ = path;
    None
}
