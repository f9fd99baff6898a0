//! From records to two statements in the outbox, with what can go wrong on the way.

use jiff::Timestamp;
use ldsp_protocol::needs::{DemandSummary, PEOPLE_SIGMA2};
use ldsp_protocol::statement::{Kind, Payload, Statement};

use super::sums::Why;
use super::*;
use crate::store::Store;
use crate::store::demand::{Asks, Counts, Demand, How, Sure};
use crate::store::kept::Kept as _;
use crate::store::needs::StoredNeeds;
use crate::store::outbox;
use crate::store::services::{Service, Status};
use crate::testing::{World, at, node_key, seeded};

pub(super) fn now() -> Timestamp {
    at("2022-07-01T09:00:00Z")
}

/// Of people who were asked in a workshop.
pub(super) fn asked(skill: u8, district: Option<&str>, number: i64) -> Demand {
    Demand {
        code: format!("P{skill}-{}-{number}", district.unwrap_or_default()),
        asks: Asks::Individual,
        organisation: None,
        tier: 0,
        skill,
        audience: 0,
        district: district.map(|code| code.parse().unwrap()),
        number: Some(number),
        counts: Counts::People,
        from: "2022-01".parse().unwrap(),
        until: None,
        how: How::Workshop,
        sure: Sure::Counted,
        said_by: "Workshop".to_owned(),
        holds_until: None,
        note: String::new(),
        largest: None,
        import: None,
    }
}

/// Of an employer, for the first skill.
pub(super) fn needs_of(organisation: i64, district: Option<&str>, number: i64) -> Demand {
    Demand {
        code: format!("E{organisation}-{}", district.unwrap_or("whole")),
        asks: Asks::Employer,
        organisation: Some(organisation),
        how: How::Panel,
        said_by: "Panel".to_owned(),
        ..asked(0, district, number)
    }
}

pub(super) fn service() -> Service {
    Service {
        name: "Drop-in".to_owned(),
        organisation: "Library".to_owned(),
        organisation_id: None,
        description: String::new(),
        tier: 0,
        skills: 0b10,
        audience: 0,
        mode: None,
        area: None,
        place: String::new(),
        places: Some(12),
        starts: Some(3),
        start: None,
        end: None,
        cost_pence: None,
        cost_notes: String::new(),
        minimum_age: None,
        maximum_age: None,
        eligibility: String::new(),
        accessibility: String::new(),
        url: String::new(),
        status: Status::Active,
        public: true,
        assured: None,
        assured_by: String::new(),
        source: String::new(),
        source_id: String::new(),
    }
}

const HERE: Option<&str> = Some("E08000027");

/// Ten employers of which each needs ten people trained in a district, fifty people who were asked, and a service.
pub(crate) async fn record(store: &Store) {
    let mut tx = store.write().await.unwrap();
    for number in 1..=10 {
        let sql = "INSERT INTO organisations (id, name, kind, contact_role) VALUES ($1 + 100, 'Employer ' || $1, 'employer', '')";
        let insert = sqlx::query(sql).bind(number).execute(&mut *tx);
        insert.await.unwrap();
        let row = needs_of(number + 100, HERE, 10);
        row.put(&mut tx, None).await.unwrap().unwrap();
    }
    let row = asked(2, HERE, 50);
    row.put(&mut tx, None).await.unwrap().unwrap();
    service().put(&mut tx, None).await.unwrap().unwrap();
    tx.commit().await.unwrap();
}

async fn world() -> World {
    let world = World::enrolled().await;
    record(&world.store).await;
    world
}

async fn put(world: &World, row: &Demand) {
    let mut tx = world.store.write().await.unwrap();
    row.put(&mut tx, None).await.unwrap().unwrap();
    tx.commit().await.unwrap();
}

async fn draft(world: &World, seed: u64) -> StoredNeeds {
    let id = prepare(&world.store, ("ann", now()), &seeded(seed)).await;
    world.store.needs_of(id.unwrap()).await.unwrap().unwrap()
}

fn word(draft: &StoredNeeds, person: &'static str) -> Word<'static> {
    Word {
        id: draft.id,
        digest: draft.digest,
        person,
    }
}

async fn publish(world: &World, draft: &StoredNeeds) -> [u64; 2] {
    let word = word(draft, "bob");
    approve(&world.store, &node_key(), word, now())
        .await
        .unwrap()
}

/// The exact payload in the outbox.
async fn sent(world: &World, seq: u64) -> Statement {
    let mut reader = world.store.reader.acquire().await.unwrap();
    let row = outbox::of(&mut reader, seq).await.unwrap().unwrap();
    let sealed = ldsp_protocol::dsse::Unverified::parse(&row.envelope).unwrap();
    let sealed = sealed.verify(&node_key().verifying_key()).unwrap();
    Statement::read(&sealed).unwrap()
}

fn number(demand: &DemandSummary) -> Vec<u64> {
    demand.organisations.iter().map(|sum| sum.number).collect()
}

#[tokio::test]
async fn two_people_publish_exactly_the_draft_as_two_statements() {
    let world = world().await;
    let draft = draft(&world, 1).await;
    assert_eq!(number(&draft.demand), [100]);
    assert_eq!(draft.left.people, 1);
    let people = draft.demand.people.as_ref().unwrap();
    let largest = people.counts.iter().max().unwrap();
    assert!((35..=65).contains(largest), "{largest} of 50 with noise");
    assert_eq!(draft.provision.as_ref().unwrap().all.places, 36);
    for (who, code) in [("cat", "role"), ("ANN", "own-work")] {
        let word = word(&draft, who);
        let error = approve(&world.store, &node_key(), word, now()).await;
        assert_eq!(error.unwrap_err().code(), code, "{who}");
    }
    let other = Word {
        digest: ldsp_protocol::ids::Digest::ZERO,
        ..word(&draft, "bob")
    };
    let error = approve(&world.store, &node_key(), other, now()).await;
    assert_eq!(error.unwrap_err().code(), "digest");
    let [first, second] = publish(&world, &draft).await;
    let (one, two) = (sent(&world, first).await, sent(&world, second).await);
    assert_eq!(
        (one.kind, two.kind),
        (Kind::DemandSummary, Kind::ProvisionSummary)
    );
    assert!(matches!(one.payload, Payload::DemandSummary(it) if *it == draft.demand));
    let provision = draft.provision.clone().unwrap();
    assert!(matches!(two.payload, Payload::ProvisionSummary(it) if *it == provision));
    let again = approve(&world.store, &node_key(), word(&draft, "bob"), now()).await;
    assert_eq!(again.unwrap_err().code(), "already-published");
}

#[tokio::test]
async fn a_record_of_people_is_drawn_once_whatever_becomes_of_the_draft() {
    let world = world().await;
    let first = draft(&world, 1).await;
    let waits = prepare(&world.store, ("ann", now()), &seeded(2)).await;
    assert_eq!(waits.unwrap_err().code(), "waits");
    refuse(&world.store, word(&first, "bob"), "Too early.", now())
        .await
        .unwrap();
    let second = draft(&world, 3).await;
    assert_eq!(second.demand.people, first.demand.people, "not drawn again");
    assert_eq!(second.left.people, 0);
    refuse(
        &world.store,
        word(&second, "bob"),
        "Still too early.",
        now(),
    )
    .await
    .unwrap();
    put(&world, &asked(3, None, 20)).await;
    let third = draft(&world, 4).await;
    let people = third.demand.people.as_ref().unwrap();
    assert_eq!((people.rounds, people.sigma2), (2, 2 * PEOPLE_SIGMA2));
    assert_eq!(third.left.people, 1);
    publish(&world, &third).await;
    let fourth = draft(&world, 5).await;
    assert_eq!(fourth.demand.people, None, "all of it is published");
}

#[tokio::test]
async fn a_sum_stands_while_its_change_would_tell_one_organisation() {
    let world = world().await;
    let first = draft(&world, 1).await;
    publish(&world, &first).await;
    world
        .run("UPDATE demand SET number = 37 WHERE code = 'E101-E08000027'")
        .await;
    let second = draft(&world, 2).await;
    assert_eq!(second.demand.organisations, first.demand.organisations);
    assert_eq!(second.left.sums.len(), 1);
    assert_eq!(second.left.sums[0].why, Why::Stands);
    publish(&world, &second).await;
    world
        .run("UPDATE demand SET number = 37 WHERE asks = 'employer'")
        .await;
    let third = draft(&world, 3).await;
    assert_eq!(number(&third.demand), [370], "all of them changed");
}

#[tokio::test]
async fn the_whole_area_is_told_only_when_no_district_can_be_worked_out_from_it() {
    let rows = |few: i64| -> Vec<Demand> {
        let many = (1..=5).map(|org| needs_of(org, HERE, 10));
        let other = (6..6 + few).map(|org| needs_of(org, Some("E08000028"), 10));
        let whole = (1..6 + few).map(|org| needs_of(org, None, 10));
        many.chain(other).chain(whole).collect()
    };
    let told = |rows: &[Demand]| {
        let rows: Vec<&Demand> = rows.iter().collect();
        sums::sums(&rows, jiff::civil::date(2022, 7, 1), &[]).unwrap()
    };
    let sound = told(&rows(5));
    assert_eq!(sound.told.len(), 3);
    let unsound = told(&rows(1));
    let held: Vec<Why> = unsound.held.iter().map(|held| held.why).collect();
    assert_eq!(
        held,
        [Why::Under, Why::Few],
        "60 less 50 would tell the one"
    );
    assert_eq!(unsound.told.len(), 1);
    assert!(unsound.kept_back());
    // The one is not recorded under its district: what is left of the whole area is still its alone.
    let mut hidden = rows(1);
    hidden.retain(|row| row.code != "E6-E08000028");
    assert_eq!(told(&hidden).held[0].why, Why::Under);
}

#[tokio::test]
async fn what_cannot_be_prepared_says_why() {
    let world = World::enrolled().await;
    let cause = async |who: &'static str| {
        let prepared = prepare(&world.store, (who, now()), &seeded(1)).await;
        prepared.unwrap_err().code()
    };
    assert_eq!(cause("bob").await, "role");
    assert_eq!(cause("ann").await, "nothing-to-tell");
    put(&world, &asked(2, Some("E06000060"), 50)).await;
    assert_eq!(
        cause("ann").await,
        "nothing-to-tell",
        "another LEP's district"
    );
    put(&world, &asked(2, HERE, 50)).await;
    let draft = draft(&world, 1).await;
    assert_eq!((draft.left.elsewhere, draft.left.people), (1, 1));
    publish(&world, &draft).await;
    let before = at("2022-06-29T09:00:00Z");
    let early = prepare(&world.store, ("ann", before), &seeded(1)).await;
    assert_eq!(early.unwrap_err().code(), "clock");
    world.run("UPDATE enrolment SET head_seq = 5").await;
    assert_eq!(cause("ann").await, "behind-log");
}

#[tokio::test]
async fn what_the_log_holds_is_taken_back_and_no_record_of_people_is_drawn_again() {
    let lost = world().await;
    let one = draft(&lost, 1).await;
    publish(&lost, &one).await;
    // The backup has the same records, and a draft of its own.
    let world = world().await;
    let other = draft(&world, 9).await;
    assert_ne!(other.demand.people, one.demand.people);
    let mut tx = world.store.write().await.unwrap();
    let provision = one.provision.as_ref().unwrap();
    for seq in [1, 2] {
        let mut reader = lost.store.reader.acquire().await.unwrap();
        let row = outbox::of(&mut reader, seq).await.unwrap().unwrap();
        let row = (seq, (row.kind, None), row.pae, row.envelope.as_slice());
        outbox::take_back(&mut tx, row, 0).await.unwrap();
    }
    recover::take_back(&mut tx, &[(1, &one.demand, Some((2, provision)))], now())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let all = world.store.needs().await.unwrap();
    assert_eq!(all.len(), 2);
    assert_eq!(
        (all[0].demand.clone(), all[0].waits()),
        (one.demand.clone(), false)
    );
    assert!(all[1].refused.is_some(), "what it drew is not published");
    let next = draft(&world, 10).await;
    assert_eq!(next.demand.people, None);
    assert_eq!(next.demand.organisations, one.demand.organisations);
    let why: Vec<Why> = next.left.sums.iter().map(|held| held.why).collect();
    assert_eq!(why, [Why::Lost]);
}
