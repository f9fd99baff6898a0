//! Files from the LEP's own systems.

use super::*;

const LEARNERS: &str = "/api/v1/imports/learners";
const HEAD: &str = "/api/v1/imports/programmes";

#[tokio::test]
async fn a_file_is_checked_stored_or_refused_as_a_whole() {
    let world = world().await;
    let checked = upload(&world, &format!("{HEAD}?dry_run=true"), PROGRAMMES).await;
    assert_eq!(checked.status, StatusCode::OK);
    assert_eq!(checked.json()["outcome"], "checked");
    assert_eq!(world.node.store.programmes().await.unwrap().len(), 0);
    let stored = upload(&world, HEAD, PROGRAMMES).await;
    assert_eq!(stored.status, StatusCode::CREATED);
    assert_eq!(stored.json()["added"], 1);
    let stored = upload(&world, LEARNERS, &learners()).await;
    assert_eq!(stored.status, StatusCode::CREATED, "{}", stored.text());
    assert_eq!(stored.json()["rows"], 40);
    let again = upload(&world, LEARNERS, &learners()).await;
    assert_eq!(again.json()["unchanged"], 40);

    let bad = learners()
        .replace("R7,", "R77,")
        .replacen("female", "Canary Person", 3);
    let refused = upload(&world, LEARNERS, &bad).await;
    let problem = refused.is(problem::IMPORT);
    assert_eq!(problem["report"]["outcome"], "refused");
    assert_eq!(problem["report"]["problems"]["total"], 3);
    assert_eq!(problem["report"]["problems"]["detailed"][0]["line"], 2);
    assert!(!refused.text().contains("Canary"));
    let sound = upload(&world, &format!("{LEARNERS}?valid_rows=true"), &bad).await;
    assert_eq!(sound.status, StatusCode::CREATED, "{}", sound.text());
    assert_eq!(sound.json()["refused"], 3);
    upload(&world, LEARNERS, "").await.is(problem::IMPORT);
    assert_eq!(world.uploads_left(), 0);
    let acts = world.node.store.audit_entries(99).await.unwrap();
    let who: BTreeSet<_> = acts
        .iter()
        .filter(|act| act.action.starts_with("import"))
        .map(|act| act.who.as_str())
        .collect();
    assert_eq!(who, BTreeSet::from(["ann"]));
}

#[tokio::test]
async fn a_file_that_is_cut_stores_nothing() {
    let world = world().await;
    let start = bytes::Bytes::from(PROGRAMMES);
    let pieces = [Ok(start), Err(std::io::Error::other("the sender is gone"))];
    let request = from("ann", Method::POST, HEAD).header(header::CONTENT_TYPE, "text/csv");
    let body = Body::from_stream(futures::stream::iter(pieces));
    send(&world, request, body).await.is(problem::REQUEST);
    assert!(world.node.store.programmes().await.unwrap().is_empty());
    assert!(world.node.store.imports(9).await.unwrap().is_empty());
    assert_eq!(world.uploads_left(), 0);
    // The place is free again.
    let whole = upload(&world, HEAD, PROGRAMMES).await;
    assert_eq!(whole.status, StatusCode::CREATED);
}

/// A file that comes slowly holds nobody up; only so many may be on their way.
#[tokio::test]
async fn a_slow_sender_holds_nobody_up_and_only_so_many_send_at_once() {
    let world = world().await;
    let slow = || {
        let (more, rest) = futures::channel::mpsc::unbounded::<std::io::Result<bytes::Bytes>>();
        more.unbounded_send(Ok(PROGRAMMES.into())).unwrap();
        let request = from("ann", Method::POST, HEAD).header(header::CONTENT_TYPE, "text/csv");
        (more, send(&world, request, Body::from_stream(rest)))
    };
    let (ends, sent): (Vec<_>, Vec<_>) = (0..4).map(|_| slow()).unzip();
    let (mut done, mut refused) = (0, None);
    let others = async {
        // The slow ones may not all have begun when this one comes.
        while refused.is_none() {
            let reply = upload(&world, HEAD, PROGRAMMES).await;
            match reply.status {
                StatusCode::CREATED => done += 1,
                _ => refused = Some(reply),
            }
        }
        drop(ends);
    };
    let (sent, ()) = futures::join!(futures::future::join_all(sent), others);
    let refused = refused.unwrap();
    refused.is(problem::IMPORT_BUSY);
    assert!(!refused.header(header::RETRY_AFTER).is_empty());
    for slow in sent {
        assert_eq!(slow.status, StatusCode::CREATED, "{}", slow.text());
    }
    assert_eq!(
        upload(&world, HEAD, PROGRAMMES).await.status,
        StatusCode::CREATED,
        "after {done}"
    );
}

#[tokio::test]
async fn only_csv_of_a_bearable_length_is_read() {
    let world = world().await;
    for kind in [
        "",
        "application/json",
        "text/plain",
        "multipart/form-data; boundary=b",
    ] {
        let request = from("ann", Method::POST, HEAD).header(header::CONTENT_TYPE, kind);
        send(&world, request, PROGRAMMES)
            .await
            .is(problem::UNSUPPORTED);
    }
    send(&world, from("ann", Method::POST, HEAD), PROGRAMMES)
        .await
        .is(problem::UNSUPPORTED);
    let csv =
        || from("ann", Method::POST, HEAD).header(header::CONTENT_TYPE, "text/csv; charset=utf-8");
    let zipped = csv().header(header::CONTENT_ENCODING, "gzip");
    send(&world, zipped, PROGRAMMES)
        .await
        .is(problem::UNSUPPORTED);
    let huge = csv().header(header::CONTENT_LENGTH, (LARGEST_PLUS_ONE).to_string());
    send(&world, huge, "").await.is(problem::FILE_TOO_LARGE);
    assert_eq!(
        send(&world, csv(), PROGRAMMES).await.status,
        StatusCode::CREATED
    );
    for query in [
        "dry_run=1",
        "dry_run=",
        "valid_rows=yes",
        "dry_run=true&dry_run=true",
    ] {
        let path = format!("{HEAD}?{query}");
        upload(&world, &path, PROGRAMMES)
            .await
            .is(problem::PARAMETER);
    }
}

const LARGEST_PLUS_ONE: usize = crate::pages::LARGEST + 1;

#[tokio::test]
async fn a_file_with_columns_of_its_own_goes_by_a_remembered_mapping() {
    let world = world().await;
    let mappings = "/api/v1/mappings";
    let columns: Vec<String> = PROGRAMMES
        .lines()
        .next()
        .unwrap()
        .split(',')
        .map(|name| format!(r#""{name}": {{"column": "Their {name}"}}"#))
        .collect();
    let mapping = format!(
        r#"{{"kind": "programmes", "columns": {{{}}}}}"#,
        columns.join(", ")
    );
    let body = |version: &str| format!(r#"{{"name": "Acme", {version} "mapping": {mapping}}}"#);
    let kept = post(&world, "ann", mappings, &body(r#""version": 0,"#)).await;
    assert_eq!(kept.status, StatusCode::CREATED, "{}", kept.text());
    post(&world, "ann", mappings, &body(r#""version": 0,"#))
        .await
        .is(problem::CHANGED_MEANWHILE);
    assert_eq!(
        post(&world, "ann", mappings, &body("")).await.json()["version"],
        2
    );
    let short = r#"{"name": "Short", "mapping": {"kind": "learners", "columns": {}}}"#;
    post(&world, "ann", mappings, short).await.is(problem::FORM);
    let list = get(&world, "bob", mappings).await.json();
    assert_eq!(
        list["items"][0]["mapping"]["columns"]["name"]["column"],
        "Their name"
    );

    let (header, rows) = PROGRAMMES.split_once('\n').unwrap();
    let header: Vec<String> = header
        .split(',')
        .map(|name| format!("their {name}"))
        .collect();
    let theirs = format!("{}\n{rows}", header.join(","));
    upload(&world, HEAD, &theirs).await.is(problem::IMPORT);
    upload(&world, &format!("{HEAD}?mapping=None"), &theirs)
        .await
        .is(problem::PARAMETER);
    let stored = upload(&world, &format!("{HEAD}?mapping=acme"), &theirs).await;
    assert_eq!(stored.status, StatusCode::CREATED, "{}", stored.text());
    let gone = post(&world, "ann", &format!("{mappings}/Acme/remove"), "").await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    post(&world, "ann", &format!("{mappings}/Acme/remove"), "")
        .await
        .is(problem::NOT_FOUND);
    assert_eq!(world.uploads_left(), 0);
}

const ILR: &str = include_str!("../../../tests/ilr/2018-19.xml");

#[tokio::test]
async fn an_ilr_is_said_and_taken() {
    let world = world().await;
    upload(&world, HEAD, PROGRAMMES).await;
    let file = ILR
        .replace("B70 1AA", "ZZ99 9ZZ")
        .replace("TS24 1AA", "ZZ99 9ZZ");
    let take = async || {
        let request = from("ann", Method::POST, "/api/v1/imports/ilr")
            .header(header::CONTENT_TYPE, "application/xml");
        send(&world, request, file.clone()).await
    };
    let say = async |path: &str, said: &str| {
        let request =
            from("ann", Method::POST, path).header(header::CONTENT_TYPE, "application/json");
        send(&world, request, said.to_owned()).await
    };
    let asked = take().await;
    let report = asked.is(problem::IMPORT)["report"].clone();
    assert_eq!(report["kind"], "ilr");
    assert_eq!(report["ilr"]["ukprn"], 99_000_001);
    assert_eq!(report["ilr"]["schema_checked"], true);
    assert_eq!(report["ilr"]["unmapped"][0]["aim"], "60990011");
    let aims = "/api/v1/ilr/aims";
    say(aims, r#"{"aim": "60990011", "digital": true}"#)
        .await
        .is(problem::MAPPING);
    say(
        "/api/v1/ilr/providers",
        r#"{"ukprn": 1, "provider": "College"}"#,
    )
    .await
    .is(problem::MAPPING);
    for (path, said) in [
        (
            "/api/v1/ilr/providers",
            r#"{"ukprn": 99000001, "provider": "College"}"#,
        ),
        (
            aims,
            r#"{"aim": "6099*", "digital": true, "programme": "P1", "skill": "transacting", "mode": "online"}"#,
        ),
        (
            aims,
            r#"{"aim": "ZPROG001/S2", "ukprn": 99000001, "digital": false}"#,
        ),
        (
            "/api/v1/ilr/codes",
            r#"{"field": "Sex", "code": "X", "value": "not stated"}"#,
        ),
    ] {
        let said = say(path, said).await;
        assert_eq!(said.status, StatusCode::OK, "{}", said.text());
    }
    let stored = take().await;
    assert_eq!(stored.status, StatusCode::CREATED, "{}", stored.text());
    assert_eq!(
        (&stored.json()["added"], &stored.json()["removed"]),
        (&4.into(), &0.into())
    );
    let removed = say("/api/v1/ilr/aims/remove", r#"{"aim": "6099*"}"#).await;
    assert_eq!(removed.json()["aims"].as_array().unwrap().len(), 2);
    say("/api/v1/ilr/aims/remove", r#"{"aim": "6099*"}"#)
        .await
        .is(problem::MAPPING);
    upload(&world, "/api/v1/imports/ilr", &file)
        .await
        .is(problem::UNSUPPORTED);
    let list = send(&world, from("ann", Method::GET, "/api/v1/ilr/mappings"), "").await;
    assert_eq!(list.json()["providers"][0]["provider"], "College");
}

#[tokio::test]
async fn the_postcode_directory_is_a_program_s_too() {
    let world = world().await.with_everybody().await;
    let path = "/api/v1/imports/postcodes";
    let send_as = async |who: &str, path: &str, kind: &str, body: &str| {
        let request = from(who, Method::POST, path).header(header::CONTENT_TYPE, kind);
        send(&world, request, body.to_owned()).await
    };
    let file = "pcds,oslaua\nWV1 1AA,E08000031\n";
    let checked = send_as("ann", &format!("{path}?dry_run=true"), "text/csv", file).await;
    assert_eq!(checked.status, StatusCode::OK, "{}", checked.text());
    let status = get(&world, "ada", "/api/v1/status").await.json();
    assert_eq!(status["postcodes"], false);
    let stored = send_as("ada", path, "text/csv", file).await;
    assert_eq!(stored.status, StatusCode::CREATED, "{}", stored.text());
    assert_eq!(
        (&stored.json()["kind"], &stored.json()["added"]),
        (&"postcodes".into(), &1.into())
    );
    let status = get(&world, "ada", "/api/v1/status").await.json();
    assert_eq!(status["postcodes"], true);
    let workbook = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
    send_as("ann", path, workbook, file)
        .await
        .is(problem::UNSUPPORTED);
    send_as("ann", path, "text/csv", "a,b\n1,2\n")
        .await
        .is(problem::IMPORT);
    send_as("ann", &format!("{path}?mapping=x"), "text/csv", file)
        .await
        .is(problem::PARAMETER);
}
