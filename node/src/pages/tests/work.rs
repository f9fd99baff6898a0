//! Work that takes longer than a page waits.

use ldsp_ui::Role as PersonRole;

use super::*;
use crate::testing::dump;
use crate::work::Work;

/// A node whose pages do not wait.
async fn impatient() -> World {
    world_with(None, Duration::ZERO)
        .await
        .with_everybody()
        .await
}

impl World {
    /// The work at an address, as somebody sees it.
    async fn work(&self, who: &str, seen: &Seen) -> Arc<Work> {
        assert_eq!(seen.status, StatusCode::SEE_OTHER, "{}", seen.body);
        let id = seen.location().strip_prefix("/work/").unwrap();
        let (name, role, organisation) = EVERYBODY.into_iter().find(|p| p.0 == who).unwrap();
        let person = SignedIn {
            name: name.to_owned(),
            role: PersonRole::new(role.as_str()),
            organisation: match organisation {
                Some(name) => Some(crate::testing::bound(&self.node.store, name).await),
                None => None,
            },
        };
        self.settings.works.find(id, &person).unwrap()
    }

    /// Sends a file and waits for its end.
    async fn imported(&self, kind: &str, file: &str) -> Seen {
        let seen = self.upload(kind, "store", file).await;
        self.work("ann", &seen).await.ended().await;
        self.get("ann", seen.location()).await
    }
}

#[tokio::test]
async fn a_long_import_shows_how_far_it_is_and_then_its_report() {
    let world = impatient().await;
    let before = world.node.store.write().await.unwrap();
    let seen = world.upload("programmes", "store", PROGRAMMES).await;
    let work = world.work("ann", &seen).await;
    let address = seen.location();
    // It waits for the one who writes.
    tokio::task::yield_now().await;
    let page = world.get("ann", address).await;
    assert_eq!(page.status, StatusCode::OK);
    for words in [
        "<h1 class=\"govuk-heading-l\">Importing a file of programmes</h1>",
        "Waiting until the node has written something else",
        "<progress",
        "http-equiv=\"refresh\"",
        "You can close this page",
        "Begun at 09:00 by ann.",
    ] {
        assert!(page.body.contains(words), "{words}: {}", page.body);
    }
    let policy = page.headers[header::CONTENT_SECURITY_POLICY]
        .to_str()
        .unwrap();
    assert!(policy.contains("connect-src 'self'"), "{policy}");
    let home = world.get("ann", "/import").await;
    assert!(home.body.contains(address), "the way back: {}", home.body);
    let policy = home.headers[header::CONTENT_SECURITY_POLICY]
        .to_str()
        .unwrap();
    assert!(policy.contains("connect-src 'none'"), "{policy}");
    // A second one waits for its turn and can be cancelled meanwhile; all of it is nobody else's business.
    let second = world.upload("programmes", "store", PROGRAMMES).await;
    let waiting = world.work("ann", &second).await;
    assert!(waiting.outcome().is_none());
    let cancel = format!("{}/cancel", second.location());
    world.post("ann", &cancel, "").await;
    assert!(waiting.ended().await.is_cancelled());
    for (who, status) in [
        ("pam", StatusCode::NOT_FOUND),
        ("bob", StatusCode::FORBIDDEN),
        ("ada", StatusCode::NOT_FOUND),
    ] {
        let cancel = format!("{address}/cancel");
        assert_eq!(world.get(who, address).await.status, status, "{who}");
        assert_eq!(world.post(who, &cancel, "").await.status, status, "{who}");
    }
    assert!(!work.progress.is_cancelled());
    drop(before);
    work.ended().await;
    let report = world.get("ann", address).await;
    assert!(
        report.body.contains("The file is imported"),
        "{}",
        report.body
    );
    assert!(!report.body.contains("http-equiv=\"refresh\""));
    assert!(!world.get("ann", "/import").await.body.contains(address));
    let late = world.post("ann", &format!("{address}/cancel"), "").await;
    assert_eq!(late.location(), format!("{address}?late=yes"));
    let late = world.get("ann", late.location()).await.body;
    assert!(late.contains("It was stored already"), "{late}");
    assert_eq!(world.uploads_left(), 0);
    let unknown = world.get("ann", &format!("/work/{}", "0".repeat(32))).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    assert!(unknown.body.contains("the server was started again"));
}

/// One file is imported at a time: whoever waits sees for whom.
#[tokio::test]
async fn a_coordinator_sees_what_another_one_imports_and_does_not_cancel_it() {
    let mut world = impatient().await;
    let phc = world.node.store.person("ann").await.unwrap().unwrap();
    let person = Person::new("cat", Role::Coordinator, at("2022-03-04T09:00:00Z"))
        .with_secret(phc.secret_hash.unwrap());
    assert!(
        world
            .node
            .store
            .add_person(&person, COMMAND_LINE)
            .await
            .unwrap()
    );
    world.sign_in("cat").await;
    let before = world.node.store.write().await.unwrap();
    let seen = world.upload("programmes", "store", PROGRAMMES).await;
    let (address, work) = (seen.location(), world.work("ann", &seen).await);
    let home = world.get("cat", "/import").await.body;
    assert!(
        home.contains("begun by ann") && home.contains(address),
        "{home}"
    );
    let page = world.get("cat", address).await.body;
    assert!(
        page.contains("ann can cancel it") && !page.contains("/cancel\""),
        "{page}"
    );
    let cancel = world.post("cat", &format!("{address}/cancel"), "").await;
    assert_eq!(cancel.status, StatusCode::NOT_FOUND);
    assert!(!work.progress.is_cancelled());
    drop(before);
    work.ended().await;
    let page = world.get("cat", address).await.body;
    assert!(
        page.contains("It is stored") && page.contains("ann began it"),
        "{page}"
    );
}

#[tokio::test]
async fn what_is_cancelled_leaves_the_store_as_it_was() {
    let world = impatient().await;
    world.imported("programmes", PROGRAMMES).await;
    let before = dump(&world.node.store).await;
    let writing = world.node.store.write().await.unwrap();
    let seen = world.upload("learners", "store", &learners()).await;
    let work = world.work("ann", &seen).await;
    let cancelled = world
        .post("ann", &format!("{}/cancel", seen.location()), "")
        .await;
    assert_eq!(cancelled.location(), seen.location());
    work.ended().await;
    drop(writing);
    let page = world.get("ann", seen.location()).await.body;
    assert!(page.contains("Cancelled. Nothing was stored"), "{page}");
    assert_eq!(dump(&world.node.store).await, before);
    let again = world.imported("learners", &learners()).await;
    assert!(
        again.body.contains("The file is imported"),
        "{}",
        again.body
    );
}

#[tokio::test]
async fn a_file_that_asks_is_held_also_when_nobody_waits() {
    let world = impatient().await;
    world.imported("programmes", PROGRAMMES).await;
    let theirs = learners().replace("provider,learner_ref", "College name,Person");
    let theirs = theirs.replace(
        ",uln,birth_date,sex,ethnicity,disability,prior_status,postcode,district,aim",
        ",a,b,c,d,e,f,g,h,i",
    );
    let asked = world.imported("learners", &theirs).await;
    assert_eq!(asked.location(), "/import/map");
    let page = world.get("ann", asked.location()).await.body;
    assert!(page.contains("Which column is which?"), "{page}");
}

#[tokio::test]
async fn a_release_is_every_coordinators_and_can_be_cancelled() {
    let world = impatient().await;
    world.imported("programmes", PROGRAMMES).await;
    world.imported("learners", &learners()).await;
    let before = dump(&world.node.store).await;
    let writing = world.node.store.write().await.unwrap();
    let form = "first=yes&period=2022-01";
    let seen = world.post("ann", "/releases/prepare", form).await;
    let work = world.work("ann", &seen).await;
    // Pressed twice, it is the same.
    let twice = world.post("ann", "/releases/prepare", form).await;
    assert_eq!(twice.location(), seen.location());
    let list = world.get("ann", "/releases").await.body;
    assert!(list.contains("Preparing January 2022"), "{list}");
    assert_eq!(
        world.get("pam", seen.location()).await.status,
        StatusCode::NOT_FOUND
    );
    let cancel = format!("{}/cancel", seen.location());
    world.post("ann", &cancel, "").await;
    work.ended().await;
    drop(writing);
    let page = world.get("ann", seen.location()).await.body;
    assert!(
        page.contains("nothing is spent of the privacy budget"),
        "{page}"
    );
    assert_eq!(dump(&world.node.store).await, before);

    let seen = world.post("ann", "/releases/prepare", form).await;
    let work = world.work("ann", &seen).await;
    work.ended().await;
    let done = world.get("ann", seen.location()).await;
    assert_eq!(done.location(), "/releases/2022-01?done=prepared");
    let late = world
        .post("ann", &format!("{}/cancel", seen.location()), "")
        .await;
    let late = world.get("ann", late.location()).await;
    assert_eq!(late.location(), "/releases/2022-01?done=late");
    let page = world.get("ann", late.location()).await.body;
    assert!(page.contains("It was stored already"), "{page}");
}

#[tokio::test]
async fn a_provider_sees_its_own_work_alone() {
    let world = impatient().await;
    world.imported("programmes", PROGRAMMES).await;
    world.imported("learners", &learners()).await;
    let part = |name: &str, value: &str| {
        format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let file = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f.csv\"\r\n\r\n";
    let body = format!("{}{file}{}\r\n--b--\r\n", part("way", "check"), learners());
    let request = Request::post("/provider/upload")
        .header(header::CONTENT_TYPE, "multipart/form-data; boundary=b");
    let seen = world.send("pam", request, body.into()).await;
    let work = world.work("pam", &seen).await;
    work.ended().await;
    let page = world.get("pam", seen.location()).await.body;
    assert!(page.contains("Check of your file"), "{page}");
    assert!(!page.contains("ldsp-exact"));
    for who in ["pat", "ann"] {
        assert_eq!(
            world.get(who, seen.location()).await.status,
            StatusCode::NOT_FOUND
        );
    }
}
