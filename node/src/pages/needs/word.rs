//! An approver's yes or no to exactly what the page shows.

use axum::Form;
use axum::extract::{Path, State};
use axum::response::IntoResponse as _;
use ldsp_protocol::ids::Digest;
use ldsp_ui::components::{
    Button, Checkboxes, Choice, Details, Field, InsetText, PostForm, TextArea, Warning,
};
use ldsp_ui::{Html, ProblemPage, SignedIn};
use serde::Deserialize;

use super::super::{Answer, Pages, see_other, words};
use super::show::page;
use super::{address, find, is, problem};
use crate::needs::words as said;
use crate::needs::{self, NeedsError, Word};
use crate::store::needs::StoredNeeds;
use crate::store::people::{Role, same_person};

/// What a person said that did not do.
#[derive(Default)]
pub(super) struct Said {
    pub(super) unread: bool,
    pub(super) reason: String,
    pub(super) unfit: Option<String>,
    /// Field and sentence.
    pub(super) errors: Vec<(String, String)>,
}

const MUST_READ: &str = "Tick the box when you have read what will leave";

/// What an approver decides; what all others are told.
pub(super) fn decision(
    it: &StoredNeeds,
    person: &SignedIn,
    word: &Said,
    is_obstructed: bool,
) -> Html {
    if same_person(&it.prepared.0, &person.name) {
        return InsetText::new("You prepared this draft, so somebody else has to publish it.")
            .into();
    }
    if !is(person, Role::Approver) {
        return InsetText::new(
            "An approver who did not prepare the draft publishes or refuses it.",
        )
        .into();
    }
    let digest = it.digest.to_string();
    let choice = Choice::new("yes", "I have read what is below")
        .hint("No number tells what one organisation or person said");
    let publish = PostForm::to(format!("{}/approve", address(it.id)))
        .hidden("digest", digest.clone())
        .with(Warning::new(said::WHO_READS))
        .with(Checkboxes::new(
            Field::new("read", "Your word").error_if(word.unread.then_some(MUST_READ)),
            [choice],
        ))
        .with(Button::new("Publish the needs"));
    let reason = Field::new("reason", "Why")
        .hint("For the coordinator; it stays at this node. Write nothing that tells of a person")
        .value(word.reason.clone())
        .error_if(word.unfit.as_deref());
    let refuse = PostForm::to(format!("{}/refuse", address(it.id)))
        .hidden("digest", digest)
        .with(TextArea::new(reason).rows(2).limit(500))
        .with(Button::new("Refuse the draft").secondary());
    let refuse = Details::new("Refuse the draft instead", refuse);
    let refuse = if word.unfit.is_some() {
        refuse.open()
    } else {
        refuse
    };
    let publish = (!is_obstructed).then(|| Html::from(publish));
    Html::concat([publish.unwrap_or_default(), refuse.into()])
}

#[derive(Deserialize)]
pub(super) struct Sent {
    digest: String,
    #[serde(default)]
    read: String,
    #[serde(default)]
    reason: String,
}

impl Sent {
    /// A form without a digest was not made by these pages.
    fn digest(&self) -> Result<Digest, ProblemPage> {
        let digest = self.digest.parse();
        digest.map_err(|_| problem(NeedsError::Digest))
    }
}

pub(super) async fn approve(
    State(pages): State<Pages>,
    Path(id): Path<String>,
    person: SignedIn,
    Form(sent): Form<Sent>,
) -> Answer {
    let it = find(&pages, &id).await?;
    if sent.read != "yes" {
        let word = Said {
            unread: true,
            errors: vec![("read".to_owned(), MUST_READ.to_owned())],
            ..Said::default()
        };
        return Ok(page(&pages, &it, &person, &word).await?.into_response());
    }
    let word = Word {
        id: it.id,
        digest: sent.digest()?,
        person: &person.name,
    };
    (pages.before_signing)().await;
    let node = &pages.node;
    let done = needs::approve(&node.store, &node.signing, word, (pages.clock)()).await;
    done.map_err(problem)?;
    (pages.queued)();
    Ok(see_other(&format!("{}?done=approved", address(it.id))))
}

pub(super) async fn refuse(
    State(pages): State<Pages>,
    Path(id): Path<String>,
    person: SignedIn,
    Form(sent): Form<Sent>,
) -> Answer {
    let it = find(&pages, &id).await?;
    let word = Word {
        id: it.id,
        digest: sent.digest()?,
        person: &person.name,
    };
    let done = needs::refuse(&pages.node.store, word, &sent.reason, (pages.clock)()).await;
    match done {
        Ok(()) => Ok(see_other(&format!("{}?done=refused", address(it.id)))),
        Err(error @ NeedsError::Reason(_)) => {
            let unfit = words::sentence(&error.to_string());
            let word = Said {
                reason: sent.reason,
                unfit: Some(unfit.clone()),
                errors: vec![("reason".to_owned(), unfit)],
                unread: false,
            };
            Ok(page(&pages, &it, &person, &word).await?.into_response())
        }
        Err(error) => Err(problem(error)),
    }
}
