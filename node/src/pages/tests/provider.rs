//! The pages of a provider, and that no route leads to another's.

use super::*;

/// College (pam) and Library (pat), each with cohort and learner.
async fn two() -> World {
    let world = world().await.with_everybody().await;
    world.upload("programmes", "store", PROGRAMMES).await;
    for (who, name, code) in [("pam", "College", "A1"), ("pat", "Library", "B1")] {
        let form = format!("name={name}&kind=provider&ukprn=&contact_role=");
        assert_eq!(
            world.post("ada", "/organisations/new", &form).await.status,
            StatusCode::SEE_OTHER
        );
        let form = format!(
            "cohort={code}&programme=P1&provider={name}&title={name}+one&start-day=10&start-month=1&start-year=2022&places=8&place=Hall"
        );
        assert_eq!(
            world.post("ann", "/cohorts/new", &form).await.status,
            StatusCode::SEE_OTHER
        );
        let id = if who == "pam" { 1 } else { 2 };
        let seen = world
            .post(
                who,
                &format!("/provider/cohorts/{id}/add"),
                &learner(&format!("{code}-017")),
            )
            .await;
        assert_eq!(seen.status, StatusCode::SEE_OTHER, "{}", seen.body);
        let question = format!(
            "provider={name}&rule=overdue-end&question-overdue-end=Is+the+last+day+of+{code}-017s+course+missing%3F"
        );
        let seen = world.post("ann", "/quality/questions", &question).await;
        assert_eq!(seen.status, StatusCode::SEE_OTHER, "{}", seen.body);
    }
    world
}

fn learner(reference: &str) -> String {
    format!(
        "learner_ref={reference}&uln=&age=67&district=E08000027&sex=female&ethnicity=white&disability=no&prior_status=retired&employer=&aim=A1\
         &skill=foundation&mode=online&start-day=10&start-month=1&start-year=2022&planned_end-day=&planned_end-month=&planned_end-year="
    )
}

fn file(provider: &str, reference: &str) -> String {
    format!(
        "provider,learner_ref,uln,age,sex,ethnicity,disability,prior_status,district,aim,programme,skill,mode,start,planned_end,end,stage\n\
         {provider},{reference},,40,female,white,no,employed,E08000027,AIM,P1,design,online,2022-01-10,,,in-progress\n"
    )
}

impl World {
    async fn bring(&self, who: &str, cohort: &str, way: &str, file: &str) -> Seen {
        let part = |name: &str, value: &str| {
            format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
        };
        let body = format!(
            "{}{}{}--b--\r\n",
            part("cohort", cohort),
            part("way", way),
            part("file", file)
        );
        let request = Request::post("/provider/upload")
            .header(header::CONTENT_TYPE, "multipart/form-data; boundary=b");
        self.send(who, request, body.into()).await
    }
}

/// Every route below /provider, asked for what is Library's by College and the other way round.
#[tokio::test]
async fn no_route_leads_to_another_organisations_records() {
    let world = two().await;
    let mut asked = 0;
    for rule in rules() {
        if !rule.path.starts_with("/provider") {
            assert!(
                !matches!(rule.access, Access::Roles(roles) if roles.contains(&"provider")),
                "{} is open to providers",
                rule.path
            );
            continue;
        }
        for (who, foreign, secret) in [("pam", "2", "B1"), ("pat", "1", "A1")] {
            let path = rule.path.replace("{id}", foreign);
            let seen = if rule.method == axum::http::Method::GET {
                world.get(who, &path).await
            } else if rule.path.ends_with("/upload") {
                world
                    .bring(who, foreign, "store", &file("", "2022-099"))
                    .await
            } else {
                world.post(who, &path, &learner("2022-099")).await
            };
            assert!(
                !seen.body.contains(&format!("{secret}-017")),
                "{who} {path}"
            );
            assert!(!seen.body.contains(&format!("{secret}: ")), "{who} {path}");
            if rule.path.contains("{id}") || rule.method != axum::http::Method::GET {
                assert_eq!(
                    seen.status,
                    StatusCode::NOT_FOUND,
                    "{who} {} {path}",
                    rule.method
                );
                asked += 1;
            }
        }
        for who in ["ada", "ann", "bob", "vic"] {
            let path = rule.path.replace("{id}", "1");
            let seen = if rule.method == axum::http::Method::GET {
                world.get(who, &path).await
            } else {
                world.post(who, &path, "").await
            };
            assert_eq!(seen.status, StatusCode::FORBIDDEN, "{who} {path}");
        }
    }
    assert_eq!(asked, 18);
    let all = sqlx::query_scalar::<_, i64>("SELECT count(*) FROM enrolments");
    assert_eq!(all.fetch_one(&world.node.store.reader).await.unwrap(), 2);
    // Nor do rows that name another provider.
    let seen = world
        .bring("pam", "1", "store", &file("Library", "2022-099"))
        .await;
    assert!(
        seen.body.contains("provider-other") && seen.body.contains("Nothing was stored"),
        "{}",
        seen.body
    );
}

#[tokio::test]
async fn a_provider_finds_its_learners_from_the_address() {
    let world = two().await;
    let seen = world
        .post("pam", "/provider/cohorts/1/add", &learner("A1-018"))
        .await;
    assert_eq!(seen.status, StatusCode::SEE_OTHER, "{}", seen.body);
    let at = async |place: &str, query: &str| {
        let body = world.get("pam", &format!("{place}{query}")).await.body;
        let mut places: Vec<(usize, &str)> = ["A1-017", "A1-018", "B1-017"]
            .iter()
            .filter_map(|reference| Some((body.find(&format!(">{reference}</a>"))?, *reference)))
            .collect();
        places.sort_unstable();
        let found = places.into_iter().map(|(_, reference)| reference);
        found.collect::<Vec<_>>().join(" ")
    };
    let order = async |query: &str| {
        let found = at("/provider/learners", query).await;
        assert_eq!(at("/provider/cohorts/1", query).await, found, "{query}");
        found
    };
    assert_eq!(order("").await, "A1-017 A1-018");
    assert_eq!(order("?sort=reference&order=down").await, "A1-018 A1-017");
    assert_eq!(order("?q=a1-018").await, "A1-018");
    assert_eq!(order("?q=%25").await, "");
    assert_eq!(order("?stage=in-progress&q=017").await, "A1-017");
    assert_eq!(order("?stage=achieved").await, "");
    assert_eq!(order("?page=2").await, "");
    let other = world.get("pam", "/provider/learners?cohort=2").await.body;
    assert!(other.contains("No learner is like this") && !other.contains("B1-017"));
    let all = world.get("pam", "/provider/learners").await.body;
    assert!(
        all.contains("2 learners") && all.contains("/provider/cohorts/1"),
        "{all}"
    );
}

#[tokio::test]
async fn a_tutor_adds_a_learner_and_records_what_became_of_it() {
    let world = two().await;
    let register = world.get("pam", "/provider/cohorts/1").await.body;
    for words in ["A1-017", "In progress", "Add a learner", "10 January 2022"] {
        assert!(register.contains(words), "{words}");
    }
    let form = world.get("pam", "/provider/cohorts/1/add").await.body;
    assert!(
        form.contains("name=\"learner_ref\"") && form.contains("value=\"2022\""),
        "{form}"
    );
    let bad = learner("Jane+Smith")
        .replace("age=67", "age=old")
        .replace("start-month=1", "start-month=13");
    let seen = world.post("pam", "/provider/cohorts/1/add", &bad).await;
    assert_eq!(seen.status, StatusCode::UNPROCESSABLE_ENTITY);
    for words in [
        "href=\"#learner_ref\"",
        "href=\"#age\"",
        "href=\"#start-day\"",
        "value=\"old\"",
        "id=\"learner_ref-error\"",
    ] {
        assert!(seen.body.contains(words), "{words}");
    }
    let ended = "version=2&stage=achieved&end-day=1&end-month=3&end-year=2022&destination_3m=&destination_6m=&destination_12m=\
        &confidence_before=2&confidence_after=5&everyday_before=&everyday_after=";
    let seen = world.post("pam", "/provider/learners/1", ended).await;
    assert_eq!(seen.status, StatusCode::SEE_OTHER, "{}", seen.body);
    let other = ended.replace("achieved", "withdrawn");
    let seen = world.post("pam", "/provider/learners/1", &other).await;
    assert_eq!(seen.status, StatusCode::CONFLICT);
    assert!(
        seen.body.contains("Somebody changed it") && seen.body.contains("stored Achieved"),
        "{}",
        seen.body
    );
    let early = ended
        .replace("destination_3m=", "destination_3m=none")
        .replace("version=2", "version=3");
    let seen = world.post("pam", "/provider/learners/1", &early).await;
    assert!(
        seen.body.contains("href=\"#destination_3m\""),
        "{}",
        seen.body
    );
    let page = world.get("pam", "/provider/learners/1").await.body;
    assert!(
        page.contains("Achieved") && page.contains("A1-017"),
        "{page}"
    );
    for path in [
        "/provider/learners/x",
        "/provider/learners/0",
        "/provider/cohorts/99",
    ] {
        assert_eq!(
            world.get("pam", path).await.status,
            StatusCode::NOT_FOUND,
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_provider_answers_what_it_is_asked_and_nothing_else() {
    let world = two().await;
    let start = world.get("pam", "/provider").await.body;
    assert!(
        start.contains("1 question waits for your answer"),
        "{start}"
    );
    let list = world.get("pam", "/provider/questions").await.body;
    assert!(
        list.contains("/provider/questions/1") && !list.contains("B1-017"),
        "{list}"
    );
    let path = "/provider/questions/1";
    let form = world.get("pam", path).await.body;
    assert!(
        form.contains("A1-017s course") && form.contains("name=\"answer\""),
        "{form}"
    );
    for (answer, words) in [
        ("answer=", "It says nothing"),
        ("answer=Ring+0121+496+0000", "a telephone number"),
    ] {
        let seen = world.post("pam", path, answer).await;
        assert!(
            seen.body.contains(words) && seen.body.contains("href=\"#answer\""),
            "{}",
            seen.body
        );
    }
    let seen = world
        .post("pam", path, "answer=It+went+on+until+March.")
        .await;
    assert_eq!(seen.location(), "/provider/questions?done=answered");
    let seen = world.post("pam", path, "answer=It+did+not.").await;
    assert_eq!(seen.status, StatusCode::CONFLICT);
    let seen = world.get("pam", path).await.body;
    assert!(
        seen.contains("It went on until March.") && !seen.contains("<textarea"),
        "{seen}"
    );
    let start = world.get("pam", "/provider").await.body;
    assert!(!start.contains("for your answer"), "{start}");
    let board = world
        .get("ann", "/quality/provider?name=College")
        .await
        .body;
    assert!(board.contains("It went on until March."), "{board}");
    // Nobody else hears of it.
    assert_eq!(world.get("pat", path).await.status, StatusCode::NOT_FOUND);
    let list = world.get("pat", "/provider/questions").await.body;
    assert!(
        !list.contains("until March") && list.contains("B1-017"),
        "{list}"
    );
}

#[tokio::test]
async fn a_file_is_previewed_then_stored_and_figures_stand_beside_englands() {
    let world = two().await;
    let seen = world
        .bring("pam", "1", "check", &file("", "2022-020"))
        .await;
    assert!(
        seen.body
            .contains("The file is sound. Nothing was stored yet"),
        "{}",
        seen.body
    );
    let seen = world
        .bring("pam", "1", "store", &file("college", "2022-020"))
        .await;
    assert!(seen.body.contains("The file is imported"), "{}", seen.body);
    assert!(
        world
            .get("pam", "/provider/cohorts/1")
            .await
            .body
            .contains("2022-020")
    );
    assert_eq!(
        world.get("pat", "/provider/upload/report.csv").await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        world.get("pam", "/provider/upload/report.csv").await.status,
        StatusCode::OK
    );
    let empty = world.bring("pam", "", "store", "").await;
    assert!(empty.body.contains("Choose a CSV file"), "{}", empty.body);
    let results = world.get("pam", "/provider/results").await.body;
    for words in [
        "Achievement rate",
        "England",
        "cannot be read just now",
        "nobody yet",
    ] {
        assert!(results.contains(words), "{words}");
    }
    let due = world.get("pam", "/provider/follow-up").await.body;
    assert!(due.contains("Nobody has to be asked"), "{due}");
    let paper = world.get("pam", "/provider/cohorts/1/form").await.body;
    assert!(
        paper.contains("\u{2610} Female") && paper.contains("ldsp-blanks"),
        "{paper}"
    );
}
