//! JSON bodies of the documented form.

pub(super) use ldsp_ui::api::Sent;
