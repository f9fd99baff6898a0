//! Organisations, programmes, cohorts, spend, kept by programs.

use super::*;

async fn put(world: &World, path: &str, if_match: &str, json: &str) -> Reply {
    let mut request =
        from("ann", Method::PUT, path).header(header::CONTENT_TYPE, "application/json");
    if !if_match.is_empty() {
        request = request.header(header::IF_MATCH, if_match);
    }
    send(world, request, json.to_owned()).await
}

const COLLEGE: &str = r#"{"name": "City College", "kind": "provider"}"#;

#[tokio::test]
async fn what_is_added_is_read_changed_and_listed() {
    let world = world().await;
    let added = post(&world, "ann", "/api/v1/organisations", COLLEGE).await;
    assert_eq!(added.status, StatusCode::CREATED, "{}", added.text());
    assert_eq!(added.header(header::LOCATION), "/api/v1/organisations/1");
    assert_eq!(added.header(header::ETAG), "\"1\"");
    for (path, json) in [
        (
            "programmes",
            r#"{"programme": "P1", "name": "Basics", "provider": "City College", "skills": "design"}"#,
        ),
        (
            "cohorts",
            r#"{"cohort": "A1", "programme": "P1", "provider": "City College", "title": "Tuesdays"}"#,
        ),
        (
            "spend",
            r#"{"month": "2022-01", "cohort": "A1", "category": "staff", "amount": "90", "source": "Return"}"#,
        ),
        (
            "demand",
            r#"{"asks": "employer", "area": "whole", "number": "9", "from": "2022-01", "how": "panel", "sure": "guessed", "by": "Panel"}"#,
        ),
        (
            "services",
            r#"{"name": "Learn", "organisation": "City College", "tier": "basic", "public": "yes"}"#,
        ),
    ] {
        let reply = post(&world, "ann", &format!("/api/v1/{path}"), json).await;
        assert_eq!(reply.status, StatusCode::CREATED, "{}", reply.text());
        let list = get(&world, "bob", &format!("/api/v1/{path}")).await.json();
        assert_eq!(list["items"][0]["id"], 1, "{list:#}");
        let one = get(&world, "bob", &format!("/api/v1/{path}/1")).await;
        assert_eq!(one.header(header::ETAG), "\"1\"");
        assert!(!one.json()["history"].as_array().unwrap().is_empty());
    }
    let changed = put(
        &world,
        "/api/v1/organisations/1",
        "\"1\"",
        r#"{"name": "City College", "kind": "provider", "ukprn": "10001234"}"#,
    )
    .await;
    assert_eq!(changed.status, StatusCode::OK, "{}", changed.text());
    assert_eq!(changed.json()["version"], 2);
    let read = get(&world, "ann", "/api/v1/organisations/1").await.json();
    assert_eq!(read["history"][0]["field"], "ukprn");
    assert_eq!(read["history"][0]["before"], serde_json::Value::Null);
}

#[tokio::test]
async fn a_stale_change_is_refused_and_one_without_a_version_too() {
    let world = world().await;
    post(&world, "ann", "/api/v1/organisations", COLLEGE).await;
    let path = "/api/v1/organisations/1";
    let other = COLLEGE.replace("provider", "charity");
    assert_eq!(
        put(&world, path, "\"1-gzip\"", &other).await.status,
        StatusCode::OK
    );
    let stale = put(&world, path, "\"1\"", COLLEGE)
        .await
        .is(problem::CHANGED_MEANWHILE);
    assert!(stale["detail"].as_str().unwrap().contains("version 2"));
    for none in ["", "*", "1", "W/\"2\"", "\"x\"", "\"2\", \"3\""] {
        put(&world, path, none, COLLEGE)
            .await
            .is(problem::VERSION_NEEDED);
    }
    put(&world, "/api/v1/organisations/9", "\"1\"", COLLEGE)
        .await
        .is(problem::NOT_FOUND);
    assert_eq!(get(&world, "ann", path).await.json()["kind"], "charity");
}

#[tokio::test]
async fn members_with_problems_are_named_and_others_unknown() {
    let world = world().await;
    let refused = post(
        &world,
        "ann",
        "/api/v1/organisations",
        r#"{"name": "", "ukprn": "7"}"#,
    )
    .await
    .is(problem::FORM);
    let fields: Vec<_> = refused["fields"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| f["field"].as_str().unwrap())
        .collect();
    assert_eq!(fields, ["name", "kind", "ukprn"]);
    for json in [r#"{"name": 1}"#, r#"{"surname": "x"}"#, "[]", "{"] {
        post(&world, "ann", "/api/v1/organisations", json)
            .await
            .is(problem::REQUEST);
    }
    post(&world, "ann", "/api/v1/organisations", COLLEGE).await;
    let twice = post(
        &world,
        "ann",
        "/api/v1/organisations",
        &COLLEGE.replace("City", "CITY"),
    )
    .await;
    assert_eq!(twice.is(problem::FORM)["fields"][0]["code"], "taken");
}

/// Numbers of demand are exact: a viewer reads the list on the pages, without them. The words for vacancies are no secret.
#[tokio::test]
async fn demand_is_for_those_who_see_exact_counts_and_a_file_of_it_comes_in_whole() {
    let world = world().await.with_everybody().await;
    let file =
        "asks,area,number,from,how,sure,by\nemployer,whole,12,2022-01,survey,counted,Chamber\n";
    let import = async |query: &str| {
        let path = format!("/api/v1/imports/demand{query}");
        let request = from("ann", Method::POST, &path).header(header::CONTENT_TYPE, "text/csv");
        send(&world, request, file.to_owned()).await
    };
    let checked = import("?dry_run=true").await;
    assert_eq!(checked.status, StatusCode::OK, "{}", checked.text());
    let stored = import("").await;
    assert_eq!(
        (stored.status, stored.json()["added"].as_u64()),
        (StatusCode::CREATED, Some(1)),
        "{}",
        stored.text()
    );
    let list = get(&world, "bob", "/api/v1/demand").await.json();
    assert_eq!(
        (&list["items"][0]["number"], &list["items"][0]["reference"]),
        (&"12".into(), &"D1".into()),
        "{list:#}"
    );
    for who in ["vic", "ada", "pam"] {
        assert_eq!(
            get(&world, who, "/api/v1/demand").await.status,
            StatusCode::FORBIDDEN,
            "{who}"
        );
        assert_eq!(
            get(&world, who, "/api/v1/demand/1").await.status,
            StatusCode::FORBIDDEN,
            "{who}"
        );
    }
    let words = get(&world, "vic", "/api/v1/demand/words").await.json();
    assert!(words["items"].as_array().unwrap().len() > 40, "{words:#}");
    let word =
        r#"{"term": "welding robot", "tier": "advanced", "skill": "software", "weight": "70"}"#;
    let added = post(&world, "ann", "/api/v1/demand/words", word).await;
    assert_eq!(added.status, StatusCode::CREATED, "{}", added.text());
}

/// Open to everybody, without sign-in; what is not public is not there.
#[tokio::test]
async fn the_open_feed_gives_public_services_alone() {
    let world = world().await;
    for (name, public) in [("Shown", "yes"), ("Hidden", "no"), ("Also shown", "yes")] {
        let json = format!(
            r#"{{"name": "{name}", "organisation": "Library", "public": "{public}", "tier": "basic"}}"#
        );
        let added = post(&world, "ann", "/api/v1/services", &json).await;
        assert_eq!(added.status, StatusCode::CREATED, "{}", added.text());
    }
    let first = get(&world, "", "/services?per_page=1").await;
    assert_eq!(first.header(header::ACCESS_CONTROL_ALLOW_ORIGIN), "*");
    let page = first.json();
    assert_eq!(
        (&page["total_items"], &page["total_pages"]),
        (&2.into(), &2.into())
    );
    let one = &page["contents"][0];
    assert_eq!(one["name"], "Also shown");
    assert!(
        one["last_modified"]
            .as_str()
            .unwrap()
            .starts_with("2022-03-04T09:00")
    );
    let path = format!("/services/{}", one["id"].as_str().unwrap());
    assert_eq!(
        get(&world, "", &path).await.json()["attributes"][0]["link_type"],
        "tier"
    );
    assert_eq!(
        get(&world, "", "/services?search=hidden").await.json()["empty"],
        true
    );
    get(&world, "", "/services/00000000-0000-4000-8000-000000000000")
        .await
        .is(problem::NOT_FOUND);
    for query in ["page=0", "per_page=101", "page=x", "day=monday"] {
        get(&world, "", &format!("/services?{query}"))
            .await
            .is(problem::PARAMETER);
    }
}

/// What was added by mistake goes; what something stands on says what does.
#[tokio::test]
async fn a_mistake_is_deleted_from_the_version_that_was_read() {
    let world = world().await.with_everybody().await;
    let added = post(&world, "ann", "/api/v1/organisations", COLLEGE).await;
    let college = added.header(header::LOCATION).to_owned();
    let programme = r#"{"programme": "P9", "name": "Nine", "provider": "City College"}"#;
    let added = post(&world, "ann", "/api/v1/programmes", programme).await;
    assert_eq!(added.status, StatusCode::CREATED, "{}", added.text());
    let programme = added.header(header::LOCATION).to_owned();
    let delete = async |who: &str, path: &str, version: Option<&str>| {
        let request = from(who, Method::DELETE, path);
        let request = match version {
            Some(version) => request.header(header::IF_MATCH, version),
            None => request,
        };
        send(&world, request, "").await
    };
    let stands = delete("ann", &college, Some("\"1\""))
        .await
        .is(problem::FORM);
    assert_eq!(stands["fields"][0]["code"], "in-use");
    assert_eq!(
        stands["fields"][0]["cause"],
        "1 programme names it as its provider."
    );
    for who in ["bob", "vic", "pam", "ada"] {
        delete(who, &programme, Some("\"1\""))
            .await
            .is(problem::ROLE);
    }
    delete("ann", &programme, None)
        .await
        .is(problem::VERSION_NEEDED);
    delete("ann", &programme, Some("\"7\""))
        .await
        .is(problem::CHANGED_MEANWHILE);
    let gone = delete("ann", &programme, Some("\"1\"")).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT, "{}", gone.text());
    delete("ann", &programme, Some("\"1\""))
        .await
        .is(problem::NOT_FOUND);
    // An admin, who keeps the organisations too.
    let gone = delete("ada", &college, Some("\"1\"")).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT, "{}", gone.text());
}
