//! `backup` and `restore`.

use std::path::Path;

use jiff::Timestamp;
use serde_json::json;

use super::cli::Restore as RestoreArgs;
use super::output::{Answer, Output, Refusal};
use super::release::refresh;
use super::{Context, open};
use crate::backup::{self, BackupError, Manifest, Parts, Restored};
use crate::seal::check_head;
use crate::store::{StoreError, enrolment};

impl From<BackupError> for Refusal {
    fn from(error: BackupError) -> Self {
        Self::new(&error, error.next())
    }
}

fn reaches(manifest: &Manifest) -> String {
    match manifest.last {
        Some(last) => format!(
            "The ledger in it is whole: {} month(s) of epoch {}, the last one {}.",
            manifest.months,
            manifest.epoch,
            last.in_words()
        ),
        None => "Nothing was released yet.".to_owned(),
    }
}

pub(super) async fn make(target: &Path, keys: Option<&Path>, context: &Context) -> Answer {
    let node = open(context).await?;
    let made = backup::make(&node, target, keys, (&context.who, (context.clock)())).await;
    node.store.close().await;
    let made = made?;
    let output = Output {
        text: format!(
            "Backed up to {}, its keys to {}. {}\nNext: copy the two away, encrypted, and not to the same place. The first holds pseudonymised records; with the keys beside them the pseudonyms could be tied to numbers of learners.",
            target.display(),
            made.keys.display(),
            reaches(&made.manifest)
        ),
        json: json!({"manifest": made.manifest, "keys": made.keys}),
    };
    match made.audit_fault {
        None => Ok(output),
        Some(fault) => Err(Refusal {
            output: Some(output),
            ..super::audit::broken(&fault)
        }),
    }
}

pub(super) async fn restore(args: &RestoreArgs, context: &Context) -> Answer {
    let dir = &context.config.data_dir;
    let parts = Parts {
        records: &args.from,
        keys: args.keys.as_deref(),
        erasures: args.erasures.as_deref(),
    };
    let restored = backup::restore(parts, dir, (&context.who, (context.clock)())).await?;
    let store = &restored.node.store;
    let behind = behind(store, (context.clock)()).await;
    store.close().await;
    let manifest = &restored.manifest;
    let mut text = format!(
        "Restored into {}: the node of {} as it was at {}. {}\n{}\n",
        dir.display(),
        manifest.lep,
        manifest.made_at,
        reaches(manifest),
        erasures(&restored),
    );
    if let Some(fault) = &restored.audit_fault {
        text.push_str(&format!(
            "Note: the audit log does not hold together: {fault}. It is as it was backed up.\n"
        ));
    }
    text.push_str(&match behind? {
        Some(reason) => format!("Note: {reason}\nNext: restore a newer backup if there is one."),
        None => "Next: `ldsp-node status`, then `ldsp-node serve`.".to_owned(),
    });
    let audit_fault = restored.audit_fault.as_ref().map(ToString::to_string);
    Ok(Output {
        text,
        json: json!({
            "manifest": manifest,
            "data_dir": dir,
            "erased_again": restored.erased_again,
            "audit_fault": audit_fault,
        }),
    })
}

/// What is known of erasures since the backup, and what is not.
fn erasures(restored: &Restored) -> String {
    match &restored.erased_again {
        Some(gone) => format!(
            "Erased again, as the journal of erasures says: {} learner(s), {} enrolment(s). What was erased after that journal was written is unknown.",
            gone.learners, gone.enrolments
        ),
        None => format!(
            "Unknown: what was erased after {}. No journal of erasures came with the backup, and none was in the data directory: learners who were erased since may be back.\nNext: if there is a newer `erasures.journal`, empty the data directory and restore again with `--erasures FILE`; otherwise go through your record of requests and repeat them with `ldsp-node erase`.",
            restored.manifest.made_at
        ),
    }
}

/// What the log says that this backup does not know.
async fn behind(store: &crate::store::Store, now: Timestamp) -> Result<Option<String>, Refusal> {
    refresh(store, now).await?;
    let mut connection = store.reader.acquire().await.map_err(StoreError::from)?;
    let Some(place) = enrolment::read(&mut connection).await? else {
        return Ok(None);
    };
    let head = check_head(&mut connection, &place).await;
    Ok(head.err().map(|error| error.to_string()))
}
