//! The OpenAPI 3.1 document, made from the routes.

use axum::Extension;
use axum::http::header;
use axum::response::IntoResponse;
use ldsp_ui::api::Problem;
use utoipa::OpenApi;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::Operation;
use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{RefOr, ResponseBuilder, ServerBuilder};

use super::describe::Anything;

/// The document as it is sent.
#[derive(Clone)]
pub(super) struct Text(pub(super) axum::body::Bytes);

/// What stands before the routes.
const ABOUT: &str = "Figures, practice and statements of the Local Digital Skills Partnerships, for people's programs \
    (/api/v1/) and for nodes (/v1/).\n\n\
    Everything that is public is read without signing in, also by pages of other origins; what is for operators says so. Every public answer to GET has a \
    strong entity tag: send it back as if-none-match and get 304 while nothing changed. HEAD works wherever GET does.\n\n\
    Lists are given page by page: follow `next`, an address, until it is null. Pages stay right while statements arrive.\n\n\
    A refusal is a problem (RFC 9457, application/problem+json). Its type is the address of a page that says what \
    happened and what to do next; all of them are listed at /problems.";

#[derive(OpenApi)]
#[openapi(
    info(title = "Local digital skills: the national server", description = ABOUT),
    tags(
        (name = "Figures", description = "Each with its months, coverage and 95 % interval."),
        (name = "Practice", description = "What partnerships tried, whether it worked and why."),
        (name = "Questionnaires", description = "What operators ask of LEPs, and the answers: for operators and analysts."),
        (name = "Nodes", description = "Who contributes."),
        (name = "Statements", description = "What nodes signed, and what is needed to check it."),
        (name = "Log", description = "The whole log as files, for whoever checks it."),
        (name = "For nodes", description = "The machine protocol: nodes prove who they are by their signatures."),
        (name = "For operators", description = "For the people of this site and their programs, under the roles of the pages."),
        (name = "Health", description = "Whether the server works, and what it offers."),
    ),
    components(schemas(Problem)),
)]
struct Document;

/// The document of a server that is reached at `public_url`.
#[must_use]
pub fn document(public_url: &str) -> utoipa::openapi::OpenApi {
    let mut document = Document::openapi();
    document.merge(
        super::figures()
            .merge(super::figures_of_log())
            .merge(super::rest())
            .merge(super::behind_sign_in())
            .merge(super::desk::described())
            .into_openapi(),
    );
    document.servers = Some(vec![ServerBuilder::new().url(public_url).build()]);
    let components = document.components.get_or_insert_default();
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("The secret of an invite, 64 hex digits."))
        .build();
    components.add_security_scheme("invite", SecurityScheme::Http(bearer));
    let description = "LDSP and a signed read as base64: an envelope of type application/vnd.ldsp.read.v1+json in which a \
        node names the path and query that it asks for, and when.";
    let signed = ApiKeyValue::with_description("authorization", description);
    components.add_security_scheme("node", SecurityScheme::ApiKey(ApiKey::Header(signed)));
    let secret = HttpBuilder::new()
        .scheme(HttpAuthScheme::Basic)
        .description(Some(
            "Name and secret of a person of this site who has no second step.",
        ));
    components.add_security_scheme("secret", SecurityScheme::Http(secret.build()));
    let session = ApiKeyValue::with_description(crate::pages::COOKIE, "The session of the pages.");
    components.add_security_scheme("session", SecurityScheme::ApiKey(ApiKey::Cookie(session)));
    for (path, item) in &mut document.paths.paths {
        if let Some(get) = item.get.as_mut().filter(|_| has_tag(path)) {
            tagged(get);
        }
    }
    document
}

/// This document
///
/// As a page for people: /api.
#[utoipa::path(
    get, path = "/openapi.json", tag = "Health", operation_id = "openapi",
    responses((status = 200, description = "OpenAPI 3.1.", body = Object), Anything),
)]
pub(super) async fn serve(Extension(Text(document)): Extension<Text>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], document)
}

/// Whether public answers of this path have an entity tag.
fn has_tag(path: &str) -> bool {
    let of_some = [
        "/health/",
        "/v1/questionnaires/",
        "/api/v1/questionnaires",
        "/api/v1/answers/",
        "/api/v1/invites",
    ];
    path != "/v1/practice" && !of_some.iter().any(|of_some| path.starts_with(of_some))
}

/// Says of a read that its answer has a tag, by which the same answer need not be sent again.
fn tagged(get: &mut Operation) {
    let text = ObjectBuilder::new().schema_type(SchemaType::new(Type::String));
    let header = HeaderBuilder::new()
        .description(Some(
            "Strong entity tag; absent where only enrolled nodes may read.",
        ))
        .schema(Some(text.build()))
        .build();
    if let Some(RefOr::T(sound)) = get.responses.responses.get_mut("200") {
        sound.headers.insert("etag".to_owned(), RefOr::T(header));
    }
    let unchanged = ResponseBuilder::new()
        .description("What the request's if-none-match names is still the answer.")
        .build();
    get.responses
        .responses
        .insert("304".to_owned(), unchanged.into());
}
