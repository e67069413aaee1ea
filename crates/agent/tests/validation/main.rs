//! The validators against small real projects: what they answer must be what the plain command would answer.

#![allow(clippy::unwrap_used)]

mod framework_pytest;
mod framework_unittest;
mod hostile;
mod plain;
mod project;
mod swapping;
