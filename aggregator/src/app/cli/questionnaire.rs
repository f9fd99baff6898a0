//! The commands of `questionnaire`.

use std::path::PathBuf;

use clap::Subcommand;
use ldsp_protocol::ids::QuestionId;
use ldsp_protocol::standard::Standard;

use super::{answer, secret_of};
use crate::announce::Announcer;
use crate::app::{Config, Refused, open_log, open_store, questionnaire, system_clock};

#[derive(Debug, Subcommand)]
pub(super) enum QuestionnaireCommand {
    /// List the questionnaires that were issued, with how many LEPs answered
    List,
    /// Print who answered a questionnaire, who has not, and what the answers come to
    Show {
        /// The questionnaire's name
        questionnaire: QuestionId,
    },
    /// Issue a questionnaire, or its next version: signed by the log and public for ever
    #[command(
        after_help = "FILE holds what `POST /api/v1/questionnaires` takes; docs/questionnaires.md describes it. What the newest version says already is not issued again."
    )]
    Issue {
        /// JSON file with name, title, purpose, due, to and questions
        file: PathBuf,
        /// Do not ask whether it is meant
        #[arg(long)]
        yes: bool,
        /// Operator who asks, which becomes public; the secret is asked for, or read as one line of standard input
        #[arg(long = "as", value_name = "NAME")]
        by: String,
    },
    /// Print the last answers of each LEP as a table (CSV); with --json also what was asked
    Export {
        /// The questionnaire's name
        questionnaire: QuestionId,
    },
}

pub(super) async fn run(
    command: QuestionnaireCommand,
    config: &Config,
    json: bool,
) -> Result<(), Refused> {
    match command {
        QuestionnaireCommand::List => answer(
            &questionnaire::list(&open_store(config).await?).await?,
            json,
        ),
        QuestionnaireCommand::Show { questionnaire } => {
            let store = open_store(config).await?;
            answer(&questionnaire::show(&store, &questionnaire).await?, json)
        }
        QuestionnaireCommand::Issue { file, yes, by } => {
            let draft = questionnaire::read(&file)?;
            if !yes {
                questionnaire::confirm(&draft)?;
            }
            let now = system_clock()();
            let (store, signer) = open_log(config, now).await?;
            let announcer = Announcer::new(&store, &signer, Standard::current());
            let secret = secret_of(&by)?;
            let issued = questionnaire::issue(&announcer, &draft, (&by, &secret), now);
            answer(&issued.await?, json)
        }
        QuestionnaireCommand::Export { questionnaire } => {
            let store = open_store(config).await?;
            answer(&questionnaire::export(&store, &questionnaire).await?, json)
        }
    }
}
