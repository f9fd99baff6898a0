//! What one provider's people find on their pages: cohorts with registers, whom to ask this week, a question that waits for its answer; and what
//! the coordinator keeps beside them.

use std::io::Cursor;

use anyhow::{Context as _, ensure};
use jiff::ToSpan as _;
use jiff::civil::Date;
use ldsp_node::app::Context;
use ldsp_node::app::cli::{Command, Exchange, Keep, Said};
use ldsp_node::home::Node;
use ldsp_node::import::report::Outcome;
use ldsp_node::import::{self, Brings, Options, london_day};
use ldsp_node::quality;

use super::Plan;
use super::area::{COORDINATOR, PROVIDER, ask};
use crate::records::LepRecords;

/// Who employs the learners of one cohort.
const EMPLOYER: &str = "Harbour Bakery (illustrative)";
/// Learners of a cohort.
const PLACES: usize = 16;
/// Months after which somebody is asked.
const FOLLOW_UP: [i32; 3] = [3, 6, 12];

/// A run of one of the provider's programmes.
struct Cohort {
    code: String,
    programme: String,
    title: &'static str,
    place: &'static str,
    employer: Option<&'static str>,
    /// First days of the enrolments in it.
    starts: (Date, Date),
    /// Whether it holds those who are asked this week.
    asked: bool,
}

/// Describes what the provider delivers and brings its registers in, as an upload on its own pages does.
pub(super) async fn describe(
    node: &Node,
    records: &LepRecords,
    plan: &Plan,
    context: &Context,
) -> anyhow::Result<()> {
    let Some(provider) = records.a_provider() else {
        return Ok(());
    };
    let organisations = [
        (provider, "provider", "Data manager"),
        (EMPLOYER, "employer", "Personnel office"),
        (
            "Digital Friends (illustrative)",
            "charity",
            "Volunteer co-ordination",
        ),
        ("Skills fund (illustrative)", "funder", "Grants team"),
    ];
    let mut numbers = Vec::new();
    for (name, kind, contact) in organisations {
        let columns = [("name", name), ("kind", kind), ("contact_role", contact)];
        numbers.push(keep(Command::Organisations, &columns, context).await?);
    }
    let [organisation, ..] = numbers[..] else {
        return Ok(());
    };
    let today = london_day((context.clock)());
    for cohort in cohorts(records, provider, plan, today) {
        let id = add_cohort(&cohort, provider, context).await?;
        register(
            node,
            records,
            &cohort,
            (provider, organisation, id),
            context,
        )
        .await?;
        for (month, pounds) in plan
            .periods
            .iter()
            .rev()
            .take(2)
            .zip(["1840.00", "2115.50"])
        {
            let month = month.to_string();
            let columns = [
                ("month", month.as_str()),
                ("cohort", &cohort.code),
                ("category", "staff"),
                ("amount", pounds),
                ("source", "Quarterly claim"),
            ];
            keep(Command::Spend, &columns, context).await?;
        }
    }
    agreements(context).await?;
    questions(node, provider, context).await
}

/// What was agreed with the Skills Advisory Panel: what the LEP gives, what the panel owes, what the Department for Education collects anyway.
async fn agreements(context: &Context) -> anyhow::Result<()> {
    let all = [
        [
            "enrolments",
            "Enrolments in programmes of the partnership",
            "lep",
            "yearly",
            "2021-08",
            "LDSP coordinator",
        ],
        [
            "achievements",
            "Achievements in programmes of the partnership",
            "lep",
            "yearly",
            "2021-08",
            "LDSP coordinator",
        ],
        [
            "vacancies",
            "Vacancies that ask for digital skills, by occupation",
            "panel",
            "quarterly",
            "2021-10",
            "Panel\u{2019}s analyst",
        ],
        [
            "employer-survey",
            "Digital skills that employers need (Employer Skills Survey)",
            "dfe",
            "once",
            "2017-05",
            "Department for Education",
        ],
    ];
    for item in all {
        let names = ["item", "title", "collector", "frequency", "since", "body"];
        let columns: Vec<_> = names.into_iter().zip(item).collect();
        keep(
            |command| Command::Exchange(Exchange::Items(command)),
            &columns,
            context,
        )
        .await?;
    }
    Ok(())
}

/// The cohorts: people who are asked this week what became of them, and a recent run of each of two programmes.
fn cohorts(records: &LepRecords, provider: &str, plan: &Plan, today: Date) -> Vec<Cohort> {
    let first = plan
        .periods
        .first()
        .map_or(today, |period| period.first_day());
    let recent = plan.last().first_day().saturating_sub(1.months());
    let mut own = records
        .programmes()
        .iter()
        .filter(|p| p.provider == provider);
    let mut all = Vec::new();
    if let Some(programme) = own.next() {
        all.push(Cohort {
            code: "SPRING".to_owned(),
            programme: programme.programme.clone(),
            title: "Spring group",
            place: "Central library",
            employer: None,
            starts: (first, today),
            asked: true,
        });
        all.push(Cohort {
            code: "SUMMER".to_owned(),
            programme: programme.programme.clone(),
            title: "Summer group",
            place: "Community hall",
            employer: None,
            starts: (recent, today),
            asked: false,
        });
    }
    if let Some(programme) = own.next() {
        all.push(Cohort {
            code: "BAKERY".to_owned(),
            programme: programme.programme.clone(),
            title: "At the bakery",
            place: "At the employer\u{2019}s",
            employer: Some(EMPLOYER),
            starts: (recent, today),
            asked: false,
        });
    }
    all
}

/// `add` of something that a coordinator keeps; gives its number.
async fn keep(
    of: fn(Keep) -> Command,
    columns: &[(&str, &str)],
    context: &Context,
) -> anyhow::Result<i64> {
    let columns = columns
        .iter()
        .map(|(column, text)| format!("{column}={text}"));
    let said = Said {
        columns: columns.collect(),
        from: None,
    };
    let added = ask(of(Keep::Add(said)), context).await?;
    added.json["id"].as_i64().context("add says the number")
}

async fn add_cohort(cohort: &Cohort, provider: &str, context: &Context) -> anyhow::Result<i64> {
    let (start, places) = (cohort.starts.0.to_string(), PLACES.to_string());
    let columns = [
        ("cohort", cohort.code.as_str()),
        ("programme", &cohort.programme),
        ("provider", provider),
        ("title", cohort.title),
        ("start", &start),
        ("places", &places),
        ("place", cohort.place),
        ("employer", cohort.employer.unwrap_or_default()),
    ];
    keep(Command::Cohorts, &columns, context).await
}

/// Brings rows of the learner file once more, now as the provider's own: they are put into the cohort, and their references are kept for
/// the provider's pages.
async fn register(
    node: &Node,
    records: &LepRecords,
    cohort: &Cohort,
    (provider, organisation, id): (&str, i64, i64),
    context: &Context,
) -> anyhow::Result<()> {
    let now = (context.clock)();
    let today = london_day(now);
    let (from, to) = cohort.starts;
    let mut file = Vec::new();
    let rows =
        records.write_some_learners_csv(&cohort.programme, PLACES, &mut file, |start, end| {
            (from..=to).contains(&start)
                && (!cohort.asked || end.is_some_and(|end| is_asked(end, today)))
        })?;
    if rows == 0 {
        return Ok(());
    }
    let options = Options {
        who: PROVIDER.to_owned(),
        brings: Some(Brings {
            provider: provider.to_owned(),
            organisation,
            cohort: Some(id),
            employer: None,
            adds: false,
        }),
        ..Options::default()
    };
    let report = import::learners(
        &node.store,
        &node.pseudonyms,
        Cursor::new(file),
        &options,
        now,
    )
    .await?;
    ensure!(
        report.outcome == Outcome::Stored,
        "the register of {} was refused: {:?}",
        cohort.code,
        report.problems
    );
    Ok(())
}

/// Whether somebody who ended on `end` is asked in the fortnight around `today`.
fn is_asked(end: Date, today: Date) -> bool {
    let (from, to) = (
        today.saturating_sub(8.days()),
        today.saturating_add(8.days()),
    );
    let due = |months: i32| (from..=to).contains(&end.saturating_add(months.months()));
    FOLLOW_UP.into_iter().any(due)
}

/// One question with its answer, and one that waits for it.
async fn questions(node: &Node, provider: &str, context: &Context) -> anyhow::Result<()> {
    let now = (context.clock)();
    let answered = quality::ask(
        &node.store,
        (provider, "over-capacity"),
        "Are the places in the programme list those of the whole year?",
        COORDINATOR,
        now,
    )
    .await?;
    quality::answer(
        &node.store,
        (answered, Some(provider)),
        "They are places of one term. We have sent the list again with those of the year.",
        PROVIDER,
        now,
    )
    .await?;
    quality::ask(
        &node.store,
        (provider, "overdue-end"),
        "Several courses were planned to end before July and are still open. Did they go on, or is the last day missing?",
        COORDINATOR,
        now,
    )
    .await?;
    Ok(())
}
