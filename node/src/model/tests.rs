//! Keeping and changing rows.

use super::*;
use crate::import;
use crate::store::cohorts::Cohort;
use crate::store::history::Changed;
use crate::store::organisations::Organisation;
use crate::store::programmes::Programme;
use crate::store::spend::Spend;
use crate::testing::{Row as Enrolled, World, at, started};

const NOW: &str = "2022-03-04T09:00:00Z";

fn texts_of<M: Model>(pairs: &[(&str, &str)]) -> Vec<String> {
    let pairs = pairs
        .iter()
        .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
    texts::<M>(blank::<M>(), pairs).unwrap()
}

async fn put<M: Model>(world: &World, pairs: &[(&str, &str)]) -> Result<Stored<M>, Trouble<M>> {
    add(&world.store, &texts_of::<M>(pairs), "ann", at(NOW)).await
}

async fn set<M: Model>(
    world: &World,
    stored: &Stored<M>,
    pairs: &[(&str, &str)],
    who: &str,
) -> Result<Stored<M>, Trouble<M>> {
    let known = world.store.known().await.unwrap();
    let mut all = stored.it.texts(&known);
    for (name, text) in pairs {
        let at = M::COLUMNS.iter().position(|column| column == name).unwrap();
        all[at] = (*text).to_owned();
    }
    change(
        &world.store,
        (stored.id, stored.version),
        &all,
        who,
        at(NOW),
    )
    .await
}

#[track_caller]
fn codes<M: std::fmt::Debug>(
    kept: Result<Stored<M>, Trouble<M>>,
) -> Vec<(&'static str, &'static str)> {
    match kept {
        Err(Trouble::Fields(problems)) => problems
            .iter()
            .map(|p| (p.field.unwrap_or(""), p.code))
            .collect(),
        other => panic!("{other:?}"),
    }
}

async fn provider(world: &World) -> Stored<Organisation> {
    put(
        world,
        &[
            ("name", "City College"),
            ("kind", "provider"),
            ("ukprn", "10001234"),
        ],
    )
    .await
    .unwrap()
}

async fn cohort(world: &World) -> Stored<Cohort> {
    provider(world).await;
    put(
        world,
        &[
            ("cohort", "A1"),
            ("programme", "P"),
            ("provider", "City College"),
            ("title", "Tuesdays"),
        ],
    )
    .await
    .unwrap()
}

fn said(changes: &[Changed]) -> Vec<(&str, Option<&str>, Option<&str>)> {
    changes
        .iter()
        .map(|c| (c.field.as_str(), c.before.as_deref(), c.after.as_deref()))
        .collect()
}

#[tokio::test]
async fn every_change_is_kept_with_who_made_it() {
    let world = World::new().await;
    let college = provider(&world).await;
    assert_eq!(college.version, 1);
    let changed = set(
        &world,
        &college,
        &[("name", "City College Group"), ("ukprn", "")],
        "cat",
    )
    .await;
    let changed = changed.unwrap();
    assert_eq!((changed.version, changed.it.ukprn), (2, None));
    let history = world
        .store
        .history(Organisation::KIND, college.id, 10)
        .await
        .unwrap();
    assert_eq!(
        said(&history),
        [
            ("ukprn", Some("10001234"), None),
            ("name", Some("City College"), Some("City College Group")),
            ("ukprn", None, Some("10001234")),
            ("kind", None, Some("provider")),
            ("name", None, Some("City College")),
        ]
    );
    let who: Vec<&str> = history.iter().map(|c| c.who.as_str()).collect();
    assert_eq!(who, ["cat", "cat", "ann", "ann", "ann"]);
    let audit = world.store.audit_entries(2).await.unwrap();
    let acts: Vec<_> = audit
        .iter()
        .map(|e| (e.who.as_str(), e.action.as_str()))
        .collect();
    assert_eq!(
        acts,
        [
            ("cat", "organisation changed"),
            ("ann", "organisation added")
        ]
    );
    for sql in ["UPDATE history SET who = 'x'", "DELETE FROM history"] {
        let refused = sqlx::query(sql).execute(&world.store.writer).await;
        assert!(refused.unwrap_err().to_string().contains("insert only"));
    }
}

#[tokio::test]
async fn of_two_edits_the_second_is_told_and_what_changes_nothing_changes_nothing() {
    let world = World::new().await;
    let seen = provider(&world).await;
    let first = set(
        &world,
        &seen,
        &[("contact_role", "Head of adult learning")],
        "ann",
    )
    .await
    .unwrap();
    match set(&world, &seen, &[("contact_role", "Principal")], "cat").await {
        Err(Trouble::Changed(now)) => assert_eq!(*now, first),
        other => panic!("{other:?}"),
    }
    // The same words sent twice, by a double click: nothing is lost, nothing is written.
    let again = set(
        &world,
        &seen,
        &[("contact_role", "Head of adult learning")],
        "ann",
    )
    .await
    .unwrap();
    assert_eq!(again, first);
    let changes = world
        .store
        .history(Organisation::KIND, seen.id, 10)
        .await
        .unwrap();
    assert_eq!(changes.len(), 4);
    let gone = change::<Organisation>(
        &world.store,
        (99, 1),
        &blank::<Organisation>(),
        "ann",
        at(NOW),
    )
    .await;
    assert!(matches!(gone, Err(Trouble::Missing)));
    // At once, too: one of them wins.
    let (one, other) = tokio::join!(
        set(&world, &first, &[("ukprn", "10000001")], "ann"),
        set(&world, &first, &[("ukprn", "10000002")], "cat"),
    );
    assert_eq!(usize::from(one.is_ok()) + usize::from(other.is_ok()), 1);
}

#[tokio::test]
async fn bad_texts_are_all_reported_and_keep_nothing() {
    let world = World::new().await;
    provider(&world).await;
    let organisation = put::<Organisation>(
        &world,
        &[
            ("name", " jo@example.org "),
            ("kind", "club"),
            ("ukprn", "123"),
        ],
    );
    assert_eq!(
        codes(organisation.await),
        [
            ("name", "personal-data"),
            ("kind", "kind-unknown"),
            ("ukprn", "ukprn-form")
        ]
    );
    let twice = put::<Organisation>(&world, &[("name", "CITY  college"), ("kind", "funder")]);
    assert_eq!(codes(twice.await), [("name", "taken")]);
    let programme = put::<Programme>(
        &world,
        &[
            ("programme", "a b"),
            ("tier", "top"),
            ("cost", "1.5"),
            ("start", "2022-02-30"),
            ("skills", "design; x"),
            ("mode", "post"),
        ],
    );
    assert_eq!(
        codes(programme.await),
        [
            ("programme", "code-form"),
            ("name", "required"),
            ("provider", "required"),
            ("tier", "code-unknown"),
            ("cost", "cost-form"),
            ("start", "date-impossible"),
            ("skills", "skill-unknown"),
            ("mode", "code-unknown"),
        ]
    );
    put::<Organisation>(&world, &[("name", "Fund"), ("kind", "funder")])
        .await
        .unwrap();
    let cohort = put::<Cohort>(
        &world,
        &[
            ("cohort", "C"),
            ("programme", "none"),
            ("provider", "Fund"),
            ("employer", "City College"),
            ("place", "WS1 1TP"),
            ("places", "-1"),
        ],
    );
    assert_eq!(
        codes(cohort.await),
        [
            ("programme", "programme-unknown"),
            ("provider", "organisation-kind"),
            ("title", "required"),
            ("places", "capacity-form"),
            ("place", "personal-data"),
            ("employer", "organisation-kind"),
        ]
    );
    let spend = put::<Spend>(
        &world,
        &[
            ("month", "1999-12"),
            ("programme", "P"),
            ("cohort", "C"),
            ("category", "x"),
        ],
    );
    assert_eq!(
        codes(spend.await),
        [
            ("month", "month-form"),
            ("programme", "programme-or-cohort"),
            ("category", "category-unknown"),
            ("amount", "required"),
            ("source", "required"),
        ]
    );
    assert_eq!(world.number("SELECT count(*) FROM cohorts").await, 0);
    assert_eq!(world.number("SELECT count(*) FROM spend").await, 0);
}

#[tokio::test]
async fn texts_come_back_as_they_were_read() {
    let world = World::new().await;
    let cohort = cohort(&world).await;
    let programme: Stored<Programme> = put(
        &world,
        &[
            ("programme", "Q"),
            ("name", "Data"),
            ("provider", "City College"),
            ("funder", "city college"),
            ("cost", "12500.50"),
            ("skills", "software, design"),
            ("mode", "blended"),
        ],
    )
    .await
    .unwrap();
    let known = world.store.known().await.unwrap();
    let texts = programme.it.texts(&known);
    let expected = [
        "Q",
        "Data",
        "City College",
        "",
        "",
        "",
        "City College",
        "12500.50",
        "",
        "",
        "",
        "software; design",
        "blended",
    ];
    assert_eq!(texts, expected);
    assert_eq!(read::<Programme>(&texts, &known).unwrap(), programme.it);
    let texts = cohort.it.texts(&known);
    assert_eq!(read::<Cohort>(&texts, &known).unwrap(), cohort.it);
    let spend: Stored<Spend> = put(
        &world,
        &[
            ("month", "2022-01"),
            ("cohort", "A1"),
            ("category", "staff"),
            ("amount", "90"),
            ("source", "Finance return"),
        ],
    )
    .await
    .unwrap();
    let texts = spend.it.texts(&known);
    assert_eq!(
        texts,
        ["2022-01", "", "A1", "staff", "90.00", "Finance return"]
    );
    assert_eq!(read::<Spend>(&texts, &known).unwrap(), spend.it);
    for (questions, columns) in [
        (Programme::questions(&known), Programme::COLUMNS),
        (Cohort::questions(&known), Cohort::COLUMNS),
        (Spend::questions(&known), Spend::COLUMNS),
        (Organisation::questions(&known), Organisation::COLUMNS),
    ] {
        let asked: Vec<&str> = questions.iter().map(|q| q.column).collect();
        assert_eq!(asked, columns);
    }
}

const FILE: &str = "programme,name,provider,tier,type,audience,funder,cost,capacity,start,end\n\
    P,P,X,general,bootcamp,charities,City College,,,,\n\
    NEW,New,X,basic,,,,,,,\n";

/// The file keeps what it does not say, and the same history as the form.
#[tokio::test]
async fn a_programme_file_goes_the_same_way() {
    let world = World::new().await;
    provider(&world).await;
    let before = world.store.programmes().await.unwrap().remove(0);
    set(
        &world,
        &before,
        &[("skills", "design"), ("mode", "online")],
        "ann",
    )
    .await
    .unwrap();
    let options = import::Options {
        who: "cat".to_owned(),
        ..import::Options::default()
    };
    let report = import::programmes(&world.store, FILE.as_bytes(), &options, at(NOW))
        .await
        .unwrap();
    assert_eq!(
        (report.tally.added, report.tally.changed),
        (1, 1),
        "{}",
        report.text()
    );
    let after = world.store.programmes().await.unwrap();
    let held = after.iter().find(|p| p.it.code == "P").unwrap();
    let known = world.store.known().await.unwrap();
    assert_eq!(held.version, 3);
    assert_eq!(held.it.texts(&known)[11..], ["design", "online"]);
    assert_eq!(
        held.it.funder_organisation,
        known.organisation("City College").map(|(id, _)| id)
    );
    let history = world
        .store
        .history(Programme::KIND, held.id, 10)
        .await
        .unwrap();
    assert!(
        history
            .iter()
            .any(|c| c.who == "cat" && c.field == "audience"),
        "{history:?}"
    );
    let again = import::programmes(&world.store, FILE.as_bytes(), &options, at(NOW))
        .await
        .unwrap();
    assert_eq!((again.tally.unchanged, again.tally.changed), (2, 0));
}

/// As the import of a file does (release/tests/corrections.rs): the form's update fires the same triggers.
#[tokio::test]
async fn a_programme_that_is_described_anew_moves_nothing_that_was_counted() {
    let world = World::new().await;
    world
        .add_all(&[started("2022-01-10"), started("2022-01-11")])
        .await;
    world
        .run("UPDATE enrolments SET counted = 1 WHERE id = 1")
        .await;
    let before = world.store.programmes().await.unwrap().remove(0);
    set(&world, &before, &[("tier", "advanced")], "ann")
        .await
        .unwrap();
    let kept = "SELECT tier FROM enrolments WHERE id = 1";
    assert_eq!(world.number(kept).await, 1);
    assert_eq!(
        world
            .number("SELECT count(*) FROM enrolments WHERE tier IS NULL")
            .await,
        1
    );
}

#[tokio::test]
async fn organisations_that_were_reached_are_counted_once_for_an_audience() {
    let world = World::new().await;
    let cohort = cohort(&world).await;
    let shop: Stored<Organisation> = put(&world, &[("name", "Corner Shop"), ("kind", "employer")])
        .await
        .unwrap();
    put::<Organisation>(&world, &[("name", "Aid"), ("kind", "charity")])
        .await
        .unwrap();
    set(&world, &cohort, &[("employer", "Corner Shop")], "ann")
        .await
        .unwrap();
    let ids = world
        .add_all(&[
            started("2022-01-10"),
            started("2022-01-11"),
            Enrolled {
                kind: 2,
                ..started("2022-01-12")
            },
        ])
        .await;
    for (id, employer) in ids.iter().zip([shop.id, shop.id + 1, shop.id]) {
        sqlx::query("UPDATE enrolments SET employer = $1, cohort = $2 WHERE id = $3")
            .bind(employer)
            .bind(cohort.id)
            .bind(id)
            .execute(&world.store.writer)
            .await
            .unwrap();
    }
    let reached = world.store.reached().await.unwrap();
    let counted: Vec<_> = reached
        .iter()
        .map(|r| (r.audience, r.kind.id(), r.organisations))
        .collect();
    assert_eq!(counted, [(3, "charity", 1), (3, "employer", 1)]);
    let stages = world
        .store
        .exact_cohort(cohort.id, 5)
        .await
        .unwrap()
        .for_signed_in_page();
    assert_eq!(stages, [3, 0, 0, 0, 0]);
}

/// Codes alone, and they go with the enrolment.
#[tokio::test]
async fn an_enrolments_history_holds_codes_and_is_erased_with_it() {
    let world = World::new().await;
    let key = import::pseudonym::PseudonymKey::from_bytes([7; 32]);
    let row = |end: &str, stage: &str| {
        format!(
            "provider,learner_ref,uln,age,sex,ethnicity,disability,prior_status,district,aim,programme,skill,mode,start,planned_end,end,stage\n\
             X,R1,,40,female,white,no,employed,E08000027,A1,P,design,online,2022-01-10,,{end},{stage}\n"
        )
    };
    let options = import::Options {
        who: "ann".to_owned(),
        new_providers: true,
        ..import::Options::default()
    };
    for file in [row("", "in-progress"), row("2022-02-20", "achieved")] {
        let file = std::io::Cursor::new(file);
        let report = import::learners(&world.store, &key, file, &options, at(NOW))
            .await
            .unwrap();
        assert_eq!(
            report.outcome,
            import::report::Outcome::Stored,
            "{}",
            report.text()
        );
    }
    let history = world
        .store
        .history(history::Kind::Enrolment, 1, 10)
        .await
        .unwrap();
    assert_eq!(
        said(&history),
        [("stage", Some("in-progress"), Some("achieved"))]
    );
    assert_eq!(world.number("SELECT version FROM enrolments").await, 2);
    world.erase(1).await;
    assert_eq!(world.number("SELECT count(*) FROM history").await, 0);
}

/// What was added by mistake goes, and who did it and what it said stays; what something stands on stays, and says why.
#[tokio::test]
async fn a_mistake_is_deleted_while_nothing_stands_on_it() {
    let world = World::new().await;
    let now = at("2022-03-04T09:00:00Z");
    let texts = |pairs: &[&str]| pairs.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>();
    let org = |name: &str, kind: &str| texts(&[name, kind, "", ""]);
    let college: Stored<Organisation> = add(&world.store, &org("College", "provider"), "ann", now)
        .await
        .unwrap();
    let bakery: Stored<Organisation> = add(&world.store, &org("Bakery", "employer"), "ann", now)
        .await
        .unwrap();
    let cohort = texts(&["A1", "P", "College", "One", "", "", "", "", "Bakery"]);
    let cohort: Stored<Cohort> = add(&world.store, &cohort, "ann", now).await.unwrap();
    let spend = texts(&["2022-01", "", "A1", "staff", "12.00", "Claim"]);
    let spend: Stored<Spend> = add(&world.store, &spend, "ann", now).await.unwrap();
    async fn stands<M: Model>(world: &World, stored: &Stored<M>) -> Vec<String> {
        let at = (stored.id, stored.version);
        let now = crate::testing::at("2022-03-04T09:00:00Z");
        match remove::<M>(&world.store, at, "ann", now).await {
            Err(Trouble::Fields(problems)) => {
                assert!(
                    problems
                        .iter()
                        .all(|p| p.code == "in-use" && p.remedy == M::STAYS)
                );
                problems.into_iter().map(|p| p.cause.into_owned()).collect()
            }
            other => panic!("{}", other.is_ok()),
        }
    }
    assert_eq!(
        stands(&world, &college).await,
        ["1 cohort is delivered by it."]
    );
    assert_eq!(
        stands(&world, &bakery).await,
        ["1 cohort trains its people."]
    );
    assert_eq!(stands(&world, &cohort).await, ["1 amount was spent on it."]);
    // How many learners there are is told to nobody who may not know it: an admin may delete organisations.
    world.add(&started("2022-01-05")).await;
    world
        .run("UPDATE enrolments SET employer = 2, provider = 'College', programme = 1")
        .await;
    world
        .run("INSERT INTO providers (name) VALUES ('College')")
        .await;
    assert_eq!(
        stands(&world, &bakery).await,
        [
            "1 cohort trains its people.",
            "Learners are employed by it."
        ]
    );
    assert_eq!(
        stands(&world, &college).await,
        [
            "1 cohort is delivered by it.",
            "Learners are recorded under its name."
        ]
    );
    let programme: Stored<Programme> = world.store.kept_one(1).await.unwrap().unwrap();
    assert_eq!(
        stands(&world, &programme).await,
        ["1 cohort runs it.", "1 enrolment is recorded for it."]
    );
    let stale = remove::<Spend>(&world.store, (spend.id, 7), "ann", now).await;
    assert!(matches!(stale, Err(Trouble::Changed(_))));
    remove::<Spend>(&world.store, (spend.id, 1), "cat", now)
        .await
        .map_err(|_| "stays")
        .unwrap();
    let again = remove::<Spend>(&world.store, (spend.id, 1), "cat", now).await;
    assert!(matches!(again, Err(Trouble::Missing)));
    let history = world
        .store
        .history(history::Kind::Spend, spend.id, 99)
        .await
        .unwrap();
    let gone = history
        .iter()
        .filter(|c| c.who == "cat" && c.after.is_none());
    assert_eq!(gone.count(), 5, "{history:?}");
    let audit = "SELECT count(*) FROM audit WHERE who = 'cat' AND action = 'spend deleted'";
    assert_eq!(world.number(audit).await, 1);
    // Its number, with its history, is nobody else's.
    let texts = texts(&["2022-02", "", "A1", "staff", "7.00", "Claim"]);
    let next: Stored<Spend> = add(&world.store, &texts, "ann", now).await.unwrap();
    assert!(next.id > spend.id);
    let shown: Stored<Spend> = world.store.kept_one(next.id).await.unwrap().unwrap();
    assert_eq!(shown, next);
}

/// Reproduction: months as spreadsheets write them were refused.
#[test]
fn months_are_read_where_they_are_clear() {
    for text in [
        "2022-03",
        "2022-03-01",
        "03/2022",
        "3/2022",
        "Mar-22",
        "March 2022",
        "mar 2022",
    ] {
        assert_eq!(
            super::demand::read_month(text),
            "2022-03".parse().ok(),
            "{text}"
        );
    }
    for text in [
        "03/22", "22/03", "Ma 2022", "13/2022", "2022", "March", "", "Mar-202", "+3/2022",
    ] {
        assert_eq!(super::demand::read_month(text), None, "{text}");
    }
}
