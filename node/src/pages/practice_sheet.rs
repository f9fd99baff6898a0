//! The form of an entry as a page.

use ldsp_protocol::practice::{
    Again, Attrition, CostBand, Design, Direction, Factor, FieldError, FollowUp, Participants,
    Setting, SizeBand, Verdict,
};
use ldsp_protocol::standard::{Dimension, Standard};
use ldsp_ui::components::{
    Button, Checkboxes, Choice, DateInput, Details, ErrorSummary, Field, PostForm, Radios, Select,
    TextArea, TextInput,
};
use ldsp_ui::{Html, Page};

use super::practice_figures::Picker;
use super::practice_problems::{input, label, words_of};
use crate::practice::{CauseRow, DateParts, Form, OwnFigures};

/// The form with everything on it.
pub(super) struct Sheet<'a> {
    pub(super) form: &'a Form,
    pub(super) figures: &'a OwnFigures,
    pub(super) picker: Picker,
    pub(super) problems: &'a [FieldError],
    /// Number of the draft that is changed.
    pub(super) at: Option<i64>,
    pub(super) lep: String,
}

macro_rules! list {
    ($name:ident) => {
        $name::ALL.iter().map(|c| Choice::new(c.id(), c.in_words()))
    };
}

fn codes(dimension: Dimension) -> impl Iterator<Item = Choice> {
    let codes = &Standard::current().dimension(dimension).codes;
    codes
        .iter()
        .map(|c| Choice::new(c.id.clone(), c.title.clone()))
}

fn with_blank(choices: impl Iterator<Item = Choice>) -> Vec<Choice> {
    std::iter::once(Choice::new("", "Choose"))
        .chain(choices)
        .collect()
}

fn section(title: &'static str, hint: &'static str, content: Html) -> Html {
    #[derive(askama::Template)]
    #[template(
        source = r#"<section class="ldsp-prose"><h2 class="govuk-heading-l">{{ title }}</h2>{% if !hint.is_empty() %}<p class="govuk-body">{{ hint }}</p>{% endif %}{{ content }}</section>"#,
        ext = "html"
    )]
    struct Section {
        title: &'static str,
        hint: &'static str,
        content: Html,
    }
    Html::render(&Section {
        title,
        hint,
        content,
    })
}

fn group(legend: String, content: Html) -> Html {
    #[derive(askama::Template)]
    #[template(
        source = r#"<fieldset class="govuk-fieldset govuk-inset-text"><legend class="govuk-fieldset__legend govuk-fieldset__legend--s">{{ legend }}</legend>{{ content }}</fieldset>"#,
        ext = "html"
    )]
    struct Group {
        legend: String,
        content: Html,
    }
    Html::render(&Group { legend, content })
}

impl Sheet<'_> {
    pub(super) fn page(&self) -> Page {
        let summary = self
            .problems
            .iter()
            .fold(ErrorSummary::new(), |summary, p| {
                summary.error(
                    input(&p.field),
                    format!("{}: {}", label(&p.field), words_of(p)),
                )
            });
        let action = self.at.map_or_else(
            || "/practice/new".to_owned(),
            |id| format!("/practice/{id}/edit"),
        );
        // The Enter key sends the first button of a form: it has to be the one that saves.
        let enter = Html::literal(
            "<button type=\"submit\" name=\"action\" value=\"save\" class=\"govuk-visually-hidden\" tabindex=\"-1\" aria-hidden=\"true\">Save</button>",
        );
        let form = PostForm::to(action)
            .with(enter)
            .with(section("What was tried", "Never name a person: no names, e-mail addresses, telephone numbers, postcodes, learner or National Insurance numbers.", self.tried()))
            .with(section("Whether it worked, and why", "", self.worked()))
            .with(section("Figures and strength of evidence", "", self.evidence()))
            .with(section("How others can use it", "", self.use_of()))
            .with(Button::new("Save the entry").sends("action", "save"));
        let title = if self.at.is_some() {
            "Change the entry"
        } else {
            "Write a practice entry"
        };
        Page::new(title)
            .breadcrumb("Practice", "/practice")
            .errors(summary)
            .body(form)
    }

    fn field(&self, name: &str, label: &str, value: &str) -> Field {
        let at = |p: &&FieldError| p.field == name || input(&p.field) == name;
        Field::new(name, label)
            .value(value)
            .error_if(self.problems.iter().find(at).map(words_of))
    }

    /// All problems of a text, which may hold personal data at several places.
    fn text(&self, name: &str, label: &str, value: &str) -> Field {
        let all: Vec<String> = self
            .problems
            .iter()
            .filter(|p| input(&p.field) == name)
            .map(words_of)
            .collect();
        Field::new(name, label)
            .value(value)
            .error_if((!all.is_empty()).then(|| all.join(" ")))
    }

    fn tried(&self) -> Html {
        let f = self.form;
        Html::concat([
            TextInput::new(
                self.text("title", "Title", &f.title)
                    .hint("One line that another coordinator would search for"),
            )
            .into(),
            TextArea::new(
                self.text("what", "What was done", &f.what)
                    .hint("For whom, where and for how long"),
            )
            .rows(8)
            .limit(4000)
            .into(),
            Radios::new(self.field("tier", "Tier", &f.tier), codes(Dimension::Tier)).into(),
            Checkboxes::new(
                self.field("skills", "Skills", ""),
                ticked(Dimension::Skill, &f.skills),
            )
            .into(),
            Checkboxes::new(
                self.field("audience", "For whom", ""),
                ticked(Dimension::Audience, &f.audience),
            )
            .into(),
            Radios::new(
                self.field("mode", "Mode of delivery", &f.mode),
                codes(Dimension::Mode),
            )
            .into(),
            Radios::new(
                self.field("area", "Where does it apply?", &f.area),
                [
                    Choice::new("own", format!("In {}", self.lep)).hint("Your LEP is named"),
                    Choice::new("like", "In an area like ours")
                        .hint("Say below what the area is like. Pages then show ‘an area like …’ instead of your LEP. The signed statement, and so the page's address, still shows which node published it."),
                ],
            )
            .into(),
            Select::new(
                self.field("setting", "Kind of area, if it is not named", &f.setting),
                with_blank(list!(Setting)),
            )
            .into(),
            Select::new(
                self.field("size", "Size of the area, if it is not named", &f.size),
                with_blank(list!(SizeBand)),
            )
            .into(),
            Select::new(
                self.field("cost", "Whole cost", &f.cost),
                with_blank(list!(CostBand)),
            )
            .into(),
        ])
    }

    fn worked(&self) -> Html {
        let f = self.form;
        let mut pieces =
            vec![Radios::new(self.field("verdict", "Verdict", &f.verdict), list!(Verdict)).into()];
        let blank = [CauseRow::default()];
        let rows = if f.causes.is_empty() {
            &blank[..]
        } else {
            &f.causes
        };
        for (at, row) in rows.iter().enumerate() {
            let name = |part: &str| format!("causes-{at}-{part}");
            let fields = Html::concat([
                Select::new(
                    self.field(&name("factor"), "What mattered", &row.factor),
                    with_blank(list!(Factor)),
                )
                .into(),
                Radios::new(
                    self.field(&name("direction"), "Which way", &row.direction),
                    list!(Direction),
                )
                .into(),
                TextArea::new(
                    self.text(&name("because"), "How", &row.because)
                        .hint("One or two sentences"),
                )
                .rows(3)
                .limit(500)
                .into(),
            ]);
            pieces.push(group(format!("Cause {}", at + 1), fields));
        }
        pieces.extend([
            Button::new("Add another cause")
                .secondary()
                .sends("action", "add-cause")
                .into(),
            Radios::new(
                self.field("again", "Would you do it again?", &f.again),
                list!(Again),
            )
            .into(),
            TextArea::new(
                self.text("change", "What would you change?", &f.change)
                    .hint("Needed unless the answer is a plain yes"),
            )
            .limit(2000)
            .into(),
        ]);
        Html::concat(pieces)
    }

    fn evidence(&self) -> Html {
        let f = self.form;
        Html::concat([
            self.picker.html(
                f,
                self.figures,
                self.problems
                    .iter()
                    .find(|p| p.field.starts_with("evidence"))
                    .map(words_of),
            ),
            Select::new(
                self.field("design", "How was it compared?", &f.design),
                with_blank(list!(Design)),
            )
            .into(),
            Select::new(
                self.field(
                    "participants",
                    "How many people took part?",
                    &f.participants,
                ),
                with_blank(list!(Participants)),
            )
            .into(),
            Select::new(
                self.field(
                    "attrition",
                    "How many dropped out of the measurement?",
                    &f.attrition,
                ),
                with_blank(list!(Attrition)),
            )
            .into(),
            Select::new(
                self.field(
                    "follow_up",
                    "For how long were people followed?",
                    &f.follow_up,
                ),
                with_blank(list!(FollowUp)),
            )
            .into(),
        ])
    }

    fn use_of(&self) -> Html {
        let f = self.form;
        let mut pieces = vec![Html::from(
            TextArea::new(self.text("repeat", "How can somebody else repeat it?", &f.repeat))
                .rows(8)
                .limit(4000),
        )];
        for (at, row) in f.tools.iter().enumerate() {
            let name = |part: &str| format!("tools-{at}-{part}");
            let fields = Html::concat([
                TextInput::new(self.text(&name("title"), "Title", &row.title)).into(),
                TextInput::new(
                    self.text(&name("link"), "Address", &row.link)
                        .hint("Begins with https://"),
                )
                .into(),
                TextInput::new(
                    self.text(&name("licence"), "Licence", &row.licence)
                        .hint("For example CC BY 4.0 or OGL v3.0"),
                )
                .into(),
            ]);
            pieces.push(group(format!("Tool or resource {}", at + 1), fields));
        }
        let others = Html::concat([
            TextInput::new(self.text(
                "supersedes",
                "Reference of the entry that this one replaces",
                &f.supersedes,
            ))
            .into(),
            TextInput::new(self.text(
                "replicates",
                "Reference of the entry that you repeated",
                &f.replicates,
            ))
            .into(),
        ]);
        let refers = Details::new("This entry replaces or repeats another one", others);
        let refers = if f.supersedes.is_empty() && f.replicates.is_empty() {
            refers
        } else {
            refers.open()
        };
        pieces.extend([
            Button::new("Add a tool or resource")
                .secondary()
                .sends("action", "add-tool")
                .into(),
            TextInput::new(
                self.text("contact_role", "Whom can others ask?", &f.contact_role)
                    .hint("A role, never a person: for example digital skills coordinator"),
            )
            .into(),
            Radios::new(
                self.field("sharing", "Who may read it?", &f.sharing),
                [
                    Choice::new("public", "Everybody, at once"),
                    Choice::new(
                        "peers",
                        "Only other LEPs until a date, everybody from then on",
                    )
                    .hint("Good for what went wrong: peers can learn from it first"),
                ],
            )
            .into(),
            self.date(
                "until",
                "Until when only other LEPs",
                "If you chose that",
                &f.until,
            ),
            self.date(
                "review",
                "When will you look at it again?",
                "For example 27 3 2027",
                &f.review,
            ),
            refers.into(),
        ]);
        Html::concat(pieces)
    }

    fn date(&self, name: &str, label: &str, hint: &str, parts: &DateParts) -> Html {
        let field = self.field(name, label, "").hint(hint);
        DateInput::new(field, &parts.day, &parts.month, &parts.year).into()
    }
}

/// The codes of a dimension, ticked where they are among `chosen`.
fn ticked(dimension: Dimension, chosen: &[String]) -> impl Iterator<Item = Choice> {
    let codes = Standard::current().dimension(dimension).codes.iter();
    codes.map(move |c| Choice::new(c.id.clone(), c.title.clone()).chosen(chosen.contains(&c.id)))
}
