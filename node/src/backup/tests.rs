//! Backups: made, brought back, refused; with keys apart and erasures done again.

use super::restore::LEFT_OVERS;
use super::*;
use crate::release::{Request, prepare};
use crate::store::audit::COMMAND_LINE;
use crate::store::ledger;
use crate::testing::{LEP, at, seeded};
use ldsp_protocol::standard::{Codebook, Standard};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;

use crate::store::enrolment;

const NOW: &str = "2024-06-01T12:00:00Z";

fn of(records: &Path) -> Parts<'_> {
    Parts {
        records,
        keys: None,
        erasures: None,
    }
}

/// A node that drew its first month.
async fn node(dir: &Path) -> Node {
    let lep = LEP.parse().unwrap();
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let node = Node::init(dir, Some(&lep), &mut rng, (COMMAND_LINE, at(NOW)))
        .await
        .unwrap();
    let request = Request {
        first: Some("2022-03".parse().unwrap()),
        ..crate::testing::asked()
    };
    prepare(
        &node.store,
        request,
        crate::release::SCHEDULE,
        at(NOW),
        &seeded(1),
    )
    .await
    .unwrap();
    node
}

async fn months(node: &Node) -> Vec<crate::disclosure::LedgerMonth> {
    let mut connection = node.store.reader.acquire().await.unwrap();
    let codebook = Codebook::new(&node.lep().unwrap(), &[]);
    ledger::months(&mut connection, &codebook, Standard::current(), 1)
        .await
        .unwrap()
}

#[tokio::test]
async fn what_is_restored_is_what_was_there() {
    let home = tempfile::tempdir().unwrap();
    let (dir, kept, again) = (
        home.path().join("a"),
        home.path().join("b"),
        home.path().join("c"),
    );
    let original = node(&dir).await;
    let Made { manifest, keys, .. } = make(&original, &kept, None, (COMMAND_LINE, at(NOW)))
        .await
        .unwrap();
    assert_eq!(keys, home.path().join("b.keys"));
    assert_eq!((manifest.epoch, manifest.months), (1, 1));
    assert_eq!(manifest.last, Some("2022-03".parse().unwrap()));
    for path in [DATABASE, JOURNAL, MANIFEST]
        .map(|name| kept.join(name))
        .into_iter()
        .chain(KEYS.map(|name| keys.join(name)))
    {
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{path:?}");
    }
    assert!(matches!(
        make(&original, &kept, None, (COMMAND_LINE, at(NOW))).await,
        Err(BackupError::Exists(_))
    ));
    assert!(!kept.join(PSEUDONYM_KEY).exists() && !kept.join(SIGNING_KEY).exists());
    let back = restore(of(&kept), &again, (COMMAND_LINE, at(NOW)))
        .await
        .unwrap();
    assert_eq!((back.manifest, back.audit_fault), (manifest, None));
    let restored = back.node;
    assert_eq!(months(&restored).await, months(&original).await);
    assert_eq!(restored.signing.to_bytes(), original.signing.to_bytes());
    let twice = restore(of(&kept), &again, (COMMAND_LINE, at(NOW))).await;
    assert!(matches!(twice, Err(BackupError::Occupied(_))));
    // The month is not drawn a second time: the next one follows.
    let next = crate::release::next_period(&restored.store, at(NOW))
        .await
        .unwrap();
    assert_eq!(next.unwrap().0, "2022-04".parse().unwrap());
}

/// With the log out of reach, what the backup knew of it was believed.
#[tokio::test]
async fn a_restored_node_draws_nothing_before_it_has_heard_from_the_log() {
    let home = tempfile::tempdir().unwrap();
    let [dir, kept, again] = ["a", "b", "c"].map(|name| home.path().join(name));
    make(&node(&dir).await, &kept, None, (COMMAND_LINE, at(NOW)))
        .await
        .unwrap();
    let restored = restore(of(&kept), &again, (COMMAND_LINE, at(NOW)))
        .await
        .unwrap()
        .node;
    let request = Request {
        period: Some("2022-04".parse().unwrap()),
        ..crate::testing::asked()
    };
    let entropy = seeded(7);
    let next = || {
        let author = crate::release::SCHEDULE;
        prepare(&restored.store, request, author, at(NOW), &entropy)
    };
    let before = months(&restored).await;
    sqlx::query("UPDATE releases SET approver = 'bob', approved_at = 0")
        .execute(&restored.store.writer)
        .await
        .unwrap();
    assert_eq!(next().await.unwrap_err().code(), "restored");
    assert_eq!(months(&restored).await, before);
    let mut connection = restored.store.writer.acquire().await.unwrap();
    enrolment::write(&mut connection, &crate::testing::place(true))
        .await
        .unwrap();
    drop(connection);
    let drawn = next().await.unwrap();
    assert!(drawn.drawn);
}

#[tokio::test]
async fn a_damaged_backup_is_refused_and_a_damaged_ledger_is_not_backed_up_as_whole() {
    let home = tempfile::tempdir().unwrap();
    let (dir, kept, again) = (
        home.path().join("a"),
        home.path().join("b"),
        home.path().join("c"),
    );
    let original = node(&dir).await;
    make(&original, &kept, None, (COMMAND_LINE, at(NOW)))
        .await
        .unwrap();
    let mut bytes = fs::read(kept.join(DATABASE)).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(kept.join(DATABASE), &bytes).unwrap();
    let refused = restore(of(&kept), &again, (COMMAND_LINE, at(NOW))).await;
    assert!(matches!(refused, Err(BackupError::Damaged(_))));
    assert!(!again.exists());
    fs::remove_file(kept.join(MANIFEST)).unwrap();
    let refused = restore(of(&kept), &again, (COMMAND_LINE, at(NOW))).await;
    assert!(matches!(refused, Err(BackupError::Manifest(_))));
    sqlx::query("DELETE FROM ledger_cells WHERE table_id = 'starts.pledge'")
        .execute(&original.store.writer)
        .await
        .unwrap();
    let lost = home.path().join("d");
    let refused = make(&original, &lost, None, (COMMAND_LINE, at(NOW))).await;
    assert!(matches!(refused, Err(BackupError::Unsound(_))));
    assert!(!lost.join(MANIFEST).exists());
}

/// What a killed process left in its log was read into the restored database.
#[tokio::test]
async fn what_a_killed_process_left_is_not_read_into_a_backup() {
    let home = tempfile::tempdir().unwrap();
    let (dir, kept, again) = (
        home.path().join("a"),
        home.path().join("b"),
        home.path().join("c"),
    );
    make(&node(&dir).await, &kept, None, (COMMAND_LINE, at(NOW)))
        .await
        .unwrap();
    fs::create_dir(&again).unwrap();
    for end in LEFT_OVERS {
        let left = again.join(format!("{DATABASE}{end}"));
        fs::write(&left, b"of another time").unwrap();
        let refused = restore(of(&kept), &again, (COMMAND_LINE, at(NOW))).await;
        assert!(matches!(refused, Err(BackupError::Occupied(_))), "{end}");
        fs::remove_file(left).unwrap();
    }
    restore(of(&kept), &again, (COMMAND_LINE, at(NOW)))
        .await
        .unwrap();
}

/// The keys lie apart, and those of another node are of no use.
#[tokio::test]
async fn without_its_own_keys_a_backup_is_not_restored() {
    let home = tempfile::tempdir().unwrap();
    let [dir, kept, safe, again] = ["a", "b", "safe", "c"].map(|name| home.path().join(name));
    let original = node(&dir).await;
    make(&original, &kept, Some(&safe), (COMMAND_LINE, at(NOW)))
        .await
        .unwrap();
    let refused = restore(of(&kept), &again, (COMMAND_LINE, at(NOW))).await;
    assert!(matches!(refused, Err(BackupError::NoKeys(_))));
    let with = Parts {
        keys: Some(&safe),
        ..of(&kept)
    };
    let own = fs::read(safe.join(PSEUDONYM_KEY)).unwrap();
    fs::write(safe.join(PSEUDONYM_KEY), format!("{}\n", "7".repeat(64))).unwrap();
    let refused = restore(with, &again, (COMMAND_LINE, at(NOW)))
        .await
        .unwrap_err();
    assert!(matches!(&refused, BackupError::WrongKey(path) if path.ends_with(PSEUDONYM_KEY)));
    assert!(refused.next().contains("same node"), "{}", refused.next());
    assert!(!again.exists());
    // Nor does a backup go beside another node's keys.
    let later = home.path().join("d");
    let refused = make(&original, &later, Some(&safe), (COMMAND_LINE, at(NOW))).await;
    assert!(matches!(refused, Err(BackupError::OtherKeys(_))));
    assert!(!later.exists());
    fs::write(safe.join(PSEUDONYM_KEY), own).unwrap();
    make(&original, &later, Some(&safe), (COMMAND_LINE, at(NOW)))
        .await
        .unwrap();
    restore(with, &again, (COMMAND_LINE, at(NOW)))
        .await
        .unwrap();
}

/// A backup of before keys had a directory of their own.
#[tokio::test]
async fn a_backup_of_the_first_form_is_brought_back() {
    let home = tempfile::tempdir().unwrap();
    let [dir, kept, again] = ["a", "b", "c"].map(|name| home.path().join(name));
    let made = make(&node(&dir).await, &kept, None, (COMMAND_LINE, at(NOW)))
        .await
        .unwrap();
    for key in KEYS {
        fs::rename(made.keys.join(key), kept.join(key)).unwrap();
    }
    fs::remove_file(kept.join(JOURNAL)).unwrap();
    let mut manifest = serde_json::to_value(&made.manifest).unwrap();
    let fields = manifest.as_object_mut().unwrap();
    fields.insert("format".to_owned(), 1.into());
    fields.remove("audit");
    let keys = fields.remove("keys").unwrap();
    let files = fields["files"].as_array_mut().unwrap();
    files.retain(|file| file["name"] != JOURNAL);
    files.extend(keys.as_array().unwrap().clone());
    fs::write(kept.join(MANIFEST), manifest.to_string()).unwrap();
    let back = restore(of(&kept), &again, (COMMAND_LINE, at(NOW)))
        .await
        .unwrap();
    assert_eq!(back.manifest.format, 1);
    assert_eq!(back.erased_again, None);
}

#[tokio::test]
async fn an_audit_log_that_was_altered_is_backed_up_and_told_of() {
    let home = tempfile::tempdir().unwrap();
    let [dir, kept, whole, again] = ["a", "b", "w", "c"].map(|name| home.path().join(name));
    let original = node(&dir).await;
    let made = make(&original, &whole, None, (COMMAND_LINE, at(NOW)))
        .await
        .unwrap();
    let head = original.store.audit_check(None).await.unwrap().head;
    assert_eq!(made.manifest.audit, Some(head));
    for sql in [
        "DROP TRIGGER audit_unchanged",
        "UPDATE audit SET who = 'bob' WHERE id = 2",
    ] {
        sqlx::query(sql)
            .execute(&original.store.writer)
            .await
            .unwrap();
    }
    let made = make(&original, &kept, None, (COMMAND_LINE, at(NOW)))
        .await
        .unwrap();
    assert_eq!(made.manifest.audit, None);
    assert_eq!(made.audit_fault.map(|fault| fault.entry), Some(2));
    let back = restore(of(&kept), &again, (COMMAND_LINE, at(NOW)))
        .await
        .unwrap();
    assert_eq!(back.audit_fault.map(|fault| fault.entry), Some(2));
}
