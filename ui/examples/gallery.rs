//! Serves every component and chart over TLS on this machine, to be looked at: `cargo run -p ldsp-ui --example gallery -- 8443`.
//! All figures are invented.

use std::net::TcpListener;
use std::sync::Arc;

use axum::extract::Form;
use axum::routing::{get, post};
use axum::{Router, http::StatusCode};
use jiff::{SignedDuration, Timestamp};
use ldsp_ui::charts::{
    Alternative, Bar, BarChart, Estimate, HexMap, LineChart, Series, Tile, Unit,
};
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
    let person = PersonRecord {
        name: "ada".into(),
        role: Role::new("author"),
        secret_hash: secret::hash(&secret, &mut rng)?,
    };
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

const MONTHS: [&str; 8] = [
    "Mar 2026", "Apr 2026", "May 2026", "Jun 2026", "Jul 2026", "Aug 2026", "Sep 2026", "Oct 2026",
];

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

fn map() -> Figure {
    // Column, row, short name, full name, enrolments.
    let areas: [(u32, u32, &str, &str, Option<u32>); 24] = [
        (4, 0, "NE", "North East", Some(4210)),
        (5, 0, "Tees", "Tees Valley", Some(1890)),
        (3, 1, "Cumb", "Cumbria", Some(640)),
        (4, 1, "NYork", "York and North Yorkshire", Some(1220)),
        (3, 2, "Lancs", "Lancashire", Some(3350)),
        (4, 2, "Leeds", "Leeds City Region", Some(6120)),
        (5, 2, "Hull", "Hull and East Yorkshire", None),
        (2, 3, "Liv", "Liverpool City Region", Some(4480)),
        (3, 3, "GM", "Greater Manchester", Some(8120)),
        (4, 3, "Sheff", "South Yorkshire", Some(2870)),
        (5, 3, "Linc", "Greater Lincolnshire", Some(980)),
        (
            3,
            4,
            "Stoke",
            "Stoke-on-Trent and Staffordshire",
            Some(1640),
        ),
        (
            4,
            4,
            "D2N2",
            "Derby, Derbyshire, Nottingham and Nottinghamshire",
            Some(2950),
        ),
        (5, 4, "Leic", "Leicester and Leicestershire", Some(1710)),
        (2, 5, "March", "The Marches", Some(720)),
        (3, 5, "GBS", "Greater Birmingham and Solihull", Some(7240)),
        (4, 5, "SEMid", "South East Midlands", Some(2110)),
        (5, 5, "NAng", "New Anglia", Some(1930)),
        (3, 6, "Glos", "Gloucestershire", Some(810)),
        (4, 6, "BTV", "Buckinghamshire Thames Valley", Some(560)),
        (5, 6, "Lond", "London", Some(14_800)),
        (2, 7, "WoE", "West of England", Some(1870)),
        (3, 7, "Solent", "Solent", Some(1480)),
        (1, 8, "Corn", "Cornwall and Isles of Scilly", None),
    ];
    let tiles = areas.map(|(column, row, short, name, enrolments)| {
        let tile = Tile::new(column, row, short, name).href("/components");
        match enrolments {
            Some(n) => tile.value(
                if n < 1500 {
                    0
                } else if n < 4000 {
                    1
                } else {
                    2
                },
                format!("{} enrolments", ldsp_ui::charts::count(n.into())),
            ),
            None => tile,
        }
    });
    let most = Table::new("Most enrolments")
        .columns(["LEP", "Enrolments"])
        .numeric([1])
        .rows([
            ["London", "14,800"],
            ["Greater Manchester", "8,120"],
            ["Greater Birmingham and Solihull", "7,240"],
            ["Leeds City Region", "6,120"],
        ]);
    let alternative = Alternative::new(
        "map",
        "Enrolments by LEP",
        "London, Greater Manchester and Greater Birmingham and Solihull have the most; the table has every area's figure.",
    );
    let chart = HexMap::new(
        alternative,
        tiles,
        "Enrolments in digital courses",
        ["under 1,500", "1,500 to 3,999", "4,000 or more"],
    )
    .no_data("Nothing published yet")
    .aside(most);
    let table = Table::new("Enrolments by LEP, August to October 2026")
        .columns(["LEP", "Enrolments"])
        .numeric([1])
        .rows(areas.map(|(.., name, n)| {
            [
                name.to_owned(),
                n.map_or("[x]".into(), |n| ldsp_ui::charts::count(n.into())),
            ]
        }));
    Figure::new("Half of all enrolments are in six LEPs", "Enrolments in digital courses by LEP, all levels, England, August to October 2026", chart, table)
        .note("Every LEP has one hex, whatever its size. Counts are protected: each carries noise that is known in size and not in value.")
        .download("Download as CSV", "/components")
}

fn trend() -> Figure {
    let series = |name: &str, start: f64, steps: [f64; 8], width: f64| {
        Series::new(
            name,
            steps.map(|s| {
                Some(Estimate::between(
                    start + s,
                    start + s - width,
                    start + s + width,
                ))
            }),
        )
    };
    let alternative = Alternative::new(
        "trend",
        "Achievement rate by month",
        "England rises from 71.0% in March to 74.2% in October 2026; Essex rises faster, from 66.4% to 75.1%.",
    );
    let chart = LineChart::new(alternative, Unit::Percent, MONTHS)
        .series(series(
            "England",
            71.0,
            [0.0, 0.4, 0.9, 1.1, 1.9, 2.2, 2.9, 3.2],
            0.4,
        ))
        .series(series(
            "Essex",
            66.4,
            [0.0, 1.8, 1.2, 3.9, 5.1, 6.0, 7.9, 8.7],
            2.1,
        ))
        .series(series(
            "Similar areas",
            69.2,
            [0.0, 0.1, 0.8, 0.3, 1.2, 1.0, 1.9, 2.1],
            1.0,
        ));
    let table = Table::new("Achievement rate by month")
        .columns(["Month", "England", "95% interval"])
        .numeric([1, 2])
        .rows(MONTHS.map(|m| [m, "74.2%", "73.8% to 74.6%"]));
    Figure::new("Essex has caught up with England since March", "Achievement rate, digital courses, all levels, learners aged 16 and over, March to October 2026, with 95% intervals", chart, table)
        .note("Similar areas: the five LEPs closest to Essex in learner numbers, age and prior attainment.")
        .download("Download as CSV", "/components")
}

fn comparison() -> Figure {
    let bar = |name: &str, v: f64, w: f64| {
        Bar::new(name, Estimate::between(v, v - w, v + w)).href("/components")
    };
    let bars = [
        bar("Greater Manchester", 78.4, 0.9),
        bar("Essex", 75.1, 2.1).highlighted(),
        bar("South East Midlands", 74.9, 1.8),
        bar("Buckinghamshire Thames Valley", 73.0, 5.2),
        bar(
            "Derby, Derbyshire, Nottingham and Nottinghamshire",
            71.4,
            1.6,
        ),
        Bar::missing("Cornwall and Isles of Scilly", "too few learners to show"),
        bar("Cumbria", 64.2, 4.8),
    ];
    let alternative = Alternative::new(
        "bars",
        "Achievement rate by LEP",
        "Essex, at 75.1%, lies above England's 74.2%, but its interval takes in England's rate.",
    );
    let chart = BarChart::new(alternative, Unit::Percent, bars).reference("England", 74.2);
    let table = Table::new("Achievement rate by LEP")
        .columns(["LEP", "Rate", "95% interval"])
        .numeric([1, 2])
        .row(["Essex", "75.1%", "73.0% to 77.2%"]);
    Figure::new(
        "Essex is in line with England",
        "Achievement rate by LEP with 95% intervals, digital courses, all levels, October 2026",
        chart,
        table,
    )
    .download("Download as CSV", "/components")
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
