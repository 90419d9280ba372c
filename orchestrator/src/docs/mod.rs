//! The documentation that `/docs` serves: the Markdown of `docs/`, which is part of the binary, as HTML pages with links
//! between them, a list of pages and a search. It knows neither HTTP nor tests.
//!
//! Pages are rendered once, when the first of them is asked for, and kept: all of them take some milliseconds, which is not
//! worth a build script and files that it would write. What a user needs is the binary alone, either way.

mod anchors;
mod layout;
mod links;
mod markdown;
mod pages;
mod search;
mod words;

#[cfg(test)]
mod tests;

use std::sync::OnceLock;

pub use pages::{SCHEMA, STYLE, picture};
pub use words::{Words, words};

use markdown::Rendered;
use pages::{PAGES, Source};

/// A page, rendered.
struct Page {
    source: &'static Source,
    rendered: Rendered,
}

/// All pages, in their order.
pub struct Docs {
    pages: Vec<Page>,
}

/// The documentation. The first call renders it, which takes some milliseconds.
pub fn docs() -> &'static Docs {
    static DOCS: OnceLock<Docs> = OnceLock::new();
    DOCS.get_or_init(|| {
        let page = |source: &'static Source| Page { source, rendered: markdown::render(source.text) };
        Docs { pages: PAGES.iter().map(page).collect() }
    })
}

impl Docs {
    /// The first page, at `/docs`.
    pub fn index(&self) -> String {
        self.page("").unwrap_or_default()
    }

    /// The page of that name, a whole HTML document; `None` where there is none.
    pub fn page(&self, slug: &str) -> Option<String> {
        let at = self.pages.iter().position(|page| page.source.slug == slug)?;
        Some(layout::page(self, at))
    }

    /// The page that lists where a text was found.
    pub fn found(&self, query: &str) -> String {
        layout::results(self, query, &search::find(self, query))
    }
}
