//! What is gathered of needs and provision, by program: vacancies, surveys, sums, feeds, doubles, published figures.

use super::*;

const VACANCIES: &str = "title,description,employer,district,date\n\
    Web developer,You know Python and cloud computing,Acme,E08000027,2022-01-10\n\
    Gardener,Lawns,Parks,E08000027,2022-01-11\n";

#[tokio::test]
async fn vacancies_come_in_with_the_evidence_of_every_word() {
    let world = world().await.with_everybody().await;
    let import = async |who: &str, query: &str| {
        let path = format!("/api/v1/imports/vacancies{query}");
        let request = from(who, Method::POST, &path).header(header::CONTENT_TYPE, "text/csv");
        send(&world, request, VACANCIES.to_owned()).await
    };
    let checked = import("ann", "?dry_run=true").await;
    assert_eq!(checked.status, StatusCode::OK, "{}", checked.text());
    let found = &checked.json()["vacancies"];
    assert_eq!(
        (&found["matched"], &found["unmatched"]),
        (&1.into(), &1.into()),
        "{found:#}"
    );
    let words = found["lines"][0]["found"].as_array().unwrap();
    let word = words.iter().find(|word| word["column"] == "description");
    let word = word.unwrap_or_else(|| panic!("{found:#}"));
    for member in ["term", "before", "words"] {
        assert!(
            word[member].as_str().is_some_and(|s| !s.is_empty()),
            "{word:#}"
        );
    }
    assert_eq!(found["unmatched_lines"][0]["title"], "Gardener");
    let none = get(&world, "ann", "/api/v1/demand").await.json();
    assert_eq!(
        none["items"],
        serde_json::json!([]),
        "a check keeps nothing"
    );
    assert_eq!(import("ann", "").await.status, StatusCode::CREATED);
    for who in ["bob", "vic", "pam", "ada"] {
        import(who, "").await.is(problem::ROLE);
    }
}

/// A viewer gets the sums that may be told, and no number of the others.
#[tokio::test]
async fn the_sums_of_demand_are_told_to_each_as_far_as_they_may_be() {
    let world = world().await.with_everybody().await;
    let need = |number: &str, counts: &str| {
        format!(
            r#"{{"asks": "employer", "tier": "basic", "area": "whole", "number": "{number}", "counts": "{counts}", "from": "2022-01", "how": "panel", "sure": "counted", "by": "Panel"}}"#
        )
    };
    for json in [need("430", "employers"), need("17", "people")] {
        let added = post(&world, "ann", "/api/v1/demand", &json).await;
        assert_eq!(added.status, StatusCode::CREATED, "{}", added.text());
    }
    let told = async |who: &str| {
        let sums = get(&world, who, "/api/v1/demand/summary").await.json();
        let mut all = Vec::new();
        for unit in sums["items"].as_array().unwrap() {
            let cell = &unit["cells"][0];
            assert_eq!(
                (&cell["tier"], &cell["area"]),
                (&"basic".into(), &"whole".into())
            );
            all.push((
                unit["counts"].as_str().unwrap().to_owned(),
                cell["number"].as_u64(),
                cell["told"].as_str().unwrap().to_owned(),
            ));
        }
        all
    };
    let row = |counts: &str, number, told: &str| (counts.to_owned(), number, told.to_owned());
    let (employers, people) = (row("employers", Some(430), "yes"), "people");
    assert_eq!(
        told("bob").await,
        [row(people, Some(17), "few"), employers.clone()]
    );
    assert_eq!(told("vic").await, [row(people, None, "few"), employers]);
}

#[tokio::test]
async fn a_feed_is_pulled_by_program_and_a_private_address_is_refused_with_its_code() {
    let world = world().await.with_everybody().await;
    let pull = async |json: &str| post(&world, "ann", "/api/v1/feeds", json).await;
    let begun = pull(r#"{"url": "https://feed.example/api/", "term": "t1"}"#).await;
    assert_eq!(begun.status, StatusCode::ACCEPTED, "{}", begun.text());
    let at = begun.header(header::LOCATION).to_owned();
    let feed = get(&world, "vic", &at).await.json();
    assert_eq!(
        (&feed["url"], &feed["term"], &feed["under_way"]),
        (
            &"https://feed.example/api".into(),
            &"t1".into(),
            &true.into()
        )
    );
    let list = get(&world, "bob", "/api/v1/feeds").await.json();
    assert_eq!(list["items"][0], feed);
    let bad = pull(r#"{"url": "http://feed.example"}"#).await;
    assert_eq!(bad.is(problem::FORM)["fields"][0]["code"], "feed-address");
    get(&world, "ann", "/api/v1/feeds/9")
        .await
        .is(problem::NOT_FOUND);
}

#[tokio::test]
async fn services_are_merged_taken_apart_and_told_apart_by_program() {
    let world = world().await.with_everybody().await;
    for source in ["", "Council list"] {
        let json =
            format!(r#"{{"name": "Learn", "organisation": "Library", "source": "{source}"}}"#);
        let added = post(&world, "ann", "/api/v1/services", &json).await;
        assert_eq!(added.status, StatusCode::CREATED, "{}", added.text());
    }
    let doubles = async || get(&world, "vic", "/api/v1/services/doubles").await.json();
    let decide = async |path: &str, json: &str| {
        let path = format!("/api/v1/services/{path}");
        post(&world, "ann", &path, json).await
    };
    assert_eq!(
        doubles().await["may_be"],
        serde_json::json!([{"one": 1, "other": 2, "why": "words"}])
    );
    let done = decide("2/merge", r#"{"other": 1}"#).await;
    assert_eq!(done.status, StatusCode::NO_CONTENT, "{}", done.text());
    decide("2/merge", r#"{"other": 1}"#)
        .await
        .is(problem::NOT_FOUND);
    let held = doubles().await;
    assert_eq!(
        (&held["merged"][0]["id"], &held["merged"][0]["into"]),
        (&1.into(), &2.into())
    );
    assert_eq!(decide("1/part", "").await.status, StatusCode::NO_CONTENT);
    decide("1/part", "").await.is(problem::NOT_FOUND);
    assert_eq!(
        decide("2/differ", r#"{"other": 1}"#).await.status,
        StatusCode::NO_CONTENT
    );
    let held = doubles().await;
    assert_eq!(held["may_be"], serde_json::json!([]));
    assert_eq!(
        held["distinct"],
        serde_json::json!([{"one": 1, "other": 2}])
    );
    decide("1/differ", r#"{"other": 2, "differ": false}"#).await;
    assert_eq!(doubles().await["may_be"][0]["other"], 2);
    decide("1/differ", r#"{"other": 1}"#)
        .await
        .is(problem::NOT_FOUND);
}

#[tokio::test]
async fn published_figures_come_with_level_year_and_source() {
    let world = world().await.with_everybody().await;
    let all = get(&world, "vic", "/api/v1/context").await.json();
    let all = all["items"].as_array().unwrap();
    let of = |measure: &str, level: &str| {
        let found = all
            .iter()
            .find(|f| f["measure"] == measure && f["level"] == level);
        found.unwrap_or_else(|| panic!("{measure} of a {level}"))
    };
    let digital = of("need-digital", "LEP");
    assert_eq!(
        (&digital["value"], &digital["year"], &digital["code"]),
        (&7617.into(), &"2017".into(), &"E37000001".into())
    );
    assert_eq!(digital["source"]["publisher"], "Department for Education");
    for level in ["district", "LEP", "region", "nation"] {
        of("fe-achievements", level);
    }
}
