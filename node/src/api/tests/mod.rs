//! The interface, asked as programs ask.
