//! JSON bodies of the documented form.

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequest, Request};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{Problem, Refusal, problem};

/// An object of the documented form. Deserialising a struct alone would take a list of its fields too, and an empty list where
/// all are optional: too little to draw a month's noise on.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sent<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Sent<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        let not_so = |cause: String| {
            let detail = format!("The body is not of the documented form: {cause}.");
            Refusal(Problem::new(problem::REQUEST, detail))
        };
        let Json(object) = Json::<Map<String, Value>>::from_request(request, state)
            .await
            .map_err(|rejection| match rejection {
                JsonRejection::JsonDataError(_) => not_so("it is not an object".to_owned()),
                JsonRejection::JsonSyntaxError(_) => not_so("it is not JSON".to_owned()),
                other => other.into(),
            })?;
        serde_json::from_value(Value::Object(object))
            .map(Self)
            .map_err(|error| not_so(error.to_string()))
    }
}
