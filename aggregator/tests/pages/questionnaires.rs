//! Writing a questionnaire, issuing it, and reading what comes back.

use axum::http::{Request, StatusCode, header};
use ldsp_aggregator::questionnaires::{self, Draft};
use ldsp_aggregator::store::Drafts as _;
use ldsp_protocol::questionnaire::{Fact, Form};

use crate::browser::{Answer, Browser, HERE};
use crate::synthetic::{answers, leps, questionnaire};

/// An operator at work, signed in once.
struct Desk<'a> {
    browser: &'a Browser,
    cookies: String,
}

impl<'a> Desk<'a> {
    async fn of(browser: &'a Browser, role: &str) -> Self {
        let cookies = browser.sign_in(role).await.cookies();
        Self { browser, cookies }
    }

    async fn get(&self, path: &str) -> Answer {
        self.browser.with_cookies(&self.cookies, path, None).await
    }

    async fn shows(&self, path: &str) -> String {
        let answer = self.get(path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.body);
        answer.body
    }

    async fn send(&self, path: &str, form: &str) -> Answer {
        let form = Some(form);
        self.browser.with_cookies(&self.cookies, path, form).await
    }

    /// Sends the form as the page at `path` gives it, with its edition.
    async fn fill(&self, path: &str, to: &str, form: &str) -> Answer {
        let page = self.shows(path).await;
        let edition = page.split("name=\"edition\" value=\"").nth(1);
        let edition = edition.and_then(|rest| rest.split('"').next());
        let edition = edition.unwrap_or_else(|| panic!("{path} has no form: {page}"));
        self.send(to, &format!("edition={edition}&{form}")).await
    }

    async fn done(&self, path: &str, form: &str) {
        let answer = self.fill(path, path, form).await;
        assert_eq!(
            answer.status,
            StatusCode::SEE_OTHER,
            "{path}: {}",
            answer.body
        );
    }
}

async fn stored(browser: &Browser, name: &str) -> Option<Draft> {
    let name = name.parse().expect("a name");
    let row = browser.world.service.store.draft(&name).await;
    let row = row.expect("a store that answers");
    row.map(|row| row.draft)
}

const DRAFT: &str = "/questionnaires/drafts/ways-to-courses";

/// From nothing to a statement of the log, by forms alone.
#[tokio::test]
async fn an_operator_writes_a_questionnaire_and_issues_it() {
    let browser = Browser::open().await;
    let desk = Desk::of(&browser, "operator").await;
    assert!(
        desk.shows("/questionnaires")
            .await
            .contains("Nothing has been asked yet")
    );
    let begun = desk
        .send("/questionnaires/new", "title=Ways+to+courses&name=")
        .await;
    assert_eq!(begun.headers[header::LOCATION], DRAFT);
    let empty = desk.shows(DRAFT).await;
    for missing in [
        "nothing is written there",
        "no day is set",
        "not 1 to 100 questions",
    ] {
        assert!(empty.contains(missing), "{missing}: {empty}");
    }
    let twice = desk
        .send("/questionnaires/new", "title=Ways+to+courses&name=")
        .await;
    assert_eq!(twice.status, StatusCode::UNPROCESSABLE_ENTITY);
    let about = format!("{DRAFT}/about");
    desk.done(&about, "title=Ways+to+courses&purpose=To+see+where+there+is+none.&due-day=31&due-month=12&due-year=2026").await;
    let areas = format!("{DRAFT}/areas");
    let nobody = desk.fill(&areas, &areas, "scope=some").await;
    assert!(nobody.body.contains("href=\"#lep\""), "{}", nobody.body);
    desk.done(&areas, "scope=some&lep=E37000003&lep=E37000001")
        .await;
    questions(&desk).await;
    let draft = stored(&browser, "ways-to-courses").await.unwrap();
    assert_eq!(draft.questions.len(), 3);
    let [buses, which, services] = draft.questions.as_slice() else {
        panic!()
    };
    assert_eq!(
        (buses.id.as_str(), &buses.form),
        ("are-there-buses", &Form::YesNo)
    );
    assert_eq!(which.only_if.as_ref().unwrap().is[0].as_str(), "yes");
    let Form::Any(choices) = &which.form else {
        panic!("{which:?}")
    };
    assert_eq!(choices[1].code.as_str(), "by-night-2-am");
    assert_eq!(services.prefill, Some(Fact::Services));

    let preview = desk.shows(&format!("{DRAFT}/preview")).await;
    for seen in [
        "1. Are there buses?",
        "Asked only where the answer to question 1 is “Yes”.",
        "The node fills in what it knows",
        "stays public for ever",
    ] {
        assert!(preview.contains(seen), "{seen}: {preview}");
    }
    let (issue, from) = (format!("{DRAFT}/issue"), format!("{DRAFT}/preview"));
    let hasty = desk.fill(&from, &issue, "").await;
    assert_eq!(hasty.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(hasty.body.contains("href=\"#confirmed\""));
    let issued = desk.fill(&from, &issue, "confirmed=yes").await;
    let there = "/questionnaires/asked/ways-to-courses?issued=1";
    assert_eq!(issued.headers[header::LOCATION], there);
    assert_eq!(stored(&browser, "ways-to-courses").await, None);
    let shown = desk.shows(there).await;
    assert!(
        shown.contains("Version 1 is issued") && shown.contains("0 of 2 areas"),
        "{shown}"
    );
    let asked = questionnaires::newest(&browser.world.service.store)
        .await
        .unwrap();
    assert_eq!(asked[0].questionnaire.asked_by, "operator");
    // Everybody reads what is asked.
    let public = browser
        .shows(&format!("/statements/{}", asked[0].index))
        .await;
    assert!(
        public.contains("2. Which ones?") && public.contains("Black Country"),
        "{public}"
    );

    // The next version begins as the last one ended.
    let next = desk
        .send("/questionnaires/asked/ways-to-courses/version", "")
        .await;
    assert_eq!(next.headers[header::LOCATION], DRAFT);
    let again = stored(&browser, "ways-to-courses").await.unwrap();
    assert_eq!((again.questions, again.due), (draft.questions, None));
    assert!(desk.shows(DRAFT).await.contains("Draft of version 2"));
    let deleted = desk.fill(DRAFT, &format!("{DRAFT}/delete"), "").await;
    assert_eq!(deleted.status, StatusCode::SEE_OTHER);
    assert_eq!(stored(&browser, "ways-to-courses").await, None);
}

async fn questions(desk: &Desk<'_>) {
    let add = format!("{DRAFT}/add");
    let kinds = desk.shows(&add).await;
    assert!(kinds.contains("What is an answer?") && kinds.contains("One of a list"));
    assert!(
        desk.get(&format!("{add}?asked=1"))
            .await
            .body
            .contains("Choose what an answer is")
    );
    let (any, number) = (format!("{add}?form=any"), format!("{add}?form=number"));
    let one = "form=any&text=Which+ones%3F&choices=By+day&required=yes";
    let wrong = desk.fill(&any, &add, one).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(wrong.body.contains("not 2 to 50 choices") && wrong.body.contains("\nBy day"));
    let two =
        "form=any&text=Which+ones%3F&id=which&choices=By+day%0D%0ABy+night+%282+am%29&required=yes";
    assert_eq!(
        desk.fill(&any, &add, two).await.status,
        StatusCode::SEE_OTHER
    );
    let large =
        "form=number&text=How+many+services%3F&id=services&unit=services&max=ten&prefill=services";
    let large = desk.fill(&number, &add, large).await;
    assert!(large.body.contains("href=\"#max\""), "{}", large.body);
    let sound = "form=number&text=How+many+services%3F&id=services&unit=services&max=1%2C000&prefill=services";
    assert_eq!(
        desk.fill(&number, &add, sound).await.status,
        StatusCode::SEE_OTHER
    );
    let first = format!("{add}?form=yes-no");
    let buses = "form=yes-no&text=Are+there+buses%3F&required=yes";
    assert_eq!(
        desk.fill(&first, &add, buses).await.status,
        StatusCode::SEE_OTHER
    );
    // It came last and belongs first.
    for _ in 0..2 {
        let up = format!("{DRAFT}/questions/are-there-buses/move");
        assert_eq!(
            desk.fill(DRAFT, &up, "to=up").await.status,
            StatusCode::SEE_OTHER
        );
    }
    let when = format!("{DRAFT}/questions/which/when");
    assert!(desk.shows(&when).await.contains("1. Are there buses?"));
    let chosen = format!("{when}?question=are-there-buses");
    let none = desk.fill(&chosen, &when, "question=are-there-buses").await;
    assert!(none.body.contains("Choose at least one answer"));
    let set = desk
        .fill(&chosen, &when, "question=are-there-buses&is=yes")
        .await;
    assert_eq!(set.status, StatusCode::SEE_OTHER, "{}", set.body);
}

/// Nothing is overwritten, and nothing that was typed is lost.
#[tokio::test]
async fn of_two_who_write_the_second_sees_what_the_first_did() {
    let browser = Browser::open().await;
    let desk = Desk::of(&browser, "operator").await;
    desk.send("/questionnaires/new", "title=Ways+to+courses&name=")
        .await;
    let about = format!("{DRAFT}/about");
    let stale = desk.shows(&about).await;
    let edition = stale.split("name=\"edition\" value=\"").nth(1).unwrap();
    let edition = edition.split('"').next().unwrap();
    desk.done(
        &about,
        "title=First&purpose=One&due-day=&due-month=&due-year=",
    )
    .await;
    let form = format!(
        "edition={edition}&title=Second&purpose=My+long+text&due-day=&due-month=&due-year="
    );
    let late = desk.send(&about, &form).await;
    assert_eq!(late.status, StatusCode::UNPROCESSABLE_ENTITY);
    for kept in [
        "operator changed the draft meanwhile",
        "My long text",
        "value=\"Second\"",
    ] {
        assert!(late.body.contains(kept), "{kept}: {}", late.body);
    }
    assert_eq!(
        stored(&browser, "ways-to-courses").await.unwrap().title,
        "First"
    );
    let newer = late.body.split("name=\"edition\" value=\"").nth(1).unwrap();
    let newer = newer.split('"').next().unwrap();
    let form = form.replace(edition, newer);
    assert_eq!(desk.send(&about, &form).await.status, StatusCode::SEE_OTHER);
    assert_eq!(
        stored(&browser, "ways-to-courses").await.unwrap().title,
        "Second"
    );
    // Neither is deleted nor issued what somebody has not seen.
    for act in ["delete", "issue"] {
        let form = format!("edition={edition}&confirmed=yes");
        let refused = desk.send(&format!("{DRAFT}/{act}"), &form).await;
        assert_eq!(refused.status, StatusCode::CONFLICT, "{}", refused.body);
    }
    assert!(stored(&browser, "ways-to-courses").await.is_some());
    let personal = desk
        .fill(
            &about,
            &about,
            "title=Ring+07700+900123&purpose=&due-day=31&due-month=2&due-year=2026",
        )
        .await;
    assert!(
        personal.body.contains("href=\"#title\"") && personal.body.contains("href=\"#due-day\"")
    );
}

#[tokio::test]
async fn operators_and_analysts_read_who_answered_and_what() {
    let browser = Browser::open().await;
    let areas = leps();
    for lep in &areas[..4] {
        browser.world.join(lep).await;
    }
    let asked = browser.world.ask(&questionnaire(browser.world.now)).await;
    let desk = Desk::of(&browser, "analyst").await;
    let path = "/questionnaires/asked/provision-and-routes";
    let none = desk.shows(path).await;
    assert!(
        none.contains("No area has answered this version yet"),
        "{none}"
    );
    for (at, lep) in areas[..3].iter().enumerate() {
        browser.world.answer(lep, answers(&asked, at as u64)).await;
    }
    let shown = desk.shows(path).await;
    for seen in [
        "3 of 38 areas",
        "In time",
        "Not yet",
        "No node",
        "<svg",
        "Half of those who do not come forgot.",
        "Laptops to take home, &lt;not&gt;",
    ] {
        assert!(shown.contains(seen), "{seen}: {shown}");
    }
    assert!(!shown.contains("Write a new version"), "analysts only read");
    let list = desk.shows("/questionnaires").await;
    assert!(list.contains("3 of 38") && !list.contains("Write a questionnaire"));
    let one = desk.shows(&format!("{path}/leps/{}", areas[1].code)).await;
    assert!(one.contains("filled in from what the node holds"), "{one}");
    assert_eq!(
        desk.get(&format!("{path}/leps/{}", areas[3].code))
            .await
            .status,
        StatusCode::NOT_FOUND
    );
    let api = "/api/v1/questionnaires/provision-and-routes";
    let csv = desk.shows(&format!("{api}/answers.csv")).await;
    assert!(csv.starts_with("lep_code,lep,node,version,"), "{csv}");
    let export = desk.shows(&format!("{api}/answers")).await;
    assert!(export.contains("A bus after eight"));
    assert!(desk.shows(api).await.contains("\"answered\":3"));
    // Nobody else reads the answers, wherever they are.
    let leaf = asked.index + 1;
    let statement = format!("/statements/{leaf}");
    let open = browser.shows(&statement).await;
    assert!(
        open.contains("for the operators and analysts of this site")
            && !open.contains("A bus after eight")
    );
    assert!(desk.shows(&statement).await.contains("A bus after eight"));
    let curator = Desk::of(&browser, "curator").await;
    assert!(
        !curator
            .shows(&statement)
            .await
            .contains("A bus after eight")
    );
    let envelope = format!("/api/v1/answers/{leaf}");
    assert!(desk.shows(&envelope).await.contains("payloadType"));
    assert_eq!(curator.get(&envelope).await.status, StatusCode::FORBIDDEN);
    let results = desk
        .shows("/v1/questionnaires/provision-and-routes/results")
        .await;
    assert!(results.contains("\"too_few\":false") && !results.contains("A bus after eight"));
}

#[tokio::test]
async fn programs_issue_what_a_file_says_once() {
    let browser = Browser::open().await;
    let desk = Desk::of(&browser, "operator").await;
    let post = async |body: String| {
        let request = Request::post("/api/v1/questionnaires")
            .header(header::ORIGIN, HERE)
            .header(header::HOST, "site.example")
            .header(header::COOKIE, &desk.cookies)
            .header(header::CONTENT_TYPE, "application/json");
        browser.send(request.body(body.into()).unwrap()).await
    };
    let draft = questionnaire(browser.world.now);
    let text = serde_json::to_string(&draft).unwrap();
    assert_eq!(post(text.clone()).await.status, StatusCode::CREATED);
    assert_eq!(post(text.clone()).await.status, StatusCode::OK);
    let mut bad = draft;
    bad.due = None;
    bad.title = "Another one".into();
    bad.questions[8].only_if.as_mut().unwrap().question = "nothing".parse().unwrap();
    let refused = post(serde_json::to_string(&bad).unwrap()).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    for told in [
        "\"code\":\"questionnaire\"",
        "questions[8].only_if",
        "no day is set",
    ] {
        assert!(refused.body.contains(told), "{told}: {}", refused.body);
    }
    assert_eq!(
        post("{}".into()).await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    assert_eq!(
        post("not JSON".into()).await.status,
        StatusCode::BAD_REQUEST
    );
    let all = questionnaires::all(&browser.world.service.store)
        .await
        .unwrap();
    assert_eq!(all.len(), 1);
}
