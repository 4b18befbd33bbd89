//! The page: one document without external sources, put together from its parts.

use axum::http::{HeaderName, header};
use axum::response::{Html, IntoResponse, Response};
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::sync::LazyLock;

const STYLE: &str = include_str!("page/style.css");
const SCRIPT: &str = concat!(
    include_str!("page/base.js"),
    include_str!("page/live.js"),
    include_str!("page/attention.js"),
    include_str!("page/chart.js"),
    include_str!("page/tables.js"),
    include_str!("page/graph.js"),
    include_str!("page/tree.js"),
    include_str!("page/panel.js"),
    include_str!("page/main.js"),
);
const NONCE: &str = "{{nonce}}";

static PAGE: LazyLock<String> = LazyLock::new(|| {
    include_str!("page/page.html")
        .replace("{{style}}", STYLE)
        .replace("{{script}}", SCRIPT)
});

/// A number that nobody guesses: a hash under random keys, which the standard library takes from the system.
fn nonce() -> String {
    let number = || RandomState::new().build_hasher().finish();
    format!("{:016x}{:016x}", number(), number())
}

/// The page. Only its own script and style have the nonce of this answer, and only they are run.
pub(crate) fn page() -> Response {
    let nonce = nonce();
    let policy = format!(
        "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; img-src data:; \
         connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    let headers: [(HeaderName, String); 1] = [(header::CONTENT_SECURITY_POLICY, policy)];
    (headers, Html(PAGE.replace(NONCE, &nonce))).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_whole_and_needs_nothing_from_elsewhere() {
        assert!(!PAGE.contains("{{style}}") && !PAGE.contains("{{script}}"));
        assert_eq!(PAGE.matches(NONCE).count(), 2);
        // The names of XML are no addresses that are fetched.
        let rest = PAGE.replace("http://www.w3.org/2000/svg", "");
        assert!(!rest.contains("http://") && !rest.contains("https://"));
        for markup in [
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
        ] {
            assert!(!PAGE.contains(markup), "text must stay text: {markup}");
        }
    }

    #[test]
    fn each_answer_has_its_own_nonce() {
        assert_ne!(nonce(), nonce());
        assert_eq!(nonce().len(), 32);
    }
}
