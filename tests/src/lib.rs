//! Federation, crash, leak, browser and third-party-verifier tests.
