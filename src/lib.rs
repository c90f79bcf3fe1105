//! stub
pub mod model;
pub mod fold;
pub mod ingest;
pub mod decode;
pub mod classify;
pub mod check;
pub mod correlate;
pub mod rank;
pub mod report;
pub mod engine;
pub mod cli;
