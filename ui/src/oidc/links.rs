//! Set-up links on a site that takes no secrets: the account that is shown at the service becomes the way in.

use axum::extract::{Form, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use tower_sessions::Session;

use super::attempt::{LIFE, Purpose};
use super::connecting::taken;
use super::pages;
use super::routes::Way;
use super::subject::Subject;
use super::trouble::Trouble;
use crate::accounts::{self, Act, By, Change, Chosen, Hash, SetUp, Token};
use crate::problem::ProblemPage;

/// What a hidden field of the confirmation holds.
#[derive(Serialize, Deserialize)]
struct Invited {
    /// Digest of the link's token, in hex.
    link: String,
    /// Of the first of those who look after people.
    name: String,
    subject: Subject,
    at: i64,
}

fn digest(hex: &str) -> Option<Hash> {
    let mut digest = Hash::default();
    hex::decode_to_slice(hex, &mut digest).ok()?;
    Some(digest)
}

impl Way {
    /// What a link still opens.
    async fn set_up(&self, link: Option<Hash>) -> Result<SetUp, ProblemPage> {
        let (Some(accounts), Some(link)) = (&self.desk.accounts, link) else {
            return Err(accounts::link_over());
        };
        let found = accounts.link(link, self.desk.now()).await;
        found
            .map_err(accounts::unavailable)?
            .ok_or_else(accounts::link_over)
    }

    /// Leaves for the service with the token of a link.
    pub(super) async fn leave_by_link(&self, token: &str, name: &str) -> Response {
        let link = Token::sent(token).map(|token| token.digest());
        if let Err(refused) = self.set_up(link).await {
            return refused.into_response();
        }
        self.leave(Purpose::Welcome {
            link: hex::encode(link.unwrap_or_default()),
            name: name.to_owned(),
        })
        .await
    }

    /// Asks whether the account that came back is theirs: a service may say of itself who used the browser last.
    pub(super) async fn propose_link(
        &self,
        link: String,
        name: String,
        subject: Subject,
    ) -> Response {
        let set_up = match self.set_up(digest(&link)).await {
            Ok(set_up) => set_up,
            Err(refused) => return refused.into_response(),
        };
        let person = set_up.person.unwrap_or_else(|| name.clone());
        let invited = Invited {
            link,
            name,
            subject,
            at: self.desk.now().as_second(),
        };
        let field = self.open.seal.close(&invited);
        let service = &self.open.service.config.name;
        pages::welcome(&person, &invited.subject, service, &field).into_response()
    }

    /// Uses the link up.
    async fn take_link(&self, invited: &Invited) -> Result<(), ProblemPage> {
        let (Some(accounts), Some(link)) = (&self.desk.accounts, digest(&invited.link)) else {
            return Err(accounts::link_over());
        };
        let change = Change::TakeLink {
            link,
            name: &invited.name,
            chosen: Chosen::Account(&invited.subject),
        };
        let by = By {
            who: &invited.name,
            now: self.desk.now(),
        };
        match accounts.change(change, by).await {
            Ok(Act::Done) => Ok(()),
            Ok(act) if act == Act::account_taken() => Err(taken()),
            Ok(Act::Unfit { why, .. }) => Err(ProblemPage::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "not_changed",
                "Nothing was changed",
            )
            .happened(why)
            .next("Open your link again and give another name.")),
            Ok(Act::Gone | Act::Last | Act::Oneself) => Err(accounts::link_over()),
            Err(error) => Err(accounts::unavailable(error)),
        }
    }
}

#[derive(Deserialize)]
pub(super) struct Confirmed {
    proposal: String,
}

pub(super) async fn welcome(
    State(way): State<Way>,
    session: Session,
    headers: HeaderMap,
    Form(sent): Form<Confirmed>,
) -> Response {
    let now = way.desk.now().as_second();
    let invited: Option<Invited> = way.open.seal.open(&sent.proposal);
    let young = invited.filter(|one| now.saturating_sub(one.at) <= LIFE.as_secs());
    let Some(invited) = young else {
        return Trouble::Late.respond(&way.open.service.config.name);
    };
    match way.take_link(&invited).await {
        Ok(()) => {
            way.open_session(&session, &headers, invited.subject, "/")
                .await
        }
        Err(refused) => refused.into_response(),
    }
}
