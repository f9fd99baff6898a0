//! What every party of the federation must agree on: identifiers, data standard, statements, envelope, receipts, problems.
