use ldsp_protocol::enrolment::NodeState;

use super::*;
use crate::testing::{Aggregator, Mood, World, at, invite, node_key};
use ldsp_protocol::dsse::Unverified;
use ldsp_protocol::statement::Kind;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;

const NOW: &str = "2022-05-01T12:00:00Z";

fn checked(invite: &Invite, now: &str) -> Result<Checked, EnrolError> {
    Checked::read(&serde_json::to_vec(invite).unwrap(), at(now))
}

async fn attempt(
    world: &World,
    aggregator: &Aggregator,
    invite: &Invite,
) -> Result<Enrolled, EnrolError> {
    let checked = checked(invite, NOW)?;
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    enrol(
        &world.store,
        aggregator,
        &node_key(),
        &checked,
        "it",
        at(NOW),
        &mut rng,
    )
    .await
}

#[tokio::test]
async fn an_invite_becomes_a_pending_place_by_proof_of_possession() {
    let (world, aggregator) = (World::new().await, Aggregator::new());
    aggregator.0.lock().unwrap().node = NodeState::Pending;
    let enrolled = attempt(&world, &aggregator, &invite()).await.unwrap();
    assert!(!enrolled.enrolment.active);
    assert_eq!(enrolled.fingerprint, key_id(&node_key().verifying_key()));
    let request = aggregator.0.lock().unwrap().calls[0].clone();
    assert_eq!(request.path, "/v1/enrolments");
    assert!(
        request
            .headers
            .contains(&("authorization", format!("Bearer {}", "ab".repeat(32))))
    );
    let verified = Unverified::parse(&request.body)
        .unwrap()
        .verify(&node_key().verifying_key())
        .unwrap();
    assert_eq!(verified.payload_type(), ENROLMENT_TYPE);
    let body: EnrolmentBody = serde_json::from_slice(verified.body()).unwrap();
    assert_eq!(body.invite, Invite::id_of(&"ab".repeat(32)));
    assert_eq!(
        body.public_key,
        hex::encode(node_key().verifying_key().as_bytes())
    );
    // The operator approves; the node hears of it.
    aggregator.0.lock().unwrap().node = NodeState::Active;
    assert!(
        refresh(&world.store, &aggregator, &enrolled.enrolment)
            .await
            .unwrap()
    );
    let mut connection = world.store.reader.acquire().await.unwrap();
    assert!(
        enrolment::read(&mut connection)
            .await
            .unwrap()
            .unwrap()
            .active
    );
}

#[tokio::test]
async fn a_lost_answer_or_a_second_use_is_no_dead_end() {
    let (world, aggregator) = (World::new().await, Aggregator::new());
    aggregator.set(Mood::AnswerLost);
    let lost = attempt(&world, &aggregator, &invite()).await.unwrap_err();
    assert_eq!(lost.code(), "unreachable");
    assert_eq!(world.number("SELECT count(*) FROM enrolment").await, 0);
    aggregator.set(Mood::Sound);
    assert!(
        attempt(&world, &aggregator, &invite())
            .await
            .unwrap()
            .enrolment
            .active
    );
    assert!(attempt(&world, &aggregator, &invite()).await.is_ok());
}

#[tokio::test]
async fn what_is_not_for_this_node_is_refused() {
    let (world, aggregator) = (World::new().await, Aggregator::new());
    let elsewhere = Invite {
        lep: "E37000002".parse().unwrap(),
        ..invite()
    };
    let error = attempt(&world, &aggregator, &elsewhere).await.unwrap_err();
    assert_eq!(error.code(), "invite-lep");
    aggregator.0.lock().unwrap().standard = Digest::ZERO;
    let error = attempt(&world, &aggregator, &invite()).await.unwrap_err();
    assert_eq!(error.code(), "standard");
    assert!(error.next().contains("Upgrade"));
    assert_eq!(world.number("SELECT count(*) FROM enrolment").await, 0);
    aggregator.0.lock().unwrap().standard = Standard::current().digest();
    attempt(&world, &aggregator, &invite()).await.unwrap();
    let second = Invite {
        node: "solent".parse().unwrap(),
        ..invite()
    };
    let error = attempt(&world, &aggregator, &second).await.unwrap_err();
    assert_eq!(error.code(), "already-enrolled");
}

#[tokio::test]
async fn how_far_the_log_is_holds_whatever_its_standard() {
    let (world, aggregator) = (World::enrolled().await, Aggregator::new());
    {
        let mut state = aggregator.0.lock().unwrap();
        state.standard = Standard::v1().digest();
        state.taken.push((Digest::of(b"a statement"), Vec::new()));
    }
    let place = crate::testing::place(true);
    let refused = refresh(&world.store, &aggregator, &place).await;
    assert_eq!(refused.unwrap_err().code(), "standard");
    assert_eq!(world.number("SELECT head_seq FROM enrolment").await, 1);
}

#[test]
fn a_bad_invite_is_refused_and_never_quoted() {
    let cases: [(Invite, &str); 6] = [
        (
            Invite {
                schema: 2,
                ..invite()
            },
            "invite-form",
        ),
        (
            Invite {
                url: "http://log.example".into(),
                ..invite()
            },
            "invite-form",
        ),
        (
            Invite {
                secret: "5ecre7".into(),
                ..invite()
            },
            "invite-form",
        ),
        (
            Invite {
                verifier: "x+y+z".into(),
                ..invite()
            },
            "invite-form",
        ),
        (
            Invite {
                origin: "other.example".into(),
                ..invite()
            },
            "invite-form",
        ),
        (
            Invite {
                expires: at(NOW),
                ..invite()
            },
            "invite-expired",
        ),
    ];
    for (invite, code) in cases {
        let error = checked(&invite, NOW).unwrap_err();
        assert_eq!(error.code(), code);
        assert!(!error.to_string().contains("5ecre7"), "{error}");
    }
    let torn = Checked::read(b"{\"schema\": 1, \"secret\": \"5ecre7", at(NOW)).unwrap_err();
    assert!(!torn.to_string().contains("5ecre7"), "{torn}");
}

/// Uses another invite of this node while the first one's answer is on its way.
struct Overtaken {
    aggregator: Aggregator,
    store: Store,
}

impl Transport for Overtaken {
    async fn call(&self, request: Request) -> Result<Answer, Unreachable> {
        let mut other = crate::testing::place(true);
        other.node = "solent".parse().unwrap();
        let mut tx = self.store.write().await.unwrap();
        enrolment::write(&mut tx, &other).await.unwrap();
        tx.commit().await.unwrap();
        self.aggregator.call(request).await
    }
}

#[tokio::test]
async fn two_invites_at_once_do_not_mix() {
    let world = World::new().await;
    let overtaken = Overtaken {
        aggregator: Aggregator::new(),
        store: world.store.clone(),
    };
    let checked = checked(&invite(), NOW).unwrap();
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let (store, key) = (&world.store, node_key());
    let outcome = enrol(store, &overtaken, &key, &checked, "it", at(NOW), &mut rng).await;
    assert_eq!(outcome.unwrap_err().code(), "already-enrolled");
    assert_eq!(
        world
            .number("SELECT count(*) FROM enrolment WHERE node = 'solent'")
            .await,
        1
    );
}

#[tokio::test]
async fn enrolling_again_takes_back_nothing_that_the_log_said() {
    let (world, aggregator) = (World::new().await, Aggregator::new());
    attempt(&world, &aggregator, &invite()).await.unwrap();
    world.run("UPDATE enrolment SET head_seq = 7, head_pae = x'0000000000000000000000000000000000000000000000000000000000000007'").await;
    attempt(&world, &aggregator, &invite()).await.unwrap();
    let known = "SELECT count(*) FROM enrolment WHERE head_seq = 7 AND head_pae = x'0000000000000000000000000000000000000000000000000000000000000007'";
    assert_eq!(world.number(known).await, 1);
}

/// Nobody prepares and approves months that the log will not take, and what was heard once is not forgotten.
#[tokio::test]
async fn a_node_hears_that_its_key_was_revoked_and_signs_nothing_more() {
    let (world, aggregator) = (World::enrolled().await, Aggregator::new());
    let place = crate::testing::place(true);
    for state in [NodeState::Revoked, NodeState::Active] {
        aggregator.0.lock().unwrap().node = state;
        assert!(refresh(&world.store, &aggregator, &place).await.unwrap());
        let heard = world.store.enrolment().await.unwrap().unwrap();
        assert_eq!((heard.active, heard.revoked_from), (true, Some(7)));
    }
    let mut tx = world.store.write().await.unwrap();
    let of = (None, Standard::current());
    let key = crate::testing::node_key();
    let refused = crate::seal::queue(&mut tx, &key, Kind::PracticeEntry, of, "", 0).await;
    assert_eq!(refused.unwrap_err().code(), "key-revoked");
}
