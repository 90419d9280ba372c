//! The frame around a page: its head, the search, the list of pages, what comes before and after. Nothing in it needs a
//! script, and nothing has a style of its own.

use html_escape::{encode_double_quoted_attribute as attribute, encode_text as escaped};
use pulldown_cmark::HeadingLevel;

use super::search::{Hit, MAX_HITS};
use super::{Docs, Page, links};

/// Headings from which on a page has a list of them.
const MIN_LISTED: usize = 3;

/// A page as a whole document.
pub fn page(docs: &Docs, at: usize) -> String {
    let Page { source, rendered } = &docs.pages[at];
    let inner = headings(&docs.pages[at]);
    let on_page = match inner.as_str() {
        "" => String::new(),
        list => format!("<details class=\"on-page\"><summary>On this page</summary>{list}</details>\n"),
    };
    let step = |label: &str, page: Option<&Page>| {
        page.map_or_else(String::new, |page| {
            let (address, title) = (links::of(page.source.slug), escaped(page.source.title));
            format!("<a href=\"{address}\">{label}: {title}</a>")
        })
    };
    let before = at.checked_sub(1).and_then(|before| docs.pages.get(before));
    let steps = [step("Before", before), step("Next", docs.pages.get(at + 1))].concat();
    let main = format!("{on_page}{}<p class=\"steps\">{steps}</p>", rendered.html);
    document(docs, source.title, Some(at), "", &main)
}

/// The page with what a search found.
pub fn results(docs: &Docs, query: &str, hits: &[Hit]) -> String {
    let shown = escaped(query);
    let count = match hits.len() {
        0 => "Nothing was found. Every word has to stand in the same section: try fewer words, or a part of one.".to_owned(),
        1 => "1 section".to_owned(),
        MAX_HITS => format!("The {MAX_HITS} best sections. More words find fewer."),
        n => format!("{n} sections, the best first"),
    };
    let entries: String = hits
        .iter()
        .map(|hit| {
            let address = links::of(hit.source.slug);
            let anchor = attribute(&hit.section.anchor);
            let title = escaped(hit.source.title);
            let heading = escaped(&hit.section.heading);
            let name = if hit.section.heading.is_empty() { title.clone() } else { heading };
            format!(
                "<li><a href=\"{address}#{anchor}\">{name}</a> <span class=\"dim\">{title}</span><p>{}</p></li>\n",
                hit.excerpt
            )
        })
        .collect();
    let main = format!(
        "<h1>Search: {shown}</h1>\n<p role=\"status\">{count}</p>\n<ol class=\"hits\">{entries}</ol>"
    );
    document(docs, "Search", None, query, &main)
}

/// The second-level headings of a page, as a list; nothing where there are few.
fn headings(page: &Page) -> String {
    let of =
        |level: HeadingLevel| page.rendered.headings.iter().filter(move |heading| heading.level == level);
    if of(HeadingLevel::H2).count() < MIN_LISTED {
        return String::new();
    }
    let entry = |heading: &super::markdown::Heading| {
        format!("<li><a href=\"#{}\">{}</a></li>", attribute(&heading.anchor), escaped(&heading.text))
    };
    format!("<ul>{}</ul>", of(HeadingLevel::H2).map(entry).collect::<String>())
}

fn pages(docs: &Docs, current: Option<usize>) -> String {
    let mut out = String::new();
    let mut group = "";
    for (at, page) in docs.pages.iter().enumerate() {
        let source = page.source;
        if source.group != group {
            let end = if group.is_empty() { "" } else { "</ul>" };
            group = source.group;
            out.push_str(&format!("{end}<p class=\"group\">{}</p><ul>", escaped(group)));
        }
        let is_current = current == Some(at);
        let mark = if is_current { " aria-current=\"page\"" } else { "" };
        let inner = if is_current { headings(page) } else { String::new() };
        out.push_str(&format!(
            "<li><a href=\"{}\"{mark}>{}</a>{inner}</li>",
            links::of(source.slug),
            escaped(source.title)
        ));
    }
    out.push_str("</ul>");
    out
}

fn document(docs: &Docs, title: &str, current: Option<usize>, query: &str, main: &str) -> String {
    let (title, query, pages) = (escaped(title), attribute(query), pages(docs, current));
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title} · Groundswell</title>\n<link rel=\"icon\" href=\"data:,\">\n\
         <link rel=\"stylesheet\" href=\"/docs/style.css\">\n</head>\n<body>\n\
         <a class=\"skip\" href=\"#content\">Skip to the text</a>\n\
         <header>\n<a class=\"home\" href=\"/docs\">Groundswell <span class=\"dim\">documentation</span></a>\n\
         <form action=\"/docs\" role=\"search\"><label class=\"unseen\" for=\"q\">Search the documentation</label>\
         <input id=\"q\" name=\"q\" type=\"search\" maxlength=\"200\" placeholder=\"Search\" value=\"{query}\" required>\
         <button>Search</button></form>\n\
         <a class=\"to-pages\" href=\"#pages\">Pages</a> <a href=\"/\">Dashboard</a>\n</header>\n\
         <div class=\"columns\">\n<main id=\"content\">\n{main}\n</main>\n\
         <nav id=\"pages\" aria-label=\"Pages\">{pages}</nav>\n</div>\n</body>\n</html>\n"
    )
}
