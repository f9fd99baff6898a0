//! Demand: the coordinator's form, list and files, the summary, and what a viewer sees of them.

use super::*;

/// All pages of the form at once, as the check of answers sends them.
const NEED: &str = "reference=PANEL-1&asks=employer&organisation=&tier=&skill=software&audience=people-in-work&area=E08000027&number=7001\
    &counts=people&from=2022-04&until=&how=panel&sure=estimated&by=Skills+Advisory+Panel&holds_until-day=31&holds_until-month=12\
    &holds_until-year=2022&note=Minutes+of+March";

const FILE: &str = "reference,asks,area,number,from,how,sure,by,skill,counts\n\
    F1,employer,whole,430,2022-01,survey,counted,Chamber of Commerce,software,employers\n\
    F2,individual,Dudley,66,2022-01,workshop,counted,Library service,foundation,people\n";

#[tokio::test]
async fn a_need_is_stated_page_by_page_and_shown_in_words() {
    let world = world().await.with_everybody().await;
    let empty = world.get("ann", "/demand").await.body;
    assert!(
        empty.contains("Nothing is recorded yet") && empty.contains("Add a need"),
        "{empty}"
    );
    let first = world.get("ann", "/demand/new").await.body;
    assert!(
        first.contains("Who asks, and for what?") && first.contains("Add a need, 1 of 4"),
        "{first}"
    );
    let part = world
        .post(
            "ann",
            "/demand/new",
            &format!("part=2&{NEED}").replace("7001", "lots"),
        )
        .await;
    assert!(
        part.body.contains("href=\"#number\"") && !part.body.contains("How was it learnt?"),
        "{}",
        part.body
    );
    let seen = world.post("ann", "/demand/new", NEED).await;
    assert_eq!(seen.location(), "/demand/1?done=added", "{}", seen.body);
    let page = world.get("bob", "/demand/1").await.body;
    for words in [
        "PANEL-1: Software, Dudley",
        "7,001",
        "Business or other employer",
        "April 2022",
        "31 December 2022",
        "Minutes of March",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert!(
        !page.contains("/demand/1/edit"),
        "an approver changes nothing"
    );
    let changed = world
        .post(
            "ann",
            "/demand/1/edit",
            &format!("version=1&{NEED}").replace("7001", "7002"),
        )
        .await;
    assert_eq!(changed.location(), "/demand/1?done=changed");
    let stale = world
        .post(
            "ann",
            "/demand/1/edit",
            &format!("version=1&{NEED}").replace("7001", "7003"),
        )
        .await;
    assert_eq!(stale.status, StatusCode::CONFLICT);
    let history = world.get("bob", "/demand/1/history").await.body;
    assert!(
        history.contains("7,001") && history.contains("7,002"),
        "{history}"
    );
    // A viewer reads all but the number, and finds and sorts nothing by it.
    for path in [
        "/demand",
        "/demand/1",
        "/demand/1/history",
        "/demand/summary",
        "/demand?q=7002",
        "/demand?sort=number",
    ] {
        let page = world.get("vic", path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        assert!(
            !page.body.contains("7,00") && !page.body.contains("ldsp-exact"),
            "{path}: {}",
            page.body
        );
    }
    assert!(world.get("vic", "/demand").await.body.contains("not shown"));
    assert!(
        !world
            .get("vic", "/demand?q=7,002")
            .await
            .body
            .contains("PANEL-1")
    );
    assert!(
        world
            .get("bob", "/demand?q=7,002")
            .await
            .body
            .contains("PANEL-1")
    );
    for (who, path) in [
        ("vic", "/demand/export.csv"),
        ("vic", "/demand/imports"),
        ("ada", "/demand"),
        ("pat", "/demand"),
        ("bob", "/demand/new"),
    ] {
        assert_eq!(
            world.get(who, path).await.status,
            StatusCode::FORBIDDEN,
            "{who} {path}"
        );
    }
}

#[tokio::test]
async fn a_file_is_brought_in_looked_at_and_taken_out() {
    let world = world().await;
    let checked = world.upload("demand", "check", FILE).await;
    assert!(
        checked
            .body
            .contains("The file is sound. Nothing was stored yet"),
        "{}",
        checked.body
    );
    let stored = world.upload("demand", "store", FILE).await;
    assert!(
        stored.body.contains("The file is imported"),
        "{}",
        stored.body
    );
    let list = world.get("ann", "/demand?asks=individual").await.body;
    assert!(list.contains("F2") && !list.contains("F1"), "{list}");
    let export = world.get("ann", "/demand/export.csv").await.body;
    assert!(
        export.starts_with("reference,asks,") && export.contains("\nF1,employer,"),
        "{export}"
    );
    let again = world.upload("demand", "check", &export).await;
    assert!(
        again.body.contains("The file is sound"),
        "what was downloaded may come back: {}",
        again.body
    );
    let files = world.get("bob", "/demand/imports").await.body;
    let import = files
        .split("/demand/imports/")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap()
        .to_owned();
    let path = format!("/demand/imports/{import}");
    assert!(
        !world
            .get("bob", &path)
            .await
            .body
            .contains("Take this file out")
    );
    assert!(
        world
            .get("ann", &path)
            .await
            .body
            .contains("Take this file out")
    );
    assert_eq!(
        world.post("bob", &path, "").await.status,
        StatusCode::FORBIDDEN
    );
    assert_eq!(
        world.post("ann", &path, "").await.location(),
        "/demand/imports"
    );
    assert!(
        world
            .get("ann", "/demand")
            .await
            .body
            .contains("Nothing is recorded yet")
    );
    assert_eq!(world.get("ann", &path).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_summary_says_what_may_be_shared_and_shows_others_no_more() {
    let world = world().await.with_everybody().await;
    world.upload("demand", "store", FILE).await;
    world.post("ann", "/demand/new", NEED).await;
    let page = world.get("bob", "/demand/summary").await.body;
    for words in [
        "May be shared",
        "Not to be shared",
        "It counts people who were asked",
        "Too few organisations",
        ">430<",
        "7,001",
        ">66<",
        "p % rule",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    let page = world.get("vic", "/demand/summary").await.body;
    assert!(
        page.contains("430"),
        "what may be shared outside may be read inside: {page}"
    );
    assert!(!page.contains("7,001") && !page.contains(">66<"), "{page}");
}

const VACANCIES: &str = "title,description,employer,district,postcode,date,number\n\
    Web developer,\"JavaScript\nand <b>SQL</b>\",Acme,Dudley,,2022-02-01,2\n\
    Carer,Kind people,Bolt,Dudley,,2022-02-01,1\n";

#[tokio::test]
async fn vacancies_are_looked_at_word_by_word_before_anything_is_kept() {
    let world = world().await;
    // Whatever was chosen, it is a check first.
    let sent = world.upload("vacancies", "store", VACANCIES).await;
    assert_eq!(
        (sent.status, sent.location()),
        (StatusCode::SEE_OTHER, "/import/map"),
        "{}",
        sent.body
    );
    let page = world.get("ann", "/import/map").await.body;
    assert!(
        page.contains("Which column is which?") && page.contains("Title of the vacancy"),
        "{page}"
    );
    let columns: String = VACANCIES
        .lines()
        .next()
        .unwrap()
        .split(',')
        .map(|name| format!("&c-{name}=%3D{name}"))
        .collect();
    for form in [
        format!("step=columns{columns}"),
        "step=name&name=".to_owned(),
    ] {
        let seen = world.post("ann", "/import/map", &form).await;
        assert_eq!(seen.status, StatusCode::SEE_OTHER, "{form}: {}", seen.body);
    }
    let check = world.get("ann", "/import/map").await.body;
    for words in [
        "Nothing was stored yet",
        "Every word that was found",
        "<strong>Web developer</strong>",
        "&lt;b&gt;<strong>SQL</strong>",
        "Data and AI 85 %, counted",
        "Vacancies in which nothing was found that counts",
        "Carer",
    ] {
        assert!(check.contains(words), "{words}: {check}");
    }
    assert!(
        world
            .get("ann", "/demand")
            .await
            .body
            .contains("Nothing is recorded yet")
    );
    let done = world
        .post("ann", "/import/map", "step=import&way=store")
        .await;
    assert!(done.body.contains("The file is imported"), "{}", done.body);
    let list = world.get("ann", "/demand").await.body;
    assert!(
        list.contains("Software") && list.contains("Data and AI") && !list.contains("Acme"),
        "{list}"
    );
    let files = world.get("ann", "/demand/imports").await.body;
    assert!(files.contains("What was found in vacancies"), "{files}");
    let words = world.get("ann", "/demand/words?q=sql").await.body;
    assert!(
        words.contains("SQL") && !words.contains("Photoshop"),
        "{words}"
    );
    let survey = world.upload("survey", "check", "a,b\n1,2\n").await;
    assert!(survey.body.contains("survey-table"), "{}", survey.body);
}
