//! A help page for every kind of problem that the server answers with.

use axum::extract::Path;
use axum::http::StatusCode;
use ldsp_protocol::problem::{self, ProblemKind};
use ldsp_ui::components::{SummaryList, Table, link};
use ldsp_ui::{Html, Page, ProblemPage};

use super::Answer;

pub(super) async fn list() -> Page {
    let table = Table::new("Every message, by its code")
        .columns(["Code", "What it says", "HTTP status"])
        .numeric([2])
        .rows(problem::CATALOGUE.iter().map(|kind| {
            [
                link(kind.code, &format!("/problems/{}", kind.code)),
                Html::text(kind.title),
                Html::text(&kind.status.to_string()),
            ]
        }));
    let intro = Html::paragraph(
        "When this server refuses something it says what, why and what to do next. Programs get the same as \
         problem+json (RFC 9457) whose type is the address of one of these pages.",
    );
    Page::new("Messages and what to do")
        .breadcrumb("Home", "/")
        .body(Html::concat([intro, table.into()]))
}

pub(super) async fn show(Path(code): Path<String>) -> Answer {
    let kind = problem::kind(&code).ok_or_else(ProblemPage::not_found)?;
    let heading = |text| {
        Html::concat([
            Html::literal("<h2 class=\"govuk-heading-m\">"),
            Html::text(text),
            Html::literal("</h2>"),
        ])
    };
    let status = StatusCode::from_u16(kind.status)
        .ok()
        .and_then(|s| s.canonical_reason())
        .unwrap_or_default();
    let facts = SummaryList::new()
        .fact("Code", kind.code)
        .fact("HTTP status", format!("{} {status}", kind.status))
        .fact("Type", format!("/problems/{}", kind.code));
    let body = Html::concat([
        heading("What happened"),
        Html::paragraph(happened(kind)),
        heading("What to do next"),
        Html::paragraph(kind.next),
        heading("For programs"),
        facts.into(),
    ]);
    Ok(Page::new(kind.title)
        .caption("Messages and what to do")
        .breadcrumb("Home", "/")
        .breadcrumb("Messages and what to do", "/problems")
        .body(body))
}

/// What lies behind a message, in words for people.
fn happened(kind: &ProblemKind) -> &'static str {
    match kind.code {
        "privacy-budget" => {
            "Every release costs each person in it a part of a privacy budget that is fixed for ever. This one would have cost more than what was promised, so a node refused to draw its noise."
        }
        "too-large" => {
            "The body that was sent is over the limit of 4 MiB, so it was not read to its end and nothing was stored."
        }
        "envelope" => {
            "The server expects a DSSE envelope: JSON with a payload, its type and one signature. What came has another form, so it was not looked at further."
        }
        "unknown-node" => "The address names a node that was never invited to this server.",
        "not-active" => {
            "The node has enrolled, but nobody has confirmed yet that its key is really the key of that partnership. Until then nothing that it signs is accepted."
        }
        "key-revoked" => {
            "An operator of this site has revoked the node’s key, so that whoever holds it can publish nothing more in the node’s name. What was logged before stays valid. The list of key events says who revoked it, when and why."
        }
        "unknown-key" => {
            "Every node has one key at a time. This statement was signed by another key, so the server cannot know who wrote it."
        }
        "signature" => {
            "The signature was checked against the node’s key and does not fit the bytes that came."
        }
        "statement" => {
            "The envelope is sound, but its body does not have the fields of this version, or has fields that this version does not know."
        }
        "misdirected" => {
            "A statement names the log, the node and the number that it was made for. These differ from the address that it was sent to."
        }
        "standard" => {
            "Both sides must count in the same way. The statement names a data standard that is not the one that this server applies."
        }
        "gap" => {
            "A node’s statements are numbered without gaps, and one before this has not arrived. Nothing was stored."
        }
        "equivocation" => {
            "A node signs one statement for each number. A different statement with this number was logged earlier; the earlier one stands, and both are kept as evidence."
        }
        "chain" => {
            "Every statement names the digest of the one before it. This one names another than the log holds."
        }
        "summary" => {
            "The server checks tables, sizes, noise parameters and shared margins of every learning summary without seeing a learner. One check failed."
        }
        "practice" => {
            "A practice entry has required fields, lists to choose from and limits, and may hold nothing that looks like personal data. At least one field breaks a rule."
        }
        "answers" => {
            "Answers name the statement of the log that asks, and fit its questions. These name none that asks their area, or one of them does not fit its question."
        }
        "needs" => {
            "What an area asks for and offers is checked before it is logged: codes and districts, order, sizes and noise, its own area, and a day that is neither to come nor before its last one. One check failed."
        }
        "questionnaire" => {
            "What is asked of areas is signed and public for ever, so it is checked before: texts without personal data, choices and conditions that lead somewhere, a last day that is to come."
        }
        "withheld" => {
            "Some statements are for named readers: everybody sees that they are in the log, and their digest, and only those readers what they say."
        }
        "withdrawn" => {
            "The area that published this took it back. Its content is no longer kept here; its place in the log, its digest and its receipt are."
        }
        "hidden" => {
            "A curator of this site looked at the entry and took it out of the library, with a reason that everybody may read. What its area signed stays in the log."
        }
        "withdrawal" => {
            "A withdrawal names a statement of the same node that still stands, and for a month the digest of its figures. This one does not fit what the log holds."
        }
        "correction" => {
            "A withdrawn month is published again in its own place: the same month, noise and pledges. What was sent is not that of a withdrawn month."
        }
        "redraw" => {
            "A month’s noise is drawn once for ever: other figures for the same month would tell of the people in them. The figures that were sent are not those that were withdrawn."
        }
        "period" => {
            "A node releases one month after another, each exactly once and only after it has ended. This month is not the next one, or it has not ended."
        }
        "invite" => {
            "The server knows invites by a digest of their secret. This one is not known, was used before, or is past its last day."
        }
        "no-invite" => {
            "An operator asked for an invite that cannot be: the area has a node already, the node publishes, or its name is another area\u{2019}s."
        }
        "enrolment" => {
            "A node was asked to use an invite or to ask how it stands, and it did not come about: the invite is for another area or has ended, the network was down, or this site refused. The node stored nothing."
        }
        "key-taken" => {
            "Every statement is known by the key that signed it, so a key speaks for one node only: otherwise a key that was revoked could go on under another name. This key is that of another node, or was."
        }
        "invite-secret" => {
            "A node enrols with an invite, and the secret in it shows that the operator invited it. The request brought none, or something of another form, so nothing in it was looked at."
        }
        "read" => {
            "Some pages of the machine protocol, such as peers-first practice entries and what the answers to a questionnaire come to, answer only requests signed by an enrolled node within the last five minutes."
        }
        "sign-in" => {
            "The page shows something that only people of this site may see, and nobody is signed in."
        }
        "role" => {
            "Each person has one role, and each page and button is for certain roles. The signed-in person has another."
        }
        "form" => "Some of what was filled in is missing or cannot be used. Nothing was changed.",
        "parameter" => {
            "An address names what is asked for in its path and, after a question mark, in its query. One part is not a word or number that this address knows, or a part is there that it does not take."
        }
        "cursor" => {
            "Long lists are given page by page, and each page names the next by a cursor. This cursor was changed, or belongs to another list or to other filters."
        }
        "method" => "The address is for reading, or for sending, and the request wanted the other.",
        "timeout" => {
            "The request began to arrive and then nothing more came, so the server stopped waiting for it."
        }
        "media-type" => {
            "Programs say of what media type the body is that they send. Here none was named, or one that this address does not take."
        }
        "request" => {
            "The request breaks a rule of HTTP or of this interface before anything in it could be looked at, such as an address that is not text."
        }
        "origin" => {
            "A browser says that a page of another site made it send this. Sessions are for this site's own pages only."
        }
        "needs-draft" => {
            "A LEP publishes its needs by two people: one prepares a draft, another one publishes or refuses exactly what that person has read. This act did not come at its turn."
        }
        "answering" => {
            "A LEP answers a questionnaire by two people: one writes and hands over, another one releases what that person has read. This act did not come at its turn."
        }
        "release" => {
            "A node prepares one month after another, each once, and an approver looks at exactly what was prepared. What was asked for does not fit how the releases stand."
        }
        "own-work" => {
            "Two people stand behind everything that leaves a node. Whoever prepared it cannot be the second one."
        }
        "last-admin" => {
            "A node was asked to remove or lock out the last person who looks after its people, or to give them another role. Nobody could have let anybody in afterwards. Nothing was changed."
        }
        "own-account" => {
            "An admin of a node asked it to lock out or remove themselves. Nothing was changed."
        }
        "quality" => {
            "A node was sent a question to a provider, an answer or the setting of a rule about its records that is not in order, or that somebody else had changed before. It was not written down."
        }
        "changed-meanwhile" => {
            "A node was sent a change that was made from an older version than the one it holds: somebody else changed the same thing first. Nothing was overwritten."
        }
        "version-needed" => {
            "A node was sent a change without the version that it was made from, so it could not tell whether it would overwrite somebody else\u{2019}s."
        }
        "no-item" => {
            "A node was asked for the file of a data item that it has not agreed to collect, or of which no whole academic year was released. Nothing left."
        }
        "mapping" => {
            "A node was told how to read Individualised Learner Records, and what was said does not fit: an unknown provider, programme or code."
        }
        "retention" => {
            "A node was asked to delete records whose period is over, and nobody has set a period; or to set one that its configuration sets. Nothing was changed."
        }
        "import" => {
            "Every row of the file was checked and at least one has a problem. A file goes in as a whole or not at all, unless sound rows are asked for alone."
        }
        "import-busy" => {
            "A node takes a few files at a time, each from its own sender, and imports them one after the other. It takes no more just now, or it holds made-up records. Nothing of this one was stored."
        }
        "file-too-large" => {
            "The file is larger than a node takes over the network. It was not read to its end and nothing of it was stored."
        }
        "long-address" => {
            "An address may have 8 KiB of path and query. This one was longer, so it was not looked at."
        }
        "large-headers" => {
            "A request may have 32 KiB of headers. This one had more, so nothing in it was looked at."
        }
        "not-found" => "No page and no statement has this address, or it is not open to everybody.",
        "storage" => {
            "The database or the disk did not take the data. The server acknowledges only what it holds durably, so it refused."
        }
        "log-behind" => {
            "The log was shown a receipt or checkpoint by its own key that it does not stand by: its database was restored from a backup and lacks what came after it, or it signed two histories. It takes nothing new until it is whole, so that it never contradicts what it acknowledged."
        }
        "receipt" => {
            "A statement was sent back to a log that lacks it. The receipt that came with it was not given by this log for this statement, so its place is not proven and nothing was kept."
        }
        "unconfirmed" => {
            "The disk reported a failure when it was to confirm the write, so nobody can say whether it is stored. The server ended, to read back at its next start what is there."
        }
        "too-many" => {
            "There were many wrong attempts within a short time. Further ones are refused for a while to protect secrets from guessing."
        }
        "internal" => {
            "A fault in this program. It is in the server’s log with its time; what was acknowledged before is safe."
        }
        _ => "The server refused the request; the detail of its answer says why.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_explained() {
        let fallback = happened(&ProblemKind {
            code: "no such code",
            status: 400,
            title: "",
            next: "",
        });
        for kind in problem::CATALOGUE {
            assert_ne!(happened(kind), fallback, "{}", kind.code);
        }
    }
}
