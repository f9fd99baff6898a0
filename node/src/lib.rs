//! One LEP's server: holds local data, publishes protected counts and practice.
