//! Serves every component and chart over TLS on this machine, to be looked at: `cargo run -p ldsp-ui --example gallery -- 8443`.
//! All figures are invented.

mod charts;

use std::net::TcpListener;
use std::sync::Arc;

use axum::extract::Form;
use axum::routing::{get, post};
use axum::{Router, http::StatusCode};
use charts::{comparison, map, trend};
use jiff::{SignedDuration, Timestamp};
use ldsp_ui::components::*;
use ldsp_ui::secret::{self, Secret};
use ldsp_ui::{
    Access, Banner, Frame, Html, Link, NavItem, Page, People, PeopleError, PersonRecord,
    ProblemPage, Role, RoleTable, Rule, SignedIn, Site, tls::PrivateCa,
};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;

type Failure = Box<dyn std::error::Error>;

struct OnePerson(PersonRecord);

impl People for OnePerson {
    async fn find(&self, name: &str) -> Result<Option<PersonRecord>, PeopleError> {
        Ok((name == self.0.name).then(|| self.0.clone()))
    }

    async fn names(&self) -> Result<Vec<String>, PeopleError> {
        Ok(vec![self.0.name.clone()])
    }
}

#[tokio::main]
#[expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "an example is an app: it owns the terminal and the clock"
)]
async fn main() -> Result<(), Failure> {
    let port: u16 = std::env::args().nth(1).map_or(Ok(0), |port| port.parse())?;
    // A fixed seed: the page is served on the loopback address only and holds nothing.
    let mut rng = ChaCha20Rng::seed_from_u64(38);
    let secret = Secret::generate(&mut rng);
    let hash = secret::hash(&secret, &mut rng)?;
    let person = PersonRecord::new("ada", Role::new("coordinator"), hash);
    let listener = TcpListener::bind(("127.0.0.1", port))?;
    let origin = format!("https://127.0.0.1:{}", listener.local_addr()?.port());
    let (now, year) = (Timestamp::now(), SignedDuration::from_hours(24 * 365));
    let material = PrivateCa::generate(now, now + year)?
        .issue(&["127.0.0.1"], now, now + year)?
        .material()?;
    let roles = RoleTable::new([
        Rule::get("/", Access::Public),
        Rule::get("/components", Access::Public),
        Rule::get("/form", Access::Public),
        Rule::post("/form", Access::Public),
        Rule::get("/tasks", Access::SignedIn),
        Rule::get("/fault", Access::Public),
        Rule::get("/approve", Access::Roles(&["approver"])),
    ]);
    let site = Site::new(
        frame(),
        &origin,
        OnePerson(person),
        Arc::new(Timestamp::now),
    )?
    .roles(roles);
    let pages = Router::new()
        .route("/", get(home))
        .route("/components", get(components))
        .route("/form", get(|| async { form_page(false) }))
        .route(
            "/form",
            post(|Form(_): Form<Vec<(String, String)>>| async { form_page(true) }),
        )
        .route("/tasks", get(tasks))
        .route(
            "/fault",
            get(|| async {
                ProblemPage::new(
                    StatusCode::CONFLICT,
                    "already_approved",
                    "This release is already approved",
                )
                .happened("Another person approved the release for October 2026 at 10:14.")
                .next("Open the release to see who approved it.")
            }),
        )
        .route("/approve", get(|| async { Page::new("Approve") }));
    println!("{origin}  name: ada  secret: {}", secret.reveal());
    let stop = async { drop(tokio::signal::ctrl_c().await) };
    ldsp_ui::serve(listener, material, site.router(pages, Router::new()), stop).await?;
    Ok(())
}

fn frame() -> Frame {
    let mut frame = Frame::new("Digital skills benchmarks");
    frame.tagline = "What LEPs publish about local digital skills".into();
    frame.nav = vec![
        NavItem::public("Figures", "/"),
        NavItem::public("Components", "/components"),
        NavItem::public("Form", "/form"),
        NavItem::signed_in("Tasks", "/tasks"),
    ];
    frame.banners = vec![Banner::illustrative(
        "Every figure on this site is invented to show what the pages look like.",
    )];
    frame.footer_links = vec![
        Link::new("Accessibility", "/components"),
        Link::new("Privacy", "/form"),
        Link::new("How the figures are made", "/"),
    ];
    frame.footer_note =
        "Figures are protected before they leave a LEP. Source: nothing, they are invented.".into();
    frame.people_sign_in = true;
    frame
}

async fn home() -> Page {
    let provisional = || Tag::coloured("Provisional", TagColour::Yellow);
    let stats = Stats::new(
        "England, August 2026 to October 2026",
        [
            StatCard::new("Enrolments", "84,760")
                .interval("95% interval 84,410 to 85,110")
                .coverage("38 of 38 LEPs, to October 2026")
                .tag(provisional()),
            StatCard::new("Achievements", "62,870")
                .interval("95% interval 62,560 to 63,180")
                .coverage("38 of 38 LEPs, to October 2026")
                .tag(provisional()),
            StatCard::new("Achievement rate", "74.2%")
                .interval("95% interval 73.8% to 74.6%")
                .coverage("Base: 84,760 enrolments")
                .tag(provisional()),
            StatCard::new("Practice shared", "12")
                .line("4 of them tell of something that did not work"),
        ],
    );
    Page::new("Digital skills in England, from every LEP's own figures")
        .lead("Each area keeps its learners' records at home and publishes protected counts only. Together they make a benchmark that anyone can check.")
        .banner(Banner::provisional("October 2026 may still change: LEPs can correct it until 30 November."))
        .body(Html::concat([stats.into(), map().into(), trend().into(), comparison().into()]))
}

async fn components() -> Page {
    let summary = SummaryList::new()
        .fact("LEP", "South East")
        .fact(
            "Statement",
            Html::concat([Html::from("Number 6, "), link("proof", "/form")]),
        )
        .fact_with(
            "Contact",
            "skills@example.org",
            Link::new("Change", "/form"),
        );
    let table = Table::new("Programmes")
        .columns(["Programme", "State", "Places", "Price"])
        .numeric([2, 3])
        .row([
            Html::from("Evening course in spreadsheets"),
            Tag::coloured("Open", TagColour::Green).into(),
            "24".into(),
            "£0".into(),
        ])
        .row([
            Html::from("Bootcamp in cloud administration"),
            Tag::coloured("Full", TagColour::Grey).into(),
            "12".into(),
            "£0".into(),
        ]);
    let tags = [
        TagColour::Blue,
        TagColour::Green,
        TagColour::Yellow,
        TagColour::Red,
        TagColour::Grey,
        TagColour::Purple,
    ];
    let tags = tags.map(|colour| {
        Html::concat([
            Tag::coloured(format!("{colour:?}"), colour).into(),
            " ".into(),
        ])
    });
    Page::new("Components")
        .caption("Kit")
        .breadcrumb("Figures", "/")
        .notice(Notification::done("Release approved").content("It goes to the aggregator within a minute."))
        .body(Html::concat([
            Html::paragraph("Ordinary text keeps a readable measure however wide the screen is, so that a line can be read without losing the next."),
            list(["a point", "another point"]),
            InsetText::new("Text that is set off.").into(),
            Warning::new("What is published cannot be taken back.").into(),
            Details::new("What this means", "More text.").into(),
            Html::concat(tags),
            summary.into(),
            table.into(),
            Pagination::new("Programmes", Some("/components?page=1".into()), Some("/components?page=3".into())).into(),
        ]))
}

fn form_page(sent: bool) -> Page {
    let error = |text: &'static str| sent.then_some(text);
    let kinds = [
        ("pilot", "Pilot"),
        ("course", "Course"),
        ("service", "Service"),
    ]
    .map(|(value, label)| Choice::new(value, label));
    let verdicts = [
        Choice::new("worked", "It worked").hint("You would do it again"),
        Choice::new("failed", "It did not work").hint("Just as useful to others"),
    ];
    let form = PostForm::to("/form")
        .hidden("version", "1")
        .with(TextInput::new(
            Field::new("title", "What is it called?")
                .hint("As short as a headline")
                .error_if(error("Enter what it is called")),
        ))
        .with(Select::new(
            Field::new("kind", "What kind of thing is it?").value("course"),
            kinds,
        ))
        .with(
            TextArea::new(
                Field::new("story", "What happened?")
                    .hint("No names of people")
                    .error_if(error("Say what happened")),
            )
            .limit(2000),
        )
        .with(Radios::new(
            Field::new("verdict", "Did it work?").error_if(error("Choose whether it worked")),
            verdicts,
        ))
        .with(Checkboxes::new(
            Field::new("who", "Who was it for?"),
            [
                Choice::new("young", "Young people"),
                Choice::new("work", "People in work").chosen(true),
            ],
        ))
        .with(DateInput::new(
            Field::new("from", "When did it begin?").hint("For example 27 3 2026"),
            "",
            "",
            "",
        ))
        .buttons([
            Button::new("Save and continue"),
            Button::new("Preview").secondary().sends("do", "preview"),
            Button::new("Delete").warning(),
        ]);
    let mut errors = ErrorSummary::new();
    if sent {
        errors = errors
            .error("title", "Enter what it is called")
            .error("story", "Say what happened")
            .error("verdict", "Choose whether it worked");
    }
    Page::new("Share what you tried")
        .breadcrumb("Figures", "/")
        .errors(errors)
        .body(form)
}

async fn tasks(person: SignedIn) -> Page {
    let tasks = TaskList::new("tasks")
        .task(Task::done("Enrol with the aggregator"))
        .task(
            Task::tagged("Import October's learners", &Tag::new("To do"))
                .href("/form")
                .hint("Due by 15 November"),
        )
        .task(Task::new("Approve the release", "Cannot start yet"));
    Page::new(format!("Good morning, {}", person.name)).body(tasks)
}
