use serde_json::{Value, json};

use super::*;

fn document() -> Value {
    json!({
        "openapi": "3.1.0",
        "info": {"title": "Counts", "version": "7", "description": "First.\n\nSecond <b>."},
        "servers": [{"url": "https://counts.example"}],
        "tags": [{"name": "Late"}, {"name": "Early", "description": "Comes second."}],
        "paths": {
            "/a/{name}": {
                "parameters": [{"name": "name", "in": "path", "required": true,
                    "schema": {"$ref": "#/components/schemas/Name"}}],
                "get": {
                    "operationId": "one", "tags": ["Early"], "summary": "One <script>",
                    "parameters": [{"name": "limit", "in": "query", "example": 5,
                        "schema": {"type": "integer", "minimum": 1, "maximum": 100}}],
                    "responses": {"200": {"description": "It.", "content": {
                        "application/json": {"schema": {"type": "array", "items": {"$ref": "#/components/schemas/Thing"}}}}}},
                },
                "put": {
                    "operationId": "make", "tags": ["Late"], "security": [{"person": []}],
                    "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}}},
                    "responses": {"204": {"description": "Done."}},
                },
            },
        },
        "components": {
            "securitySchemes": {"person": {"type": "http", "scheme": "basic"}},
            "schemas": {
                "Name": {"type": "string", "pattern": "^[a-z]+$", "examples": ["it's"]},
                "Thing": {"type": "object", "required": ["kind"], "properties": {
                    "kind": {"type": "string", "enum": ["big", "small"]},
                    "size": {"type": ["integer", "null"], "description": "In metres."},
                    "of": {"oneOf": [{"type": "null"}, {"$ref": "#/components/schemas/Name"}]},
                }},
            },
        },
    })
}

fn shown() -> String {
    crate::page::Frame::new("Site").render(
        &page(&document()),
        "/api",
        None,
        &crate::RoleTable::default(),
    )
}

#[test]
fn operations_stand_under_their_tags_with_anchors() {
    let html = shown();
    let at = |text: &str| {
        html.find(text)
            .unwrap_or_else(|| panic!("no {text} in {html}"))
    };
    assert!(at(r#"id="tag-Late""#) < at(r#"id="make""#));
    assert!(at(r#"id="make""#) < at(r#"id="tag-Early""#));
    assert!(at(r#"id="tag-Early""#) < at(r#"id="one""#));
    assert!(
        at(r##"href="#one""##) < at(r#"id="tag-Late""#),
        "the contents come first"
    );
    assert!(html.contains(r##"href="#form-Thing""##) && html.contains(r#"id="form-Thing""#));
}

#[test]
fn nothing_of_the_document_becomes_markup() {
    let html = shown();
    assert!(!html.contains("One <script>") && !html.contains("Second <b>"));
}

#[test]
fn bounds_choices_and_null_are_said() {
    let html = shown();
    assert!(html.contains("integer (at least 1, at most 100)"), "{html}");
    assert!(html.contains("integer or null"));
    assert!(html.contains("null or <a"));
    assert!(
        html.contains(
            r#"<span class="ldsp-code">big</span>, <span class="ldsp-code">small</span>"#
        )
    );
}

#[test]
fn examples_fill_in_what_is_known_and_quote_it_for_the_shell() {
    let document = document();
    let groups = groups(&document);
    let line = |at: usize| example::curl(&document, &groups[at].operations[0]);
    assert_eq!(line(1), r"curl 'https://counts.example/a/it'\''s?limit=5'");
    assert_eq!(
        line(0),
        r"curl --request PUT --user NAME:SECRET --header 'content-type: application/json' --data-binary @FILE 'https://counts.example/a/it'\''s'"
    );
}
