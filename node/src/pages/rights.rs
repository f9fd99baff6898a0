//! A learner's rights: who, which right, what it would do, done. The number that somebody is asked for by is sent once, never shown again and in
//! no address: what goes from page to page is a keyed pseudonym, in the bodies of forms.

use axum::Form;
use axum::extract::{Query, State};
use axum::response::{IntoResponse as _, Response};
use ldsp_ui::components::{
    Button, Checkboxes, Choice, ErrorSummary, Field, InsetText, PostForm, Select, Table, TextInput,
    Warning, link, list,
};
use ldsp_ui::{Html, Page, ProblemPage, SignedIn};
use serde::Deserialize;

use super::release_view::heading;
use super::releases::file;
use super::{Answer, Pages, done, fault, refused, see_other, words};
use crate::rights::{self, Asked, Preview, RightsError, Subject, Unfit, Whose};
use crate::store::people::Role;

pub(super) fn problem(error: RightsError) -> ProblemPage {
    match error {
        RightsError::Store(error) => fault(error),
        RightsError::Journal(error) => {
            tracing::error!(%error, next = error.next(), "the journal of erasures cannot be used");
            refused(
                "journal",
                "Nothing was erased",
                "the journal of erasures beside the database cannot be used; without it a restored backup would bring back what is erased",
                error.next(),
            )
        }
        error => refused(
            "rights",
            "Nothing was changed",
            &error.to_string(),
            error.next(),
        ),
    }
}

/// Which notice to show after a redirect.
#[derive(Deserialize)]
pub(super) struct After {
    #[serde(default)]
    done: String,
}

pub(super) async fn who(
    State(pages): State<Pages>,
    Query(after): Query<After>,
    person: SignedIn,
) -> Answer {
    let page = ask(&pages, &person, None).await?;
    let page = match after.done.as_str() {
        "erased" => page.notice(done(
            "The learner\u{2019}s records are erased.",
            "Their bytes are overwritten within the next minute. Backups of before still hold them: restoring one erases them again with the journal of erasures.",
        )),
        _ => page,
    };
    Ok(page.into_response())
}

/// The first question. What was typed does not come back.
async fn ask(pages: &Pages, person: &SignedIn, unfit: Option<Unfit>) -> Result<Page, ProblemPage> {
    let also = Html::concat([
        heading("Also here"),
        list([
            link("How long records are kept", "/retention"),
            link("Audit log: who did what", "/audit"),
        ]),
    ]);
    let page = Page::new("Rights of learners");
    if person.role.as_str() != Role::Coordinator.as_str() {
        let note = InsetText::new(
            "A coordinator answers what learners ask for: a copy of what is held about them, or its erasure.",
        );
        return Ok(page.body(Html::concat([note.into(), also])));
    }
    let wrong = |field| {
        let of = unfit.filter(|u| u.field == field);
        of.map(|u| {
            words::sentence(&format!(
                "{}. {}",
                words::sentence(u.what).trim_end_matches('.'),
                u.next
            ))
        })
    };
    let providers = pages.node.store.providers().await.map_err(fault)?;
    let choices = std::iter::once(Choice::new("", "Choose a provider"))
        .chain(providers.iter().map(|(name, _)| Choice::new(name, name)));
    let provider = Field::new("provider", "Training provider").error_if(wrong("provider"));
    let reference = Field::new(
        "reference",
        "The provider\u{2019}s reference of the learner",
    )
    .hint("As the provider\u{2019}s file has it, capitals too")
    .error_if(wrong("reference"));
    let uln = Field::new("uln", "Unique learner number (ULN)")
        .hint("Ten digits. It finds the learner at every provider whose files gave it")
        .error_if(wrong("uln"));
    let by_uln = PostForm::to("/rights")
        .with(TextInput::new(uln).width(10).numeric().autocomplete("off"))
        .with(Button::new("Find by ULN"));
    let by_reference = PostForm::to("/rights")
        .with(Select::new(provider, choices))
        .with(TextInput::new(reference).width(20).autocomplete("off"))
        .with(Button::new("Find by reference"));
    let body = Html::concat([
        InsetText::new("Make sure first that the one who asks is the learner, or may act for them. The number is used to look up and is not kept, shown or logged.").into(),
        heading("Who is it about? By ULN"),
        by_uln.into(),
        heading("Or by the provider\u{2019}s reference"),
        by_reference.into(),
        also,
    ]);
    let page = page.body(body);
    Ok(match unfit.and_then(|u| Some((u.field, wrong(u.field)?))) {
        Some((field, what)) => page.errors(ErrorSummary::new().error(field, what)),
        None => page,
    })
}

/// A form's fields; boxes that are ticked come more than once.
type Pairs = Vec<(String, String)>;

fn take(pairs: &Pairs, name: &str) -> String {
    let found = pairs.iter().find(|(field, _)| field == name);
    found.map_or_else(String::new, |(_, value)| value.clone())
}

pub(super) async fn which(
    State(pages): State<Pages>,
    person: SignedIn,
    Form(pairs): Form<Pairs>,
) -> Answer {
    let chosen = Chosen::from(&pairs);
    let was_asked = !chosen.learner.is_empty();
    let subject = if was_asked {
        chosen.subject()?
    } else {
        let asked = Asked {
            provider: take(&pairs, "provider"),
            reference: take(&pairs, "reference"),
            uln: take(&pairs, "uln"),
        };
        match asked.subject(&pages.node).await {
            Ok(subject) => subject,
            Err(RightsError::Unfit(unfit)) => {
                return Ok(ask(&pages, &person, Some(unfit)).await?.into_response());
            }
            Err(error) => return Err(problem(error)),
        }
    };
    let found = rights::preview(&pages.node, subject, &chosen.parts)
        .await
        .map_err(problem)?;
    if !found.parts.is_empty() {
        return Ok(whose(subject, &found, was_asked).into_response());
    }
    let held = if found.enrolments.is_empty() {
        Html::concat(found.effect.iter().map(|said| Html::paragraph(said)))
    } else {
        enrolments(&found)
    };
    let access = chosen
        .form("/rights/access", subject)
        .with(Html::paragraph(
            "A copy of everything that is held, to print, to save as PDF or as a file for programs. It says what was published, in words.",
        ))
        .with(Button::new("Show what is held"));
    let mut pieces = vec![held, heading("A copy of what is held"), access.into()];
    if !found.enrolments.is_empty() {
        let erase = chosen
            .form("/rights/preview", subject)
            .with(Html::paragraph(
                "Before anything is erased, the next page says what would go and what that does to the next release.",
            ))
            .with(Button::new("See what erasing does").secondary());
        pieces.extend([heading("Erasure"), erase.into()]);
    }
    Ok(Page::new("Which right?")
        .breadcrumb("Rights of learners", "/rights")
        .body(Html::concat(pieces))
        .into_response())
}

/// Whose records they are, where those of several ULNs or providers are tied together.
fn whose(subject: Subject, found: &Preview, unchosen: bool) -> Page {
    let error = unchosen.then_some("Tick the records that are the learner\u{2019}s");
    let choice = |whose: &Whose| {
        let each = whose
            .enrolments
            .iter()
            .map(|e| format!("{}, began {}", e.provider, words::day(e.start)));
        let each: Vec<String> = each.collect();
        Choice::new(&whose.part, format!("{}: {}", whose.by, each.join("; ")))
    };
    let parts = Checkboxes::new(
        Field::new("parts", "Which of these records are the learner\u{2019}s?").error_if(error),
        found.parts.iter().map(choice),
    );
    let form = PostForm::to("/rights")
        .hidden("learner", subject.to_hex())
        .with(parts)
        .with(Button::new("Go on with these"));
    let page = Page::new("Whose records?")
        .breadcrumb("Rights of learners", "/rights")
        .body(Html::concat([
            found.tied().map_or_else(Html::default, |said| Warning::new(said).into()),
            Html::paragraph("Ask the learner where and when they learnt, and go on with those records alone. The others are neither shown nor erased."),
            form.into(),
        ]));
    match error {
        Some(error) => page.errors(ErrorSummary::new().error("parts", error)),
        None => page,
    }
}

/// Enough to tell whether the right person was found.
fn enrolments(found: &Preview) -> Html {
    let rows = found
        .enrolments
        .iter()
        .map(|e| [Html::from(e.provider.clone()), words::day(e.start).into()]);
    Table::new("What is held under this number")
        .columns(["Training provider", "Began"])
        .rows(rows)
        .into()
}

struct Chosen {
    learner: String,
    /// Whose records, where they have to be told apart.
    parts: Vec<String>,
    /// How a copy is given.
    form: String,
    read: String,
}

impl From<&Pairs> for Chosen {
    fn from(pairs: &Pairs) -> Self {
        let parts = pairs.iter().filter(|(field, _)| field == "parts");
        Self {
            learner: take(pairs, "learner"),
            parts: parts.map(|(_, part)| part.clone()).collect(),
            form: take(pairs, "as"),
            read: take(pairs, "read"),
        }
    }
}

impl Chosen {
    /// A form that goes on with the same records.
    fn form(&self, to: &str, subject: Subject) -> PostForm {
        let form = PostForm::to(to).hidden("learner", subject.to_hex());
        let parts = self.parts.iter();
        parts.fold(form, |form, part| form.hidden("parts", part))
    }

    fn subject(&self) -> Result<Subject, ProblemPage> {
        Subject::from_hex(&self.learner).ok_or_else(|| {
            refused(
                "learner",
                "Nobody was looked up",
                "this page needs a learner who was looked up before",
                "Begin again on the page Rights.",
            )
        })
    }
}

pub(super) async fn access(
    State(pages): State<Pages>,
    person: SignedIn,
    Form(pairs): Form<Pairs>,
) -> Answer {
    let chosen = Chosen::from(&pairs);
    let subject = chosen.subject()?;
    let policy = pages.policy().await.map_err(fault)?;
    let (policy, now) = (policy.as_ref(), (pages.clock)());
    let held = rights::access(
        &pages.node,
        subject,
        &chosen.parts,
        policy,
        &person.name,
        now,
    )
    .await
    .map_err(problem)?;
    match chosen.form.as_str() {
        "html" => {
            return Ok(attached(
                held.document(),
                "text/html; charset=utf-8",
                "held-about-you.html",
            ));
        }
        "json" => {
            let text = serde_json::to_string_pretty(&held)
                .expect("it holds strings, numbers and lists only");
            return Ok(attached(text, "application/json", "held-about-you.json"));
        }
        _ => {}
    }
    let files = chosen.form("/rights/access", subject).buttons([
        Button::new("Save as a document")
            .sends("as", "html")
            .secondary(),
        Button::new("Save for programs (JSON)")
            .sends("as", "json")
            .secondary(),
    ]);
    let hint = Html::concat([
        Html::literal("<div class=\"ldsp-screen\">"),
        InsetText::new("For the learner alone: print it or save it as PDF, and hand it over in a safe way. It stands in the audit log, without the learner, that it was made.").into(),
        files.into(),
        Html::literal("</div>"),
    ]);
    Ok(Page::new("What is held about you")
        .breadcrumb("Rights of learners", "/rights")
        .body(Html::concat([hint, held.html()]))
        .into_response())
}

fn attached(text: String, kind: &'static str, name: &str) -> Response {
    file(text, kind, &format!("attachment; filename=\"{name}\""))
}

pub(super) async fn preview(State(pages): State<Pages>, Form(pairs): Form<Pairs>) -> Answer {
    let chosen = Chosen::from(&pairs);
    let subject = chosen.subject()?;
    let found = rights::preview(&pages.node, subject, &chosen.parts)
        .await
        .map_err(problem)?;
    if !found.parts.is_empty() {
        return Ok(whose(subject, &found, true).into_response());
    }
    Ok(confirm(subject, &chosen, &found, false).into_response())
}

fn confirm(subject: Subject, chosen: &Chosen, found: &Preview, unread: bool) -> Page {
    let page = Page::new("What erasing does").breadcrumb("Rights of learners", "/rights");
    let effect = list(found.effect.iter().map(String::as_str));
    if found.enrolments.is_empty() {
        return page.body(effect);
    }
    let error = unread.then_some("Tick the box when you have read what erasing does");
    let read = Checkboxes::new(
        Field::new("read", "Your word").error_if(error),
        [Choice::new(
            "yes",
            "The learner asked for this, and I have read what it does",
        )],
    );
    let form = chosen
        .form("/rights/erase", subject)
        .with(Warning::new("Erased records cannot be brought back."))
        .with(read)
        .with(Button::new("Erase the records").warning());
    let page = page.body(Html::concat([enrolments(found), effect, form.into()]));
    match error {
        Some(error) => page.errors(ErrorSummary::new().error("read", error)),
        None => page,
    }
}

pub(super) async fn erase(
    State(pages): State<Pages>,
    person: SignedIn,
    Form(pairs): Form<Pairs>,
) -> Answer {
    let chosen = Chosen::from(&pairs);
    let subject = chosen.subject()?;
    if chosen.read != "yes" {
        let found = rights::preview(&pages.node, subject, &chosen.parts)
            .await
            .map_err(problem)?;
        if !found.parts.is_empty() {
            return Ok(whose(subject, &found, true).into_response());
        }
        return Ok(confirm(subject, &chosen, &found, true).into_response());
    }
    rights::erase(
        &pages.node,
        subject,
        &chosen.parts,
        &person.name,
        (pages.clock)(),
    )
    .await
    .map_err(problem)?;
    // The worker overwrites the bytes.
    (pages.queued)();
    Ok(see_other("/rights?done=erased"))
}
