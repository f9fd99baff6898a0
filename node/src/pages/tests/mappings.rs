//! Files with columns of their own, in the browser.

use super::*;
use crate::import::mapping::{DateForm, Origin};
use crate::store::mappings::LEP;

/// The learners' file as another program writes it.
fn theirs() -> String {
    let plain = learners();
    let mut lines = plain.lines();
    let header = lines.next().unwrap().split(',').collect::<Vec<_>>();
    let start = header.iter().position(|name| *name == "start").unwrap();
    let sex = header.iter().position(|name| *name == "sex").unwrap();
    let mut text = header
        .iter()
        .map(|name| format!("Field {}", name.replace('_', " ")))
        .collect::<Vec<_>>()
        .join(";");
    for line in lines {
        let mut fields: Vec<String> = line.split(',').map(str::to_owned).collect();
        if let [year, month, day] = fields[start].split('-').collect::<Vec<_>>()[..] {
            fields[start] = format!("{day}/{month}/{year}");
        }
        if fields[sex] == "female" {
            fields[sex] = "Frau".to_owned();
        }
        text.push('\n');
        text.push_str(&fields.join(";"));
    }
    text
}

/// The answer about the columns of [`theirs`].
fn columns() -> String {
    let header = learners().lines().next().unwrap().to_owned();
    let part = |name: &str| format!("&c-{name}=%3DField+{}", name.replace('_', "+"));
    let columns: String = header.split(',').map(part).collect();
    format!("step=columns{columns}")
}

async fn held(world: &World) {
    world.upload("programmes", "store", PROGRAMMES).await;
    let sent = world.upload("learners", "check", &theirs()).await;
    assert_eq!(
        (sent.status, sent.location()),
        (StatusCode::SEE_OTHER, "/import/map")
    );
}

#[tokio::test]
async fn columns_are_asked_for_once_and_remembered() {
    let world = world().await;
    let nothing = world.get("ann", "/import/map").await;
    assert_eq!(nothing.status, StatusCode::NOT_FOUND);
    held(&world).await;
    let page = world.get("ann", "/import/map").await.body;
    assert!(
        page.contains("Which column is which?") && page.contains("Field learner ref"),
        "{page}"
    );
    // What comes later cannot be asked for yet.
    assert!(
        world
            .get("ann", "/import/map?step=name")
            .await
            .body
            .contains("Which column is which?")
    );
    let none = world.post("ann", "/import/map", "step=columns").await;
    assert_eq!(none.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(none.body.contains("href=\"#c-aim\""), "{}", none.body);
    let answer = async |form: &str| {
        let seen = world.post("ann", "/import/map", form).await;
        assert_eq!(seen.status, StatusCode::SEE_OTHER, "{form}: {}", seen.body);
        world.get("ann", "/import/map").await.body
    };
    let page = answer(&columns()).await;
    assert!(page.contains("How are the dates written?"), "{page}");
    let page = answer("step=dates&dates=day-first").await;
    assert!(
        page.contains("What do the values stand for?") && page.contains("Frau"),
        "{page}"
    );
    let page = answer("step=values&v-sex-0=female").await;
    assert!(page.contains("Shall this be remembered?"), "{page}");
    let page = answer("step=name&name=Acme+exports").await;
    assert!(
        page.contains("The file is sound. Nothing was stored yet"),
        "{page}"
    );
    assert_eq!(world.node.store.imports(9).await.unwrap().len(), 1);
    let done = world
        .post("ann", "/import/map", "step=import&way=store")
        .await;
    assert!(done.body.contains("The file is imported"), "{}", done.body);
    assert_eq!(world.node.store.imports(9).await.unwrap().len(), 2);
    assert_eq!(
        world.get("ann", "/import/map").await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(world.uploads_left(), 0);

    let remembered = world
        .node
        .store
        .mapping(LEP, "acme exports")
        .await
        .unwrap()
        .unwrap();
    assert_eq!(remembered.mapping.dates, DateForm::DayFirst);
    assert_eq!(
        remembered.mapping.columns["aim"],
        Origin::Column("Field aim".to_owned())
    );
    assert_eq!(remembered.mapping.values["sex"]["Frau"], "female");
    // The next file of the source finds it.
    world.upload("learners", "check", &theirs()).await;
    let page = world.get("ann", "/import/map").await.body;
    assert!(
        page.contains("Acme exports") && page.contains("value=\"=Field aim\" selected"),
        "{page}"
    );
    let other = world
        .post("bob", "/import/map", "step=import&way=store")
        .await;
    assert_eq!(other.status, StatusCode::FORBIDDEN);
    let list = world.get("bob", "/import/mappings").await.body;
    assert!(
        list.contains("Acme exports") && list.contains("Frau = female") && !list.contains("Forget"),
        "{list}"
    );
    let gone = world
        .post("ann", "/import/mappings", "name=Acme+exports")
        .await;
    assert_eq!(gone.location(), "/import/mappings");
    assert!(
        world
            .get("ann", "/import/mappings")
            .await
            .body
            .contains("No mapping is remembered yet")
    );
}

#[tokio::test]
async fn a_file_can_be_let_go_and_bad_answers_are_explained() {
    let world = world().await;
    held(&world).await;
    let both = world
        .post(
            "ann",
            "/import/map",
            &format!("{}&f-provider=Acme", columns()),
        )
        .await;
    assert!(both.body.contains("href=\"#f-provider\""), "{}", both.body);
    let odd = columns().replace("Field+aim", "Passport");
    let odd = world.post("ann", "/import/map", &odd).await;
    assert!(
        odd.body.contains("href=\"#c-aim\"") && !odd.body.contains("Passport"),
        "{}",
        odd.body
    );
    world.post("ann", "/import/map", &columns()).await;
    world
        .post("ann", "/import/map", "step=dates&dates=iso")
        .await;
    world.post("ann", "/import/map", "step=values").await;
    let bad = world
        .post("ann", "/import/map", "step=name&name=x%40y.org")
        .await;
    assert_eq!(bad.status, StatusCode::UNPROCESSABLE_ENTITY);
    world.post("ann", "/import/map", "step=name&name=").await;
    let page = world.get("ann", "/import/map").await.body;
    assert!(
        page.contains("date-form") && page.contains("Column"),
        "{page}"
    );
    assert!(world.node.store.mappings(LEP).await.unwrap().is_empty());
    world.post("ann", "/import/map", "step=drop").await;
    assert_eq!(
        world.get("ann", "/import/map").await.status,
        StatusCode::NOT_FOUND
    );
}

/// What is clear is folded away, what is missing is named at the top, and what few files have is not asked for.
#[tokio::test]
async fn the_page_says_what_is_missing_and_asks_for_no_more() {
    let world = world().await;
    world.upload("programmes", "store", PROGRAMMES).await;
    let text = "College;Student ID;Course;Project;Start date;Standing;Gender\n\
                College;AB-101;A1;P1;2022-01-10;in-progress;female\n";
    let sent = world.upload("learners", "check", text).await;
    assert_eq!(sent.location(), "/import/map", "{}", sent.body);
    let page = world.get("ann", "/import/map").await.body;
    assert!(page.contains("Still missing: Programme; Stage."), "{page}");
    assert!(page.contains("Found by their names: 5 columns"), "{page}");
    assert!(page.contains("Optional: 7 columns"), "{page}");
    assert!(
        page.contains("written like AA-999") && !page.contains("AB-101"),
        "{page}"
    );
    let form = "step=columns&c-provider=%3DCollege&c-learner_ref=%3DStudent+ID&c-aim=%3DCourse&c-start=%3DStart+date&c-sex=%3DGender";
    let missing = world.post("ann", "/import/map", form).await;
    assert!(
        missing.body.contains("href=\"#c-stage\""),
        "{}",
        missing.body
    );
    let form = format!("{form}&c-programme=%3DProject&c-stage=%3DStanding");
    let next = world.post("ann", "/import/map", &form).await;
    assert_eq!(next.status, StatusCode::SEE_OTHER, "{}", next.body);
    world.post("ann", "/import/map", "step=name&name=").await;
    let done = world
        .post("ann", "/import/map", "step=import&way=store")
        .await;
    assert!(done.body.contains("The file is imported"), "{}", done.body);
}

#[tokio::test]
async fn pasted_rows_go_the_same_way() {
    let world = world().await;
    world.upload("programmes", "store", PROGRAMMES).await;
    let none = world
        .post("ann", "/import/paste", "kind=learners&rows=a")
        .await;
    assert_eq!(none.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(none.body.contains("href=\"#rows\""));
    let many = format!("kind=learners&rows={}", "a%0A".repeat(2_002));
    assert!(
        world
            .post("ann", "/import/paste", &many)
            .await
            .body
            .contains("at most 2000 rows")
    );
    let rows = learners().replace(',', "%09").replace('\n', "%0D%0A");
    let seen = world
        .post(
            "ann",
            "/import/paste",
            &format!("kind=learners&rows={rows}"),
        )
        .await;
    assert_eq!(
        (seen.status, seen.location()),
        (StatusCode::SEE_OTHER, "/import/map")
    );
    let header = learners().lines().next().unwrap().to_owned();
    let columns: String = header
        .split(',')
        .map(|name| format!("&c-{name}=%3D{name}"))
        .collect();
    world
        .post("ann", "/import/map", &format!("step=columns{columns}"))
        .await;
    world.post("ann", "/import/map", "step=name&name=").await;
    let done = world
        .post("ann", "/import/map", "step=import&way=store")
        .await;
    assert!(done.body.contains("The file is imported"), "{}", done.body);
    assert_eq!(world.uploads_left(), 0);
}
