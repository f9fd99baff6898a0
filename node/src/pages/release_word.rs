//! The word that a release waits for: an approver's yes or no, to exactly the bytes that the page shows.

use ldsp_ui::components::{
    Button, Checkboxes, Choice, Details, Field, InsetText, PostForm, TextArea, Warning,
};
use ldsp_ui::{Html, SignedIn};

use super::release_view::{Said, code, heading};
use super::words;
use crate::release::figures::Opened;
use crate::store::people::same_person;
use crate::store::releases::StoredRefusal;

/// Who may say it, and how the release stands.
pub(super) struct Judges<'a> {
    pub(super) person: &'a SignedIn,
    pub(super) approvers: &'a [String],
    pub(super) refusals: &'a [StoredRefusal],
    /// Every rule is kept.
    pub(super) sound: bool,
    /// Why nothing can be approved at present, whoever asks.
    pub(super) obstacle: Option<Html>,
}

pub(super) fn decision(opened: &Opened, judges: &Judges<'_>, said: &Said) -> Html {
    if opened.release.approved.is_some() {
        return Html::default();
    }
    let may = judges.approvers.contains(&judges.person.name);
    let obstacle = judges.obstacle.clone().unwrap_or_default();
    let content = if may {
        forms(opened, judges, said)
    } else {
        waits(opened, judges)
    };
    Html::concat([heading("Who must approve"), obstacle, content])
}

fn waits(opened: &Opened, judges: &Judges<'_>) -> Html {
    let who = match judges.approvers {
        [] => "Nobody may approve it yet: an admin has to add an approver on the page People."
            .to_owned(),
        names => format!("It is waiting for {}.", words::either(names)),
    };
    let why = if same_person(&judges.person.name, &opened.release.author) {
        "You prepared this release, so somebody else has to approve it.".to_owned()
    } else {
        let role = words::signed_in_as(judges.person);
        format!("{role} Only an approver may approve a release.")
    };
    InsetText::new(format!("{why} {who}")).into()
}

fn forms(opened: &Opened, judges: &Judges<'_>, said: &Said) -> Html {
    let release = &opened.release;
    let bytes = Html::concat([
        format!(
            "You may: {} prepared it. What you approve is exactly the {} bytes with this digest, and nothing else is signed: ",
            words::author(&release.author),
            words::count(release.bytes().len() as u64)
        )
        .into(),
        code(&release.digest.in_blocks()),
    ]);
    let mut pieces = vec![Html::from(InsetText::new(bytes))];
    if judges.obstacle.is_some() {
        pieces.push(Html::paragraph(
            "It can be read and refused meanwhile, and is approved once that is done.",
        ));
    } else if judges.sound {
        pieces.push(approve(opened, said));
    } else {
        pieces.push(Html::paragraph(
            "It cannot be approved: a rule above is not kept.",
        ));
    }
    pieces.push(refuse(opened, judges, said));
    Html::concat(pieces)
}

fn approve(opened: &Opened, said: &Said) -> Html {
    let period = opened.release.period;
    let read = Field::new("read", "Your word").error_if(said.unread);
    let choice = Choice::new("yes", "I have read what will leave")
        .hint("The words and figures above, and the tables as far as I need to be sure");
    PostForm::to(format!("/releases/{period}/approve"))
        .hidden("digest", opened.release.digest.to_string())
        .with(Warning::new("What has left cannot be taken back."))
        .with(Checkboxes::new(read, [choice]))
        .with(Button::new(format!(
            "Approve and send {}",
            period.in_words()
        )))
        .into()
}

fn refuse(opened: &Opened, judges: &Judges<'_>, said: &Said) -> Html {
    let period = opened.release.period;
    let field = Field::new("reason", "What is wrong")
        .hint("For the coordinator. It stands here and in the privacy report, never in the log. Write nothing that tells of a person")
        .value(said.reason.clone())
        .error_if(said.unfit.as_deref());
    let form = PostForm::to(format!("/releases/{period}/refuse"))
        .hidden("digest", opened.release.digest.to_string())
        .with(Html::paragraph(
            "Refusing holds the release back and tells its author why. It does not make another one: the noise of a month is drawn once, the same bytes wait until they are approved, and no later month can be prepared before.",
        ))
        .with(TextArea::new(field).rows(3).limit(500))
        .with(Button::new(format!("Refuse {}", period.in_words())).secondary());
    let summary = if judges.refusals.is_empty() {
        "Something is wrong: refuse it"
    } else {
        "Something else is wrong: refuse it again"
    };
    let details = Details::new(summary, form);
    if said.unfit.is_some() {
        details.open().into()
    } else {
        details.into()
    }
}
