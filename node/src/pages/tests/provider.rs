//! The pages of a provider, and that no route leads to another's.

use super::*;
use crate::delivery::{Handled, Own};
use crate::work::Sender;

/// College (pam) and Library (pat), each with cohort and learner.
pub(crate) async fn two() -> World {
    let world = world().await.with_everybody().await;
    world.upload("programmes", "store", PROGRAMMES).await;
    for (who, name, code) in [("pam", "College", "A1"), ("pat", "Library", "B1")] {
        let form = format!(
            "cohort={code}&programme=P1&provider={name}&title={name}+one&start-day=10&start-month=1&start-year=2022&places=8&place=Hall"
        );
        assert_eq!(
            world.post("ann", "/cohorts/new", &form).await.status,
            StatusCode::SEE_OTHER
        );
        let add = format!("{}/add", world.cohort(who).await);
        let seen = world
            .post(who, &add, &learner(&format!("{code}-017")))
            .await;
        assert_eq!(seen.status, StatusCode::SEE_OTHER, "{}", seen.body);
        let service = format!("name={code}%3A+drop-in&organisation={name}&status=active&public=no");
        let seen = world.post("ann", "/provision/new", &service).await;
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
    /// The organisation of this name, as its people see it.
    pub(crate) async fn own(&self, name: &str) -> Own {
        let store = &self.node.store;
        let bound = crate::testing::bound(store, name).await;
        Own::of(store, &self.node.pseudonyms, &bound).await.unwrap()
    }

    /// The address of the first cohort of a provider's person.
    async fn cohort(&self, who: &str) -> String {
        let page = self.get(who, "/provider").await.body;
        let mut all = super::roles::links(&page).into_iter();
        all.find(|path| path.starts_with("/provider/cohorts/"))
            .expect("a cohort")
    }

    /// The address of the first learner on a page of a provider's person.
    async fn learner(&self, who: &str, page: &str) -> String {
        let page = self.get(who, page).await.body;
        let mut all = super::roles::links(&page).into_iter();
        all.find(|path| path.starts_with("/provider/learners/"))
            .expect("a learner")
    }

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

/// The part of an address that names a cohort.
fn handle(path: &str) -> &str {
    path.rsplit('/').next().unwrap()
}

/// Every route below /provider, asked for what is Library's by College and the other way round: by the other's own address, by the address that it
/// would have if it were theirs, and by its number.
#[tokio::test]
async fn no_route_leads_to_another_organisations_records() {
    let world = two().await;
    let (college, library) = (world.own("College").await, world.own("Library").await);
    let mut asked = 0;
    for rule in rules() {
        // Of work each person sees the own alone: `a_provider_sees_its_own_work_alone`.
        if rule.path.starts_with("/work/") {
            continue;
        }
        if !rule.path.starts_with("/provider") {
            assert!(
                !matches!(rule.access, Access::Roles(roles) if roles.contains(&"provider")),
                "{} is open to providers",
                rule.path
            );
            continue;
        }
        let of = if rule.path.contains("/cohorts/") || rule.path.ends_with("/upload") {
            Handled::Cohort
        } else if rule.path.contains("/questions/") {
            Handled::Question
        } else if rule.path.contains("/services/") {
            Handled::Service
        } else {
            Handled::Enrolment
        };
        for (who, own, other, number, secret) in [
            ("pam", &college, &library, 2, "B1"),
            ("pat", &library, &college, 1, "A1"),
        ] {
            for foreign in [
                other.handle(of, number),
                own.handle(of, number),
                number.to_string(),
            ] {
                let path = rule.path.replace("{id}", &foreign);
                let seen = if rule.method == axum::http::Method::GET {
                    world.get(who, &path).await
                } else if rule.path.ends_with("/upload") {
                    world
                        .bring(who, &foreign, "store", &file("", "2022-099"))
                        .await
                } else {
                    world.post(who, &path, &learner("2022-099")).await
                };
                assert!(
                    !seen.body.contains(&format!("{secret}-017")),
                    "{who} {path}"
                );
                assert!(!seen.body.contains(&format!("{secret}: ")), "{who} {path}");
                // These name nothing of anybody: what is pasted and remembered is the sender's own.
                let is_own = ["/provider/paste", "/provider/mappings"].contains(&rule.path);
                if is_own && rule.method != axum::http::Method::GET {
                    assert!(seen.status.is_client_error(), "{who} {path}");
                } else if rule.path.contains("{id}") || rule.method != axum::http::Method::GET {
                    assert_eq!(
                        seen.status,
                        StatusCode::NOT_FOUND,
                        "{who} {} {path}",
                        rule.method
                    );
                    asked += 1;
                }
            }
        }
        for who in ["ada", "ann", "bob", "vic"] {
            let path = rule.path.replace("{id}", &college.handle(of, 1));
            let seen = if rule.method == axum::http::Method::GET {
                world.get(who, &path).await
            } else {
                world.post(who, &path, "").await
            };
            assert_eq!(seen.status, StatusCode::FORBIDDEN, "{who} {path}");
        }
    }
    assert!(asked >= 54, "{asked}");
    let all = sqlx::query_scalar::<_, i64>("SELECT count(*) FROM enrolments");
    assert_eq!(all.fetch_one(&world.node.store.reader).await.unwrap(), 2);
    // Nor do rows that name another provider.
    let seen = world
        .bring(
            "pam",
            handle(&world.cohort("pam").await),
            "store",
            &file("Library", "2022-099"),
        )
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
    let cohort = world.cohort("pam").await;
    let seen = world
        .post("pam", &format!("{cohort}/add"), &learner("A1-018"))
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
        assert_eq!(at(&cohort, query).await, found, "{query}");
        found
    };
    assert_eq!(order("").await, "A1-017 A1-018");
    assert_eq!(order("?sort=reference&order=down").await, "A1-018 A1-017");
    assert_eq!(order("?q=a1-018").await, "A1-018");
    assert_eq!(order("?q=%25").await, "");
    assert_eq!(order("?stage=in-progress&q=017").await, "A1-017");
    assert_eq!(order("?stage=achieved").await, "");
    assert_eq!(order("?page=2").await, "");
    // Another's cohort and what is none are answered alike, and show nothing of another's.
    for foreign in [
        "2".to_owned(),
        world.own("Library").await.handle(Handled::Cohort, 2),
    ] {
        let path = format!("/provider/learners?cohort={foreign}");
        let other = world.get("pam", &path).await.body;
        assert!(
            other.contains("has no learner like this") && !other.contains("B1-017"),
            "{other}"
        );
    }
    let forged = world.own("College").await.handle(Handled::Cohort, 2);
    let path = format!("/provider/learners?cohort={forged}");
    let other = world.get("pam", &path).await.body;
    assert!(other.contains("has no learner like this") && !other.contains("B1-017"));
    let all = world.get("pam", "/provider/learners").await.body;
    assert!(all.contains("2 learners") && all.contains(&cohort), "{all}");
}

#[tokio::test]
async fn a_tutor_adds_a_learner_and_records_what_became_of_it() {
    let world = two().await;
    let cohort = world.cohort("pam").await;
    let register = world.get("pam", &cohort).await.body;
    for words in ["A1-017", "In progress", "Add a learner", "10 January 2022"] {
        assert!(register.contains(words), "{words}");
    }
    let form = world.get("pam", &format!("{cohort}/add")).await.body;
    assert!(
        form.contains("name=\"learner_ref\"") && form.contains("value=\"2022\""),
        "{form}"
    );
    let bad = learner("Jane+Smith")
        .replace("age=67", "age=old")
        .replace("start-month=1", "start-month=13");
    let seen = world.post("pam", &format!("{cohort}/add"), &bad).await;
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
    let learner = world.learner("pam", &cohort).await;
    let seen = world.post("pam", &learner, ended).await;
    assert_eq!(seen.status, StatusCode::SEE_OTHER, "{}", seen.body);
    let other = ended.replace("achieved", "withdrawn");
    let seen = world.post("pam", &learner, &other).await;
    assert_eq!(seen.status, StatusCode::CONFLICT);
    assert!(
        seen.body.contains("Somebody changed it") && seen.body.contains("stored Achieved"),
        "{}",
        seen.body
    );
    let early = ended
        .replace("destination_3m=", "destination_3m=none")
        .replace("version=2", "version=3");
    let seen = world.post("pam", &learner, &early).await;
    assert!(
        seen.body.contains("href=\"#destination_3m\""),
        "{}",
        seen.body
    );
    let page = world.get("pam", &learner).await.body;
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
async fn a_learner_who_is_added_twice_stays_as_recorded_and_is_shown() {
    let world = two().await;
    let cohort = world.cohort("pam").await;
    let path = world.learner("pam", &cohort).await;
    let ended = "version=2&stage=achieved&end-day=1&end-month=3&end-year=2022&destination_3m=&destination_6m=&destination_12m=\
        &confidence_before=2&confidence_after=5&everyday_before=&everyday_after=";
    let seen = world.post("pam", &path, ended).await;
    assert_eq!(seen.status, StatusCode::SEE_OTHER, "{}", seen.body);
    let seen = world
        .post("pam", &format!("{cohort}/add"), &learner("A1-017"))
        .await;
    assert_eq!(seen.status, StatusCode::CONFLICT, "{}", seen.body);
    for words in [
        "in your register already",
        "Open A1-017",
        &format!("{path}\""),
        "value=\"A1-017\"",
    ] {
        assert!(seen.body.contains(words), "{words}: {}", seen.body);
    }
    let page = world.get("pam", &path).await.body;
    assert!(page.contains("Achieved"), "{page}");
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
    assert!(!list.contains("B1-017"), "{list}");
    let handle = world.own("College").await.handle(Handled::Question, 1);
    let path = &format!("/provider/questions/{handle}");
    assert!(list.contains(path.as_str()), "{list}");
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
    let cohort = world.cohort("pam").await;
    let seen = world
        .bring("pam", handle(&cohort), "check", &file("", "2022-020"))
        .await;
    assert!(
        seen.body
            .contains("The file is sound. Nothing was stored yet"),
        "{}",
        seen.body
    );
    // The form is there again with what was chosen, by its name that does not count.
    let chosen = format!("value=\"{}\" selected", handle(&cohort));
    assert!(seen.body.contains(&chosen), "{}", seen.body);
    let seen = world
        .bring(
            "pam",
            handle(&cohort),
            "store",
            &file("college", "2022-020"),
        )
        .await;
    assert!(seen.body.contains("The file is imported"), "{}", seen.body);
    assert!(world.get("pam", &cohort).await.body.contains("2022-020"));
    assert_eq!(
        world.get("pat", "/provider/upload/report.csv").await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        world.get("pam", "/provider/upload/report.csv").await.status,
        StatusCode::OK
    );
    let empty = world.bring("pam", "", "store", "").await;
    assert!(
        empty.body.contains("Choose a file that is not empty"),
        "{}",
        empty.body
    );
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
    let paper = world.get("pam", &format!("{cohort}/form")).await.body;
    assert!(
        paper.contains("\u{2610} Female") && paper.contains("ldsp-blanks"),
        "{paper}"
    );
}

/// Whatever a provider's person can be shown, followed from page to page.
async fn everything(world: &World, who: &str) -> Vec<(String, String)> {
    let (mut seen, mut next) = (Vec::<(String, String)>::new(), vec!["/provider".to_owned()]);
    while let Some(path) = next.pop() {
        if !path.starts_with("/provider") || seen.iter().any(|(known, _)| *known == path) {
            continue;
        }
        let body = world.get(who, &path).await.body;
        next.extend(super::roles::links(&body));
        seen.push((path, body));
    }
    seen
}

/// A row's number counts the rows of everybody: one learner on Monday and one on Friday would tell what others brought in between.
#[tokio::test]
async fn no_address_of_a_provider_counts_rows() {
    let world = two().await;
    let report = world.upload("learners", "store", &learners()).await;
    assert!(
        report.body.contains("The file is imported"),
        "{}",
        report.body
    );
    let pages = everything(&world, "pam").await;
    assert!(pages.len() > 8, "{}", pages.len());
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let is_scale = |option: &str| {
        let (value, words) = option.split_once("\">").unwrap_or_default();
        let ends = [", not", ", very", ", none", ", all"];
        value.len() < 3 && words.starts_with(value) && {
            let rest = &words[value.len()..];
            rest.starts_with("</option>") || ends.iter().any(|end| rest.starts_with(end))
        }
    };
    let mut handles = 0;
    for (path, body) in &pages {
        for attribute in ["href=\"", "action=\"", "<option value=\""] {
            for value in body.split(attribute).skip(1) {
                // A scale counts nothing.
                let scale = attribute.starts_with('<')
                    && value.split("</select>").next().is_some_and(is_scale);
                if scale {
                    continue;
                }
                let value = value.split('"').next().unwrap();
                if attribute.starts_with('<') || value.starts_with("/provider") {
                    let parts = value.split(['/', '?', '&', '=', '#']);
                    let counts = parts.clone().any(is_number);
                    assert!(!counts, "{path}: {value}");
                    handles += parts.filter(|part| part.len() == 32).count();
                }
            }
        }
        assert!(
            !body.contains("Learner 1") && !body.contains("Learner 2"),
            "{path}"
        );
    }
    assert!(handles > 4, "{handles}");
    // A learner without a reference has a name all the same, and what to do about it.
    sqlx::query("UPDATE enrolments SET own_reference = NULL WHERE id = 17")
        .execute(&world.node.store.writer)
        .await
        .unwrap();
    let college = world.own("College").await;
    let handle = college.handle(Handled::Enrolment, 17);
    let page = world
        .get("pam", &format!("/provider/learners/{handle}"))
        .await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    assert!(
        page.body
            .contains(&format!("No reference ({})", &handle[..6]))
    );
    assert!(page.body.contains("href=\"/provider/upload\""));
    // One row has one address.
    let other = handle.to_uppercase();
    assert_ne!(other, handle);
    let seen = world
        .get("pam", &format!("/provider/learners/{other}"))
        .await;
    assert_eq!(seen.status, StatusCode::NOT_FOUND);
}

/// What a file of others brought, and an upload that says nothing of cohorts, has pages too.
#[tokio::test]
async fn learners_in_no_cohort_are_listed_found_and_opened() {
    let world = two().await;
    let seen = world.bring("pam", "", "store", &file("", "2022-050")).await;
    assert!(seen.body.contains("The file is imported"), "{}", seen.body);
    let seen = world.upload("learners", "store", &learners()).await;
    assert!(seen.body.contains("The file is imported"), "{}", seen.body);
    let all = world.get("pam", "/provider/learners").await.body;
    assert!(
        all.contains("42 learners") && all.contains("2022-050"),
        "{all}"
    );
    let none = "/provider/learners?cohort=none";
    let list = world.get("pam", none).await.body;
    assert!(
        list.contains("41 learners") && !list.contains("A1-017"),
        "{list}"
    );
    let found = world.get("pam", &format!("{none}&q=2022-05")).await.body;
    assert!(
        found.contains("1 learner") && found.contains("2022-050"),
        "{found}"
    );
    let learner = world.learner("pam", &format!("{none}&q=2022-05")).await;
    let page = world.get("pam", &learner).await;
    assert!(
        page.body.contains("2022-050") && page.body.contains("In none"),
        "{}",
        page.body
    );
    // One whom a file of others brought has no reference, and can be opened and recorded all the same.
    let learner = world.learner("pam", &format!("{none}&sort=start")).await;
    assert_eq!(world.get("pam", &learner).await.status, StatusCode::OK);
    let ended = "version=1&stage=achieved&end-day=1&end-month=3&end-year=2022";
    let seen = world.post("pam", &learner, ended).await;
    assert_eq!(seen.status, StatusCode::SEE_OTHER, "{}", seen.body);
}

/// A register of any length is there to its last row, and says how many there are.
#[tokio::test]
async fn a_register_is_cut_nowhere() {
    let world = two().await;
    super::roles::tell(&world).await;
    let cohort = world.cohort("pam").await;
    let page = world.get("pam", &cohort).await.body;
    assert!(page.contains("7,919 learners"), "{page}");
    let links = |page: &str| {
        let links = super::roles::links(page).into_iter();
        links
            .filter(|link| link.starts_with("/provider/learners/"))
            .count()
    };
    assert_eq!(links(&page), 100);
    let last = world.get("pam", &format!("{cohort}?page=80")).await.body;
    assert_eq!(links(&last), 19);
}

/// What is printed can be typed in somewhere, and the sheet says where.
#[tokio::test]
async fn the_form_on_paper_asks_what_the_pages_ask() {
    let world = two().await;
    let cohort = world.cohort("pam").await;
    let learner = world.learner("pam", &cohort).await;
    let form = world.get("pam", &format!("{cohort}/add")).await.body;
    let ends = world.get("pam", &learner).await.body;
    let paper = world.get("pam", &format!("{cohort}/form")).await.body;
    let (joins, later) = paper.split_once("Later</h2>").expect("two parts");
    for (part, page, least) in [(joins, &form, 14), (later, &ends, 7)] {
        let labels: Vec<_> = part
            .split("<dt>")
            .skip(1)
            .map(|rest| rest.split("</dt>").next().unwrap())
            .collect();
        assert!(labels.len() >= least, "{labels:?}");
        for label in labels {
            assert!(page.contains(label), "{label}");
        }
    }
    assert!(joins.contains("under \u{201c}Add a learner\u{201d}"));
    assert!(later.contains("on the learner\u{2019}s own page"));
}

#[tokio::test]
async fn a_provider_is_offered_its_own_employers_alone() {
    let world = two().await;
    for (name, kind) in [
        ("Acme", "employer"),
        ("Brook", "charity"),
        ("Crown", "employer"),
    ] {
        let form = format!("name={name}&kind={kind}&ukprn=&contact_role=");
        let seen = world.post("ada", "/organisations/new", &form).await;
        assert_eq!(seen.status, StatusCode::SEE_OTHER);
    }
    // Acme is the employer of College's cohort, Brook of a learner of College's; Crown is Library's.
    for (sql, name) in [
        (
            "UPDATE cohorts SET employer = (SELECT id FROM organisations WHERE name = $1) WHERE code = 'A1'",
            "Acme",
        ),
        (
            "UPDATE enrolments SET employer = (SELECT id FROM organisations WHERE name = $1) WHERE id = 1",
            "Brook",
        ),
        (
            "UPDATE cohorts SET employer = (SELECT id FROM organisations WHERE name = $1) WHERE code = 'B1'",
            "Crown",
        ),
    ] {
        let mut tx = world.node.store.write().await.unwrap();
        sqlx::query(sql).bind(name).execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
    }
    let add = format!("{}/add", world.cohort("pam").await);
    let form = world.get("pam", &add).await.body;
    assert!(form.contains("Acme") && form.contains("Brook"), "{form}");
    assert!(form.contains("value=\"Acme\" selected"), "the cohort's");
    for (path, body) in everything(&world, "pam").await {
        assert!(!body.contains("Crown"), "{path}");
    }
    let with = |name: &str| learner("A1-018").replace("employer=", &format!("employer={name}"));
    // Whether an organisation of that name is there cannot be told by typing it.
    let [theirs, nobodys] = [
        world
            .post("pam", &add, &with("Crown").replace("age=67", "age=old"))
            .await,
        world
            .post("pam", &add, &with("Crank").replace("age=67", "age=old"))
            .await,
    ];
    assert_eq!(theirs.status, StatusCode::UNPROCESSABLE_ENTITY);
    for words in [
        "href=\"#employer\"",
        "none of the employers",
        "href=\"#age\"",
    ] {
        assert!(theirs.body.contains(words), "{words}");
    }
    assert_eq!(theirs.body.replace("Crown", "Crank"), nobodys.body);
    let seen = world.post("pam", &add, &with("Crown")).await;
    assert_eq!(
        seen.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "{}",
        seen.body
    );
    let seen = world.post("pam", &add, &with("Acme")).await;
    assert_eq!(seen.status, StatusCode::SEE_OTHER, "{}", seen.body);
    let own = sqlx::query_scalar::<_, i64>(
        "SELECT count(*) FROM enrolments e JOIN organisations o ON o.id = e.employer WHERE o.name = 'Acme'",
    );
    assert_eq!(own.fetch_one(&world.node.store.reader).await.unwrap(), 1);
}

/// Nobody types fourteen fields twice because the server cannot take them just now.
#[tokio::test]
async fn a_form_that_cannot_be_stored_now_keeps_what_was_typed() {
    let world = two().await;
    let cohort = world.cohort("pam").await;
    let add = format!("{cohort}/add");
    let mut tx = world.node.store.write().await.unwrap();
    // As bringing the sample in marks it.
    sqlx::query("INSERT INTO sample (id, at) VALUES (1, 1)")
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let seen = world.post("pam", &add, &learner("A1-018")).await;
    assert_eq!(seen.status, StatusCode::CONFLICT, "{}", seen.body);
    for words in [
        "made-up records",
        "value=\"A1-018\"",
        "value=\"67\"",
        "Ask the coordinator",
    ] {
        assert!(seen.body.contains(words), "{words}");
    }
    assert!(!seen.body.contains("ldsp-node"));
    let seen = world
        .bring("pam", handle(&cohort), "store", &file("", "2022-020"))
        .await;
    assert_eq!(seen.status, StatusCode::CONFLICT, "{}", seen.body);
    assert!(seen.body.contains("made-up records") && seen.body.contains("name=\"file\""));
    assert!(!seen.body.contains("ldsp-node"));
}

#[tokio::test]
async fn a_provider_is_told_what_it_can_do_itself() {
    let world = two().await;
    let cohort = world.cohort("pam").await;
    // The same learner and first day with another course: new, or a correction?
    let again = learner("A1-017").replace("aim=A1", "aim=A2");
    let seen = world.post("pam", &format!("{cohort}/add"), &again).await;
    assert_eq!(seen.status, StatusCode::UNPROCESSABLE_ENTITY);
    for words in [
        "href=\"#doubtful\"",
        "id=\"doubtful-error\"",
        "Is this a new enrolment of the learner?",
    ] {
        assert!(seen.body.contains(words), "{words}: {}", seen.body);
    }
    let doubtful = file("", "A1-017").replace("AIM", "A2");
    for (rows, words) in [
        (doubtful, "the page asks"),
        (
            file("", "1-1").replace("P1", "P9"),
            "under Your organisation",
        ),
        (
            file("", "1-1")
                .replace("district", "postcode")
                .replace("E08000027", "B1 1AA"),
            "postcode directory imported",
        ),
    ] {
        let seen = world.bring("pam", "", "store", &rows).await;
        assert!(seen.body.contains(words), "{words}: {}", seen.body);
        for word in ["ldsp-node", "--doubtful", "`import ", "IT team"] {
            assert!(!seen.body.contains(word), "{word}: {}", seen.body);
        }
    }
    // A form that is none, and a file that is too large.
    let twice = "--b\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\na\r\n";
    let request = || {
        Request::post("/provider/upload")
            .header(header::CONTENT_TYPE, "multipart/form-data; boundary=b")
    };
    let seen = world
        .send("pam", request(), format!("{twice}{twice}--b--\r\n").into())
        .await;
    assert_eq!(seen.status, StatusCode::BAD_REQUEST);
    assert!(
        seen.body.contains("Upload a file of learners again"),
        "{}",
        seen.body
    );
}

/// A workbook of a tutor is read as it is.
#[tokio::test]
async fn a_provider_sends_a_workbook() {
    let world = two().await;
    let cohort = world.cohort("pam").await;
    let form = world.get("pam", "/provider/upload").await.body;
    assert!(form.contains("accept=\".csv,.xlsx"), "{form}");
    let rows = file("", "2022-020");
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet();
    for (row, line) in (0..).zip(rows.lines()) {
        for (column, text) in (0..).zip(line.split(',')) {
            sheet.write_string(row, column, text).unwrap();
        }
    }
    let mut body = format!(
        "--b\r\nContent-Disposition: form-data; name=\"cohort\"\r\n\r\n{}\r\n\
         --b\r\nContent-Disposition: form-data; name=\"way\"\r\n\r\nstore\r\n\
         --b\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\n",
        handle(&cohort)
    )
    .into_bytes();
    body.extend(book.save_to_buffer().unwrap());
    body.extend(b"\r\n--b--\r\n");
    let request = Request::post("/provider/upload")
        .header(header::CONTENT_TYPE, "multipart/form-data; boundary=b");
    let seen = world.send("pam", request, body.into()).await;
    assert!(seen.body.contains("The file is imported"), "{}", seen.body);
    assert!(world.get("pam", &cohort).await.body.contains("2022-020"));
}

/// Whoever sends slowly holds a place of their own, and nobody's turn.
#[tokio::test]
async fn a_slow_upload_of_a_provider_closes_imports_for_nobody() {
    let world = two().await;
    let slow = || {
        let (more, rest) = futures::channel::mpsc::unbounded::<std::io::Result<Vec<u8>>>();
        let head = "--b\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nprovider,";
        more.unbounded_send(Ok(head.into())).unwrap();
        let request = Request::post("/provider/upload")
            .header(header::CONTENT_TYPE, "multipart/form-data; boundary=b");
        (more, world.send("pam", request, Body::from_stream(rest)))
    };
    let ((first, one), (second, two)) = (slow(), slow());
    let college = world.own("College").await;
    let others = async {
        // Both are on their way once there is no place for a third one.
        let sender = || Sender::Provider(college.organisation);
        while world.settings.works.expect(sender()).is_some() {
            tokio::task::yield_now().await;
        }
        let seen = world.bring("pam", "", "check", &file("", "2022-020")).await;
        assert_eq!(seen.status, StatusCode::CONFLICT);
        assert!(
            seen.body.contains("Files of your organisation"),
            "{}",
            seen.body
        );
        let seen = world.bring("pat", "", "check", &file("", "2022-020")).await;
        assert!(seen.body.contains("The file is sound"), "{}", seen.body);
        let seen = world.upload("programmes", "store", PROGRAMMES).await;
        assert!(seen.body.contains("The file is imported"), "{}", seen.body);
        drop((first, second));
    };
    let (one, two, ()) = futures::join!(one, two, others);
    assert_eq!(
        (one.status, two.status),
        (StatusCode::BAD_REQUEST, StatusCode::BAD_REQUEST)
    );
    let seen = world.bring("pam", "", "check", &file("", "2022-020")).await;
    assert!(seen.body.contains("The file is sound"), "{}", seen.body);
    assert_eq!(world.uploads_left(), 0);
}

#[tokio::test]
async fn providers_have_help_of_their_own() {
    let world = two().await;
    let start = world.get("pam", "/provider").await.body;
    assert!(start.contains("href=\"/provider/help\""), "{start}");
    let help = world.get("pam", "/provider/help").await.body;
    for words in ["Add a learner", "Whom to ask", "Your reference", "workbook"] {
        assert!(help.contains(words), "{words}");
    }
    let help = world.get("ann", "/help").await.body;
    for words in [
        "Excel workbook",
        "ILR",
        "pasted",
        "cohorts",
        "Quality",
        "viewer",
        "admin",
    ] {
        assert!(help.contains(words), "{words}");
    }
}

/// A question leads to the learners that it is about, and a provider sees what stands out in its own records alone.
#[tokio::test]
async fn a_finding_leads_a_provider_to_its_own_learners() {
    let world = two().await;
    sqlx::query("UPDATE enrolments SET planned_end_day = start_day + 7")
        .execute(&world.node.store.writer)
        .await
        .unwrap();
    sqlx::query("INSERT INTO quality_rules (rule, severity, threshold, version) VALUES ('overdue-end', 'warning', 1, 1)")
        .execute(&world.node.store.writer)
        .await
        .unwrap();
    let questions = world.get("pam", "/provider/questions").await.body;
    let at = "/provider/learners?found=overdue-end";
    assert!(
        questions.contains("What stands out in your records"),
        "{questions}"
    );
    assert!(questions.contains(at), "{questions}");
    let list = world.get("pam", at).await.body;
    assert!(
        list.contains("A1-017") && !list.contains("B1-017"),
        "{list}"
    );
    assert!(list.contains("Record how the enrolment ended"), "{list}");
    let none = world
        .get("pam", "/provider/learners?found=too-long")
        .await
        .body;
    assert!(!none.contains("A1-017"), "{none}");
    // The coordinator's question begins with what was found.
    let of = world
        .get("ann", "/quality/provider?name=College")
        .await
        .body;
    assert!(of.contains("1 of 1: in progress long after"), "{of}");
    let board = world.get("ann", "/quality?rule=overdue-end").await.body;
    assert!(
        board.contains(">College<") && board.contains("What is next"),
        "{board}"
    );
}

/// A provider's file with columns of its own, sent or pasted: asked about, remembered for that provider, and seen by nobody else.
#[tokio::test]
async fn a_provider_explains_its_own_columns_and_nobody_else_sees_it() {
    let world = two().await;
    let text = file("", "A1-018").replacen("learner_ref,", "Number,", 1);
    let text = text
        .replacen("aim,", "Unit,", 1)
        .replacen("stage\n", "Standing\n", 1);
    let text = text
        .replacen("provider,", "Who,", 1)
        .replacen("start,", "Begins,", 1);
    let text = text
        .replacen(",programme,", ",Scheme,", 1)
        .replacen("mode,", "Way,", 1);
    let text = text.replacen(
        "sex,ethnicity,disability,prior_status,district",
        "M,E,D,S,L",
        1,
    );
    let cohort = world.cohort("pam").await;
    let sent = world.bring("pam", handle(&cohort), "check", &text).await;
    assert_eq!(sent.location(), "/provider/map", "{}", sent.body);
    // Nobody else has it, neither at the same address nor at the coordinator's.
    for (who, path) in [("pat", "/provider/map"), ("ann", "/import/map")] {
        assert_eq!(world.get(who, path).await.status, StatusCode::NOT_FOUND);
    }
    assert_eq!(
        world.get("pam", "/import/map").await.status,
        StatusCode::FORBIDDEN
    );
    let page = world.get("pam", "/provider/map").await.body;
    assert!(
        page.contains("Still missing:") && page.contains("action=\"/provider/map\""),
        "{page}"
    );
    let columns = "step=columns&c-learner_ref=%3DNumber&c-aim=%3DUnit&c-programme=%3DScheme&c-start=%3DBegins&c-stage=%3DStanding\
                   &c-skill=%3Dskill&c-mode=%3DWay&c-district=%3DL";
    let answer = async |form: &str| {
        let seen = world.post("pam", "/provider/map", form).await;
        assert_eq!(seen.location(), "/provider/map", "{form}: {}", seen.body);
    };
    answer(columns).await;
    answer("step=name&name=Our+exports").await;
    let checked = world.get("pam", "/provider/map").await.body;
    assert!(checked.contains("The file is sound"), "{checked}");
    let done = world
        .post("pam", "/provider/map", "step=import&way=store")
        .await;
    assert!(done.body.contains("The file is imported"), "{}", done.body);
    assert!(
        done.body.contains("now known to its provider"),
        "{}",
        done.body
    );
    let held = "SELECT count(*) FROM enrolments WHERE own_reference = 'A1-018' AND cohort = 1";
    let held: i64 = sqlx::query_scalar(held)
        .fetch_one(&world.node.store.reader)
        .await
        .unwrap();
    assert_eq!(held, 1);
    let own = world.get("pam", "/provider/mappings").await.body;
    assert!(own.contains("Our exports"), "{own}");
    for (who, path) in [("pat", "/provider/mappings"), ("ann", "/import/mappings")] {
        let seen = world.get(who, path).await;
        assert_eq!(seen.status, StatusCode::OK);
        assert!(!seen.body.contains("Our exports"), "{who}: {}", seen.body);
    }
    // The next rows find it, pasted as well; the name is free for others.
    let rows = text
        .replace("A1-018", "A1-019")
        .replace(',', "%09")
        .replace('\n', "%0A");
    let pasted = world
        .post("pam", "/provider/paste", &format!("rows={rows}"))
        .await;
    assert_eq!(pasted.location(), "/provider/map", "{}", pasted.body);
    let page = world.get("pam", "/provider/map").await.body;
    assert!(
        page.contains("Our exports") && page.contains("Everything that is needed is there"),
        "{page}"
    );
    let pasted = world
        .post("pat", "/provider/paste", &format!("rows={rows}"))
        .await;
    assert_eq!(pasted.location(), "/provider/map", "{}", pasted.body);
    let page = world.get("pat", "/provider/map").await.body;
    assert!(
        page.contains("Still missing:") && !page.contains("Our exports"),
        "{page}"
    );
    let gone = world
        .post("pat", "/provider/mappings", "name=Our+exports")
        .await;
    assert_eq!(gone.location(), "/provider/mappings");
    let own = world.get("pam", "/provider/mappings").await.body;
    assert!(own.contains("Our exports"), "{own}");
}

/// A reference that was mistyped, a wrong cohort, and somebody added twice: put right on the phone.
#[tokio::test]
async fn a_tutor_corrects_a_learner_and_takes_one_back() {
    let world = two().await;
    let cohort = world.cohort("pam").await;
    let learner = world.learner("pam", &cohort).await;
    let page = world.get("pam", &learner).await.body;
    for words in [
        "Your reference",
        "65 and over",
        "correct?part=who#learner_ref",
        "Take this learner back",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    let form = world
        .get("pam", &format!("{learner}/correct?part=person"))
        .await
        .body;
    assert!(
        form.contains("name=\"sex\"") && form.contains("value=\"female\" selected"),
        "{form}"
    );
    let path = format!("{learner}/correct");
    let person = "part=person&version=2&age=&district=E08000027&sex=male&ethnicity=white&disability=no&prior_status=retired";
    let seen = world
        .post("pam", &path, &person.replace("age=", "age=old"))
        .await;
    assert!(
        seen.body.contains("href=\"#age\"") && seen.body.contains("value=\"old\""),
        "{}",
        seen.body
    );
    let seen = world.post("pam", &path, person).await;
    assert_eq!(seen.location(), format!("{learner}?done=corrected"));
    // Sent again by somebody who saw it before: nothing is overwritten.
    let stale = person.replace("sex=male", "sex=female");
    let seen = world.post("pam", &path, &stale).await;
    assert_eq!(seen.status, StatusCode::CONFLICT);
    assert!(
        seen.body.contains("stored Male, you sent Female"),
        "{}",
        seen.body
    );
    let seen = world
        .post("pam", &path, "part=who&version=3&learner_ref=A1-117&uln=")
        .await;
    let moved = seen.location().split('?').next().unwrap().to_owned();
    assert_ne!(moved, learner);
    let gone = world.get("pam", &learner).await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND);
    assert!(gone.body.contains("has no such learner"), "{}", gone.body);
    assert!(world.get("pam", &moved).await.body.contains("A1-117"));
    let ask = world.get("pam", &format!("{moved}/take-back")).await.body;
    assert!(
        ask.contains("Take back A1-117?") && ask.contains("name=\"version\""),
        "{ask}"
    );
    let seen = world
        .post("pam", &format!("{moved}/take-back"), "version=1")
        .await;
    assert_eq!(seen.status, StatusCode::CONFLICT, "{}", seen.body);
    let seen = world
        .post("pam", &format!("{moved}/take-back"), "version=4")
        .await;
    assert_eq!(seen.location(), format!("{cohort}?done=taken-back"));
    let register = world.get("pam", &cohort).await.body;
    assert!(
        register.contains("Nobody is in this cohort yet"),
        "{register}"
    );
    // What was counted stays, and the page says what to do instead.
    let theirs = world.cohort("pat").await;
    let learner = world.learner("pat", &theirs).await;
    let sql = "UPDATE enrolments SET counted = 1";
    sqlx::query(sql)
        .execute(&world.node.store.writer)
        .await
        .unwrap();
    for (path, form) in [
        ("take-back", "version=2"),
        ("correct", "part=who&version=2&learner_ref=9&uln="),
    ] {
        let seen = world.post("pat", &format!("{learner}/{path}"), form).await;
        assert_eq!(seen.status, StatusCode::CONFLICT, "{path}");
        assert!(seen.body.contains("Withdrawn"), "{}", seen.body);
    }
}

/// One answer to every wrong address of a learner or a cohort, which tells nothing of what others have.
#[tokio::test]
async fn an_unknown_learner_is_answered_in_one_way() {
    let world = two().await;
    let (college, library) = (world.own("College").await, world.own("Library").await);
    let places = [
        (
            Handled::Enrolment,
            "/provider/learners",
            &["", "/correct?part=who", "/take-back"][..],
        ),
        (
            Handled::Cohort,
            "/provider/cohorts",
            &["", "/add", "/answers", "/form"],
        ),
    ];
    for (of, place, rests) in places {
        for rest in rests {
            let mut answers = std::collections::BTreeSet::new();
            for handle in [
                library.handle(of, 2),
                college.handle(of, 2),
                college.handle(of, 999),
                "2".to_owned(),
                "none".to_owned(),
            ] {
                let path = format!("{place}/{handle}{rest}");
                let seen = world.get("pam", &path).await;
                assert_eq!(seen.status, StatusCode::NOT_FOUND, "{path}");
                let said = seen.body.split("<main").nth(1).unwrap_or_default();
                answers.insert(said.to_owned());
            }
            assert_eq!(answers.len(), 1, "{answers:#?}");
            assert!(
                answers.first().unwrap().contains("has no such"),
                "{answers:?}"
            );
        }
    }
}

/// The whole register at once, before and after, with the tasks by name.
#[tokio::test]
async fn a_tutor_asks_the_whole_register() {
    let world = two().await;
    let cohort = world.cohort("pam").await;
    let seen = world
        .post("pam", &format!("{cohort}/add"), &learner("A1-018"))
        .await;
    assert_eq!(seen.status, StatusCode::SEE_OTHER, "{}", seen.body);
    let path = format!("{cohort}/answers");
    let form = world.get("pam", &format!("{path}?when=start")).await.body;
    for words in [
        "not confident at all",
        "very confident",
        "search engine",
        "Essential Digital Skills",
        "A1-017",
        "A1-018",
    ] {
        assert!(form.contains(words), "{words}");
    }
    let college = world.own("College").await;
    let [one, two] = [1, 3].map(|id| college.handle(Handled::Enrolment, id));
    let said = |confidence: &str| {
        format!(
            "when=start&page=1&version-{one}=2&confidence_before-{one}={confidence}&everyday_before-{one}=2&version-{two}=2&confidence_before-{two}=&everyday_before-{two}=0"
        )
    };
    let seen = world.post("pam", &path, &said("11")).await;
    assert!(
        seen.body
            .contains(&format!("href=\"#confidence_before-{one}\"")),
        "{}",
        seen.body
    );
    let seen = world.post("pam", &path, &said("4")).await;
    assert_eq!(seen.location(), format!("{cohort}?done=answers"));
    let stale = said("5");
    let seen = world.post("pam", &path, &stale).await;
    assert_eq!(seen.status, StatusCode::CONFLICT);
    assert!(seen.body.contains("It is about A1-017."), "{}", seen.body);
    let now = world.get("pam", &format!("{path}?when=now")).await.body;
    assert!(
        now.contains(&format!("confidence_after-{one}"))
            && !now.contains(&format!("confidence_after-{two}")),
        "{now}"
    );
    let said = format!(
        "when=now&page=1&version-{one}=3&confidence_after-{one}=9&everyday_after-{one}=&version-{two}=3&everyday_after-{two}=1"
    );
    let seen = world.post("pam", &path, &said).await;
    assert_eq!(
        seen.location(),
        format!("{cohort}?done=answers"),
        "{}",
        seen.body
    );
    let page = world
        .get("pam", &world.learner("pam", &cohort).await)
        .await
        .body;
    assert!(page.contains("Rose"), "{page}");
    let paper = world.get("pam", &format!("{cohort}/form")).await.body;
    for words in [
        "search engine",
        "\u{2610} 1, not confident at all",
        "\u{2610} 5, all of them",
    ] {
        assert!(paper.contains(words), "{words}: {paper}");
    }
}

/// A provider reads its own services, says that they are right or corrects them; how they are classified and published stays the coordinator's.
#[tokio::test]
async fn a_provider_assures_and_corrects_its_own_services_alone() {
    let world = two().await;
    let list = world.get("pam", "/provider/services").await.body;
    assert!(
        list.contains("A1: drop-in") && !list.contains("B1"),
        "{list}"
    );
    assert!(list.contains("Never checked"), "{list}");
    let at = format!(
        "/provider/services/{}",
        world.own("College").await.handle(Handled::Service, 1)
    );
    let page = world.get("pam", &at).await.body;
    assert!(page.contains("All of this is still right"), "{page}");
    let seen = world.post("pam", &at, "version=1").await;
    assert_eq!(seen.location(), format!("{at}?done=right"));
    let page = world.get("pam", &format!("{at}?done=right")).await.body;
    assert!(page.contains("4 March 2022"), "{page}");
    // Seen before that.
    let form = "version=1&name=A1%3A+drop-in&places=12&tier=basic&public=yes&organisation=Library&status=active";
    let stale = world.post("pam", &format!("{at}/correct"), form).await;
    assert_eq!(stale.status, StatusCode::CONFLICT);
    let bad = form
        .replace("version=1", "version=2")
        .replace("=12", "=many");
    let bad = world.post("pam", &format!("{at}/correct"), &bad).await;
    assert_eq!(bad.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", bad.body);
    let form = form.replace("version=1", "version=2");
    let seen = world.post("pam", &format!("{at}/correct"), &form).await;
    assert_eq!(
        seen.location(),
        format!("{at}?done=corrected"),
        "{}",
        seen.body
    );
    let held = world
        .node
        .store
        .kept_one::<crate::store::services::Service>(1);
    let it = held.await.unwrap().unwrap().it;
    assert_eq!(
        (
            it.places,
            it.organisation.as_str(),
            it.public,
            it.assured_by.as_str()
        ),
        (Some(12), "College", false, "College")
    );
    let not_stated = crate::model::codes(ldsp_protocol::standard::Dimension::Tier);
    assert!(!not_stated.is_empty() && it.skills == 0);
    let history = world.get("ann", "/provision/1/history").await.body;
    assert!(
        history.contains("pam") && !history.contains("basic"),
        "{history}"
    );
}
