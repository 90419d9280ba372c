//! Where the links of a page lead when it is served rather than read in the repository.

use super::pages::PAGES;

/// Files of `docs/` that are served beside the pages.
const FILES: [&str; 1] = ["plan.schema.json"];

/// The address of a link. `None`: it leads to a file of the repository that is not served, so its text stands alone.
pub fn address(link: &str) -> Option<String> {
    if link.starts_with('#') || link.starts_with("http://") || link.starts_with("https://") {
        return Some(link.to_owned());
    }
    let (file, anchor) =
        link.split_once('#').map_or((link, String::new()), |(file, anchor)| (file, format!("#{anchor}")));
    if FILES.contains(&file) || file.starts_with("pictures/") {
        return Some(format!("/docs/{file}{anchor}"));
    }
    let page = PAGES.iter().find(|page| page.file == file)?;
    Some(format!("{}{anchor}", of(page.slug)))
}

/// The address of a page.
pub fn of(slug: &str) -> String {
    if slug.is_empty() { "/docs".to_owned() } else { format!("/docs/{slug}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_between_pages_are_rewritten_and_those_out_of_the_docs_left_out() {
        for (link, expected) in [
            ("plans.md#from-what-you-have", Some("/docs/plans#from-what-you-have")),
            ("plans.md", Some("/docs/plans")),
            ("README.md", Some("/docs")),
            ("#templates", Some("#templates")),
            ("plan.schema.json", Some("/docs/plan.schema.json")),
            ("pictures/stall-sent.svg", Some("/docs/pictures/stall-sent.svg")),
            ("https://kafka.apache.org/", Some("https://kafka.apache.org/")),
            ("../bench/RESULTS.md", None),
            ("open.md", None),
        ] {
            assert_eq!(address(link).as_deref(), expected, "{link}");
        }
    }
}
