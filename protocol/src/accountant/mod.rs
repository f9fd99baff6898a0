//! The privacy accountant; so far tail probabilities.

pub mod tails;
