//! The seeded scenario benchmark: ten and more chains of causes, written as real software writes them, so that a build can be
//! asked how often it finds the root, whether it keeps incidents apart, and whether it is silent when nothing is wrong.
//!
//! ```text
//! names, texts, quiet, chains (TOML) + seed -> lines with their truth -> variant -> folder -> coroner -> score
//! ```
#![allow(dead_code, reason = "the bench and the test each use their part")]

pub(crate) mod data;
mod fill;
pub(crate) mod generate;
mod random;
mod render;
pub(crate) mod run;
pub(crate) mod score;
pub(crate) mod sum;
mod system;
