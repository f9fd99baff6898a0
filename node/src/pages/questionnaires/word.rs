//! Handing over, taking back, releasing and sending back.

use axum::Form;
use axum::extract::{Path, State};
use axum::response::IntoResponse as _;
use ldsp_protocol::ids::Digest;
use ldsp_ui::components::{
    Button, Checkboxes, Choice, Details, Field, InsetText, PostForm, TextArea, Warning,
};
use ldsp_ui::{Html, ProblemPage, SignedIn};
use serde::Deserialize;

use super::super::release_view::heading;
use super::super::{Answer, Pages, see_other, words};
use super::show::{View, page};
use super::{address, find, is, numbered, problem, said};
use crate::questionnaire::{self, QuestionnaireError, Word, digest, form};
use crate::store::people::{Role, same_person};

/// What a person said that did not do, and what is wrong with the answers.
#[derive(Default)]
pub(super) struct Said {
    pub(super) unread: bool,
    pub(super) reason: String,
    pub(super) unfit: Option<String>,
    /// Field and sentence.
    pub(super) errors: Vec<(String, String)>,
}

const MUST_READ: &str = "Tick the box when you have read what will leave";

/// What an approver decides about answers that wait; what all others are told.
pub(super) fn decision(view: &View, person: &SignedIn, word: &Said) -> Html {
    let case = &view.case;
    let address = address(&case.it.asked.name);
    if is(person, Role::Coordinator) {
        return Html::concat([
            InsetText::new("The answers wait for an approver who did not write them. To change them, take them back first.").into(),
            PostForm::to(format!("{address}/take-back"))
                .buttons([Button::new("Take them back").secondary()])
                .into(),
        ]);
    }
    if !is(person, Role::Approver) {
        return InsetText::new("An approver reads and releases the answers.").into();
    }
    let title = heading("Release");
    let draft = case.draft.as_ref();
    let wrote = draft.map(|draft| {
        let handed = draft.handed.as_ref().map(|(who, _)| who);
        [Some(&draft.changed.0), handed]
    });
    let wrote = wrote.into_iter().flatten().flatten();
    if wrote.into_iter().any(|who| same_person(who, &person.name)) {
        return Html::concat([
            title,
            InsetText::new("You wrote these answers, so somebody else has to release them.").into(),
        ]);
    }
    let digest = digest(&case.payload(&view.carried.answers)).to_string();
    let choice = Choice::new("yes", "I have read the answers below")
        .hint("They name no person, and the LEP stands by them");
    let release = PostForm::to(format!("{address}/release"))
        .hidden("digest", digest.clone())
        .with(Warning::new(said::WHO_READS))
        .with(Checkboxes::new(
            Field::new("read", "Your word").error_if(word.unread.then_some(MUST_READ)),
            [choice],
        ))
        .with(Button::new("Release and send the answers"));
    let reason = Field::new("reason", "What is to be changed")
        .hint("For the coordinator; it stays at this node. Write nothing that tells of a person")
        .value(word.reason.clone())
        .error_if(word.unfit.as_deref());
    let back = PostForm::to(format!("{address}/send-back"))
        .hidden("digest", digest)
        .with(TextArea::new(reason).rows(2).limit(500))
        .with(Button::new("Send them back").secondary());
    let back = Details::new("Send the answers back instead", back);
    let back = if word.unfit.is_some() {
        back.open()
    } else {
        back
    };
    Html::concat([title, release.into(), back.into()])
}

pub(super) async fn hand_over(
    State(pages): State<Pages>,
    Path(name): Path<String>,
    person: SignedIn,
) -> Answer {
    let case = find(&pages, &name).await?;
    let by = (person.name.as_str(), (pages.clock)());
    let asked = &case.it.asked;
    let handed = questionnaire::hand_over(&pages.node.store, &asked.name, by).await;
    match handed {
        Ok(_) => Ok(see_other(&format!(
            "{}?done=handed-over",
            address(&asked.name)
        ))),
        Err(QuestionnaireError::Unfit(faults)) => {
            let errors = faults.iter().filter_map(|(id, error)| {
                let question = asked.question(id)?;
                let words = form::in_words(error, question);
                Some((
                    "parts-1-status".to_owned(),
                    format!("{}: {words}", numbered(&case, question)),
                ))
            });
            let word = Said {
                errors: errors.collect(),
                ..Said::default()
            };
            let view = View::read(&pages, &name).await?;
            Ok(page(&pages, &view, &person, &word).await?.into_response())
        }
        Err(error) => Err(problem(error)),
    }
}

pub(super) async fn take_back(
    State(pages): State<Pages>,
    Path(name): Path<String>,
    person: SignedIn,
) -> Answer {
    let case = find(&pages, &name).await?;
    let by = (person.name.as_str(), (pages.clock)());
    let name = &case.it.asked.name;
    let taken = questionnaire::take_back(&pages.node.store, name, by).await;
    taken.map_err(problem)?;
    Ok(see_other(&format!("{}?done=taken-back", address(name))))
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
        digest.map_err(|_| problem(QuestionnaireError::Digest))
    }
}

pub(super) async fn release(
    State(pages): State<Pages>,
    Path(name): Path<String>,
    person: SignedIn,
    Form(sent): Form<Sent>,
) -> Answer {
    let case = find(&pages, &name).await?;
    if sent.read != "yes" {
        let word = Said {
            unread: true,
            errors: vec![("read".to_owned(), MUST_READ.to_owned())],
            ..Said::default()
        };
        let view = View::read(&pages, &name).await?;
        return Ok(page(&pages, &view, &person, &word).await?.into_response());
    }
    let name = &case.it.asked.name;
    let word = Word {
        name,
        digest: sent.digest()?,
        person: &person.name,
    };
    (pages.before_signing)().await;
    let node = &pages.node;
    let done = questionnaire::release(&node.store, &node.signing, word, (pages.clock)()).await;
    done.map_err(problem)?;
    (pages.queued)();
    Ok(see_other(&format!("{}?done=released", address(name))))
}

pub(super) async fn send_back(
    State(pages): State<Pages>,
    Path(name): Path<String>,
    person: SignedIn,
    Form(sent): Form<Sent>,
) -> Answer {
    let case = find(&pages, &name).await?;
    let asked = &case.it.asked.name;
    let word = Word {
        name: asked,
        digest: sent.digest()?,
        person: &person.name,
    };
    let store = &pages.node.store;
    let back = questionnaire::send_back(store, word, &sent.reason, (pages.clock)()).await;
    match back {
        Ok(()) => Ok(see_other(&format!("{}?done=sent-back", address(asked)))),
        Err(error @ QuestionnaireError::Reason(_)) => {
            let unfit = words::sentence(&error.to_string());
            let word = Said {
                reason: sent.reason,
                unfit: Some(unfit.clone()),
                errors: vec![("reason".to_owned(), unfit)],
                unread: false,
            };
            let view = View::read(&pages, &name).await?;
            Ok(page(&pages, &view, &person, &word).await?.into_response())
        }
        Err(error) => Err(problem(error)),
    }
}
