//! Cases that are known to go wrong, each with what is missing. They are performed, counted as wrong and shown, but do not
//! fail the suite. The list may only get shorter.

/// Name of the case, and why.
pub const KNOWN: [(&str, &str); 8] = [
    ("concurrency/is_alive during a flood", "a debug build converts 64 MiB of output for seconds"),
    ("files/virtual files", "read_file refuses /dev/null"),
    ("interrupts/busy shell that ignores INT", "the escalation takes longer than 12 s under load"),
    ("interrupts/flood of output", "a debug build converts 64 MiB of output for seconds"),
    ("interrupts/process that forks", "a process that was forked during the kill lives on"),
    ("interrupts/stopped shell", "the escalation takes longer than 12 s under load"),
    ("markers/writing to high descriptors", "saved copies of the control descriptors can be reached"),
    ("prompts/last argument", "$_ is the driver's"),
];

/// Why a failure, which begins with the case's name, is known.
pub fn reason(failure: &str) -> Option<&'static str> {
    KNOWN.iter().find(|(name, _)| failure.trim_start().starts_with(name)).map(|(_, why)| *why)
}
