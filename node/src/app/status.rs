//! `status`: what this node is and what it waits for. No counts of learners: exact ones belong on
//! signed-in pages only.

use ldsp_protocol::geography::Geography;
use ldsp_protocol::ids::Gss;
use ldsp_protocol::standard::Standard;
use serde_json::json;

use super::output::{Answer, Output};
use super::{Context, open};
use crate::store::people::Role;

pub(super) fn lep_name(lep: &Gss) -> String {
    Geography::embedded()
        .lep(lep)
        .map_or_else(|| lep.to_string(), |lep| lep.name.clone())
}

pub(super) async fn run(context: &Context) -> Answer {
    let node = open(context).await?;
    let store = &node.store;
    let people = store.people().await?;
    let programmes = store.programmes().await?.len();
    let postcodes = store.has_postcodes().await?;
    let imports = store.imports(1).await?;
    let (standing_text, standing) = super::publish::standing(store, (context.clock)()).await?;
    store.close().await;
    let count = |role| people.iter().filter(|p| p.role == role).count();
    let (coordinators, approvers) = (count(Role::Coordinator), count(Role::Approver));
    let standard = Standard::current();
    let (name, lep) = (node.place(), node.chosen());
    let last = imports.first();
    let last_text = last.map_or_else(
        || "none yet".to_owned(),
        |i| format!("{} at {}", i.kind.as_str(), i.at),
    );
    let key = ldsp_protocol::keys::key_id(&node.signing.verifying_key());
    Ok(Output {
        text: format!(
            "{node_of}\n\
             Data directory  {dir}\n\
             Data standard   {title}, {digest}\n\
             Key             {key}\n\
             People          {coordinators} coordinator(s), {approvers} approver(s)\n\
             Programmes      {programmes}\n\
             Postcodes       {directory}\n\
             Last import     {last_text}\n\
             {standing_text}",
            node_of = match &lep {
                Some(lep) => format!("Node of {name} ({lep})"),
                None => "The LEP is not chosen yet: `ldsp-node lep --set CODE`, or an admin on the node\u{2019}s pages".to_owned(),
            },
            dir = node.dir.display(),
            title = standard.title(),
            digest = standard.digest(),
            directory = if postcodes {
                "directory imported"
            } else {
                "no directory yet"
            },
        ),
        json: json!({
            "lep": lep,
            "name": name,
            "data_dir": node.dir,
            "standard": {"title": standard.title(), "digest": standard.digest()},
            "key": key,
            "coordinators": coordinators,
            "approvers": approvers,
            "programmes": programmes,
            "postcodes": postcodes,
            "publishing": standing,
            "last_import": last.map(|i| json!({"kind": i.kind.as_str(), "at": i.at})),
        }),
    })
}
