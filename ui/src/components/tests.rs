//! No component lets text become markup.

use super::*;
use crate::Link;
use crate::html::Html;

const XSS: &str = "\"'><script>alert(1)</script>";

fn everything() -> Vec<Html> {
    let field = || Field::new(XSS, XSS).hint(XSS).value(XSS).error(XSS);
    let choice = || Choice::new(XSS, XSS).hint(XSS);
    let table = || {
        Table::new(XSS)
            .columns([XSS, XSS])
            .numeric([1])
            .row([XSS, XSS])
    };
    let tag = || Tag::coloured(XSS, TagColour::Red);
    vec![
        InsetText::new(XSS).into(),
        Warning::new(XSS).into(),
        Details::new(XSS, XSS).open().into(),
        CodeBlock::new(XSS, XSS, XSS).into(),
        tag().into(),
        Notification::done(XSS).content(XSS).into(),
        Notification::important(XSS).into(),
        list([XSS]),
        link(XSS, "/x\"><script>"),
        table().into(),
        SummaryList::new()
            .fact(XSS, XSS)
            .fact_with(XSS, XSS, Link::new(XSS, XSS))
            .into(),
        TaskList::new(XSS)
            .task(Task::tagged(XSS, &tag()).href(XSS).hint(XSS))
            .task(Task::done(XSS))
            .into(),
        Pagination::new(XSS, Some(XSS.into()), Some(XSS.into())).into(),
        Stats::new(
            XSS,
            [StatCard::new(XSS, XSS)
                .interval(XSS)
                .coverage(XSS)
                .tag(tag())],
        )
        .into(),
        Figure::new(XSS, XSS, XSS, table())
            .id(XSS)
            .note(XSS)
            .download(XSS, XSS)
            .into(),
        TextInput::new(field()).into(),
        TextArea::new(field()).limit(10).into(),
        Select::new(field(), [choice()]).into(),
        Radios::new(field(), [choice(), choice()]).into(),
        Checkboxes::new(field(), [choice()]).into(),
        DateInput::new(field(), XSS, XSS, XSS).into(),
        Button::new(XSS).sends(XSS, XSS).into(),
        Button::link(XSS, XSS).into(),
        PostForm::to(XSS)
            .hidden(XSS, XSS)
            .with(XSS)
            .buttons([Button::new(XSS)])
            .into(),
        ErrorSummary::new().error(XSS, XSS).into(),
    ]
}

#[test]
fn no_component_lets_text_become_markup() {
    for html in everything() {
        assert!(
            html.as_str().contains("script"),
            "the probe went missing from {html}"
        );
        assert!(!html.as_str().contains("<script"), "{html}");
        assert!(!html.as_str().contains("\"'>"), "{html}");
        assert!(
            !html.as_str().contains("style="),
            "the policy forbids inline style: {html}"
        );
    }
}

#[test]
fn components_stand_in_a_callers_template_as_they_are() {
    #[derive(askama::Template)]
    #[template(source = "{{ tag }}{{ input }}", ext = "html")]
    struct Caller {
        tag: Tag,
        input: TextInput,
    }
    let caller = Caller {
        tag: Tag::new("New"),
        input: TextInput::new(Field::new("name", "Name")),
    };
    let html = Html::render(&caller).to_string();
    assert!(html.starts_with("<strong class=\"govuk-tag govuk-tag--blue\">New</strong><div class=\"govuk-form-group\">"), "{html}");
    assert!(
        html.contains("<label class=\"govuk-label govuk-label--s\" for=\"name\">Name</label>"),
        "{html}"
    );
}

#[test]
fn a_link_from_data_cannot_run_a_script_or_look_local() {
    for bad in [
        "javascript:alert(1)",
        "JAVASCRIPT:x",
        "data:text/html,x",
        "//evil.example",
        "/\\evil.example",
        "http://plain.example",
        " javascript:x",
    ] {
        assert_eq!(link("text", bad).as_str(), "text", "{bad}");
    }
    for good in [
        "/figures",
        "#top",
        "?page=2",
        "https://example.org/",
        "mailto:a@example.org",
    ] {
        assert!(link("text", good).as_str().starts_with("<a "), "{good}");
    }
}

#[test]
fn fields_name_their_hint_and_error() {
    let html = Html::from(TextInput::new(Field::new("n", "N").hint("h").error("e"))).to_string();
    assert!(
        html.contains("aria-describedby=\"n-hint n-error\""),
        "{html}"
    );
    let html = Html::from(Radios::new(
        Field::new("n", "N").value("b"),
        [Choice::new("a", "A"), Choice::new("b", "B")],
    ))
    .to_string();
    assert!(
        html.contains("id=\"n-2\" name=\"n\" type=\"radio\" value=\"b\" checked"),
        "{html}"
    );
    let html =
        Html::from(TextInput::new(Field::new("s", "S").value("typed")).password()).to_string();
    assert!(!html.contains("typed"), "{html}");
}
