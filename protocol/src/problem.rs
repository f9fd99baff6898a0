//! Problems: RFC 9457 bodies and the catalogue of every kind, so that each `type` has a page that
//! says what happened and what to do next.

use serde::{Deserialize, Serialize};

use crate::summary::SummaryError;

/// Media type of a problem (RFC 9457 section 3).
pub const MEDIA_TYPE: &str = "application/problem+json";

/// A kind of problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProblemKind {
    /// Stable; the last segment of `type`.
    pub code: &'static str,
    /// HTTP status.
    pub status: u16,
    /// One line for people.
    pub title: &'static str,
    /// What to do next.
    pub next: &'static str,
}

macro_rules! catalogue {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $status:literal, $title:literal, $next:literal;)+) => {
        $($(#[$doc])* pub const $name: ProblemKind = ProblemKind { code: $code, status: $status, title: $title, next: $next };)+
        /// Every kind.
        pub const CATALOGUE: &[ProblemKind] = &[$($name,)+];
    };
}

catalogue! {
    /// Body over the limit.
    TOO_LARGE = "too-large", 413, "The statement is too large",
        "Send at most 4 MiB of body. A learning summary of the declared tables is far below that: check what was added.";
    /// Not an envelope.
    ENVELOPE = "envelope", 400, "This is not a signed envelope in the expected form",
        "Send the stored envelope bytes exactly as they were sealed (DSSE JSON with one signature).";
    /// Unknown node.
    UNKNOWN_NODE = "unknown-node", 404, "No node of this name is enrolled",
        "Check the node's name in the address. A new LEP needs an invite from the operator first.";
    /// Not yet approved.
    NOT_ACTIVE = "not-active", 403, "The node's key is not approved yet",
        "Ask the operator to compare the key's fingerprint with yours over the telephone and to approve it.";
    /// Another key.
    UNKNOWN_KEY = "unknown-key", 403, "The envelope is signed by a key that is not this node's",
        "Check that the node runs with the key it enrolled with.";
    /// Revoked key.
    REVOKED = "key-revoked", 403, "The node's key was revoked",
        "Nothing that it signs is taken any more; what was logged before stays. Ask the operator what happened and how to go on.";
    /// Bad signature.
    SIGNATURE = "signature", 403, "The signature does not verify",
        "The bytes changed on the way or the key is another. Send the stored envelope again; do not re-serialise it.";
    /// Body not a statement.
    STATEMENT = "statement", 422, "The body is not a statement of this version",
        "Compare the body with the form in the documentation; upgrade the side whose version is older.";
    /// Names another node, log or sequence number than the address.
    MISDIRECTED = "misdirected", 422, "The statement was made for another address",
        "Send it to the log, node and sequence number that its body names.";
    /// Other standard.
    STANDARD = "standard", 409, "The statement follows another data standard",
        "Upgrade the program whose standard is older; both sides show their digest in `status` and on the standard's page.";
    /// Sequence gap.
    GAP = "gap", 409, "An earlier statement is missing",
        "Send the statement with the expected sequence number first; the node's outbox keeps it.";
    /// Same place, other statement.
    EQUIVOCATION = "equivocation", 409, "Another statement is already logged at this sequence number",
        "Do not sign again. If the node was restored from a backup, it has to catch up with the log first: ask the operator.";
    /// Chain broken.
    CHAIN = "chain", 409, "The statement does not name its predecessor",
        "The node's history differs from the log's. If it was restored from a backup, ask the operator before you publish.";
    /// Receiver check failed.
    SUMMARY = "summary", 422, "The summary breaks a rule of the data standard",
        "Nothing of it was stored as data. The detail names table, cell and rule; check the node's version, then ask the operator.";
    /// Practice entry broken.
    PRACTICE = "practice", 422, "The practice entry breaks a rule",
        "Correct the fields named in the detail and publish again.";
    /// Answers that fit no questionnaire.
    ANSWERS = "answers", 422, "The answers do not fit the questionnaire",
        "Nothing was stored. Answer the newest version of a questionnaire that asks your area: `GET /v1/questionnaires` lists them.";
    /// Published needs that break a rule.
    NEEDS = "needs", 422, "The published needs break a rule",
        "Nothing of them was stored. The detail names the rule and where: check the node's version and clock, then ask the operator.";
    /// A questionnaire that breaks a rule.
    QUESTIONNAIRE = "questionnaire", 422, "The questionnaire cannot be asked like this",
        "Nothing was issued. The detail names each part and what does not hold: correct them and issue it again.";
    /// Something for other readers.
    WITHHELD = "withheld", 403, "This is for other readers",
        "Answers to a questionnaire are read by the area that gave them and by the log's operators and analysts; what all of them come to, also by the areas that were asked.";
    /// The payload is no longer kept.
    WITHDRAWN = "withdrawn", 410, "The statement was withdrawn by the area that published it",
        "Nothing is wrong with the address. The statement's leaf and receipt are still in the log; the detail names the withdrawal, which says why.";
    /// An entry that a curator took out of the practice library.
    HIDDEN = "hidden", 410, "The entry was taken out of the practice library",
        "Nothing is wrong with the address. The detail says why; the statement itself is still in the log, and its area may publish another version.";
    /// A withdrawal that cannot be carried out.
    WITHDRAWAL = "withdrawal", 422, "The statement cannot be withdrawn like this",
        "Nothing was changed. Name a statement of your own that is not withdrawn: your node's page of statements shows which.";
    /// A correction of something else than a withdrawn summary.
    CORRECTION = "correction", 422, "The correction does not fit what the log holds",
        "Nothing was changed. A withdrawn release is published again as it was; a newer version of a practice entry is a new entry that replaces it.";
    /// A question, an answer or a rule of quality that is not in order.
    QUALITY = "quality", 422, "This is not in order",
        "Nothing was changed. The detail says what to change; the list shows what there is.";
    /// Other cells for a month that was published.
    REDRAW = "redraw", 422, "A month is drawn once",
        "Nothing was stored as data. Publish the withdrawn month with the very cells that it had, from the node's ledger; wrong data are mended by the next release.";
    /// Period is not the next one or lies in the future.
    PERIOD = "period", 422, "The summary is for a month that cannot be released now",
        "Release months in order, one each, after they have ended.";
    /// Invite unknown, used or expired.
    INVITE = "invite", 403, "The invite is unknown, used or expired",
        "Ask the operator for a new invite. An invite works once and for at most seven days.";
    /// A key that speaks, or spoke, for another node.
    KEY_TAKEN = "key-taken", 409, "Another node has this key",
        "Make a key of your own: run `ldsp-node init` in a new data directory and enrol from there.";
    /// An invite that cannot be made.
    NO_INVITE = "no-invite", 409, "No invite was made",
        "Nothing was changed. The detail says why: an area has one node, a node keeps its area, and one that publishes needs no invite.";
    /// An enrolment that did not come about at the node.
    ENROLMENT = "enrolment", 409, "The node was not enrolled",
        "Nothing was stored. The detail says why; an invite that was refused may be tried again while it holds.";
    /// No invite secret.
    INVITE_SECRET = "invite-secret", 401, "The request carries no invite secret",
        "Enrol with the invite's file, which holds the secret: 64 hex digits, sent as a bearer token.";
    /// Signed read refused.
    READ = "read", 401, "This page is for enrolled nodes",
        "Ask through your node: it signs the request. Check the node's clock when it does.";
    /// Sign-in needed.
    SIGN_IN = "sign-in", 401, "Sign in first",
        "Sign in with your name and secret. The IT team can add a person with `people add`.";
    /// Role not allowed.
    ROLE = "role", 403, "Your role may not do this",
        "Ask a person with the role that the page names.";
    /// Form refused.
    FORM = "form", 422, "Something in the form needs another look",
        "Correct the fields that are marked and send it again.";
    /// An edit of a row that somebody else changed since it was read.
    CHANGED_MEANWHILE = "changed-meanwhile", 412, "Somebody changed it in the meantime",
        "Nothing of yours was stored. Read it again, look at what changed, and send your change with the version that you read then.";
    /// An edit that does not say which version it is of.
    VERSION_NEEDED = "version-needed", 428, "The request does not say which version it changes",
        "Read it first and send its ETag back as If-Match, so that nobody else's change is lost.";
    /// A parameter of the address is refused.
    PARAMETER = "parameter", 400, "The address or its query says something that is not known here",
        "Correct the part that the detail names. The documentation at /api lists what each address takes.";
    /// A cursor that no page of this list begins at.
    CURSOR = "cursor", 404, "This list has no page at this cursor",
        "Take the cursor from `next` of the page before, with the same filters, or start again without one.";
    /// Method not offered.
    METHOD = "method", 405, "This address does not take this kind of request",
        "Use one of the methods that the Allow header of the answer names.";
    /// Body stalled.
    TIMEOUT = "timeout", 408, "The request did not arrive in time",
        "Nothing was stored. Check the connection and send it again: at least 8 KiB a second, without pauses of half a minute.";
    /// Body of another media type.
    UNSUPPORTED = "media-type", 415, "The body is of a media type that this address does not take",
        "Send the media type that the documentation at /api names for this address.";
    /// Any other refusal of a malformed request.
    REQUEST = "request", 400, "The request could not be read",
        "Send it again in the form that the documentation at /api shows.";
    /// A browser acts for another site.
    ORIGIN = "origin", 403, "The request came from a page of another site",
        "Send it from this site's own pages, or from a program with name and secret.";
    /// A release cannot be prepared or approved as asked.
    RELEASE = "release", 409, "The release was left as it is",
        "Look at the list of releases: it shows which month is next and what waits for whom.";
    /// Answers to a questionnaire that may not be changed, handed over or released as they stand.
    ANSWERING = "answering", 409, "The answers were left as they are",
        "Nothing was changed. The detail says what stands against it: read the questionnaire again, it says how far it is.";
    /// Needs that may not be prepared, published or refused as they stand.
    NEEDS_DRAFT = "needs-draft", 409, "The needs were left as they are",
        "Nothing was changed. The detail says what stands against it: the list of needs says which draft waits.";
    /// A release would cost people more privacy than they were promised.
    BUDGET = "privacy-budget", 409, "The release would overspend the privacy budget",
        "Nothing was drawn and nothing left. The page /privacy shows what was spent; the detail says which bound would break.";
    /// The one who prepared it.
    OWN_WORK = "own-work", 403, "You may not approve what you prepared",
        "Ask another approver.";
    /// Nobody would be left who looks after people.
    LAST_ADMIN = "last-admin", 409, "Somebody has to look after people",
        "Give somebody else the role admin first.";
    /// Somebody would lock themselves out.
    OWN_ACCOUNT = "own-account", 409, "Nobody does this to themselves",
        "Ask another admin.";
    /// Rows of a file have problems.
    IMPORT = "import", 422, "The file was refused",
        "Correct every row that the report names and send the file again, or ask for the sound rows alone.";
    /// Something that nobody can mean of a kind of file.
    MAPPING = "mapping", 422, "What was said of an ILR was not written down",
        "The detail says which field is wrong; `GET /api/v1/ilr/mappings` lists what is said so far.";
    /// Nothing of a data item may leave, or nothing can.
    NO_ITEM = "no-item", 409, "There is no file of this data item",
        "The register of data items says who collects what; a file holds whole academic years that were released.";
    /// One import at a time.
    IMPORT_BUSY = "import-busy", 409, "Another file is being imported",
        "Wait until the other import is done, then send the file again.";
    /// A file over the limit.
    FILE_TOO_LARGE = "file-too-large", 413, "The file is too large",
        "Send at most 512 MiB at once: split the file, or have the IT team import it on the server.";
    /// Nothing says for how long records are kept.
    RETENTION = "retention", 409, "No period is set after which records are deleted",
        "Agree on a period with the data protection officer; an admin or a coordinator sets it on the page /retention, unless the node's configuration does.";
    /// Nothing there.
    NOT_FOUND = "not-found", 404, "There is nothing at this address",
        "Check the address or start from the home page.";
    /// Disk or database trouble.
    STORAGE = "storage", 503, "The server cannot store data at the moment",
        "Nothing was acknowledged and nothing is lost at the sender, who keeps it and tries again. The operator should look at disk space and the log.";
    /// The log was rolled back, or is being put back together.
    LOG_BEHIND = "log-behind", 503, "The log is being put back together and takes nothing new meanwhile",
        "Nothing that was acknowledged is lost: nodes keep it and send by themselves what the log lacks. The operator follows it on the page /operator/log, or with `ldsp-aggregator recovery`.";
    /// A receipt that does not prove its leaf.
    RECEIPT = "receipt", 422, "The receipt does not prove where the statement stands",
        "Send the statement exactly as it was sealed, with the receipt exactly as the log gave it.";
    /// A failed fsync.
    UNCONFIRMED = "unconfirmed", 503, "The disk did not confirm the write",
        "Whether it is stored is unknown. Send the same again later: what is stored already is not stored twice. The operator should check the disk.";
    /// Too many attempts.
    TOO_MANY = "too-many", 429, "Too many attempts",
        "Wait a few minutes and try again.";
    /// The address is over the limit.
    LONG_ADDRESS = "long-address", 414, "The address is too long",
        "Keep path and query under 8 KiB.";
    /// The headers are over the limit.
    LARGE_HEADERS = "large-headers", 431, "The headers are too large",
        "Keep all headers together under 32 KiB.";
    /// Bug.
    INTERNAL = "internal", 500, "The server made a mistake",
        "Try again. If it happens again, tell the operator the time at which it happened.";
}

/// Where a month stands in the ledger of its node.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drawn {
    /// 1, or 2 after a lost ledger.
    pub epoch: u32,
    /// Which month of the epoch it is, from 1.
    pub month: usize,
}

/// An RFC 9457 problem.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// `/problems/<code>`, relative to the server: its help page.
    #[serde(rename = "type")]
    pub type_uri: String,
    /// One line.
    pub title: String,
    /// HTTP status.
    pub status: u16,
    /// What happened here and what to do next.
    pub detail: String,
    /// The code alone.
    pub code: String,
    /// Next step.
    pub next: String,
    /// The sequence number that would be accepted (kind `gap`).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub expected_seq: Option<u64>,
    /// Table at fault (kind `summary`).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub table: Option<String>,
    /// Cell at fault (kind `summary`).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cell: Option<usize>,
    /// Of a release, what its node has to know to go on without it (kind `withdrawn`).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub drawn: Option<Drawn>,
}

impl Problem {
    /// A problem of `kind` with what happened in this case.
    #[must_use]
    pub fn new(kind: ProblemKind, detail: impl Into<String>) -> Self {
        Self {
            type_uri: format!("/problems/{}", kind.code),
            title: kind.title.to_owned(),
            status: kind.status,
            detail: detail.into(),
            code: kind.code.to_owned(),
            next: kind.next.to_owned(),
            expected_seq: None,
            table: None,
            cell: None,
            drawn: None,
        }
    }

    /// The problem that stands for a bare status of a library: an address that cannot be decoded, a method that is not
    /// offered. A status that the catalogue lacks is told as the nearest kind and keeps its number.
    #[must_use]
    pub fn of_status(status: u16) -> Self {
        let (kind, detail) = match status {
            404 => (NOT_FOUND, "No address of this server is like this."),
            405 => (METHOD, "The address exists, but not for this method."),
            408 => (TIMEOUT, "The body stopped coming, or came too slowly."),
            413 => (TOO_LARGE, "The body is over the limit."),
            414 => (LONG_ADDRESS, "Path and query are over the limit."),
            431 => (LARGE_HEADERS, "The headers are over the limit."),
            415 => (UNSUPPORTED, "The content type is missing or another."),
            400..=499 => (REQUEST, "The address, a header or the body is malformed."),
            503 => (STORAGE, "The server is not ready."),
            _ => (INTERNAL, "The cause is in the server's log."),
        };
        Self {
            status,
            ..Self::new(kind, detail)
        }
    }

    /// The problem of a sequence gap.
    #[must_use]
    pub fn gap(expected: u64, got: u64) -> Self {
        let detail = format!("Statement {got} came, {expected} is next.");
        Self {
            expected_seq: Some(expected),
            ..Self::new(GAP, detail)
        }
    }

    /// The problem of a statement that was withdrawn.
    #[must_use]
    pub fn withdrawn(detail: impl Into<String>, drawn: Option<Drawn>) -> Self {
        Self {
            drawn,
            ..Self::new(WITHDRAWN, detail)
        }
    }

    /// The problem of a refused summary.
    #[must_use]
    pub fn summary(error: &SummaryError) -> Self {
        Self {
            table: error.table.clone(),
            cell: error.cell,
            ..Self::new(SUMMARY, format!("Rule: {error}."))
        }
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} [{}] {} {}",
            self.title, self.code, self.detail, self.next
        )
    }
}

/// The kind with this code.
#[must_use]
pub fn kind(code: &str) -> Option<&'static ProblemKind> {
    CATALOGUE.iter().find(|k| k.code == code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique() {
        let codes: std::collections::BTreeSet<_> = CATALOGUE.iter().map(|k| k.code).collect();
        assert_eq!(codes.len(), CATALOGUE.len());
    }
}
