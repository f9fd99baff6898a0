//! What a provider's own programs may ask.

use super::*;
use crate::delivery::Handled;
use crate::pages::tests::provider::two;

const COHORTS: &str = "/api/v1/provider/cohorts";
const LEARNERS: &str = "/api/v1/provider/learners";
const ROWS: &str = "provider,learner_ref,uln,age,sex,ethnicity,disability,prior_status,district,aim,programme,skill,mode,start,planned_end,end,stage\n\
    ,2022-099,,40,female,white,no,employed,E08000027,AIM,P1,design,online,2022-01-10,,,in-progress\n";

async fn bring(world: &World, who: &str, query: &str, rows: &str) -> Reply {
    let request = from(who, Method::POST, &format!("{LEARNERS}?{query}"))
        .header(header::CONTENT_TYPE, "text/csv");
    send(world, request, rows.to_owned()).await
}

/// A token of somebody, as a program sends it.
async fn token(world: &World, who: &str, seed: u64) -> String {
    use ldsp_ui::accounts::{Accounts as _, By, Token};
    let token = Token::draw(&mut crate::testing::seeded(seed)());
    let now = crate::testing::at("2022-03-04T09:00:00Z");
    let tokens = world.node.store.tokens().expect("the node has tokens");
    let kept = tokens.keep(
        "Nightly",
        token.digest(),
        now + jiff::SignedDuration::from_hours(24),
        By { who, now },
    );
    kept.await.unwrap();
    format!("Bearer ldsp_{}", token.reveal())
}

/// Every route of the interface that names a row, and every file, asked by token for what is another organisation's: by the other's own
/// address, by the address that it would have if it were theirs, and by its number.
#[tokio::test]
async fn no_route_leads_a_token_to_another_organisations_records() {
    let world = two().await;
    let (college, library) = (world.own("College").await, world.own("Library").await);
    let mut asked = 0;
    for (who, own, other, number, seed, secret) in [
        ("pam", &college, &library, 2_i64, 91, "B1"),
        ("pat", &library, &college, 1, 92, "A1"),
    ] {
        let token = token(&world, who, seed).await;
        let by_token = |method: &Method, path: &str, media: &str| {
            let request = Request::builder().method(method).uri(path);
            request
                .header(header::AUTHORIZATION, &token)
                .header(header::CONTENT_TYPE, media)
        };
        let open = by_token(&Method::GET, COHORTS, "application/json");
        assert_eq!(send(&world, open, "").await.status, StatusCode::OK);
        for rule in rules() {
            let kinds = [
                Handled::Cohort,
                Handled::Enrolment,
                Handled::Question,
                Handled::Service,
            ];
            let foreign = kinds
                .into_iter()
                .flat_map(|kind| [other.handle(kind, number), own.handle(kind, number)])
                .chain([number.to_string()]);
            for handle in foreign {
                let learners = rule.path == LEARNERS;
                let path = if learners {
                    format!("{LEARNERS}?cohort={handle}")
                } else {
                    concrete(&rule.path.replace("{id}", &handle))
                };
                let (media, body) = match rule.path {
                    LEARNERS => ("text/csv", ROWS),
                    path if path.ends_with("/answer") => {
                        ("application/json", r#"{"answer": "It is not."}"#)
                    }
                    _ => ("application/json", "{}"),
                };
                let reply = send(&world, by_token(&rule.method, &path, media), body).await;
                let place = format!("{who} {} {path}: {}", rule.method, reply.status);
                assert!(!reply.text().contains(secret), "{place}");
                let may = match rule.access {
                    Access::Roles(roles) => roles.contains(&"provider"),
                    _ => true,
                };
                if !may {
                    reply.is(problem::ROLE);
                } else if learners || rule.path.contains("{id}") && rule.path.starts_with("/api/") {
                    reply.is(problem::NOT_FOUND);
                    asked += 1;
                }
            }
        }
    }
    // Of both: the answer to a question, a file into a cohort and a list of it, a learner's five, somebody who joins, and two of a piece of work.
    assert!(asked >= 2 * 10 * 7, "{asked}");
    for (sql, number) in [
        ("SELECT count(*) FROM enrolments", 2),
        (
            "SELECT count(*) FROM quality_questions WHERE answer IS NULL",
            2,
        ),
    ] {
        let held = sqlx::query_scalar::<_, i64>(sql);
        assert_eq!(
            held.fetch_one(&world.node.store.reader).await.unwrap(),
            number
        );
    }
}

#[tokio::test]
async fn no_program_of_a_provider_reaches_anothers_records() {
    let world = two().await;
    let (college, library) = (world.own("College").await, world.own("Library").await);
    let listed = get(&world, "pam", COHORTS).await.json();
    let items = listed["items"].as_array().unwrap();
    assert_eq!(items.len(), 1);
    assert_eq!(items[0]["cohort"], "A1");
    let own = college.handle(Handled::Cohort, 1);
    assert_eq!(items[0]["id"], own.as_str());
    for foreign in [
        library.handle(Handled::Cohort, 2),
        college.handle(Handled::Cohort, 2),
        college.handle(Handled::Enrolment, 1),
        "1".to_owned(),
        "2".to_owned(),
    ] {
        bring(&world, "pam", &format!("cohort={foreign}"), ROWS)
            .await
            .is(problem::NOT_FOUND);
    }
    let theirs = ROWS.replace("\n,2022", "\nLibrary,2022");
    let refused = bring(&world, "pam", &format!("cohort={own}"), &theirs).await;
    let problems = &refused.is(problem::IMPORT)["report"]["problems"];
    assert_eq!(problems["by_code"]["provider-other"], 1);
    let reply = bring(&world, "pam", &format!("cohort={own}"), ROWS).await;
    assert_eq!(reply.status, StatusCode::CREATED, "{}", reply.text());
    for (sql, number) in [
        ("SELECT count(*) FROM enrolments WHERE cohort = 1", 2),
        ("SELECT count(*) FROM enrolments WHERE cohort = 2", 1),
    ] {
        let held = sqlx::query_scalar::<_, i64>(sql);
        assert_eq!(
            held.fetch_one(&world.node.store.reader).await.unwrap(),
            number
        );
    }
}

/// Every route of the interface, asked by a provider's program: those of providers show its own, the others nothing.
#[tokio::test]
async fn a_providers_program_is_shown_nothing_but_its_own() {
    let world = two().await;
    for rule in rules() {
        let path = concrete(rule.path);
        let request = from("pam", rule.method.clone(), &path)
            .header(header::CONTENT_TYPE, "application/json");
        let reply = send(&world, request, "{}").await;
        assert!(!reply.text().contains("B1"), "{} {path}", rule.method);
        let is_open = match rule.access {
            Access::Roles(roles) => roles.contains(&"provider"),
            _ => true,
        };
        assert_eq!(reply.status == StatusCode::FORBIDDEN, !is_open, "{path}");
        // Of work each person sees the own alone.
        let own = ["/api/v1/provider/", "/api/v1/work/"];
        let own = own.iter().any(|start| rule.path.starts_with(start));
        assert_eq!(is_open && rule.path.starts_with("/api/"), own);
    }
}

/// Neither ids nor cursors count what others have.
#[tokio::test]
async fn lists_of_a_provider_do_not_count_rows() {
    let world = two().await;
    for code in ["C1", "C2", "C3"] {
        let form = format!(
            r#"{{"cohort": "{code}", "programme": "P1", "provider": "College", "title": "{code}"}}"#
        );
        let added = post(&world, "ann", "/api/v1/cohorts", &form).await;
        assert_eq!(added.status, StatusCode::CREATED, "{}", added.text());
    }
    let (mut path, mut seen) = (format!("{COHORTS}?limit=2"), Vec::new());
    loop {
        let page = get(&world, "pam", &path).await.json();
        for item in page["items"].as_array().unwrap() {
            let id = item["id"].as_str().unwrap();
            assert_eq!(id.len(), 32);
            seen.push(item["cohort"].as_str().unwrap().to_owned());
        }
        let Some(next) = page["next"].as_str() else {
            break;
        };
        let cursor = next
            .split("cursor=")
            .nth(1)
            .unwrap()
            .split('&')
            .next()
            .unwrap();
        let cursor = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(cursor);
        let key = String::from_utf8_lossy(&cursor.unwrap()[9..]).into_owned();
        assert_eq!(Some(&key), seen.last(), "the last code");
        path = next.to_owned();
    }
    assert_eq!(seen, ["A1", "C1", "C2", "C3"]);
}

/// A program that hears that a row may be new or a correction can say which it is.
#[tokio::test]
async fn a_program_answers_what_a_row_is() {
    let world = two().await;
    let stored = bring(&world, "pam", "", ROWS).await;
    assert_eq!(stored.status, StatusCode::CREATED, "{}", stored.text());
    // The same learner and first day, another course.
    let moved = ROWS.replace("AIM", "AIM2");
    let refused = bring(&world, "pam", "", &moved).await;
    let problem = refused.is(problem::IMPORT);
    let said = &problem["report"]["problems"]["detailed"][0];
    assert_eq!(said["code"], "same-or-new");
    assert!(
        said["remedy"]
            .as_str()
            .unwrap()
            .contains("doubtful=corrected"),
        "{said}"
    );
    let moved = bring(&world, "pam", "doubtful=corrected", &moved).await;
    assert_eq!(moved.status, StatusCode::CREATED, "{}", moved.text());
    assert_eq!(moved.json()["carried"], 1);
}

#[tokio::test]
async fn a_file_of_a_provider_is_of_a_bearable_length() {
    let world = two().await;
    let huge = (64 << 20) + 1;
    let request = from("pam", Method::POST, LEARNERS)
        .header(header::CONTENT_TYPE, "text/csv")
        .header(header::CONTENT_LENGTH, huge.to_string());
    let problem = send(&world, request, "").await.is(problem::FILE_TOO_LARGE);
    assert!(
        problem["next"].as_str().unwrap().contains("64 MiB"),
        "{problem}"
    );
}

/// A mapping is remembered, used and forgotten by one provider's programs alone.
#[tokio::test]
async fn a_program_of_a_provider_explains_its_own_columns() {
    const MAPPINGS: &str = "/api/v1/provider/mappings";
    let world = two().await;
    let mut columns = serde_json::Map::new();
    for column in crate::import::learners::COLUMNS {
        let there = ROWS
            .lines()
            .next()
            .is_some_and(|head| head.split(',').any(|name| name == *column));
        let origin = match *column {
            "learner_ref" => serde_json::json!({"column": "Number"}),
            name if there => serde_json::json!({"column": name}),
            _ => serde_json::json!({"always": ""}),
        };
        columns.insert((*column).to_owned(), origin);
    }
    let asked =
        serde_json::json!({"name": "Ours", "mapping": {"kind": "learners", "columns": columns}});
    let kept = post(&world, "pam", MAPPINGS, &asked.to_string()).await;
    assert_eq!(kept.status, StatusCode::CREATED, "{}", kept.text());
    let rows = ROWS.replacen("learner_ref", "Number", 1);
    bring(&world, "pat", "mapping=Ours", &rows)
        .await
        .is(problem::PARAMETER);
    let reply = bring(&world, "pam", "mapping=ours", &rows).await;
    assert_eq!(reply.status, StatusCode::CREATED, "{}", reply.text());
    assert!(reply.json()["references"]["known"].as_u64() > Some(0));
    for (who, path, number) in [
        ("pam", MAPPINGS, 1),
        ("pat", MAPPINGS, 0),
        ("ann", "/api/v1/mappings", 0),
    ] {
        let held = get(&world, who, path).await.json();
        assert_eq!(
            held["items"].as_array().map(Vec::len),
            Some(number),
            "{who}"
        );
    }
    let remove = format!("{MAPPINGS}/Ours/remove");
    post(&world, "pat", &remove, "")
        .await
        .is(problem::NOT_FOUND);
    let gone = post(&world, "pam", &remove, "").await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT, "{}", gone.text());
}

/// One member sent to a row of a provider's, as of a version.
async fn act(
    world: &World,
    who: &str,
    (method, path): (Method, &str),
    version: &str,
    json: &str,
) -> Reply {
    let request = from(who, method, path)
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::IF_MATCH, version);
    send(world, request, json.to_owned()).await
}

/// A day of a tutor, by program: somebody joins, is corrected, is asked, leaves; somebody is taken back.
#[tokio::test]
async fn a_program_does_a_tutors_daily_work() {
    let world = two().await;
    let cohort = get(&world, "pam", COHORTS).await.json()["items"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let join = format!("{COHORTS}/{cohort}/learners");
    let wrong = r#"{"learner_ref": "Jane Smith", "age": "old"}"#;
    let fields = post(&world, "pam", &join, wrong).await.is(problem::FORM);
    let codes: Vec<_> = fields["fields"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| f["code"].as_str().unwrap())
        .collect();
    assert_eq!(codes, ["reference-personal", "age-form"]);
    post(
        &world,
        "pam",
        &join,
        r#"{"employer": "Crown", "learner_ref": "7"}"#,
    )
    .await
    .is(problem::FORM);
    let joined = r#"{"learner_ref": "2022-050", "age": "67", "confidence_before": "3"}"#;
    let added = post(&world, "pam", &join, joined).await;
    assert_eq!(added.status, StatusCode::CREATED, "{}", added.text());
    let learner = added.header(header::LOCATION).to_owned();
    let value = added.json();
    assert_eq!(
        (
            &value["learner_ref"],
            &value["cohort"],
            &value["age_band"],
            &value["confidence_before"]
        ),
        (
            &"2022-050".into(),
            &cohort.as_str().into(),
            &"65 and over".into(),
            &"3".into()
        )
    );
    // Who is there already stays as recorded.
    let again = post(&world, "pam", &join, joined).await.is(problem::FORM);
    assert_eq!(again["fields"][0]["code"], "enrolment-held");
    let listed = get(
        &world,
        "pam",
        &format!("{LEARNERS}?cohort={cohort}&stage=in-progress&limit=1"),
    )
    .await
    .json();
    let next = listed["next"].as_str().unwrap();
    let second = get(&world, "pam", next).await.json();
    assert_eq!(second["items"][0]["learner_ref"], "2022-050");
    assert_eq!(second["next"], Value::Null);
    // Corrected, from the version that was read.
    let correct = format!("{learner}/correct");
    let fix = r#"{"sex": "female", "learner_ref": "2022-050"}"#;
    post(&world, "pam", &correct, fix)
        .await
        .is(problem::VERSION_NEEDED);
    let stale = act(&world, "pam", (Method::POST, &correct), "\"99\"", fix).await;
    stale.is(problem::CHANGED_MEANWHILE);
    let tag = added.header(header::ETAG).to_owned();
    let fixed = act(&world, "pam", (Method::POST, &correct), &tag, fix).await;
    assert_eq!(fixed.json()["sex"], "female", "{}", fixed.text());
    // Asked now, and gone.
    let outcome = format!("{learner}/outcome");
    let tag = fixed.header(header::ETAG).to_owned();
    let left = r#"{"stage": "achieved", "end": "2022-03-01", "confidence_after": "5"}"#;
    let left = act(&world, "pam", (Method::POST, &outcome), &tag, left).await;
    let value = left.json();
    assert_eq!(
        (
            &value["stage"],
            &value["confidence"],
            &value["confidence_before"]
        ),
        (&"achieved".into(), &"rose".into(), &"".into())
    );
    let due = get(&world, "pam", "/api/v1/provider/due?when=later")
        .await
        .json();
    assert_eq!(due["all"], 0, "{due}");
    // Many at once: all or none.
    let all = get(&world, "pam", LEARNERS).await.json();
    let one = &all["items"][0];
    let answers = |tasks: &str| {
        format!(
            r#"{{"when": "start", "answers": [{{"learner": {}, "version": {}, "everyday": "{tasks}"}}]}}"#,
            one["id"], one["version"]
        )
    };
    let path = "/api/v1/provider/answers";
    post(&world, "pam", path, &answers("6"))
        .await
        .is(problem::FORM);
    post(&world, "pat", path, &answers("2"))
        .await
        .is(problem::NOT_FOUND);
    assert_eq!(
        post(&world, "pam", path, &answers("2")).await.json()["changed"],
        1
    );
    // Taken back: by nobody else, and once.
    let tag = left.header(header::ETAG).to_owned();
    act(&world, "pat", (Method::DELETE, &learner), &tag, "")
        .await
        .is(problem::NOT_FOUND);
    let gone = act(&world, "pam", (Method::DELETE, &learner), &tag, "").await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT, "{}", gone.text());
    get(&world, "pam", &learner).await.is(problem::NOT_FOUND);
    let sql = "UPDATE enrolments SET counted = 1";
    sqlx::query(sql)
        .execute(&world.node.store.writer)
        .await
        .unwrap();
    let kept = format!("{LEARNERS}/{}", one["id"].as_str().unwrap());
    let tag = get(&world, "pam", &kept)
        .await
        .header(header::ETAG)
        .to_owned();
    let stays = act(&world, "pam", (Method::DELETE, &kept), &tag, "")
        .await
        .is(problem::FORM);
    assert_eq!(stays["fields"][0]["code"], "in-use");
}

#[tokio::test]
async fn a_program_of_a_provider_assures_its_own_services_alone() {
    const SERVICES: &str = "/api/v1/provider/services";
    let world = two().await;
    let list = get(&world, "pam", SERVICES).await.json();
    let items = list["items"].as_array().unwrap();
    assert_eq!(items.len(), 1, "{list:#}");
    let path = format!("{SERVICES}/{}", items[0]["id"].as_str().unwrap());
    let assure = async |who: &str, version: Option<&str>, json: &str| {
        let request = from(who, Method::POST, &format!("{path}/assure"))
            .header(header::CONTENT_TYPE, "application/json");
        let request = match version {
            Some(version) => request.header(header::IF_MATCH, version),
            None => request,
        };
        send(&world, request, json.to_owned()).await
    };
    assure("pat", Some("\"1\""), "{}")
        .await
        .is(problem::NOT_FOUND);
    assure("pam", None, "{}").await.is(problem::VERSION_NEEDED);
    assure("pam", Some("\"1\""), r#"{"tier": "basic"}"#)
        .await
        .is(problem::REQUEST);
    let bad = assure("pam", Some("\"1\""), r#"{"places": "many"}"#).await;
    assert_eq!(bad.is(problem::FORM)["fields"][0]["field"], "places");
    let done = assure("pam", Some("\"1\""), r#"{"places": "12"}"#).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text());
    let now = done.json();
    assert_eq!(
        (&now["places"], &now["assured_date"], &now["assured_by"]),
        (&"12".into(), &"2022-03-04".into(), &"College".into())
    );
    assure("pam", Some("\"1\""), r#"{"places": "13"}"#)
        .await
        .is(problem::CHANGED_MEANWHILE);
    assert_eq!(
        get(&world, "pam", &path).await.header(header::ETAG),
        "\"2\""
    );
}
