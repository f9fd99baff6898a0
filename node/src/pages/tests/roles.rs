//! Who may do what: the one table, kept word for word in docs/roles.md, and what lies behind it.

use std::collections::BTreeSet;

use super::*;

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/roles.md");

/// The table of the document: every route of pages and programs, and who may use it.
fn table() -> String {
    let mut lines = vec![
        "| asked | admin | coordinator | approver | provider | viewer | anybody |".to_owned(),
        "|---|---|---|---|---|---|---|".to_owned(),
    ];
    for rule in rules().into_iter().chain(api::rules()) {
        let may = |role: Option<Role>| match (rule.access, role) {
            (Access::Public, _) => true,
            (_, None) => false,
            (Access::SignedIn, Some(_)) => true,
            (Access::Roles(roles), Some(role)) => roles.contains(&role.as_str()),
        };
        let of = [
            Some(Role::Admin),
            Some(Role::Coordinator),
            Some(Role::Approver),
            Some(Role::Provider),
            Some(Role::Viewer),
            None,
        ];
        let cells = of.map(|role| if may(role) { "yes" } else { "" });
        let cells = cells.join(" | ");
        lines.push(format!("| `{} {}` | {cells} |", rule.method, rule.path));
    }
    lines.join("\n")
}

/// A new route is a decision: whoever adds one has to write down who may use it, and reviewers see the line.
#[test]
fn the_document_holds_the_table() {
    let kept = std::fs::read_to_string(DOCUMENT).unwrap();
    let (before, rest) = kept.split_once("<!-- table -->\n").unwrap();
    let (old, after) = rest.split_once("\n<!-- end -->").unwrap();
    if std::env::var_os("LDSP_UPDATE_HELP").is_some() {
        let new = format!("{before}<!-- table -->\n{}\n<!-- end -->{after}", table());
        std::fs::write(DOCUMENT, new).unwrap();
        return;
    }
    assert!(
        old == table(),
        "docs/roles.md differs from the role tables. Decide who may use the new routes, then run the test with LDSP_UPDATE_HELP=1."
    );
}

/// What the router really holds, read from how it prints itself: paths with a handler that no line of the table names would be refused to
/// everybody, and a line without a handler would promise what is not there.
#[tokio::test]
async fn the_table_names_every_route_and_no_other() {
    let world = world().await;
    let api = world.api();
    let document = api::document("cookie");
    let printed = format!("{:?}", router(&api, &document));
    // What comes after it is the fallback of what has no route.
    let own = printed.split("fallback_router").next().unwrap();
    let methods: BTreeMap<&str, &str> = (own.split("RouteId(").skip(1))
        .filter_map(|route| {
            let (id, rest) = route.split_once("): MethodRouter(")?;
            let allowed = rest.split_once("allow_header: Bytes(b\"")?.1;
            Some((id, allowed.split_once('"')?.0))
        })
        .collect();
    let routed: BTreeSet<(String, String)> = (own.split("RouteId(").skip(1))
        .filter_map(|route| {
            let (id, rest) = route.split_once("): \"")?;
            Some((methods[id], rest.split_once('"')?.0))
        })
        .flat_map(|(allowed, path)| {
            let methods = allowed.split(',').filter(|method| *method != "HEAD");
            methods.map(|method| (method.to_owned(), path.to_owned()))
        })
        .collect();
    let mut kit = ldsp_ui::accounts::rules(ADMIN, super::super::LEP);
    kit.extend(ldsp_ui::accounts::token_rules());
    let own = rules().into_iter().filter(|rule| !kit.contains(rule));
    let listed: BTreeSet<(String, String)> = own
        .map(|rule| (rule.method.to_string(), rule.path.to_owned()))
        .collect();
    assert_eq!(routed, listed);
}

#[tokio::test]
async fn a_provider_sees_its_own_organisation_and_no_other() {
    let world = world().await.with_everybody().await;
    let programmes =
        format!("{PROGRAMMES}P2,Shelves,library ,basic,short course,older people,,,,,\n");
    let stored = world.upload("programmes", "store", &programmes).await;
    assert_eq!(stored.status, StatusCode::OK);
    let home = world.get("pam", "/").await;
    assert_eq!(home.location(), "/provider");
    for (who, own, foreign) in [("pam", "Basics", "Shelves"), ("pat", "Shelves", "Basics")] {
        let page = world.get(who, "/provider").await.body;
        assert!(
            page.contains(own) && !page.contains(foreign),
            "{who}: {page}"
        );
        assert!(!page.contains("href=\"/releases\"") && !page.contains("href=\"/help\""));
    }
}

/// Enrolments of one provider, so many that their number is told from any other.
const TELLING: u32 = 7_919;

/// Makes College's learners that many, besides what is there.
pub(super) async fn tell(world: &World) {
    let mut tx = world.node.store.write().await.unwrap();
    let columns: Vec<String> = sqlx::query_scalar(
        "SELECT name FROM pragma_table_info('enrolments') WHERE name NOT IN ('id', 'spell', 'learner', 'reference', 'enters')",
    )
    .fetch_all(&mut *tx)
    .await
    .unwrap();
    let columns = columns.join(", ");
    // Copies of one enrolment, each of another learner; none of them enters a published table.
    let sql = format!(
        "INSERT INTO enrolments (spell, learner, enters, {columns}) \
         SELECT randomblob(16), randomblob(16), 0, {columns} FROM (SELECT * FROM enrolments ORDER BY id LIMIT 1), generate \
         LIMIT (SELECT {TELLING} - count(*) FROM enrolments WHERE provider = 'College')"
    );
    let numbers = "WITH RECURSIVE generate(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM generate WHERE n < 9000) ";
    sqlx::query(sqlx::AssertSqlSafe(format!("{numbers}{sql}")))
        .execute(&mut *tx)
        .await
        .unwrap();
    let held: i64 =
        sqlx::query_scalar("SELECT count(*) FROM enrolments WHERE provider = 'College'")
            .fetch_one(&mut *tx)
            .await
            .unwrap();
    assert_eq!(held, i64::from(TELLING));
    tx.commit().await.unwrap();
}

/// Whether a text holds the number of College's enrolments, of all, or of those that were copied, as people or programs write it.
fn tells(text: &str) -> bool {
    let beside = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '.');
    [TELLING - 41, TELLING - 40, TELLING, TELLING + 1]
        .iter()
        .any(|n| {
            let written = [n.to_string(), format!("{},{:03}", n / 1_000, n % 1_000)];
            written.iter().any(|n| {
                let mut found = text.match_indices(n.as_str());
                found.any(|(at, _)| {
                    let (before, after) = (&text[..at], &text[at + n.len()..]);
                    !beside(before.chars().next_back()) && !beside(after.chars().next())
                })
            })
        })
}

/// The number itself is looked for, not how a page marks it: what stands outside of `exact` is found too. College's own people know
/// it; Library's, the admin and the viewer do not.
#[tokio::test]
async fn who_may_not_see_exact_counts_sees_none_on_any_page() {
    let world = super::provider::two().await;
    let learners = world.upload("learners", "store", &learners()).await;
    assert_eq!(learners.status, StatusCode::OK);
    tell(&world).await;
    let spend = "programme=&cohort=A1&month=2022-02&category=staff&pounds=7000&source=Ledger";
    world.post("ann", "/spend/new", spend).await;
    let question = "provider=College&rule=silent&question-silent=Is+February+late%3F";
    world.post("ann", "/quality/questions", question).await;
    world
        .post("ann", "/releases/prepare", "first=yes&period=2022-01")
        .await;
    let digest = world.digest("/releases/2022-01").await;
    let form = format!("digest={digest}&read=yes");
    let seen = world.post("bob", "/releases/2022-01/approve", &form).await;
    assert_eq!(seen.location(), "/releases/2022-01?done=approved");
    let mut told = 0;
    let own = world.own("Library").await;
    let (cohort, learner, question) = (
        own.handle(crate::delivery::Handled::Cohort, 2),
        own.handle(crate::delivery::Handled::Enrolment, 2),
        own.handle(crate::delivery::Handled::Question, 2),
    );
    let reads = rules().into_iter().chain(api::rules());
    let reads = reads.filter(|rule| rule.method == axum::http::Method::GET);
    // What is published is thousands of random numbers, and any may stand among them.
    let published = |path: &str| path.contains("payload") || path.starts_with("/v1/statements");
    for rule in reads.filter(|rule| !published(rule.path)) {
        let id = if rule.path.starts_with("/provider/learners") {
            &learner
        } else if rule.path.starts_with("/provider/questions") {
            &question
        } else {
            &cohort
        };
        let path = if rule.path.starts_with("/provider") {
            rule.path.replace("{id}", id)
        } else {
            concrete(rule.path)
        };
        for who in ["ada", "vic", "pat"] {
            let page = world.get(who, &path).await.body;
            assert!(!page.contains("ldsp-exact"), "{who} {path}");
            // Cells of a payload are protected, and in units of 2^-16: one may be written like a count by chance.
            let is_payload = path.ends_with("/payload.json") || path.ends_with("/payload");
            assert!(is_payload || !tells(&page), "{who} {path}: {page}");
            // The help explains the words.
            let said = page.contains("Exact: do not share") && path != "/help";
            assert!(!said, "{who} {path}");
        }
        for who in ["ann", "bob", "pam"] {
            told += usize::from(tells(&world.get(who, &path).await.body));
        }
    }
    // The test would see it: those who may see it do.
    assert!(told >= 5, "{told}");
    let page = world.get("vic", "/releases/2022-01").await.body;
    assert!(page.contains("not shown"), "{page}");
}

#[tokio::test]
async fn a_viewer_reads_a_statement_without_exact_counts() {
    let world = world().await.with_everybody().await;
    world.released().await;
    let page = world.get("vic", "/statements/1").await.body;
    assert!(page.contains("signed in as a viewer"), "{page}");
}

/// An author of before is a coordinator now.
#[tokio::test]
async fn people_of_before_keep_their_work() {
    use sqlx::ConnectOptions as _;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("node.db");
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&path);
    let mut connection = options.create_if_missing(true).connect().await.unwrap();
    let mut earlier = sqlx::migrate!();
    earlier.migrations.to_mut().retain(|m| m.version < 14);
    earlier.run(&mut connection).await.unwrap();
    sqlx::query("INSERT INTO people VALUES ('Ama', 'author', 'x', 7), ('Ben', 'approver', 'y', 8)")
        .execute(&mut connection)
        .await
        .unwrap();
    drop(connection);
    let store = crate::store::Store::open(&path).await.unwrap();
    let people = store.people().await.unwrap();
    let kept: Vec<_> = people
        .iter()
        .map(|p| (p.name.as_str(), p.role, p.secret_hash.as_deref()))
        .collect();
    assert_eq!(
        kept,
        [
            ("Ama", Role::Coordinator, Some("x")),
            ("Ben", Role::Approver, Some("y"))
        ]
    );
}

/// Who was bound by a name is bound to the organisation that bore it, under whichever of its names.
#[tokio::test]
async fn people_bound_by_name_are_bound_to_the_organisation() {
    use sqlx::ConnectOptions as _;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("node.db");
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&path);
    let mut connection = options.create_if_missing(true).connect().await.unwrap();
    let mut earlier = sqlx::migrate!();
    earlier.migrations.to_mut().retain(|m| m.version < 31);
    earlier.run(&mut connection).await.unwrap();
    sqlx::raw_sql(
        "INSERT INTO organisations (id, name, kind, contact_role) VALUES (7, 'Acme College', 'provider', ''), (8, 'Bakery', 'employer', '');
         INSERT INTO providers (name, was) VALUES ('Acme College', NULL), ('Acme Group', 'acme college'), ('Beta', NULL), ('Library', NULL);
         INSERT INTO people (name, role, organisation, secret_hash, added_at) VALUES ('Ada', 'admin', NULL, 'x', 7),
           ('Amy', 'provider', 'ACME college', 'x', 7), ('Ann', 'provider', 'Acme Group', 'x', 7), ('Ben', 'provider', 'Bakery', 'x', 7),
           ('Lee', 'provider', 'Library', 'x', 7), ('Liz', 'provider', 'library', 'x', 7)",
    )
    .execute(&mut connection)
    .await
    .unwrap();
    drop(connection);
    let store = crate::store::Store::open(&path).await.unwrap();
    let people = store.people().await.unwrap();
    let bound: Vec<_> = people
        .iter()
        .map(|p| {
            (
                p.name.as_str(),
                p.organisation_id,
                p.organisation.as_deref(),
            )
        })
        .collect();
    assert_eq!(
        bound,
        [
            ("Ada", None, None),
            ("Amy", Some(7), Some("Acme College")),
            ("Ann", Some(7), Some("Acme College")),
            ("Ben", Some(8), Some("Bakery")),
            ("Lee", Some(9), Some("Library")),
            ("Liz", Some(9), Some("Library")),
        ]
    );
}

#[tokio::test]
async fn the_last_admin_stays() {
    let world = world().await.with_everybody().await;
    let store = &world.node.store;
    let now = at("2022-03-04T09:00:00Z");
    let who = COMMAND_LINE;
    assert_eq!(
        store.remove_person("ada", who, now).await.unwrap(),
        Changed::LastAdmin
    );
    assert_eq!(
        store
            .lock_person("ada", true, true, who, now)
            .await
            .unwrap(),
        Changed::LastAdmin
    );
    let role = store.change_role("ada", Role::Viewer, None, who, now).await;
    assert_eq!(role.unwrap(), Changed::LastAdmin);
    assert_eq!(
        store
            .lock_person("nobody", true, true, who, now)
            .await
            .unwrap(),
        Changed::Nobody
    );
    let second = Person::new("eve", Role::Admin, now).with_secret("a hash");
    assert!(store.add_person(&second, who).await.unwrap());
    let locked = store
        .lock_person("eve", true, true, who, now)
        .await
        .unwrap();
    assert!(matches!(locked, Changed::Done(_)));
    // One who is locked out looks after nobody.
    assert_eq!(
        store.remove_person("ada", who, now).await.unwrap(),
        Changed::LastAdmin
    );
    let locked = store
        .lock_person("eve", false, true, who, now)
        .await
        .unwrap();
    assert!(matches!(locked, Changed::Done(_)));
    let removed = store.remove_person("ada", who, now).await.unwrap();
    assert!(matches!(removed, Changed::Done(p) if p.role == Role::Admin));
}

#[tokio::test]
async fn who_is_locked_out_is_out_at_once() {
    let mut world = world().await.with_everybody().await;
    let now = at("2022-03-04T09:00:00Z");
    assert_eq!(world.get("vic", "/releases").await.status, StatusCode::OK);
    let store = world.node.store.clone();
    store
        .lock_person("vic", true, true, "ada", now)
        .await
        .unwrap();
    assert_eq!(
        world.get("vic", "/releases").await.status,
        StatusCode::SEE_OTHER
    );
    let form = format!("name=vic&secret={SECRET}");
    let refused = world.post("", "/sign-in", &form).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    store
        .lock_person("vic", false, true, "ada", now)
        .await
        .unwrap();
    world.sign_in("vic").await;
    assert_eq!(world.get("vic", "/releases").await.status, StatusCode::OK);
}

/// Addresses of this site that a page links to.
pub(super) fn links(page: &str) -> Vec<String> {
    let hrefs = page.split("href=\"/").skip(1);
    let hrefs = hrefs.filter_map(|rest| rest.split('"').next());
    hrefs
        .map(|href| format!("/{}", href.replace("&amp;", "&").replace("&#38;", "&")))
        .filter(|href| !href.starts_with("/assets"))
        .collect()
}

#[tokio::test]
async fn no_link_leads_to_what_the_role_may_not_see() {
    let world = world().await.with_everybody().await;
    world.released().await;
    for (who, role, _) in EVERYBODY {
        let (mut seen, mut next) = (BTreeSet::new(), vec!["/".to_owned()]);
        while let Some(path) = next.pop() {
            let path = path.split('#').next().unwrap().to_owned();
            // One month, table and problem stands for all.
            let kind = path
                .split_once("/tables/")
                .map_or(path.as_str(), |(table, _)| table);
            let kind = kind.split_once("/problems/").map_or(kind, |_| "/problems/");
            if !seen.insert(kind.to_owned()) {
                continue;
            }
            let page = world.get(who, &path).await;
            assert_ne!(page.status, StatusCode::FORBIDDEN, "{role:?} {path}");
            // What was not received yet is not public yet.
            let is_there = page.status != StatusCode::NOT_FOUND || path.starts_with("/v1/");
            assert!(is_there, "{role:?} {path}");
            next.extend(links(&page.body));
            if page.status == StatusCode::SEE_OTHER {
                next.push(page.location().to_owned());
            }
        }
        assert!(seen.len() > 3, "{role:?} {seen:?}");
    }
}
