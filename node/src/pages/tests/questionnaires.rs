//! Questionnaires, from the list to the statement, as people see them.

use ldsp_protocol::ids::Digest;
use ldsp_protocol::questionnaire::Questionnaire;
use serde_json::json;

use super::*;
use crate::questionnaire::tests::{asked, id, newer};
use crate::questionnaire::{Case, State, hear};
use crate::testing::Aggregator;

const AT: &str = "/questionnaires/routes";

/// A node that was asked this.
async fn asked_of(questionnaires: &[Questionnaire]) -> World {
    let world = world().await.with_everybody().await;
    let aggregator = Aggregator::new();
    questionnaires
        .iter()
        .for_each(|asked| aggregator.asks(asked));
    listens(&world, &aggregator).await;
    world
}

async fn listens(world: &World, aggregator: &Aggregator) {
    let now = (world.settings.clock)();
    let heard = hear(&world.node.store, aggregator, now).await.unwrap();
    assert_eq!(heard.problem, None);
}

impl World {
    /// A page of the form, sent with what it was shown with.
    async fn part(&self, who: &str, number: usize, form: &str) -> Seen {
        let path = format!("{AT}/part/{number}");
        let page = self.get(who, &path).await.body;
        let seen = page
            .split("name=\"seen\" value=\"")
            .nth(1)
            .unwrap_or_else(|| panic!("a form: {page}"));
        let seen = seen[..64].to_owned();
        self.post(who, &path, &format!("seen={seen}&{form}")).await
    }

    async fn stage(&self) -> State {
        let case = Case::read(&self.node.store, &id("routes")).await.unwrap();
        case.unwrap().state()
    }

    /// Answers everything by the form.
    async fn answered(&self) {
        for (number, form, next) in [
            (1, "q-any=yes", "/questionnaires/routes/part/2"),
            (2, "q-how=foot&q-how=bus", "/questionnaires/routes/part/3"),
            (
                3,
                "q-why=There+is+no+other.&q-services=1%2C240&q-enrolments=not_known&q-best=car",
                "/questionnaires/routes?done=saved",
            ),
        ] {
            let seen = self.part("ann", number, form).await;
            assert_eq!(seen.location(), next, "{}", seen.body);
        }
    }

    async fn handed_over(&self) -> String {
        self.answered().await;
        let seen = self.post("ann", &format!("{AT}/hand-over"), "").await;
        assert_eq!(seen.location(), format!("{AT}?done=handed-over"));
        self.digest(AT).await
    }
}

#[tokio::test]
async fn one_answers_page_by_page_and_another_releases() {
    let world = asked_of(&[asked()]).await;
    for who in ["ann", "bob", "vic"] {
        let list = world.get(who, "/questionnaires").await.body;
        for words in ["Routes in 2022", "10 May 2022, in 67 days", "New"] {
            assert!(list.contains(words), "{who} {words}: {list}");
        }
    }
    let home = world.get("ann", "/").await.body;
    assert!(home.contains("is due in 67 days"), "{home}");
    let digest = world.handed_over().await;
    let late = world.get("ann", &format!("{AT}/part/1")).await;
    assert_eq!(
        late.status,
        StatusCode::CONFLICT,
        "it waits for an approver"
    );
    let page = world.get("bob", AT).await.body;
    for words in [
        "1,240 services",
        "BUS; FOOT",
        "There is no other.",
        "national operators and analysts read",
        &digest,
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    let viewer = world.get("vic", AT).await.body;
    assert!(
        !viewer.contains("name=\"digest\"")
            && !viewer.contains("<form method=\"post\" action=\"/questionnaires")
    );
    let unread = world
        .post("bob", &format!("{AT}/release"), &format!("digest={digest}"))
        .await;
    assert_eq!(unread.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(unread.body.contains("href=\"#read\""), "{}", unread.body);
    let form = format!("digest={digest}&read=yes");
    let seen = world.post("bob", &format!("{AT}/release"), &form).await;
    assert_eq!(seen.location(), format!("{AT}?done=released"));
    assert_eq!(world.queued.load(Ordering::Relaxed), 1);
    let page = world.get("ann", AT).await.body;
    assert!(
        page.contains("/statements/1") && page.contains("released by bob"),
        "{page}"
    );
    let statement = world.get("bob", "/statements/1").await.body;
    assert!(
        statement.contains("Answers are not withdrawn"),
        "{statement}"
    );
    let home = world.get("ann", "/").await.body;
    assert!(!home.contains("is due in"), "{home}");
    let refused = world
        .post("bob", "/statements/1/withdraw", "reason=No")
        .await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    // Nobody who is not signed in, and no provider, reads what was answered.
    for who in ["", "pam"] {
        let read = world.get(who, "/v1/statements/1").await;
        assert!(!read.status.is_success(), "{who}: {}", read.status);
    }
}

#[tokio::test]
async fn what_was_typed_stays_and_every_error_stands_at_its_field() {
    let world = asked_of(&[asked()]).await;
    world.part("ann", 1, "q-any=yes").await;
    world.part("ann", 2, "q-how=bus").await;
    let wrong =
        "q-why=Ring+0121+496+0000+%3Cb%3E&q-services=many&q-enrolments=as_published&q-best=car";
    let seen = world.part("ann", 3, wrong).await;
    assert_eq!(seen.status, StatusCode::UNPROCESSABLE_ENTITY);
    let page = seen.body;
    for words in [
        "Characters 6 to 18 look like a telephone number",
        "Ring 0121 496 0000 &#60;b&#62;",
        "Enter a whole number from 0 to 100,000",
        "value=\"many\"",
        "href=\"#q-why\"",
        "href=\"#q-services\"",
        "href=\"#q-enrolments\"",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    let kept = async || {
        let (draft, _) = world.node.store.answers(&id("routes")).await.unwrap();
        draft.unwrap().answers.len()
    };
    assert_eq!(kept().await, 3, "what holds is kept: any, how, best");
    let columns = sqlx::query_scalar::<_, String>("SELECT answers FROM questionnaire_answers");
    let stored = columns.fetch_one(&world.node.store.reader).await.unwrap();
    assert!(
        !stored.contains("0121"),
        "personal data never reach the database"
    );
    // An exact count cannot be sent in the place of the estimate.
    let exact = world.part("ann", 3, "q-enrolments=40").await;
    assert_eq!(exact.status, StatusCode::UNPROCESSABLE_ENTITY);
    let both = "q-services=12&q-services_not_known=not_known&q-enrolments=not_known&q-best=car";
    let seen = world.part("ann", 3, both).await.body;
    assert!(
        seen.contains("Either answer or say that it is not known"),
        "{seen}"
    );
    let none = world
        .part("ann", 2, "q-how=bus&q-how=none_of_these")
        .await
        .body;
    assert!(none.contains("Either tick answers"), "{none}");
    // What is missing is named, unless it is left for later.
    let missing = world.part("ann", 3, "q-best=").await;
    assert!(
        missing.body.contains("Answer this question"),
        "{}",
        missing.body
    );
    let later = world.part("ann", 3, "q-services=12&go=later").await;
    assert_eq!(later.location(), format!("{AT}?done=saved"));
    let page = world.get("ann", AT).await.body;
    assert!(
        page.contains("open</strong>") && !page.contains("hand-over"),
        "{page}"
    );
}

#[tokio::test]
async fn what_the_answers_do_not_lead_to_is_not_asked() {
    let world = asked_of(&[asked()]).await;
    let seen = world.part("ann", 1, "q-any=no").await;
    assert_eq!(seen.location(), format!("{AT}/part/3"));
    let page = world.get("ann", &format!("{AT}/part/3")).await.body;
    assert!(
        !page.contains("q-why") && page.contains("Page 2 of 2"),
        "{page}"
    );
    let skipped = world.get("ann", &format!("{AT}/part/2")).await;
    assert_eq!(skipped.location(), format!("{AT}/part/3"));
    for nowhere in ["part/4", "part/0", "part/x"] {
        let seen = world.get("ann", &format!("{AT}/{nowhere}")).await;
        assert_eq!(seen.status, StatusCode::NOT_FOUND, "{nowhere}");
    }
    assert_eq!(
        world.get("ann", "/questionnaires/other").await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn a_number_is_filled_in_with_its_day_and_place() {
    let world = asked_of(&[asked()]).await;
    let page = world.get("ann", &format!("{AT}/part/3")).await.body;
    assert!(
        page.contains("no service is listed at this node yet"),
        "{page}"
    );
    let service = "name=Learn&organisation=Library&description=&url=&status=active";
    let made = world.post("ann", "/provision/new", service).await;
    assert_eq!(made.status, StatusCode::SEE_OTHER, "{}", made.body);
    let page = world.get("ann", &format!("{AT}/part/3")).await.body;
    for words in [
        "Filled in from what this node knows, as of 4 March 2022: 1 services on offer",
        "href=\"/provision\"",
        "name=\"q-services\" type=\"text\" value=\"1\"",
        "no month was released yet",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    let form = "q-services=1&q-enrolments=not_known&q-best=car";
    world.part("ann", 3, form).await;
    let page = world.get("ann", AT).await.body;
    assert!(
        page.contains("Filled in from what this node knows, as of 4 March 2022"),
        "{page}"
    );
}

#[tokio::test]
async fn of_two_who_answer_at_a_time_the_second_sees_what_the_first_did() {
    let world = asked_of(&[asked()]).await;
    let path = format!("{AT}/part/1");
    let page = world.get("ann", &path).await.body;
    let shown = page.split("name=\"seen\" value=\"").nth(1).unwrap()[..64].to_owned();
    world.part("ann", 1, "q-any=yes").await;
    let late = world
        .post("ann", &path, &format!("seen={shown}&q-any=no"))
        .await;
    assert_eq!(late.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        late.body.contains("changed these answers") && late.body.contains("Kept now: Yes"),
        "{}",
        late.body
    );
    let again = world.post("ann", &path, "q-any=no").await;
    assert_eq!(
        again.status,
        StatusCode::CONFLICT,
        "a form that was not made here"
    );
}

#[tokio::test]
async fn answers_come_back_with_a_reason() {
    let world = asked_of(&[asked()]).await;
    let digest = world.handed_over().await;
    let bare = world
        .post(
            "bob",
            &format!("{AT}/send-back"),
            &format!("digest={digest}"),
        )
        .await;
    assert_eq!(bare.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(bare.body.contains("href=\"#reason\""), "{}", bare.body);
    let form = format!("digest={digest}&reason=The+car%3F");
    let back = world.post("bob", &format!("{AT}/send-back"), &form).await;
    assert_eq!(back.location(), format!("{AT}?done=sent-back"));
    let page = world.get("ann", AT).await.body;
    assert!(
        page.contains("The car?") && page.contains("Sent back"),
        "{page}"
    );
    assert!(!world.get("vic", AT).await.body.contains("The car?"));
    let seen = world.post("ann", &format!("{AT}/hand-over"), "").await;
    assert_eq!(seen.status, StatusCode::SEE_OTHER);
    let seen = world.post("ann", &format!("{AT}/take-back"), "").await;
    assert_eq!(seen.location(), format!("{AT}?done=taken-back"));
    let late = format!("digest={digest}&read=yes");
    let late = world.post("bob", &format!("{AT}/release"), &late).await;
    assert_eq!(late.status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn a_newer_version_says_what_was_carried_over() {
    let world = world().await.with_everybody().await;
    let aggregator = Aggregator::new();
    aggregator.asks(&asked());
    listens(&world, &aggregator).await;
    let digest = world.handed_over().await;
    aggregator.asks(&newer());
    listens(&world, &aggregator).await;
    assert_eq!(world.stage().await, State::NewerVersion);
    let page = world.get("ann", AT).await.body;
    for words in [
        "Version 2 came on",
        "no longer fit",
        "which is not asked any more",
        "Newer version",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    let form = format!("digest={digest}&read=yes");
    let stale = world.post("bob", &format!("{AT}/release"), &form).await;
    assert_eq!(stale.status, StatusCode::CONFLICT);
    let early = world.post("ann", &format!("{AT}/hand-over"), "").await;
    assert_eq!(early.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        early.body.contains("Answer this question"),
        "{}",
        early.body
    );
}

#[tokio::test]
async fn an_empty_list_says_what_comes_and_a_refused_one_that_it_was() {
    let world = world().await;
    let page = world.get("ann", "/questionnaires").await.body;
    assert!(page.contains("Nobody asks this LEP anything"), "{page}");
    let aggregator = Aggregator::new();
    aggregator.asks(&asked());
    let forged = ed25519_dalek::SigningKey::from_bytes(&[66; 32]);
    aggregator.0.lock().unwrap().asked[0] = crate::testing::questionnaire(&forged, 1, &asked());
    listens(&world, &aggregator).await;
    let page = world.get("ann", "/questionnaires").await.body;
    for words in [
        "does not believe",
        "routes, version 1",
        "not proven",
        "4 March 2022",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
}

/// What the log told last, with its time, where it is away.
#[tokio::test]
async fn own_answers_stand_beside_those_of_all() {
    let world = asked_of(&[asked()]).await;
    let at = format!("{AT}/results");
    let early = world.get("vic", &at).await.body;
    assert!(early.contains("Once this LEP has answered"), "{early}");
    let digest = world.handed_over().await;
    let form = format!("digest={digest}&read=yes");
    world.post("bob", &format!("{AT}/release"), &form).await;
    let away = world.get("ann", &at).await.body;
    assert!(
        away.contains("could not be reached") && away.contains("Your answer: BUS; FOOT"),
        "{away}"
    );
    let case = Case::read(&world.node.store, &id("routes"))
        .await
        .unwrap()
        .unwrap();
    let told = |pae: Digest, too_few: bool| {
        let tallies = json!([
            {"question": "how", "reached": 5, "not_known": 1, "left_out": 0, "told": {"choices": {"bus": 4, "car": 2, "foot": 0}}},
            {"question": "services", "reached": 5, "not_known": 0, "left_out": 2,
             "told": {"numbers": {"count": 3, "sum": 1300, "min": 20, "median": 40.5, "max": 1240}}},
            {"question": "why", "reached": 4, "not_known": 0, "left_out": 1, "told": {"texts": 3}},
        ]);
        let tallies = if too_few { json!([]) } else { tallies };
        json!({
            "questionnaire": {"name": "routes", "version": 1, "title": "T", "due": "2022-05-10", "index": 100, "seq": 1, "pae": pae},
            "asked": 38, "answered": if too_few { 2 } else { 5 }, "too_few": too_few, "tallies": tallies, "later": true,
        })
        .to_string()
    };
    let keep = async |text: String| {
        let now = (world.settings.clock)();
        let kept = world
            .node
            .store
            .keep_questionnaire_results(&id("routes"), &text, now)
            .await;
        kept.unwrap();
        world.get("ann", &at).await.body
    };
    let page = keep(told(case.it.pae, false)).await;
    for words in [
        "of 38 that were asked",
        "4 March 2022, 09:00",
        "1,300",
        "40.5",
        "Wrote something",
        "Left out",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert_eq!(
        page.matches("Your answer</strong>").count(),
        3,
        "bus, foot and the words: {page}"
    );
    let page = keep(told(case.it.pae, true)).await;
    assert!(page.contains("So few LEPs have answered"), "{page}");
    let page = keep(told(Digest::ZERO, false)).await;
    assert!(
        !page.contains("1,300"),
        "figures of other questions are not shown: {page}"
    );
}
