//! The national server: verifies, logs and adds up what nodes publish.
