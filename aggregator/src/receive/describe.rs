//! Forms and refusals that descriptions of routes name and handlers do not need.

use std::borrow::Cow;

use ldsp_protocol::context::ENGLAND;
use ldsp_protocol::geography::{Geography, REGIONS};
use ldsp_protocol::standard::{Dimension, Standard};
use ldsp_protocol::statement::Kind;
use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::announce::KEY_EVENTS;

ldsp_ui::refusals! {
    /// Of any read.
    pub(super) struct Anything: INTERNAL;
    /// Of what a log that lacks leaves does not do.
    pub(super) struct Stopped: LOG_BEHIND;
    /// Of a node that says what it holds.
    pub(super) struct NotHeard: REQUEST, READ, UNKNOWN_NODE, NOT_FOUND, TOO_LARGE, LOG_BEHIND;
    /// Of a statement that comes back.
    pub(super) struct NotTakenBack: REQUEST, ENVELOPE, SIGNATURE, NOT_FOUND, TIMEOUT, TOO_LARGE, UNSUPPORTED, MISDIRECTED, RECEIPT,
        LOG_BEHIND;
    /// Of a list.
    pub(super) struct NoSuchPage: PARAMETER, CURSOR;
    /// Of a place that is asked for.
    pub(super) struct NoSuchPlace: PARAMETER;
    /// Of a list of statements.
    pub(super) struct NoSuchStatements: PARAMETER, CURSOR, UNKNOWN_NODE;
    /// Of a read of one thing.
    pub(super) struct NotThere: REQUEST, NOT_FOUND;
    /// Of a node's record.
    pub(super) struct NoSuchNode: REQUEST, UNKNOWN_NODE;
    /// Of a node's statement.
    pub(super) struct NoSuchStatement: REQUEST, UNKNOWN_NODE, NOT_FOUND;
    /// Of an envelope that only enrolled nodes may read, or only its own.
    pub(super) struct NotForYou: REQUEST, READ, WITHHELD, UNKNOWN_NODE, NOT_FOUND;
    /// Of what answers come to.
    pub(super) struct NoResults: READ, WITHHELD, NOT_FOUND;
    /// Of what operators and analysts read.
    pub(super) struct NotForPeople: SIGN_IN, ROLE;
    /// Of one of those.
    pub(super) struct NoAnswers: REQUEST, SIGN_IN, ROLE, NOT_FOUND;
    /// Of a questionnaire that is issued.
    pub(super) struct NotIssued: REQUEST, SIGN_IN, ROLE, ORIGIN, TIMEOUT, TOO_LARGE, UNSUPPORTED, QUESTIONNAIRE, LOG_BEHIND;
    /// Of an envelope that is gone.
    pub(super) struct Withdrawn: WITHDRAWN;
    /// Of a practice entry that is gone, or that a curator took out of the library.
    pub(super) struct NoEntry: WITHDRAWN, HIDDEN;
    /// Of the library as nodes see it.
    pub(super) struct NotANode: PARAMETER, READ;
    /// Of a statement that is sent.
    pub(super) struct NotTaken: REQUEST, ENVELOPE, NOT_ACTIVE, UNKNOWN_KEY, REVOKED, SIGNATURE, UNKNOWN_NODE, NOT_FOUND,
        TIMEOUT, STANDARD, GAP, EQUIVOCATION, CHAIN, TOO_LARGE, UNSUPPORTED, STATEMENT, MISDIRECTED, SUMMARY, PRACTICE, PERIOD,
        WITHDRAWAL, CORRECTION, REDRAW, ANSWERS, NEEDS, LOG_BEHIND;
    /// Of a request to enrol.
    pub(super) struct NotEnrolled: REQUEST, ENVELOPE, INVITE_SECRET, INVITE, UNKNOWN_KEY, SIGNATURE, TIMEOUT, STANDARD, KEY_TAKEN,
        TOO_LARGE, UNSUPPORTED, STATEMENT, MISDIRECTED;
}

/// A DSSE envelope (secure-systems-lab/dsse 1.0.2) of a statement: its exact bytes are stored, hashed and sent on.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(
    dead_code,
    reason = "a form for the document; envelopes are never serialised again"
)]
pub(super) struct Envelope {
    /// The body as base64 (RFC 4648, section 4), 4 MiB of body at most.
    #[schema(
        pattern = "^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/][AQgw]==|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=)?$"
    )]
    payload: String,
    /// Media type of the body.
    #[serde(rename = "payloadType")]
    #[schema(
        rename = "payloadType",
        example = "application/vnd.ldsp.learning-summary.v1+json"
    )]
    payload_type: String,
    /// Exactly one.
    #[schema(min_items = 1, max_items = 1)]
    signatures: Vec<EnvelopeSignature>,
}

/// An Ed25519 signature over the envelope's pre-authentication encoding.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(
    dead_code,
    reason = "a form for the document; envelopes are never serialised again"
)]
pub(super) struct EnvelopeSignature {
    /// SHA-256 of the raw public key, hex.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    keyid: String,
    /// 64 bytes as base64.
    #[schema(pattern = "^[A-Za-z0-9+/]{85}[AQgw]==$")]
    sig: String,
}

/// A code of the standard's tiers.
pub(super) struct TierCode;

impl PartialSchema for TierCode {
    fn schema() -> RefOr<Schema> {
        let codes = &Standard::current().dimension(Dimension::Tier).codes;
        choice(codes.iter().map(|code| code.id.clone()))
    }
}

impl ToSchema for TierCode {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("TierCode")
    }
}

/// What a statement of a node is about.
pub(super) struct NodeKind;

impl PartialSchema for NodeKind {
    fn schema() -> RefOr<Schema> {
        choice(Kind::OF_NODES.iter().map(|kind| kind.as_str().to_owned()))
    }
}

impl ToSchema for NodeKind {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("NodeKind")
    }
}

/// What happened to a key.
pub(super) struct KeyEventKind;

impl PartialSchema for KeyEventKind {
    fn schema() -> RefOr<Schema> {
        choice(KEY_EVENTS.iter().map(|kind| kind.as_str().to_owned()))
    }
}

impl ToSchema for KeyEventKind {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("KeyEventKind")
    }
}

/// A region's GSS code.
pub(super) struct RegionCode;

impl PartialSchema for RegionCode {
    fn schema() -> RefOr<Schema> {
        choice(REGIONS.iter().map(|(code, _)| (*code).to_owned()))
    }
}

impl ToSchema for RegionCode {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("RegionCode")
    }
}

/// The code of England, a region or a LEP.
pub(super) struct PlaceCode;

impl PartialSchema for PlaceCode {
    fn schema() -> RefOr<Schema> {
        let regions = REGIONS.iter().map(|(code, _)| (*code).to_owned());
        let leps = Geography::embedded().leps().map(|lep| lep.code.to_string());
        let england = std::iter::once(ENGLAND.to_owned());
        choice(england.chain(regions).chain(leps))
    }
}

impl ToSchema for PlaceCode {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("PlaceCode")
    }
}

fn choice(codes: impl Iterator<Item = String>) -> RefOr<Schema> {
    ObjectBuilder::new()
        .schema_type(SchemaType::new(Type::String))
        .enum_values(Some(codes))
        .into()
}
