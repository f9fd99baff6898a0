//! Organisations, programmes, cohorts, spend: the coordinator's pages.

use super::*;

const COLLEGE: &str = "name=City+College&kind=provider&ukprn=10001234&contact_role=";
const BASICS: &str = "programme=P1&name=Basics&provider=City+College&tier=basic&type=&audience=older-people&funder=Council&cost=12500.50\
    &capacity=20&start-day=1&start-month=9&start-year=2022&end-day=&end-month=&end-year=&skills=foundation&skills=transacting&mode=online";
const TUESDAYS: &str = "cohort=A1&programme=P1&provider=City+College&title=Tuesdays&start-day=&start-month=&start-year=&end-day=\
    &end-month=&end-year=&places=12&place=Library&employer=";
const PAY: &str =
    "month=2022-09&programme=&cohort=A1&category=staff&amount=900&source=Finance+return";

impl World {
    async fn made(&self) {
        for (path, form) in [
            ("/organisations", COLLEGE),
            ("/programmes", BASICS),
            ("/cohorts", TUESDAYS),
            ("/spend", PAY),
        ] {
            let seen = self.post("ann", &format!("{path}/new"), form).await;
            assert_eq!(seen.status, StatusCode::SEE_OTHER, "{path} {}", seen.body);
            assert_eq!(seen.location(), format!("{path}/1?done=added"));
        }
    }
}

#[tokio::test]
async fn what_was_typed_is_kept_and_shown_in_words() {
    let world = world().await;
    for (path, words) in [
        ("/programmes", "There is no programme yet"),
        ("/cohorts", "There is no cohort yet"),
        ("/organisations", "Add the training providers first"),
        ("/spend", "No amount is recorded yet"),
    ] {
        let seen = world.get("ann", path).await;
        assert!(seen.body.contains(words), "{path}");
    }
    world.made().await;
    let programme = world.get("bob", "/programmes/1").await.body;
    for words in [
        "P1: Basics",
        "\u{a3}12,500.50",
        "1 September 2022",
        "Tuesdays",
        "\u{a3}900.00",
        "Not stated",
        "Council",
    ] {
        assert!(programme.contains(words), "{words}");
    }
    assert!(
        !programme.contains("Change the programme"),
        "an approver changes none"
    );
    let cohort = world.get("ann", "/cohorts/1").await.body;
    for words in [
        "A1: Tuesdays",
        "City College",
        "Exact: do not share",
        "Library",
    ] {
        assert!(cohort.contains(words), "{words}");
    }
    let history = world.get("ann", "/programmes/1/history").await.body;
    assert!(
        history.contains("Who changed what") && history.contains("ann"),
        "{history}"
    );
    let spend = world.get("ann", "/spend").await.body;
    assert!(spend.contains("Together: \u{a3}900.00."), "{spend}");
    let edit = world.get("ann", "/programmes/1/edit").await.body;
    for words in [
        "value=\"12500.50\"",
        "value=\"2022\"",
        "name=\"version\" value=\"1\"",
    ] {
        assert!(edit.contains(words), "{words}");
    }
    assert_eq!(edit.matches(" checked").count(), 2);
    for path in [
        "/programmes/9",
        "/programmes/x",
        "/programmes/01/history",
        "/cohorts/0/edit",
    ] {
        assert_eq!(
            world.get("ann", path).await.status,
            StatusCode::NOT_FOUND,
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_bad_form_comes_back_with_every_problem_at_its_field() {
    let world = world().await;
    let form = BASICS
        .replace("12500.50", "lots")
        .replace("P1", "two+words")
        .replace("start-day=1", "start-day=40");
    let seen = world.post("ann", "/programmes/new", &form).await;
    assert_eq!(seen.status, StatusCode::UNPROCESSABLE_ENTITY);
    for words in [
        "href=\"#programme\"",
        "href=\"#cost\"",
        "href=\"#start-day\"",
        "value=\"lots\"",
        "value=\"two words\"",
        "value=\"40\"",
        "id=\"cost-error\"",
    ] {
        assert!(seen.body.contains(words), "{words}");
    }
    let hostile = world
        .post(
            "ann",
            "/organisations/new",
            "name=%3Cscript%3Ealert(1)%3C%2Fscript%3E&kind=employer",
        )
        .await;
    assert_eq!(hostile.status, StatusCode::SEE_OTHER);
    let seen = world.get("ann", "/organisations").await.body;
    assert!(!seen.contains("<script>alert"), "{seen}");
    for (form, field) in [
        ("", "kind"),
        ("name=x&kind=provider&kind=funder", "kind"),
        ("version=7&name=y", "kind"),
    ] {
        let seen = world.post("ann", "/organisations/new", form).await.body;
        assert!(seen.contains(&format!("href=\"#{field}\"")), "{form}");
    }
    let prefilled = world
        .get(
            "ann",
            "/organisations/new?kind=provider&name=%22%3E&version=9",
        )
        .await
        .body;
    assert!(
        prefilled.contains("value=\"&#34;&#62;\"") || prefilled.contains("&quot;&gt;"),
        "{prefilled}"
    );
}

#[tokio::test]
async fn a_long_form_is_asked_page_by_page_and_checked_before_anything_is_kept() {
    let world = world().await;
    let first = world.get("ann", "/programmes/new").await.body;
    for words in [
        "What is the programme called?",
        "1 of 4",
        "name=\"part\" value=\"1\"",
    ] {
        assert!(first.contains(words), "{words}: {first}");
    }
    assert!(!first.contains("name=\"provider\""));
    let seen = world
        .post("ann", "/programmes/new", "part=1&programme=two+words&name=")
        .await;
    assert_eq!(seen.status, StatusCode::UNPROCESSABLE_ENTITY);
    for words in [
        "href=\"#programme\"",
        "href=\"#name\"",
        "value=\"two words\"",
    ] {
        assert!(seen.body.contains(words), "{words}");
    }
    assert!(!seen.body.contains("href=\"#provider\""), "not asked yet");
    let mut at = world
        .post(
            "ann",
            "/programmes/new",
            "part=1&programme=P1&name=Basics+%26+more",
        )
        .await
        .location()
        .to_owned();
    assert_eq!(
        at,
        "/programmes/new?part=2&programme=P1&name=Basics%20%26%20more"
    );
    let second = world.get("ann", &at).await.body;
    assert!(
        second.contains("name=\"name\" value=\"Basics &#38; more\""),
        "{second}"
    );
    assert!(second.contains("govuk-back-link"));
    let kept = "programme=P1&name=Basics+%26+more&provider=City+College&cost=12500.50";
    for (part, answers) in [
        (2, "".to_owned()),
        (3, "&tier=basic&skills=foundation&skills=transacting".to_owned()),
        (4, "&tier=basic&skills=foundation%3B+transacting&start-day=1&start-month=9&start-year=2022".to_owned()),
    ] {
        let seen = world
            .post("ann", "/programmes/new", &format!("part={part}&{kept}{answers}"))
            .await;
        assert_eq!(seen.status, StatusCode::SEE_OTHER, "{part}: {}", seen.body);
        at = seen.location().to_owned();
    }
    assert!(
        at.contains("part=check") && at.contains("start=2022-09-01"),
        "{at}"
    );
    let check = world.get("ann", &at).await.body;
    for words in [
        "Check the answers",
        "\u{a3}12,500.50",
        "1 September 2022",
        "name=\"start\" value=\"2022-09-01\"",
        "then=check",
        "Add the programme",
    ] {
        assert!(check.contains(words), "{words}: {check}");
    }
    let nobody = world.get("ann", "/programmes/1").await;
    assert_eq!(nobody.status, StatusCode::NOT_FOUND, "nothing is kept yet");
    let back = world
        .post(
            "ann",
            "/programmes/new",
            &format!("part=1&then=check&{kept}&start=2022-09-01"),
        )
        .await;
    assert!(
        back.location().starts_with("/programmes/new?part=check&"),
        "{}",
        back.location()
    );
    let last = format!("{kept}&tier=basic&skills=foundation%3B+transacting&start=2022-09-01");
    let seen = world.post("ann", "/programmes/new", &last).await;
    assert_eq!(seen.location(), "/programmes/1?done=added");

    let shown = world.get("ann", "/programmes/1").await.body;
    assert!(
        shown.contains("/programmes/1/edit?part=4#start-day"),
        "{shown}"
    );
    let page = world.get("ann", "/programmes/1/edit?part=4").await.body;
    assert!(page.contains("value=\"2022\"") && !page.contains("name=\"cost\""));
    let seen = world
        .post(
            "ann",
            "/programmes/1/edit",
            "part=4&version=1&capacity=many",
        )
        .await;
    assert!(seen.body.contains("href=\"#capacity\""), "{}", seen.body);
    let seen = world
        .post("ann", "/programmes/1/edit", "part=4&version=1&capacity=20")
        .await;
    assert_eq!(seen.location(), "/programmes/1?done=changed");
    let shown = world.get("ann", "/programmes/1").await.body;
    assert!(
        shown.contains("\u{a3}12,500.50"),
        "what was not asked for stays"
    );
    assert!(
        !shown.contains("1 September 2022"),
        "what was emptied is gone"
    );
    let stale = world
        .post(
            "ann",
            "/programmes/1/edit",
            "part=1&version=1&programme=P1&name=Other",
        )
        .await;
    assert_eq!(stale.status, StatusCode::CONFLICT);
    assert!(stale.body.contains("name=\"part\" value=\"1\""));
}

#[tokio::test]
async fn who_changes_what_another_changed_meanwhile_sees_both() {
    let world = world().await;
    world.made().await;
    let first = format!("{COLLEGE}Principal&version=1");
    let seen = world.post("ann", "/organisations/1/edit", &first).await;
    assert_eq!(seen.location(), "/organisations/1?done=changed");
    let second = COLLEGE.replace("10001234", "10009999") + "&version=1";
    let seen = world.post("ann", "/organisations/1/edit", &second).await;
    assert_eq!(seen.status, StatusCode::CONFLICT);
    for words in [
        "Somebody changed it in the meantime",
        "ann changed it on",
        "Principal",
        "10009999",
        "Differs",
        "name=\"version\" value=\"2\"",
        "Save mine over what is stored",
    ] {
        assert!(seen.body.contains(words), "{words}");
    }
    let known = world.get("ann", "/organisations/1").await.body;
    assert!(known.contains("10001234"), "nothing was overwritten");
    let knowingly = COLLEGE.replace("10001234", "10009999") + "&version=2";
    let seen = world.post("ann", "/organisations/1/edit", &knowingly).await;
    assert_eq!(seen.status, StatusCode::SEE_OTHER);
    // Without a version, or with a strange one, nothing is overwritten either.
    for version in ["", "&version=x", "&version=-1"] {
        let seen = world
            .post(
                "ann",
                "/organisations/1/edit",
                &format!("{COLLEGE}{version}"),
            )
            .await;
        assert_eq!(seen.status, StatusCode::CONFLICT, "{version}");
    }
}

#[tokio::test]
async fn lists_are_searched_filtered_and_sorted_from_the_address() {
    let world = world().await;
    for n in 0..3 {
        let tier = ["basic", "general", "advanced"][n];
        let form = BASICS
            .replace("P1", &format!("P{n}"))
            .replace("Basics", ["Cee", "Aye", "Bee"][n])
            .replace("tier=basic", &format!("tier={tier}"));
        let seen = world.post("ann", "/programmes/new", &form).await;
        assert_eq!(seen.status, StatusCode::SEE_OTHER, "{}", seen.body);
    }
    let order = async |query: &str| {
        let body = world.get("bob", &format!("/programmes{query}")).await.body;
        let mut places: Vec<(usize, char)> = ["P0", "P1", "P2"]
            .iter()
            .filter_map(|code| Some((body.find(&format!(">{code}</a>"))?, code.chars().last()?)))
            .collect();
        places.sort_unstable();
        places.into_iter().map(|(_, c)| c).collect::<String>()
    };
    assert_eq!(order("").await, "012");
    assert_eq!(order("?sort=name").await, "120");
    assert_eq!(order("?sort=name&order=down").await, "021");
    assert_eq!(order("?sort=tier&order=down").await, "210");
    assert_eq!(order("?q=BEE").await, "2");
    assert_eq!(order("?tier=general&q=aye").await, "1");
    assert_eq!(order("?tier=general&q=bee").await, "");
    assert_eq!(order("?page=2").await, "");
    assert_eq!(
        order("?page=x&sort=none&order=none&tier=&surprise=1").await,
        "012"
    );
    let none = world.get("ann", "/programmes?q=%3Cb%3E").await.body;
    assert!(
        none.contains("Nothing is like this") && !none.contains("<b>"),
        "{none}"
    );
}

#[tokio::test]
async fn providers_that_files_name_are_offered_as_organisations() {
    let world = world().await;
    for (kind, file) in [
        ("programmes", PROGRAMMES.to_owned()),
        ("learners", learners()),
    ] {
        assert_eq!(
            world.upload(kind, "store", &file).await.status,
            StatusCode::OK
        );
    }
    let body = world.get("ann", "/organisations").await.body;
    assert!(
        body.contains("/organisations/new?kind=provider&#38;name=College")
            || body.contains("kind=provider&amp;name=College"),
        "{body}"
    );
    world
        .post("ann", "/organisations/new", "name=college&kind=provider")
        .await;
    let body = world.get("ann", "/organisations").await.body;
    assert!(!body.contains("Add College"), "{body}");
}

/// Added by mistake and deleted; who did it stays. What something stands on says what, and how to end it.
#[tokio::test]
async fn a_mistake_is_deleted_and_what_is_in_use_is_ended() {
    let world = super::provider::two().await;
    let seen = world
        .post(
            "ann",
            "/programmes/new",
            "programme=P7&name=Seven&provider=College",
        )
        .await;
    let at = seen.location().split('?').next().unwrap().to_owned();
    assert!(at.starts_with("/programmes/"), "{}", seen.body);
    assert!(
        world
            .get("ann", &at)
            .await
            .body
            .contains("Delete the programme")
    );
    assert!(
        !world
            .get("vic", &at)
            .await
            .body
            .contains("Delete the programme")
    );
    let ask = world.get("ann", &format!("{at}/delete")).await.body;
    assert!(
        ask.contains("Delete the programme?") && ask.contains("Seven"),
        "{ask}"
    );
    let stale = world
        .post("ann", &format!("{at}/delete"), "version=9")
        .await;
    assert_eq!(stale.status, StatusCode::CONFLICT);
    let gone = world
        .post("ann", &format!("{at}/delete"), "version=1")
        .await;
    let list = world.get("ann", gone.location()).await.body;
    assert!(
        list.contains("The programme is deleted") && !list.contains(">P7<"),
        "{list}"
    );
    assert_eq!(world.get("ann", &at).await.status, StatusCode::NOT_FOUND);
    let history = world.get("ann", &format!("{at}/history")).await.body;
    assert!(
        history.contains("A programme that was deleted") && history.contains("Seven"),
        "{history}"
    );
    assert_eq!(
        world.get("ann", "/programmes/999/history").await.status,
        StatusCode::NOT_FOUND
    );
    let stays = world.get("ann", "/cohorts/1/delete").await.body;
    for words in [
        "cannot be deleted",
        "1 learner is in it.",
        "edit?part=3#end-day",
        "its last day",
    ] {
        assert!(stays.contains(words), "{words}: {stays}");
    }
    let stays = world.post("ann", "/cohorts/1/delete", "version=1").await;
    assert_eq!(stays.status, StatusCode::CONFLICT);
    let list = world.get("ann", "/cohorts?state=runs").await.body;
    assert!(list.contains("A1") && list.contains("Runs"), "{list}");
    let ended = world.get("ann", "/cohorts?state=ended").await.body;
    assert!(!ended.contains(">A1<"), "{ended}");
}
