//! A QR code as an inline picture.

use askama::Template;
use qrcodegen::{QrCode, QrCodeEcc};

use crate::html::Html;

/// Modules of light around the code: ISO/IEC 18004 asks for four.
const QUIET: i32 = 4;

#[derive(Template)]
#[template(
    source = r##"<svg class="ldsp-qr" role="img" aria-label="{{ label }}" viewBox="0 0 {{ side }} {{ side }}" width="220" height="220" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h{{ side }}v{{ side }}H0z"/><path fill="#000" d="{{ dark }}"/></svg>"##,
    ext = "html"
)]
struct Picture<'a> {
    label: &'a str,
    side: i32,
    dark: String,
}

/// The code of `text`, described as `label`; `None` when the text is too long for one (2,331 bytes).
pub(crate) fn picture(text: &str, label: &str) -> Option<Html> {
    let code = QrCode::encode_text(text, QrCodeEcc::Medium).ok()?;
    let size = code.size();
    let mut dark = String::new();
    for y in 0..size {
        for x in (0..size).filter(|x| code.get_module(*x, y)) {
            dark.push_str(&format!("M{} {}h1v1h-1z", x + QUIET, y + QUIET));
        }
    }
    let side = size + 2 * QUIET;
    Some(Html::render(&Picture { label, side, dark }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_a_square_with_its_three_finders() {
        let html = picture("otpauth://totp/x?secret=AAAA", "A \"code\"").unwrap();
        let html = html.as_str();
        assert!(
            html.contains("aria-label=\"A &#34;code&#34;\"") && html.contains("viewBox=\"0 0 ")
        );
        // The top left corner of the upper left finder pattern, seven dark modules long, and the light one after it.
        for x in 4..11 {
            assert!(html.contains(&format!("M{x} 4h1v1h-1z")), "{x}");
        }
        assert!(!html.contains("M11 4h1v1h-1z"));
        assert!(picture(&"x".repeat(3_000), "long").is_none());
    }
}
