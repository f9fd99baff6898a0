//! What can go wrong on the way to the service and back, and the page that says so.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::token::Defect;
use crate::problem::ProblemPage;

/// Why nobody was signed in. Nothing in it is secret: it goes to the log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Trouble {
    #[error("the sign-in service could not be reached: {0}")]
    Unreachable(String),
    #[error("the sign-in service cannot be used: {0}")]
    Unusable(String),
    #[error("the sign-in service refused: {0}")]
    Refused(String),
    #[error("the sign-in service does not accept this site's client_id or secret: {0}")]
    Client(String),
    #[error("the sign-in service does not know the code any more")]
    Spent,
    #[error("the answer names another issuer")]
    OtherIssuer,
    #[error("the answer belongs to no attempt of this browser")]
    Unmatched,
    #[error("the answer came too late")]
    Late,
    #[error("the ID token is not believed: {0}")]
    Token(Defect),
    #[error("the ID token has no verified e-mail address")]
    NoEmail,
}

impl Trouble {
    /// An error code of the service, if it has the form of one: whatever else stands there is not shown and not logged.
    fn word(code: &str) -> String {
        let is_word = (1..=60).contains(&code.len())
            && code
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
        if is_word {
            code
        } else {
            "an error without a name"
        }
        .to_owned()
    }

    /// What the service sent the browser back with (RFC 6749, section 4.1.2.1).
    pub(super) fn refused(code: &str) -> Self {
        Self::Refused(Self::word(code))
    }

    /// What the token endpoint said (RFC 6749, section 5.2).
    pub(super) fn code_refused(code: &str) -> Self {
        match code {
            "invalid_grant" => Self::Spent,
            "invalid_client" | "unauthorized_client" => Self::Client(Self::word(code)),
            other => Self::refused(other),
        }
    }

    /// The page, in which the service has this name.
    pub(super) fn page(&self, name: &str) -> ProblemPage {
        let of = |status, code, title: String| ProblemPage::new(status, code, title);
        match self {
            Self::Unreachable(_) => of(
                StatusCode::SERVICE_UNAVAILABLE,
                "sign_in_service_unreachable",
                format!("{name} does not answer"),
            )
            .happened("This server asked it who you are and got no answer. You are not signed in.")
            .next("Try again in a few minutes. If it stays so, tell the person who runs this site."),
            Self::Unusable(_) | Self::Client(_) | Self::OtherIssuer => of(
                StatusCode::BAD_GATEWAY,
                "sign_in_service_unusable",
                format!("{name} cannot be used to sign in"),
            )
            .happened("It answered, but not as agreed with this site. You are not signed in. The server's log says what is wrong.")
            .next("Tell the person who runs this site: the settings of this site and those of the service do not fit together."),
            Self::Refused(code) if code == "access_denied" => of(
                StatusCode::FORBIDDEN,
                "sign_in_service_denied",
                format!("{name} did not sign you in"),
            )
            .happened("You stopped there, or the service does not let your account use this site.")
            .next("Start again from Sign in. If the service refuses you, ask the people who run it to let your account use this site."),
            Self::Refused(code) => of(
                StatusCode::FORBIDDEN,
                "sign_in_service_denied",
                format!("{name} did not sign you in"),
            )
            .happened(format!("It answered: {code}. You are not signed in."))
            .next("Start again from Sign in. If it stays so, tell the person who runs this site what it answered."),
            Self::Spent | Self::Late => of(
                StatusCode::BAD_REQUEST,
                "sign_in_too_late",
                "That took too long".to_owned(),
            )
            .happened("The answer that you came back with is used or too old. Each is good once, for ten minutes.")
            .next("Start again from Sign in."),
            Self::Unmatched => of(
                StatusCode::BAD_REQUEST,
                "sign_in_not_begun_here",
                "This is not the sign-in that began in this browser".to_owned(),
            )
            .happened("You may have begun in another tab, another browser or before this server was restarted, or your browser keeps no cookies.")
            .next("Start again from Sign in, and finish in the same tab."),
            Self::Token(defect @ (Defect::ClockAhead(_) | Defect::ClockBehind(_))) => of(
                StatusCode::BAD_GATEWAY,
                "sign_in_clocks_differ",
                "Two clocks differ".to_owned(),
            )
            .happened(format!("{name} says who you are, but {defect}. More than a minute is not accepted."))
            .next("Tell the person who runs this site: the clock of this server or of the service is wrong."),
            Self::Token(Defect::NotAnew) => of(
                StatusCode::BAD_GATEWAY,
                "sign_in_not_asked_again",
                format!("{name} did not ask you to sign in again"),
            )
            .happened("You were to show once more that it is you, and it did not say that it asked you just now. Nothing was changed.")
            .next("Try once more. If it stays so, tell the person who runs this site: the service has to send `auth_time` when it is asked for `max_age`."),
            Self::Token(_) => of(
                StatusCode::BAD_GATEWAY,
                "sign_in_not_believed",
                format!("What {name} said is not believed"),
            )
            .happened("It did not prove who you are as agreed. You are not signed in. The server's log says what was wrong.")
            .next("Start again from Sign in. If it stays so, tell the person who runs this site."),
            Self::NoEmail => of(
                StatusCode::FORBIDDEN,
                "sign_in_no_email",
                format!("{name} does not vouch for your e-mail address"),
            )
            .happened("This site knows its people by an e-mail address that the service has verified, and it sent none.")
            .next("Have your address verified there, or ask the person who runs this site for another way to sign in."),
        }
    }

    /// Writes it to the log and gives the page.
    pub(super) fn respond(&self, name: &str) -> Response {
        match self {
            Self::Unreachable(_)
            | Self::Unusable(_)
            | Self::Client(_)
            | Self::OtherIssuer
            | Self::Token(_) => tracing::warn!(reason = %self, "nobody was signed in"),
            _ => tracing::info!(reason = %self, "nobody was signed in"),
        }
        self.page(name).into_response()
    }
}
