//! What is for some readers only comes back too: nodes have it.

use super::*;
use crate::questionnaires::tests::{answered, answers, draft, id, issued};
use crate::questionnaires::{Standing, standing};

async fn stands(world: &World) -> Standing {
    let stands = standing(&world.service.store, &id("routes")).await;
    stands.unwrap().unwrap()
}

#[tokio::test]
async fn a_restored_log_gets_questionnaires_and_answers_back() {
    let world = World::new().await;
    let mut sim = Sim::new(0);
    world.admit(&sim).await;
    let backup = copied(&world.crash().await);
    let world = World::in_dir(copied(&backup)).await;
    let asked = issued(&world, &draft()).await.asked;
    let sealed = sim.seal(Kind::QuestionnaireAnswers, None, answers(asked.pae, 3));
    answered(&world, &mut sim, &answers(asked.pae, 3)).await;
    let question = held(&world, &own::name(), asked.seq).await;
    let (leaf, receipt, _) = held(&world, &sim.slug, 1).await;
    let answer = (leaf, receipt, sealed.envelope().to_vec());
    let note = world.get("/checkpoint").await.text();
    let whole = stands(&world).await;
    drop(world.crash().await);

    let world = World::in_dir(backup).await;
    hold(&world, &sim, &note).await;
    for leaf in [&answer, &question] {
        assert_eq!(give(&world, leaf).await.status.as_u16(), 202);
    }
    assert_eq!(hold(&world, &sim, &note).await.status.as_u16(), 204);
    assert_eq!(world.get("/checkpoint").await.text(), note);
    assert_eq!(stands(&world).await.given, whole.given);
    sound(&world).await;
}
