//! The chain: what it is made of, and that no tampering passes.

use sqlx::Connection as _;

use super::*;
use crate::testing::at;

const NOW: &str = "2022-03-04T09:00:00Z";

async fn store() -> (tempfile::TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&dir.path().join("node.db")).await.unwrap();
    for n in 1..=5 {
        store
            .audit(at(NOW), "ann", "import learners", &format!("file {n}"))
            .await
            .unwrap();
    }
    (dir, store)
}

/// What somebody with the database file and time can do: the triggers are in it, and go.
async fn tampered(store: &Store, sql: &'static str) -> Checked {
    let mut connection = store.writer.acquire().await.unwrap();
    let mut tx = connection.begin().await.unwrap();
    for trigger in [
        "audit_kept",
        "audit_unchanged",
        "audit_head_kept",
        "audit_head_grows",
    ] {
        sqlx::query(sqlx::AssertSqlSafe(format!("DROP TRIGGER {trigger}")))
            .execute(&mut *tx)
            .await
            .unwrap();
    }
    sqlx::raw_sql(sql).execute(&mut *tx).await.unwrap();
    let checked = check(&mut tx, None).await.unwrap();
    tx.rollback().await.unwrap();
    checked
}

#[tokio::test]
async fn a_chain_of_fixed_bytes() {
    let (_dir, store) = store().await;
    let entries = store.audit_entries(9).await.unwrap();
    assert_eq!(
        entries.iter().map(|e| e.id).collect::<Vec<_>>(),
        [5, 4, 3, 2, 1]
    );
    // The same made by hand, as another program would.
    let mut hash = [0; 32];
    for n in 1_u64..=5 {
        let mut bytes = b"ldsp-node audit v1\n".to_vec();
        bytes.extend(hash);
        bytes.extend(n.to_be_bytes());
        bytes.extend(1_646_384_400_u64.to_be_bytes());
        for text in [
            "ann".to_owned(),
            "import learners".to_owned(),
            format!("file {n}"),
        ] {
            bytes.extend((text.len() as u64).to_be_bytes());
            bytes.extend(text.as_bytes());
        }
        hash = Sha256::digest(&bytes).into();
    }
    let checked = store.audit_check(None).await.unwrap();
    assert_eq!(checked.head.hash, Digest::from_bytes(hash));
    assert_eq!((checked.entries, checked.fault), (5, None));
    assert_eq!(entries[0].hash, Some(checked.head.hash));
    // A head that was written down earlier is found; another one is not.
    let earlier = store.audit_check(entries[3].hash).await.unwrap();
    assert_eq!(earlier.known, Some(true));
    let other = store.audit_check(Some(Digest::ZERO)).await.unwrap();
    assert_eq!((other.fault, other.known), (None, Some(false)));
}

#[tokio::test]
async fn nothing_is_changed_or_deleted() {
    let (_dir, store) = store().await;
    for sql in [
        "DELETE FROM audit WHERE id = 5",
        "DELETE FROM audit",
        "UPDATE audit SET detail = 'x' WHERE id = 2",
        "UPDATE audit SET hash = zeroblob(32)",
        "UPDATE audit SET id = 9 WHERE id = 5",
        "DELETE FROM audit_head",
        "UPDATE audit_head SET id = 4",
        "INSERT OR REPLACE INTO audit_head (one, id, hash) VALUES (1, 2, zeroblob(32))",
    ] {
        let refused = sqlx::query(sql).execute(&store.writer).await;
        // REPLACE deletes without the trigger unless recursive triggers are on; the check finds it.
        if sql.starts_with("INSERT") {
            assert!(refused.is_err() || store.audit_check(None).await.unwrap().fault.is_some());
            continue;
        }
        let error = refused.unwrap_err().to_string();
        assert!(error.contains("only ever added to"), "{sql}: {error}");
        assert_eq!(store.audit_check(None).await.unwrap().fault, None, "{sql}");
    }
}

#[tokio::test]
async fn every_tampering_is_found_and_placed() {
    let (_dir, store) = store().await;
    for (sql, entry) in [
        ("UPDATE audit SET detail = 'file 9' WHERE id = 3", 3),
        ("UPDATE audit SET who = 'bob' WHERE id = 1", 1),
        ("UPDATE audit SET action = 'x' WHERE id = 5", 5),
        ("UPDATE audit SET at = at + 1 WHERE id = 4", 4),
        ("UPDATE audit SET hash = zeroblob(32) WHERE id = 2", 2),
        ("UPDATE audit SET hash = NULL WHERE id = 2", 2),
        ("DELETE FROM audit WHERE id = 3", 4),
        ("DELETE FROM audit WHERE id = 1", 2),
        ("DELETE FROM audit WHERE id = 5", 5),
        ("DELETE FROM audit", 5),
        (
            "DELETE FROM audit WHERE id = 3; UPDATE audit SET id = 3 WHERE id = 4",
            3,
        ),
        (
            "INSERT INTO audit (at, who, action, detail) VALUES (1, 'a', 'b', 'c')",
            6,
        ),
        (
            "INSERT INTO audit (at, who, action, detail, hash) VALUES (1, 'a', 'b', 'c', zeroblob(32))",
            6,
        ),
        (
            "DELETE FROM audit WHERE id = 5; UPDATE audit_head SET hash = zeroblob(32)",
            5,
        ),
        // The text between two fields is moved.
        (
            "UPDATE audit SET who = 'an', action = 'nimport learners' WHERE id = 2",
            2,
        ),
    ] {
        let checked = tampered(&store, sql).await;
        let fault = checked
            .fault
            .unwrap_or_else(|| panic!("{sql} was not found"));
        assert_eq!(fault.entry, entry, "{sql}: {fault}");
    }
    // Nothing of it stayed.
    assert_eq!(store.audit_check(None).await.unwrap().fault, None);
}

/// What came before the chain is chained by the first start, once.
#[tokio::test]
async fn rows_of_before_are_chained_at_the_first_start_and_never_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("node.db");
    let store = Store::open(&path).await.unwrap();
    for sql in [
        "INSERT INTO audit (at, who, action, detail) VALUES (7, 'ann', 'init', 'a')",
        "INSERT INTO audit (at, who, action, detail) VALUES (8, 'ann', 'init', 'b')",
    ] {
        sqlx::query(sql).execute(&store.writer).await.unwrap();
    }
    // As a program of before there was a chain left it.
    sqlx::raw_sql("DROP TRIGGER audit_chained_kept; DELETE FROM audit_chained")
        .execute(&store.writer)
        .await
        .unwrap();
    store.close().await;
    let store = Store::open(&path).await.unwrap();
    let checked = store.audit_check(None).await.unwrap();
    assert_eq!((checked.entries, checked.fault), (2, None));
    store.audit(at(NOW), "ann", "x", "").await.unwrap();
    assert_eq!(store.audit_check(None).await.unwrap().head.entry, 3);
    // One that is slipped in later is not taken for an old one.
    sqlx::query("INSERT INTO audit (at, who, action, detail) VALUES (9, 'eve', 'y', '')")
        .execute(&store.writer)
        .await
        .unwrap();
    store.close().await;
    let store = Store::open(&path).await.unwrap();
    let fault = store.audit_check(None).await.unwrap().fault.unwrap();
    assert_eq!(fault.entry, 4);
}

/// Whoever takes every hash away need not compute any: the next start must not do it for them.
#[tokio::test]
async fn a_log_without_its_hashes_is_not_chained_again() {
    let (dir, store) = store().await;
    let sql = "DROP TRIGGER audit_unchanged; DROP TRIGGER audit_head_kept; \
               UPDATE audit SET hash = NULL; UPDATE audit SET detail = 'x' WHERE id = 3; DELETE FROM audit_head";
    sqlx::raw_sql(sql).execute(&store.writer).await.unwrap();
    store.close().await;
    let store = Store::open(&dir.path().join("node.db")).await.unwrap();
    let fault = store.audit_check(None).await.unwrap().fault.unwrap();
    assert_eq!(fault.entry, 1);
    let refused = sqlx::query("DELETE FROM audit_chained")
        .execute(&store.writer)
        .await;
    assert!(
        refused
            .unwrap_err()
            .to_string()
            .contains("only ever added to")
    );
}

/// As docs/rights.md tells another program to do it: from the JSON, whose texts are those that the hashes cover.
#[tokio::test]
async fn the_export_for_programs_verifies_whatever_a_text_begins_with() {
    let (_dir, store) = store().await;
    for label in ["=x", "-test", "+1", "@a", "\"quoted\"\n"] {
        store
            .audit(at(NOW), "ann", "token made", label)
            .await
            .unwrap();
    }
    let all = crate::rights::export::all(&store, &Filter::default())
        .await
        .unwrap();
    let json: serde_json::Value =
        serde_json::from_str(&serde_json::to_string(&all).unwrap()).unwrap();
    let mut hash = [0; 32];
    for entry in json.as_array().unwrap() {
        let mut bytes = b"ldsp-node audit v1\n".to_vec();
        bytes.extend(hash);
        bytes.extend(entry["entry"].as_i64().unwrap().to_be_bytes());
        let moment: Timestamp = entry["at"].as_str().unwrap().parse().unwrap();
        bytes.extend(moment.as_second().to_be_bytes());
        for name in ["who", "action", "detail"] {
            let text = entry[name].as_str().unwrap();
            bytes.extend((text.len() as u64).to_be_bytes());
            bytes.extend(text.as_bytes());
        }
        hash = Sha256::digest(&bytes).into();
        assert_eq!(entry["hash"], hex::encode(hash));
    }
    // The one for people is made safe for a spreadsheet, which it says of itself.
    assert!(crate::rights::export::csv(&all).contains("'=x"));
}

#[tokio::test]
async fn entries_are_filtered_and_paged() {
    let (_dir, store) = store().await;
    store.audit(at(NOW), "bob", "backup", "").await.unwrap();
    let of = |who: Option<&str>, action: Option<&str>| Filter {
        who: who.map(str::to_owned),
        action: action.map(str::to_owned),
    };
    let ids = async |before, limit, filter: &Filter| -> Vec<i64> {
        let found = store.audit_before(before, limit, filter).await.unwrap();
        found.iter().map(|e| e.id).collect()
    };
    assert_eq!(ids(None, 2, &of(Some("ann"), None)).await, [5, 4]);
    assert_eq!(
        ids(Some(4), 9, &of(Some("ann"), Some("import learners"))).await,
        [3, 2, 1]
    );
    assert_eq!(ids(None, 9, &of(None, Some("backup"))).await, [6]);
    assert!(
        ids(None, 9, &of(Some("ann"), Some("backup")))
            .await
            .is_empty()
    );
    let words = store.audit_words().await.unwrap();
    assert_eq!(words.0, ["ann", "bob"]);
    assert_eq!(words.1, ["backup", "import learners"]);
}
