//! Files from the browser.

use super::*;

#[tokio::test]
async fn an_upload_is_explained_and_nothing_of_it_stays() {
    let world = world().await;
    let wrong = world
        .upload(
            "learners",
            "store",
            "provider,aim,programme,name\nCollege,A1,P1,Canary Person\n",
        )
        .await;
    assert_eq!(wrong.status, StatusCode::OK);
    for words in ["Nothing was stored", "column-missing", "learner_ref"] {
        assert!(wrong.body.contains(words), "{words}");
    }
    assert!(!wrong.body.contains("Canary"));
    let csv = world.get("ann", "/import/report.csv").await.body;
    assert!(
        csv.starts_with("line,field,code,cause,remedy\n") && !csv.contains("Canary"),
        "{csv}"
    );
    let none = world.upload("learners", "", "").await;
    assert_eq!(none.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(none.body.contains("href=\"#file\"") && none.body.contains("href=\"#way\""));
    let broken =
        Request::post("/import").header(header::CONTENT_TYPE, "multipart/form-data; boundary=b");
    let cut =
        "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\nprovider,";
    let broken = world.send("ann", broken, cut.into()).await;
    assert_eq!(broken.status, StatusCode::BAD_REQUEST, "{}", broken.body);
    assert!(broken.body.contains("upload_broken"));
    assert_eq!(
        world.upload("programmes", "check", PROGRAMMES).await.status,
        StatusCode::OK
    );
    assert_eq!(
        world.node.store.programmes().await.unwrap().len(),
        0,
        "checked only"
    );
    assert_eq!(
        world.upload("programmes", "store", PROGRAMMES).await.status,
        StatusCode::OK
    );
    let checked = world.upload("learners", "check", &learners()).await.body;
    assert!(
        checked.contains("The file is sound. Nothing was stored yet"),
        "{checked}"
    );
    assert_eq!(world.uploads_left(), 0);
    assert_eq!(world.node.store.imports(9).await.unwrap().len(), 1);
    let acts = world.node.store.audit_entries(99).await.unwrap();
    let imports: Vec<_> = acts
        .iter()
        .filter(|act| act.action.starts_with("import"))
        .map(|act| (act.who.as_str(), act.action.as_str()))
        .collect();
    assert_eq!(imports, [("ann", "import programmes")]);
}

#[tokio::test]
async fn a_line_that_never_ends_is_refused_while_it_is_sent() {
    let world = world().await;
    let head = "--b\r\nContent-Disposition: form-data; name=\"kind\"\r\n\r\nlearners\r\n\
        --b\r\nContent-Disposition: form-data; name=\"way\"\r\n\r\nvalid\r\n\
        --b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\n";
    let head = futures::stream::iter([Ok::<_, std::io::Error>(head.as_bytes().to_vec())]);
    // A handler that read it to its end would read until the limit. The pauses are a network's: what is there at once is read
    // at once.
    let line = futures::stream::unfold((), |()| async {
        tokio::task::yield_now().await;
        Some((Ok(vec![b'x'; 65_536]), ()))
    });
    let endless = Body::from_stream(futures::StreamExt::chain(head, line));
    let request =
        Request::post("/import").header(header::CONTENT_TYPE, "multipart/form-data; boundary=b");
    let seen = world.send("ann", request, endless).await;
    assert_eq!(seen.status, StatusCode::OK, "{}", seen.body);
    assert!(seen.body.contains("The file was refused") && seen.body.contains("record-size"));
    assert_eq!(world.uploads_left(), 0);
    assert_eq!(world.node.store.imports(9).await.unwrap().len(), 0);
}
