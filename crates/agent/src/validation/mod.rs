//! Answers "do these tests pass with this edit?" as cheaply as the test framework allows.
