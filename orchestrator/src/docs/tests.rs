//! The pages as they are: every file is one, every link leads somewhere, nothing needs a script.

use std::path::{Path, PathBuf};

use super::*;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs")
}

/// What `before` begins and `after` ends in a text.
fn between<'a>(text: &'a str, before: &'a str, after: char) -> impl Iterator<Item = &'a str> {
    text.split(before).skip(1).filter_map(move |rest| rest.split(after).next())
}

#[test]
fn every_file_is_a_page_but_what_is_for_developers() {
    let mut files: Vec<String> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".md") && name != "open.md")
        .collect();
    files.sort();
    let mut pages: Vec<&str> = PAGES.iter().map(|page| page.file).collect();
    pages.sort_unstable();
    assert_eq!(pages, files);
}

#[test]
fn every_link_leads_to_a_page_and_a_heading_of_it() {
    let has = |slug: &str, anchor: &str| {
        let page = docs().pages.iter().find(|page| page.source.slug == slug);
        page.is_some_and(|page| {
            anchor.is_empty() || page.rendered.headings.iter().any(|heading| heading.anchor == anchor)
        })
    };
    for page in &docs().pages {
        let name = page.source.file;
        for link in between(&page.rendered.html, "<a href=\"", '"').chain(between(
            &page.rendered.html,
            "<a class=\"anchor\" href=\"",
            '"',
        )) {
            if link.starts_with("http") {
                continue;
            }
            let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
            let slug = match path {
                "" => page.source.slug,
                path => path.strip_prefix("/docs").unwrap().trim_start_matches('/'),
            };
            assert!(slug == "plan.schema.json" || has(slug, anchor), "{name}: {link} leads nowhere");
        }
        for source in between(&page.rendered.html, "<img src=\"", '"') {
            assert!(picture(source.strip_prefix("/docs/pictures/").unwrap()).is_some(), "{name}: {source}");
        }
    }
}

/// Links that are left out of the served pages lead to files of the repository all the same.
#[test]
fn every_link_to_a_file_leads_to_one() {
    for page in PAGES {
        for link in
            between(page.text, "](", ')').filter(|link| !link.starts_with("http") && !link.starts_with('#'))
        {
            let file = link.split('#').next().unwrap_or_default();
            assert!(file.is_empty() || folder().join(file).exists(), "{}: {link}", page.file);
        }
    }
}

#[test]
fn every_picture_is_used_small_and_without_styles() {
    for entry in std::fs::read_dir(folder().join("pictures")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let (_, bytes) = picture(&name).unwrap_or_else(|| panic!("{name} is not served"));
        let is_drawn = name.ends_with(".svg");
        assert!(bytes.len() < if is_drawn { 60_000 } else { 200_000 }, "{name}: {} bytes", bytes.len());
        if is_drawn {
            let svg = std::str::from_utf8(bytes).unwrap();
            for forbidden in ["style", "script", "href", "<image"] {
                assert!(!svg.contains(forbidden), "{name} has {forbidden}");
            }
        }
        let shown = name.replace("-dark.png", "-light.png");
        assert!(
            PAGES.iter().any(|page| page.text.contains(&format!("(pictures/{shown})"))),
            "{name} is on no page"
        );
    }
}

#[test]
fn a_picture_in_light_colours_has_one_in_dark_colours_beside_it() {
    let page = markdown::render("![the page](pictures/page-light.png) ![one](pictures/report.png)").html;
    let dark = "<source srcset=\"/docs/pictures/page-dark.png\" media=\"(prefers-color-scheme: dark)\">";
    let light = "<img src=\"/docs/pictures/page-light.png\" alt=\"the page\" />";
    assert!(page.contains(&format!("<picture>{dark}{light}</picture> <img ")), "{page}");
    for page in &docs().pages {
        for source in between(&page.rendered.html, "srcset=\"", '"') {
            assert!(picture(source.strip_prefix("/docs/pictures/").unwrap()).is_some(), "{source}");
        }
    }
}

#[test]
fn pages_are_whole_documents_without_scripts_and_styles() {
    for page in PAGES {
        let html = docs().page(page.slug).unwrap();
        assert!(html.starts_with("<!doctype html>") && html.ends_with("</html>\n"), "{}", page.file);
        for forbidden in ["<script", " style=", "<style", "javascript:"] {
            assert!(!html.contains(forbidden), "{} has {forbidden}", page.file);
        }
        assert_eq!(html.matches("aria-current=\"page\"").count(), 1, "{}", page.file);
    }
    assert!(docs().page("nothing").is_none());
    let found = docs().found("\"><script>lag</script>");
    assert!(!found.contains("<script"), "{found}");
}

#[test]
fn a_search_names_the_section_and_its_page() {
    let found = docs().found("coordinated omission");
    assert!(found.contains("href=\"/docs/loops#") && found.contains("<mark>"), "{found}");
    assert!(docs().found("xyzzy").contains("Nothing was found"));
}
