//! `backup` and `restore`.

use std::path::Path;

use serde_json::json;

use super::output::{Answer, Output, Refusal};
use super::release::refresh;
use super::{Context, open};
use crate::backup::{self, BackupError, Manifest};
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

pub(super) async fn make(target: &Path, context: &Context) -> Answer {
    let node = open(context).await?;
    let made = backup::make(&node, target, (context.clock)()).await;
    node.store.close().await;
    let manifest = made?;
    Ok(Output {
        text: format!(
            "Backed up to {}. {}\nNext: copy it to another machine, encrypted. It holds pseudonymised records and this node\u{2019}s keys.",
            target.display(),
            reaches(&manifest)
        ),
        json: json!(manifest),
    })
}

pub(super) async fn restore(source: &Path, context: &Context) -> Answer {
    let dir = &context.config.data_dir;
    let (node, manifest) = backup::restore(source, dir, (context.clock)()).await?;
    let behind = behind(&node.store).await;
    node.store.close().await;
    let next = match behind? {
        Some(reason) => format!("Note: {reason}\nNext: restore a newer backup if there is one."),
        None => "Next: `ldsp-node status`, then `ldsp-node serve`.".to_owned(),
    };
    Ok(Output {
        text: format!(
            "Restored into {}: the node of {} as it was at {}. {}\n{next}",
            dir.display(),
            manifest.lep,
            manifest.made_at,
            reaches(&manifest)
        ),
        json: json!({"manifest": manifest, "data_dir": dir}),
    })
}

/// What the log says that this backup does not know.
async fn behind(store: &crate::store::Store) -> Result<Option<String>, Refusal> {
    refresh(store).await?;
    let mut connection = store.reader.acquire().await.map_err(StoreError::from)?;
    let Some(place) = enrolment::read(&mut connection).await? else {
        return Ok(None);
    };
    let head = check_head(&mut connection, &place).await;
    Ok(head.err().map(|error| error.to_string()))
}
