//! The first page: what is next and who must do it, what is held, what was published.

use axum::extract::State;
use axum::response::IntoResponse as _;
use jiff::civil::Date;
use ldsp_protocol::ids::Period;
use ldsp_protocol::keys::key_id;
use ldsp_protocol::standard::{Dimension, Standard};
use ldsp_protocol::statement::Kind;
use ldsp_ui::components::{StatCard, Stats, Table, Tag, TagColour, link};
use ldsp_ui::{Html, Page, SignedIn};

use super::home_tasks::{getting_started, tasks};
use super::{
    Answer, Pages, READ, exact_part, exact_tag, fault, federation, release_problem, sample,
    see_other, sees_exact, words,
};
use crate::import::london_day;
use crate::questionnaire::Case;
use crate::release::next_period;
use crate::release::preview::was_tried;
use crate::store::enrolment::{self, Enrolment};
use crate::store::imports::ImportRecord;
use crate::store::needs::StoredNeeds;
use crate::store::overview::StatementRow;
use crate::store::people::Person;
use crate::store::practice::StoredEntry;
use crate::store::records::Held;
use crate::store::releases::{self, StoredRelease};

/// Everything that the page says.
pub(super) struct Desk {
    pub(super) people: Vec<Person>,
    pub(super) enrolment: Option<Enrolment>,
    pub(super) programmes: usize,
    pub(super) held: Held,
    pub(super) releases: Vec<StoredRelease>,
    pub(super) next: Option<(Period, bool)>,
    pub(super) statements: Vec<StatementRow>,
    pub(super) practice: Vec<StoredEntry>,
    pub(super) questionnaires: Vec<Case>,
    /// The draft of needs that waits for an approver.
    pub(super) needs: Option<StoredNeeds>,
    pub(super) today: Date,
    pub(super) imports: Vec<ImportRecord>,
    /// Whether all records are made up.
    pub(super) sample: bool,
    /// The name of the LEP, once it is chosen.
    pub(super) lep: Option<String>,
    /// Whether it may still be another one.
    pub(super) may_choose: bool,
    /// Whether somebody looked at a preview, where no month was prepared yet.
    pub(super) tried: bool,
}

impl Desk {
    async fn read(pages: &Pages) -> Result<Self, ldsp_ui::ProblemPage> {
        let store = &pages.node.store;
        let tiers = Standard::current().dimension(Dimension::Tier).codes.len();
        let stages = Standard::current().stages().len();
        let mut reader = store.reader.acquire().await.map_err(|e| fault(e.into()))?;
        let enrolment = enrolment::read(&mut reader).await.map_err(fault)?;
        let releases = releases::all(&mut reader).await.map_err(fault)?;
        drop(reader);
        let none_prepared = releases.is_empty();
        Ok(Self {
            people: store.people().await.map_err(fault)?,
            enrolment,
            programmes: store.programmes().await.map_err(fault)?.len(),
            held: store
                .exact_held(tiers, stages)
                .await
                .map_err(fault)?
                .for_signed_in_page(),
            releases,
            next: next_period(store, (pages.clock)())
                .await
                .map_err(release_problem)?,
            statements: store.statements().await.map_err(fault)?,
            practice: store.practice_entries().await.map_err(fault)?,
            questionnaires: Case::all(store).await.map_err(fault)?,
            needs: (store.needs().await.map_err(fault)?.into_iter()).find(StoredNeeds::waits),
            today: london_day((pages.clock)()),
            imports: store.imports(5).await.map_err(fault)?,
            sample: store.holds_sample().await.map_err(fault)?,
            lep: pages.node.chosen().as_ref().map(words::lep),
            may_choose: store.lep_fixed().await.map_err(fault)?.is_none(),
            tried: none_prepared && was_tried(store).await.map_err(fault)?,
        })
    }

    pub(super) fn enrolments(&self) -> u64 {
        self.held.tier_by_stage.iter().flatten().sum::<u64>() + self.held.outside
    }
}

pub(super) async fn home(State(pages): State<Pages>, person: SignedIn) -> Answer {
    if person.organisation.is_some() {
        return Ok(see_other("/provider"));
    }
    let desk = Desk::read(&pages).await?;
    let fingerprint = key_id(&pages.node.signing.verifying_key()).in_blocks();
    let mut body = vec![super::work::under_way(&pages, &person)];
    if desk.sample {
        body.push(sample::present(&person));
    }
    if let Some(steps) = getting_started(&desk, &person) {
        body.extend([heading("Getting started"), steps.into()]);
    }
    let empty = desk.programmes == 0 && desk.enrolments() == 0 && desk.releases.is_empty();
    if empty
        && desk.lep.is_some()
        && desk.enrolment.is_none()
        && !desk.sample
        && person.is_any(&["coordinator"])
    {
        body.push(sample::offer());
    }
    body.extend([
        heading("What is next"),
        tasks(&desk, &person).map_or_else(
            || {
                Html::paragraph(
                    "No release, needs, questionnaire, practice entry or delivery waits for anybody.",
                )
            },
            Html::from,
        ),
        heading("What was published"),
        published(&desk, person.is_any(READ)),
    ]);
    if sees_exact() {
        body.extend([
            heading("What is held here"),
            held(&desk),
            heading("Recent imports"),
            imports(&desk),
        ]);
    }
    body.extend([
        heading("Place in the federation"),
        federation(&desk, &fingerprint),
    ]);
    let body = Html::concat(body);
    let lead = "Learners\u{2019} records stay on this server. Only protected counts and practice entries leave it, after two people agreed.";
    Ok(Page::new(format!("{} at a glance", pages.node.place()))
        .lead(lead)
        .body(body)
        .into_response())
}

fn heading(text: &'static str) -> Html {
    #[derive(askama::Template)]
    #[template(
        source = r#"<h2 class="govuk-heading-l">{{ text }}</h2>"#,
        ext = "html"
    )]
    struct Heading {
        text: &'static str,
    }
    Html::render(&Heading { text })
}

pub(super) fn tag(text: &str, colour: TagColour) -> Html {
    Tag::coloured(text, colour).into()
}

/// What left; `reads`: with links for those who may follow them.
fn published(desk: &Desk, reads: bool) -> Html {
    let released: Vec<&StoredRelease> =
        desk.releases.iter().filter(|r| r.seq().is_some()).collect();
    let receipts = desk
        .statements
        .iter()
        .filter(|s| s.acknowledged_at.is_some())
        .count();
    let last = released.last();
    let entries = desk.practice.iter().filter(|e| e.seq.is_some()).count();
    let months = StatCard::new("Months released", words::count(released.len() as u64)).line(
        last.map_or_else(
            || "none yet".to_owned(),
            |r| format!("the last one is {}", r.period.in_words()),
        ),
    );
    let receipt = StatCard::new(
        "Receipts from the national log",
        format!("{receipts} of {}", desk.statements.len()),
    )
    .line(
        desk.statements
            .iter()
            .find_map(|s| s.log_index)
            .map_or_else(
                || "none yet".to_owned(),
                |index| format!("the last one is for log entry {}", words::count(index)),
            ),
    );
    let practice = StatCard::new("Practice entries released", words::count(entries as u64))
        .line("what worked, what failed, and why");
    let stats = Html::from(Stats::new(
        "What was published",
        [months, receipt, practice],
    ));
    if desk.statements.is_empty() || !reads {
        return stats;
    }
    let titles = |row: &StatementRow| match row.period {
        _ if row.names.is_some() => {
            link(&words::statement(row), &format!("/statements/{}", row.seq))
        }
        Some(period) => link(&period.in_words(), &format!("/releases/{period}")),
        None if row.kind != Kind::PracticeEntry => {
            link(&words::statement(row), &format!("/statements/{}", row.seq))
        }
        None => desk
            .practice
            .iter()
            .find(|e| e.seq == Some(row.seq))
            .map_or_else(
                || "Practice entry".into(),
                |e| link(&e.entry.title, &format!("/practice/{}", e.id)),
            ),
    };
    let rows = desk.statements.iter().take(6).map(|row| {
        [
            titles(row),
            match row.kind {
                Kind::LearningSummary => "Monthly figures".into(),
                Kind::PracticeEntry => "Practice entry".into(),
                Kind::QuestionnaireAnswers => "Answers".into(),
                Kind::DemandSummary | Kind::ProvisionSummary => "Needs".into(),
                _ => "Revision".into(),
            },
            words::count(row.seq).into(),
            words::second(row.queued_at).into(),
            receipt_words(row),
        ]
    });
    let table = Table::new("Latest statements")
        .columns(["What", "Kind", "Number", "Released", "Receipt"])
        .rows(rows);
    let all = Html::concat([
        Html::literal("<p class=\"govuk-body\">"),
        link("All statements, and how one is withdrawn", "/statements"),
        Html::literal("</p>"),
    ]);
    Html::concat([stats, table.into(), all])
}

/// How a statement's delivery stands.
pub(super) fn receipt_words(row: &StatementRow) -> Html {
    let withdrawn = match row.withdrawn_by {
        Some(_) => tag("Withdrawn", TagColour::Grey),
        None => Html::default(),
    };
    let delivery = match (row.acknowledged_at, row.log_index) {
        (Some(at), Some(index)) => Html::concat([
            tag("Received", TagColour::Green),
            format!(" log entry {}, {}", words::count(index), words::second(at)).into(),
        ]),
        _ if row.problem.is_some() => tag("Delayed", TagColour::Red),
        _ => tag("On its way", TagColour::Blue),
    };
    Html::concat([withdrawn, " ".into(), delivery])
}

fn held(desk: &Desk) -> Html {
    let standard = Standard::current();
    let held = &desk.held;
    let in_area: u64 = held.tier_by_stage.iter().flatten().sum();
    let cards = [
        StatCard::new("Enrolments of this area", words::count(in_area))
            .line("people who live in the LEP\u{2019}s districts")
            .tag(exact_tag()),
        StatCard::new("Learners", words::count(held.learners))
            .line("different people, pseudonymised")
            .tag(exact_tag()),
        StatCard::new("From outside the area", words::count(held.outside))
            .line("kept for local figures, never published")
            .tag(exact_tag()),
        StatCard::new("Programmes", words::count(desk.programmes as u64))
            .line("described by this LEP"),
    ];
    let mut pieces = vec![Html::from(Stats::new("What is held here", cards))];
    if in_area > 0 {
        let stages = standard.stages();
        let tiers = &standard.dimension(Dimension::Tier).codes;
        let columns = std::iter::once(Html::from("Tier"))
            .chain(stages.iter().map(|s| s.title.clone().into()))
            .chain([Html::from("All")]);
        let rows = tiers.iter().zip(&held.tier_by_stage).map(|(tier, cells)| {
            let mut row = vec![Html::from(tier.title.clone())];
            row.extend(cells.iter().map(|n| words::count(*n).into()));
            row.push(words::count(cells.iter().sum::<u64>()).into());
            row
        });
        let table = Table::new("Enrolments of this area by tier and stage. Exact: do not share")
            .columns(columns)
            .numeric(1..stages.len() + 2)
            .rows(rows);
        pieces.push(table.into());
    }
    let mut note = "Records are pseudonymised: names, unique learner numbers, birth dates and postcodes were not kept.".to_owned();
    if held.local_only > 0 {
        let more = words::count(held.local_only);
        note.push_str(&format!(" {more} enrolments count locally only: a learner\u{2019}s third and further ones do not enter published figures."));
    }
    pieces.push(Html::paragraph(&note));
    exact_part(Html::concat(pieces))
}

fn imports(desk: &Desk) -> Html {
    if desk.imports.is_empty() {
        return Html::paragraph("No file has been imported yet.");
    }
    let rows = desk.imports.iter().map(|i| {
        let t = i.tally;
        let refused = match t.refused {
            0 => Html::from("0"),
            n => Html::concat([tag(&words::count(n), TagColour::Red)]),
        };
        [
            Html::from(words::moment(i.at)),
            words::sentence(i.kind.as_str())
                .trim_end_matches('.')
                .into(),
            words::count(t.rows).into(),
            words::count(t.added).into(),
            words::count(t.changed).into(),
            words::count(t.unchanged).into(),
            refused,
            words::count(t.outside).into(),
        ]
    });
    let table = Table::new("Rows of the last files. Exact: do not share")
        .columns([
            "When",
            "File",
            "Rows",
            "New",
            "Changed",
            "Same",
            "Refused",
            "Outside the area",
        ])
        .numeric(2..8)
        .rows(rows);
    exact_part(table)
}

fn federation(desk: &Desk, fingerprint: &str) -> Html {
    Html::concat([
        federation::facts(desk.enrolment.as_ref(), fingerprint),
        Html::literal("<p class=\"govuk-body\">"),
        link(
            "How the node is enrolled, and what to do next",
            federation::PATH,
        ),
        Html::literal("</p>"),
    ])
}
