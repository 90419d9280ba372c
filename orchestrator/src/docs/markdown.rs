//! Markdown to HTML, with an anchor at each heading, and the text of each section for the search.

use pulldown_cmark::{CowStr, Event, HeadingLevel, Options, Parser, Tag, TagEnd, html};

use super::anchors::Anchors;
use super::links;

/// The ends of the names of a picture in light colours and of the same one in dark colours.
const LIGHT: &str = "-light.png";
const DARK: &str = "-dark.png";

/// A heading of a page.
pub struct Heading {
    /// 1 to 6.
    pub level: HeadingLevel,
    /// Its text, without marks.
    pub text: String,
    /// Its name in addresses.
    pub anchor: String,
}

/// What stands below a heading, until the next one.
pub struct Section {
    pub heading: String,
    pub anchor: String,
    /// Its text without marks, one blank between words.
    pub text: String,
}

/// A page.
pub struct Rendered {
    /// What stands on it.
    pub html: String,
    pub headings: Vec<Heading>,
    pub sections: Vec<Section>,
}

/// Renders a page of the documentation.
pub fn render(text: &'static str) -> Rendered {
    let events: Vec<Event> = Parser::new_ext(text, Options::ENABLE_TABLES).collect();
    let mut page = Writer { out: Vec::with_capacity(events.len()), ..Writer::default() };
    for (at, event) in events.iter().enumerate() {
        page.take(event, &events[at..]);
    }
    page.end_section();
    let mut html = String::with_capacity(text.len() * 3 / 2);
    html::push_html(&mut html, page.out.into_iter());
    Rendered { html, headings: page.headings, sections: page.sections }
}

/// Renders a few lines, in which there are no headings.
pub fn fragment(text: &str) -> String {
    let events = Parser::new_ext(text, Options::ENABLE_TABLES).map(|event| match event {
        Event::Html(raw) | Event::InlineHtml(raw) => Event::Text(raw),
        other => other,
    });
    let mut html = String::new();
    html::push_html(&mut html, events);
    html.trim_end().to_owned()
}

#[derive(Default)]
struct Writer {
    out: Vec<Event<'static>>,
    anchors: Anchors,
    headings: Vec<Heading>,
    sections: Vec<Section>,
    /// The text of the section so far.
    text: String,
    /// Whether we are in a link that leads nowhere here.
    in_dead_link: bool,
    in_heading: bool,
    /// Whether we are in a picture that has another one for dark colours.
    in_picture: bool,
}

impl Writer {
    /// Takes one event; `rest` begins with it.
    fn take(&mut self, event: &Event<'static>, rest: &[Event<'static>]) {
        match event {
            Event::Start(Tag::Heading { level, .. }) => self.begin_heading(*level, rest),
            Event::End(TagEnd::Heading(level)) => {
                self.in_heading = false;
                let anchor = self.headings.last().map_or("", |heading| heading.anchor.as_str());
                let mark = format!(
                    " <a class=\"anchor\" href=\"#{anchor}\" aria-label=\"Link to this section\">#</a>"
                );
                self.raw(mark);
                self.out.push(Event::End(TagEnd::Heading(*level)));
            }
            Event::Start(Tag::Link { dest_url, title, .. }) => match links::address(dest_url) {
                Some(address) => {
                    let title = html_escape::encode_double_quoted_attribute(title).into_owned();
                    let title = if title.is_empty() { title } else { format!(" title=\"{title}\"") };
                    let address = html_escape::encode_double_quoted_attribute(&address);
                    self.raw(format!("<a href=\"{address}\"{title}>"));
                }
                None => self.in_dead_link = true,
            },
            Event::End(TagEnd::Link) => {
                if !std::mem::take(&mut self.in_dead_link) {
                    self.raw("</a>".to_owned());
                }
            }
            Event::Start(Tag::Image { link_type, dest_url, title, id }) => {
                let address = links::address(dest_url).unwrap_or_default();
                // A picture in light colours has one in dark colours beside it.
                self.in_picture = address.ends_with(LIGHT);
                if self.in_picture {
                    let dark = html_escape::encode_double_quoted_attribute(&address).replace(LIGHT, DARK);
                    self.raw(format!(
                        "<picture><source srcset=\"{dark}\" media=\"(prefers-color-scheme: dark)\">"
                    ));
                }
                let (dest_url, title, id) = (CowStr::from(address), title.clone(), id.clone());
                self.out.push(Event::Start(Tag::Image { link_type: *link_type, dest_url, title, id }));
            }
            Event::End(TagEnd::Image) => {
                self.out.push(Event::End(TagEnd::Image));
                if std::mem::take(&mut self.in_picture) {
                    self.raw("</picture>".to_owned());
                }
            }
            // No alignment: it would be a style in the HTML, which the page's policy forbids. What is wide scrolls by
            // itself, also by keys.
            Event::Start(Tag::Table(columns)) => {
                self.raw(
                    "<div class=\"wide\" tabindex=\"0\" role=\"group\" aria-label=\"Table\">".to_owned(),
                );
                let columns = columns.iter().map(|_| pulldown_cmark::Alignment::None).collect();
                self.out.push(Event::Start(Tag::Table(columns)));
            }
            Event::End(TagEnd::Table) => {
                self.out.push(Event::End(TagEnd::Table));
                self.raw("</div>\n".to_owned());
            }
            Event::Start(Tag::CodeBlock(_)) => self.raw("<pre tabindex=\"0\"><code>".to_owned()),
            Event::End(TagEnd::CodeBlock) => self.raw("</code></pre>\n".to_owned()),
            // Markdown may hold HTML; ours holds none, and what looks like it is text.
            Event::Html(raw) | Event::InlineHtml(raw) => self.out.push(Event::Text(raw.clone())),
            other => self.out.push(other.clone()),
        }
        self.remember(event);
    }

    /// Collects the section's text.
    fn remember(&mut self, event: &Event<'static>) {
        match event {
            Event::Text(text) | Event::Code(text) | Event::Html(text) | Event::InlineHtml(text)
                if !self.in_heading =>
            {
                self.text.push_str(text);
            }
            Event::SoftBreak
            | Event::HardBreak
            | Event::End(TagEnd::Paragraph | TagEnd::Item | TagEnd::TableCell) => {
                self.text.push(' ');
            }
            _ => {}
        }
    }

    fn begin_heading(&mut self, level: HeadingLevel, rest: &[Event<'static>]) {
        self.end_section();
        self.in_heading = true;
        let until_end = rest.iter().take_while(|event| !matches!(event, Event::End(TagEnd::Heading(_))));
        let text: String = until_end
            .filter_map(|event| match event {
                Event::Text(text) | Event::Code(text) => Some(text.as_ref()),
                Event::SoftBreak => Some(" "),
                _ => None,
            })
            .collect();
        let anchor = self.anchors.next(&text);
        let id = Some(CowStr::from(anchor.clone()));
        self.out.push(Event::Start(Tag::Heading { level, id, classes: Vec::new(), attrs: Vec::new() }));
        self.headings.push(Heading { level, text, anchor });
    }

    fn end_section(&mut self) {
        let words: Vec<&str> = self.text.split_whitespace().collect();
        let text = words.join(" ");
        self.text.clear();
        match self.headings.last() {
            Some(Heading { text: heading, anchor, .. }) => {
                self.sections.push(Section { heading: heading.clone(), anchor: anchor.clone(), text });
            }
            None if text.is_empty() => {}
            None => self.sections.push(Section { heading: String::new(), anchor: String::new(), text }),
        }
    }

    fn raw(&mut self, html: String) {
        self.out.push(Event::InlineHtml(CowStr::from(html)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(markdown: &'static str, expected: &str) {
        assert_eq!(render(markdown).html.trim_end(), expected);
    }

    #[test]
    fn headings_have_anchors_and_links_lead_to_pages() {
        check(
            "## A log-in\n\n[plans](plans.md#templates), [results](../bench/RESULTS.md)",
            "<h2 id=\"a-log-in\">A log-in <a class=\"anchor\" href=\"#a-log-in\" aria-label=\"Link to this section\">#</a></h2>\n\
             <p><a href=\"/docs/plans#templates\">plans</a>, results</p>",
        );
    }

    #[test]
    fn what_is_wide_scrolls_and_nothing_has_a_style() {
        check(
            "| a | b |\n|--:|---|\n| 1 | `<x>` |",
            "<div class=\"wide\" tabindex=\"0\" role=\"group\" aria-label=\"Table\"><table><thead><tr><th>a</th><th>b</th></tr></thead><tbody>\n\
             <tr><td>1</td><td><code>&lt;x&gt;</code></td></tr>\n</tbody></table>\n</div>",
        );
        check("```sh\na < b\n```", "<pre tabindex=\"0\"><code>a &lt; b\n</code></pre>");
        check(
            "![what it shows](pictures/a.svg)",
            "<p><img src=\"/docs/pictures/a.svg\" alt=\"what it shows\" /></p>",
        );
    }

    #[test]
    fn html_in_the_text_is_text() {
        check("a <script>b</script>", "<p>a &lt;script&gt;b&lt;/script&gt;</p>");
        assert_eq!(fragment("a <b>c</b> & `d`"), "<p>a &lt;b&gt;c&lt;/b&gt; &amp; <code>d</code></p>");
    }

    #[test]
    fn a_section_ends_at_the_next_heading() {
        let page =
            render("before\n\n# One\nfirst\nline\n\n- item\n\n## Two `2`\n\n| a | b |\n|---|---|\n| c | d |");
        let sections: Vec<_> =
            page.sections.iter().map(|s| (s.heading.as_str(), s.anchor.as_str(), s.text.as_str())).collect();
        assert_eq!(
            sections,
            [("", "", "before"), ("One", "one", "first line item"), ("Two 2", "two-2", "a b c d")]
        );
    }
}
